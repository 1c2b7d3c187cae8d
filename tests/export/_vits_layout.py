"""Names and shapes of the tensors in official and Coqui checkpoints, spelt out by hand.

Tiny sizes: 178 symbols, 8 channels, 4 of latent, 2 heads, 1 text layer, 2 speakers of 5 channels.
Nothing here is asked of the models that are tested.
"""

from __future__ import annotations

import torch
from torch import Tensor

C, LATENT, FILTER, HIDDEN_DP, SPEAKERS, G, BINS = 8, 8, 12, 256, 2, 5, 9

OFFICIAL_CONFIG = {
    "train": {"segment_size": 8192},
    "data": {"sampling_rate": 22050, "filter_length": 16, "hop_length": 8, "win_length": 16,
             "add_blank": True, "n_speakers": SPEAKERS},
    "model": {
        "inter_channels": LATENT, "hidden_channels": C, "filter_channels": FILTER, "n_heads": 2,
        "n_layers": 1, "kernel_size": 3, "p_dropout": 0.1, "resblock": "1",
        "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3, 5]],
        "upsample_rates": [4, 2], "upsample_initial_channel": 8, "upsample_kernel_sizes": [8, 4],
        "n_layers_q": 3, "use_spectral_norm": False, "gin_channels": G,
    },
}  # fmt: skip

COQUI_CONFIG = {
    "model": "vits",
    "add_blank": True,
    "audio": {"sample_rate": 22050, "fft_size": 16, "hop_length": 8},
    "characters": {
        "characters_class": "TTS.tts.models.vits.VitsCharacters", "pad": "_", "eos": "", "bos": "",
        "blank": None, "characters": "".join(chr(c) for c in range(97, 123)),
        "punctuations": "!,.?: ", "phonemes": "ɑɐəɚɛɜɡɪɹɾʃʊʌʒʔˈˌːθðŋæɔᵻɫ",
    },
    "model_args": {
        "num_chars": 0, "hidden_channels": C, "hidden_channels_ffn_text_encoder": FILTER,
        "num_heads_text_encoder": 2, "num_layers_text_encoder": 1, "kernel_size_text_encoder": 3,
        "num_layers_flow": 4, "num_layers_posterior_encoder": 16, "out_channels": BINS,
        "resblock_type_decoder": "1", "resblock_kernel_sizes_decoder": [3],
        "resblock_dilation_sizes_decoder": [[1, 3, 5]], "upsample_rates_decoder": [4, 2],
        "upsample_initial_channel_decoder": 8, "upsample_kernel_sizes_decoder": [8, 4],
        "use_sdp": True, "use_speaker_embedding": True, "num_speakers": SPEAKERS,
        "speaker_embedding_channels": G, "inference_noise_scale": 0.5,
        "inference_noise_scale_dp": 0.4,
    },
}  # fmt: skip

Shapes = dict[str, tuple[int, ...]]


def _conv(out: int, into: int, kernel: int, name: str, bias: bool = True) -> Shapes:
    found: Shapes = {f"{name}.weight": (out, into, kernel)}
    return found | ({f"{name}.bias": (out,)} if bias else {})


def _normed(rows: int, second: int, kernel: int, name: str, bias: int) -> Shapes:
    return {
        f"{name}.bias": (bias,),
        f"{name}.weight_g": (rows, 1, 1),
        f"{name}.weight_v": (rows, second, kernel),
    }


def _norm(size: int, name: str) -> Shapes:
    return {f"{name}.gamma": (size,), f"{name}.beta": (size,)}


def _wavenet(name: str, layers: int) -> Shapes:
    found = _normed(2 * C * layers, G, 1, f"{name}.cond_layer", 2 * C * layers)
    for i in range(layers):
        found |= _normed(2 * C, C, 5, f"{name}.in_layers.{i}", 2 * C)
        out = C if i == layers - 1 else 2 * C
        found |= _normed(out, C, 1, f"{name}.res_skip_layers.{i}", out)
    return found


def _separable(name: str) -> Shapes:
    found: Shapes = {}
    for i in range(3):
        found |= _conv(C, 1, 3, f"{name}.convs_sep.{i}") | _conv(C, C, 1, f"{name}.convs_1x1.{i}")
        found |= _norm(C, f"{name}.norms_1.{i}") | _norm(C, f"{name}.norms_2.{i}")
    return found


def _spline(name: str) -> Shapes:
    return (
        _conv(C, 1, 1, f"{name}.pre")
        | _separable(f"{name}.convs")
        | _conv(29, C, 1, f"{name}.proj")
    )


def official_shapes(symbols: int = 178, stochastic: bool = True) -> Shapes:
    found: Shapes = {"enc_p.emb.weight": (symbols, C), "emb_g.weight": (SPEAKERS, G)}
    attention = "enc_p.encoder.attn_layers.0"
    for part in "qkvo":
        found |= _conv(C, C, 1, f"{attention}.conv_{part}")
    found |= {f"{attention}.emb_rel_{kind}": (1, 9, C // 2) for kind in "kv"}
    found |= _norm(C, "enc_p.encoder.norm_layers_1.0") | _norm(C, "enc_p.encoder.norm_layers_2.0")
    found |= _conv(FILTER, C, 3, "enc_p.encoder.ffn_layers.0.conv_1")
    found |= _conv(C, FILTER, 3, "enc_p.encoder.ffn_layers.0.conv_2")
    found |= _conv(2 * LATENT, C, 1, "enc_p.proj")
    found |= _conv(8, LATENT, 7, "dec.conv_pre") | _conv(1, 2, 7, "dec.conv_post", bias=False)
    found |= _conv(8, G, 1, "dec.cond")
    found |= _normed(8, 4, 8, "dec.ups.0", 4) | _normed(4, 2, 4, "dec.ups.1", 2)
    for block, size in ((0, 4), (1, 2)):
        for i in range(3):
            found |= _normed(size, size, 3, f"dec.resblocks.{block}.convs1.{i}", size)
            found |= _normed(size, size, 3, f"dec.resblocks.{block}.convs2.{i}", size)
    found |= _conv(C, BINS, 1, "enc_q.pre") | _wavenet("enc_q.enc", 16)
    found |= _conv(2 * LATENT, C, 1, "enc_q.proj")
    for i in (0, 2, 4, 6):
        found |= _conv(C, LATENT // 2, 1, f"flow.flows.{i}.pre")
        found |= _wavenet(f"flow.flows.{i}.enc", 4)
        found |= _conv(LATENT // 2, C, 1, f"flow.flows.{i}.post")
    if not stochastic:
        found |= _conv(HIDDEN_DP, C, 3, "dp.conv_1") | _conv(HIDDEN_DP, HIDDEN_DP, 3, "dp.conv_2")
        found |= _norm(HIDDEN_DP, "dp.norm_1") | _norm(HIDDEN_DP, "dp.norm_2")
        return found | _conv(1, HIDDEN_DP, 1, "dp.proj") | _conv(C, G, 1, "dp.cond")
    for name, into in (("pre", C), ("proj", C), ("post_pre", 1), ("post_proj", C), ("cond", G)):
        found |= _conv(C, into, 1, f"dp.{name}")
    found |= _separable("dp.convs") | _separable("dp.post_convs")
    for flows in ("dp.flows", "dp.post_flows"):
        found |= {f"{flows}.0.m": (2, 1), f"{flows}.0.logs": (2, 1)}
        for i in (1, 3, 5, 7):
            found |= _spline(f"{flows}.{i}")
    return found


# Official beginnings → Coqui's, the longest first.
_COQUI = [
    *((f"dp.{f}.{o}.", f"duration_predictor.{f}.{t}.") for f in ("flows", "post_flows")
      for o, t in ((1, 1), (3, 2), (5, 3), (7, 4))),
    *((f"dp.{f}.0.m", f"duration_predictor.{f}.0.translation") for f in ("flows", "post_flows")),
    *((f"dp.{f}.0.logs", f"duration_predictor.{f}.0.log_scale") for f in ("flows", "post_flows")),
    *((f"flow.flows.{o}.", f"flow.flows.{t}.") for o, t in ((0, 0), (2, 1), (4, 2), (6, 3))),
    ("dec.cond.", "waveform_decoder.cond_layer."), ("dec.", "waveform_decoder."),
    ("enc_p.", "text_encoder."), ("enc_q.", "posterior_encoder."), ("dp.", "duration_predictor."),
]  # fmt: skip


def random_state(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in sorted(shapes.items()):
        value = torch.randn(shape, generator=generator) * 0.4
        if name.endswith(("weight_g", "gamma")):
            value = value.abs() + 0.5
        state[name] = value
    return state


def coqui_state(official: dict[str, Tensor]) -> dict[str, Tensor]:
    state = {"disc.nets.0.conv_post.bias": torch.zeros(1)}
    for name, value in official.items():
        if name.startswith("dp.norm_"):
            value = value.view(1, -1, 1)
        for ours, theirs in _COQUI:
            if name.startswith(ours):
                name = theirs + name[len(ours) :]
                break
        state[name] = value
    return state
