"""`voicelet-export import piper`: a Piper voice becomes a VITS in torch.

The weights come out of the ONNX graph, and the result must speak as the graph speaks: both are
given the same noise, and their waveforms compared.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from voicelet.config import from_mapping
from voicelet.errors import BundleError, ConfigError
from voicelet_export.convert.importing.checkpoint import origin_of, read_json_object
from voicelet_export.convert.importing.onnx_constants import load_onnx
from voicelet_export.convert.importing.piper_graph import (
    expose_noise_and_durations,
    recover,
    sizes,
)
from voicelet_export.convert.parity import session
from voicelet_export.models.teachers.folder import build
from voicelet_export.models.teachers.symbols import SymbolTable, read_table
from voicelet_export.models.teachers.vits.config import VitsConfig
from voicelet_export.models.teachers.vits.model import Vits
from voicelet_export.models.teachers.vits.voice import VitsVoice, save_vits

log = logging.getLogger(__name__)

LEAST_PARITY_DB = 40.0
_PROBE = "ðə kwˈɪk bɹˈWn fˈɑks, ʤˈʌmps ˈOvəɹ ðə lˈAzi dˈɔɡ."
_SPLINE_BOUND = 5.0  # no graph says it by name; parity would show another
_MOST_FRAMES_A_SYMBOL = 60


@dataclass(frozen=True)
class PiperImport:
    """What to import.

    Attributes:
        voice: the `.onnx`.
        out: model folder to write.
        config: its JSON; `<voice>.json` when `None`.
        seed: of the noise that parity is checked with.
    """

    voice: Path
    out: Path
    config: Path | None = None
    seed: int = 0


@dataclass(frozen=True)
class Parity:
    """How well a graph and the model made of it agree.

    Attributes:
        snr_db: of the model's waveform against the graph's; the worst of all sentences.
        moved: durations that differ (by a frame, where rounding tips over), of `compared`.
    """

    snr_db: float
    moved: int
    compared: int


def import_piper(recipe: PiperImport) -> Parity:
    """Import a voice, check it, and write its model folder.

    Raises:
        BundleError: the files aren't a Piper voice, or the model doesn't speak as the graph does.
        OutputError: the folder can't be written.
    """
    config = read_json_object(recipe.config or Path(f"{recipe.voice}.json"))
    graph = load_onnx(recipe.voice)
    state = {k: torch.from_numpy(np.array(v, np.float32)) for k, v in recover(graph).items()}
    if state.get("emb_g.weight") is None and any(i.name == "sid" for i in graph.graph.input):
        raise BundleError(f"{recipe.voice}: asks for a speaker but has no table of them")
    try:
        voice = _voice(config, sizes(graph, {k: v.numpy() for k, v in state.items()}))
    except ConfigError as error:
        raise BundleError(f"{recipe.voice}: {error}") from None
    model = build(lambda: Vits(voice.model, trainable=False), state, str(recipe.voice))
    parity = check_parity(model, graph, _probe(voice), recipe.seed, recipe.voice)
    log.info("%s: %.1f dB", recipe.voice.name, parity.snr_db)
    # The parity stays out of the folder: its last digits depend on the machine.
    save_vits(recipe.out, replace(voice, origin=origin_of(recipe.voice)), state)
    return parity


def check_parity(
    model: Vits, graph: onnx.ModelProto, ids: np.ndarray[Any, Any], seed: int, place: Path
) -> Parity:
    """Let both speak, with noise and without.

    Args:
        graph: gets inputs for its noise.
        ids: symbols, int64 [N].

    Raises:
        BundleError: the agreement is below :data:`LEAST_PARITY_DB`.
    """
    channels = expose_noise_and_durations(graph, place)
    opened = session(graph)
    names = [i.name for i in opened.get_inputs()]
    rng = np.random.default_rng(seed)
    n_speakers = model.config.n_speakers
    worst, moved, compared = np.inf, 0, 0
    for scales, speaker in (((0.667, 1.0, 0.8), 0), ((0.0, 1.0, 0.0), max(0, n_speakers - 1))):
        feed: dict[str, Any] = {
            "input": ids[None],
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
            "duration_noise": rng.standard_normal((1, 2, len(ids)), np.float32),
            "latent_noise": rng.standard_normal(
                (1, channels, len(ids) * _MOST_FRAMES_A_SYMBOL), np.float32
            ),
            "sid": np.array([speaker], np.int64),
        }
        try:
            wave, units = opened.run(
                ["output", "duration_units"], {k: v for k, v in feed.items() if k in names}
            )
        except Exception as error:  # onnxruntime's errors have no common class
            raise BundleError(f"{place}: its graph can't be run ({error})") from None
        tensors = {k: torch.from_numpy(v) for k, v in feed.items()}
        with torch.no_grad():
            arguments: dict[str, Any] = {
                "ids": tensors["input"],
                "lengths": tensors["input_lengths"],
                "speaker": model.speaker(tensors["sid"]),
                "noise_scale": scales[0],
                "length_scale": scales[1],
                "duration_noise_scale": scales[2],
                "duration_noise": tensors["duration_noise"],
                "latent_noise": tensors["latent_noise"],
            }
            speech = model.infer(**arguments)
            expected = torch.from_numpy(np.array(units, np.float32)).reshape(1, -1)
            difference = (speech.durations - expected).abs()
            moved += int((difference > 0).sum())
            compared += len(ids)
            if 0 < float(difference.max()) <= 1.0:
                speech = model.infer(**arguments, durations=expected)
        worst = min(worst, snr_db(wave.reshape(-1), speech.wave[0].numpy()))
    if worst < LEAST_PARITY_DB or moved > 0.02 * compared:
        raise BundleError(
            f"{place}: the imported model agrees with the graph to {worst:.1f} dB only "
            f"({moved} of {compared} durations differ); it isn't a VITS as Piper exports it"
        )
    return Parity(float(worst), moved, compared)


def snr_db(reference: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Signal-to-noise ratio of `other` against `reference`; -inf if their lengths differ."""
    if len(reference) != len(other):
        return float("-inf")
    wanted = reference.astype(np.float64)
    noise = float(np.sum((wanted - other) ** 2))
    power = float(np.sum(wanted**2))
    return float(10.0 * np.log10(max(power, 1e-30) / max(noise, 1e-30)))


def _voice(config: dict[str, Any], model: dict[str, Any]) -> VitsVoice:
    def part(name: str) -> dict[str, Any]:
        value = config.get(name) or {}
        if not isinstance(value, dict):
            raise ConfigError(f"{name} of the voice's JSON must be an object")
        return value

    names = part("speaker_id_map") if model["n_speakers"] else {}
    rows = {str(i): i for i in range(model["n_speakers"])} or {"": 0}
    scales = part("inference")
    symbols = SymbolTable("piper", read_table(config.get("phoneme_id_map"), "phoneme_id_map"))
    data = {
        "model": {**model, "spline_bound": _SPLINE_BOUND},
        "sample_rate_hz": part("audio").get("sample_rate"),
        "symbols": symbols,
        "speakers": names or rows,
        "noise_scale": scales.get("noise_scale", 0.667),
        "length_scale": scales.get("length_scale", 1.0),
        "duration_noise_scale": scales.get("noise_w", 0.8),
    }
    model_config = from_mapping(VitsConfig, data["model"], "the graph")
    return from_mapping(VitsVoice, {**data, "model": model_config}, "the voice's JSON")


def _probe(voice: VitsVoice) -> np.ndarray[Any, Any]:
    """A sentence in the voice's symbols, or symbols at random for a voice of other ones."""
    ids = voice.symbols.encode(_PROBE).ids
    if len(set(ids.tolist())) < 8:
        ids = np.random.default_rng(0).integers(0, voice.model.n_symbols, 40)
    return ids
