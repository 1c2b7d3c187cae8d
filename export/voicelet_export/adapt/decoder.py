"""The acoustic decoder of a bundle, read back from its graph into torch to be adapted.

Bundles carry no training checkpoint; int8 weights times their steps are what the device computes
with, so that the adaptation even learns around the quantization.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle
from voicelet.errors import BundleError
from voicelet.speaker.vector import D_VECTOR_SIZE, DEFAULT_LOG_F0, F0_SIZE
from voicelet.synth.source_filter.acoustic import phone_frames, repeat_phones
from voicelet_export.convert.parity import run, session
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticDecoder

log = logging.getLogger(__name__)

_MAX_ERROR = 0.1
"""Relative RMS difference of mels between the graph and what was read from it: int8 arithmetic
makes some 2 %, a graph of another layout far more."""


def read_decoder(bundle: Bundle) -> tuple[AcousticDecoder, str]:
    """The decoder, frozen, and the SHA-256 of the graph it was read from.

    Raises:
        BundleError: the bundle has no ONNX decoder of the default architecture.
    """
    spec = bundle.graph("acoustic_decoder").for_engine("onnx")
    if spec is None or bundle.manifest.architecture != "voicelet":
        raise BundleError("only a voice with an ONNX acoustic decoder can be adapted")
    path = bundle.root / spec.file
    weights = _weights(path)
    try:
        channels = len(weights["project.bias"])
        pitch = _widths(weights, "pitch_blocks")
        mel = _widths(weights, "mel_blocks")
        config = AcousticConfig(
            channels=channels,
            n_mels=len(weights["mel_head.bias"]),
            pitch_blocks=len(pitch),
            mel_blocks=len(mel),
            pitch_hidden=pitch,
            mel_hidden=mel,
            decoder_kernel=weights["mel_blocks.0.depthwise.weight"].shape[-1],
        )
        decoder = AcousticDecoder(config)
        state = decoder.state_dict()
        for name, value in state.items():
            if name.endswith("layer_scale"):  # folded into `contract`
                value.fill_(1.0)
            else:
                value.copy_(torch.from_numpy(weights[name].reshape(value.shape).copy()))
    except (KeyError, ValueError, RuntimeError) as error:
        raise BundleError(f"{path.name} isn't a decoder that can be adapted ({error})") from None
    decoder.load_state_dict(state)
    decoder.eval().requires_grad_(False)
    _compare(decoder, bundle, path)
    return decoder, spec.sha256


def _weights(path: Path) -> dict[str, FloatArray]:
    """Constants by the names of their layers, whichever way they are stored."""
    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
    out: dict[str, FloatArray] = {}
    for name, value in stored.items():
        base, _, kind = name.rpartition(".")
        if kind in ("i8", "i32"):
            step = stored.get(f"{base}.step", stored.get(f"{base}.step.f16"))
            if step is None:
                raise BundleError(f"{path.name}: {name} has no step; make the bundle again")
            step = step.astype(np.float32)
            out[base] = value.astype(np.float32) * step.reshape(-1, *[1] * (value.ndim - 1))
        elif kind == "f16":
            out[base] = value.astype(np.float32)
        elif value.dtype == np.float32:
            out.setdefault(name, value)
    return out


def _widths(weights: dict[str, FloatArray], part: str) -> tuple[int, ...]:
    widths: list[int] = []
    while (bias := weights.get(f"{part}.{len(widths)}.expand.bias")) is not None:
        widths.append(len(bias))
    return tuple(widths)


def _compare(decoder: AcousticDecoder, bundle: Bundle, path: Path) -> None:
    """Both must say the same of what the bundle's own encoder gives: int8 knows no other input."""
    speaker = np.zeros(bundle.manifest.statistics.speaker_size, np.float32)
    speaker[:D_VECTOR_SIZE] = D_VECTOR_SIZE**-0.5
    speaker[D_VECTOR_SIZE : D_VECTOR_SIZE + F0_SIZE] = DEFAULT_LOG_F0
    encoder = session(bundle.graph_path("acoustic_encoder")[0].read_bytes())
    phones = np.arange(1, len(bundle.manifest.phones), dtype=np.int64)
    out = run(encoder, {"phones": phones[None], "speaker": speaker[None]})
    durations = phone_frames(out["log_duration"][0], 1.0)
    frames = repeat_phones(out["hidden"][0], out["pitch"][0], out["energy"][0], durations)
    feed = {
        "frames": frames[None],
        "condition": out["condition"],
        "log_f0_mean": speaker[D_VECTOR_SIZE].reshape(1, 1),
    }
    found = run(session(path.read_bytes()), feed)["mel"]
    with torch.no_grad():
        made = decoder(*(torch.from_numpy(feed[k]) for k in feed))[0].numpy()
    error = float(np.sqrt(np.mean((made - found) ** 2)) / max(1e-6, float(found.std())))
    log.info("the decoder's layers follow its graph to %.1f %%", 100.0 * error)
    if not error < _MAX_ERROR:
        raise BundleError(
            f"{path.name} computes something else than the layers read from it ({error:.0%} apart);"
            " update voicelet"
        )
