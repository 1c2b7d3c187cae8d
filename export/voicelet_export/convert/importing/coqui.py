"""`voicelet-export import vits`: checkpoints of Coqui TTS and of the authors of VITS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from voicelet.config import from_mapping
from voicelet.errors import BundleError, ConfigError
from voicelet_export.convert.importing.checkpoint import (
    origin_of,
    read_checkpoint,
    read_json_object,
    tensors_of,
)
from voicelet_export.convert.importing.hifigan import decoder_sizes
from voicelet_export.convert.importing.vits_names import coqui_to_official, is_coqui, official
from voicelet_export.convert.importing.vits_symbols import coqui_symbols, official_symbols
from voicelet_export.models.teachers.symbols import SymbolTable, read_table
from voicelet_export.models.teachers.vits.voice import VitsVoice, is_training_only, save_vits
from voicelet_export.models.teachers.weight_norm import fold_weight_norm

_COQUI_EPSILON = 1e-4  # of the regressing duration predictor's norms


@dataclass(frozen=True)
class VitsImport:
    """What to import.

    Attributes:
        model: checkpoint, of Coqui's layout or the authors'.
        config: its JSON.
        out: model folder to write.
        symbols: JSON of symbol → id, where the configuration doesn't tell.
        speakers: JSON of speaker → row of the table; rows are named by number without it.
    """

    model: Path
    config: Path
    out: Path
    symbols: Path | None = None
    speakers: Path | None = None


def import_vits(recipe: VitsImport) -> VitsVoice:
    """Import a model and write its folder; what only training needs is kept if it is there.

    Raises:
        BundleError: the files aren't those of a VITS, don't belong together, or need a feature
            that isn't supported (languages, a latent at another rate).
        OutputError: the folder can't be written.
    """
    config = read_json_object(recipe.config)
    found = tensors_of(
        read_checkpoint(recipe.model), ("model", "state_dict", "generator"), recipe.model
    )
    coqui = is_coqui(found)
    state = fold_weight_norm(coqui_to_official(found) if coqui else official(found))
    try:
        table = state["enc_p.emb.weight"]
        data = _coqui(config, state) if coqui else _official(config, state)
        data["model"]["n_symbols"] = int(table.shape[0])
        data["symbols"] = _symbols(recipe, config, coqui, int(table.shape[0]))
        data["speakers"] = _speakers(recipe, int(data["model"]["n_speakers"]))
        data["origin"] = origin_of(recipe.model)
        voice = from_mapping(VitsVoice, data, str(recipe.config))
    except KeyError as error:
        raise BundleError(f"{recipe.config}: {error} is missing; not a VITS's") from None
    except (ConfigError, TypeError) as error:
        raise BundleError(f"{recipe.config}: not a VITS's configuration ({error})") from None
    if not voice.trainable:
        state = {k: v for k, v in state.items() if not is_training_only(k)}
    save_vits(recipe.out, voice, state)
    return voice


def _speaker_sizes(state: dict[str, Tensor]) -> dict[str, Any]:
    """Of the speaker's vector and its table, as the weights have them."""
    width = state["dec.cond.weight"].shape[1] if "dec.cond.weight" in state else 0
    rows = state["emb_g.weight"].shape[0] if "emb_g.weight" in state else 0
    return {
        "n_speakers": int(rows),
        "speaker_channels": int(width),
        "speaker_durations": "dp.cond.weight" in state,
    }


def _finish(model: dict[str, Any], decoder: dict[str, Any], rate: Any, state: Any) -> Any:
    decoder |= {"last_bias": "dec.conv_post.bias" in state}
    decoder |= {"speaker_channels": model["speaker_channels"]}
    model["decoder"] = decoder
    trainable = "enc_q.pre.weight" in state
    return {"model": model, "sample_rate_hz": rate, "trainable": trainable}


def _official(config: dict[str, Any], state: dict[str, Tensor]) -> dict[str, Any]:
    sizes, audio = config["model"], config["data"]
    stochastic = bool(sizes.get("use_sdp", True))
    model = {
        "channels": sizes["hidden_channels"],
        "latent": sizes["inter_channels"],
        "filter": sizes["filter_channels"],
        "heads": sizes["n_heads"],
        "layers": sizes["n_layers"],
        "kernel": sizes["kernel_size"],
        "dropout": float(sizes.get("p_dropout", 0.1)),
        "stochastic_durations": stochastic,
        "spectrum_bins": int(audio["filter_length"]) // 2 + 1,
        **_speaker_sizes(state),
    }
    decoder = decoder_sizes(sizes, model["latent"])
    return _finish(model, decoder, audio["sampling_rate"], state)


def _coqui(config: dict[str, Any], state: dict[str, Tensor]) -> dict[str, Any]:
    sizes = config.get("model_args") or {}
    if sizes.get("use_language_embedding") or "emb_l.weight" in state:
        raise ConfigError("models of several languages can't be imported; use one of English alone")
    if sizes.get("encoder_sample_rate"):
        raise ConfigError("a latent at another rate (encoder_sample_rate) can't be imported")
    stochastic = bool(sizes.get("use_sdp", True))
    channels = sizes.get("hidden_channels", 192)
    model = {
        "channels": channels,
        "latent": channels,
        "filter": sizes.get("hidden_channels_ffn_text_encoder", 768),
        "heads": sizes.get("num_heads_text_encoder", 2),
        "layers": sizes.get("num_layers_text_encoder", 6),
        "kernel": sizes.get("kernel_size_text_encoder", 3),
        "dropout": sizes.get("dropout_p_text_encoder", 0.1),
        "duration_dropout": sizes.get("dropout_p_duration_predictor", 0.5),
        "duration_epsilon": _COQUI_EPSILON,
        "stochastic_durations": stochastic,
        "coupling_layers": sizes.get("num_layers_flow", 4),
        "coupling_kernel": sizes.get("kernel_size_flow", 5),
        "dilation_rate": sizes.get("dilation_rate_flow", 1),
        "posterior_layers": sizes.get("num_layers_posterior_encoder", 16),
        "spectrum_bins": sizes.get("out_channels", 513),
        **_speaker_sizes(state),
    }
    given = {
        "upsample_initial_channel": sizes.get("upsample_initial_channel_decoder", 512),
        "upsample_rates": sizes.get("upsample_rates_decoder", [8, 8, 2, 2]),
        "upsample_kernel_sizes": sizes.get("upsample_kernel_sizes_decoder", [16, 16, 4, 4]),
        "resblock": sizes.get("resblock_type_decoder", "1"),
        "resblock_kernel_sizes": sizes.get("resblock_kernel_sizes_decoder", [3, 7, 11]),
        "resblock_dilation_sizes": sizes.get("resblock_dilation_sizes_decoder", [[1, 3, 5]] * 3),
    }
    data = _finish(model, decoder_sizes(given, channels), config["audio"]["sample_rate"], state)
    data["noise_scale"] = float(sizes.get("inference_noise_scale", 0.667))
    data["duration_noise_scale"] = float(sizes.get("inference_noise_scale_dp", 1.0))
    data["length_scale"] = float(sizes.get("length_scale", 1.0))
    return data


def _symbols(
    recipe: VitsImport, config: dict[str, Any], coqui: bool, n_symbols: int
) -> SymbolTable:
    if recipe.symbols is not None:
        ids = read_table(read_json_object(recipe.symbols), str(recipe.symbols))
        data = config.get("data")
        blanks = config.get("add_blank") if coqui else (data or {}).get("add_blank")
        return SymbolTable("ipa", ids, 0 if blanks else None)
    return coqui_symbols(config) if coqui else official_symbols(config, n_symbols)


def _speakers(recipe: VitsImport, count: int) -> dict[str, int]:
    if recipe.speakers is not None and count:
        names = read_table(read_json_object(recipe.speakers), str(recipe.speakers))
        return {name: ids[0] for name, ids in names.items()}
    return {str(i): i for i in range(count)} or {"": 0}
