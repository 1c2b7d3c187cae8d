"""A tiny voice for tests: real graphs, written by hand, that only numpy and onnx are needed for.

Its "encoder" holds every phone for a number of frames that its index gives, its "decoder" and its
"vocoder" smooth over three frames: enough arithmetic across frames that a wrong cut shows.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from tests.tiny import TEST_KEY, tiny_manifest
from voicelet.bundle import (
    UNHASHED,
    BundleFile,
    GraphFile,
    GraphSpec,
    Preset,
    Statistics,
    TensorSpec,
    write_bundle,
)
from voicelet.text.lexicon import encode_lexicon
from voicelet.text.phones import ENGLISH_SYMBOLS, MULTILINGUAL_SYMBOLS

CHANNELS = 4
CONDITION = 2
BINS = 601
CONTEXT = 1
SPEAKER = 328
LOG_FRAMES = np.log(np.linspace(3.0, 12.0, len(ENGLISH_SYMBOLS)))
"""Log duration by phone index."""
MULTILINGUAL_LOG_FRAMES = np.log(np.linspace(3.0, 12.0, len(MULTILINGUAL_SYMBOLS)))

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def _graph(
    name: str, nodes: list[Any], inputs: Any, outputs: Any, constants: dict[str, Any]
) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        name,
        [value(n, INT64 if n == "phones" else FLOAT, list(s)) for n, s in inputs.items()],
        [value(n, FLOAT, list(s)) for n, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


ENCODER_IO = (
    {"phones": (1, "n"), "speaker": (1, SPEAKER)},
    {
        "hidden": (1, "n", CHANNELS),
        "log_duration": (1, "n"),
        "pitch": (1, "n"),
        "energy": (1, "n"),
        "condition": (1, CONDITION),
    },
)
DECODER_IO = (
    {"frames": (1, "t", CHANNELS + 4), "condition": (1, CONDITION), "log_f0_mean": (1, 1)},
    {"mel": (1, "t", 80), "log_f0": (1, "t"), "voicing": (1, "t")},
)
VOCODER_IO = (
    {"mel": (1, "t", 80), "log_f0": (1, "t"), "voicing": (1, "t")},
    {
        "harmonic_log_magnitude": (1, "t", BINS),
        "harmonic_phase": (1, "t", BINS),
        "noise_log_magnitude": (1, "t", BINS),
        "target": (1, "t", 80),
    },
)


@lru_cache
def encoder(multilingual: bool = False) -> bytes:
    """Hidden states and durations looked up by phone; two channels serve as pitch and energy."""
    rng = np.random.default_rng(1)
    node = helper.make_node
    log_frames = MULTILINGUAL_LOG_FRAMES if multilingual else LOG_FRAMES
    symbols = len(log_frames)
    constants = {
        "table": rng.standard_normal((symbols, CHANNELS)).astype(np.float32),
        "durations": log_frames.astype(np.float32),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
        "first": np.array([0], np.int64),
        "last": np.array([CONDITION], np.int64),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        node("Gather", ["table", "phones"], ["hidden"], axis=0),
        node("Gather", ["durations", "phones"], ["log_duration"], axis=0),
        node("Gather", ["hidden", "zero"], ["pitch"], axis=2),
        node("Gather", ["hidden", "one"], ["energy"], axis=2),
        node("Slice", ["speaker", "first", "last", "axis"], ["condition"]),
    ]
    return _graph("encoder", nodes, *ENCODER_IO, constants)


@lru_cache
def decoder() -> bytes:
    """Averages three frames; the voicing of a frame is the sigmoid of its energy."""
    rng = np.random.default_rng(2)
    node = helper.make_node
    width = CHANNELS + 4
    smooth = np.zeros((width, 1, 3), np.float32) + np.array([0.25, 0.5, 0.25], np.float32)
    constants = {
        "smooth": smooth,
        "to_mel": (rng.standard_normal((width, 80)) * 0.3).astype(np.float32),
        "pitch": np.array(CHANNELS, np.int64),
        "energy": np.array(CHANNELS + 1, np.int64),
        "scale": np.array(0.25, np.float32),
        "sharp": np.array(8.0, np.float32),
        "half": np.array(0.5, np.float32),
    }
    nodes = [
        node("Transpose", ["frames"], ["channels_first"], perm=[0, 2, 1]),
        node("Conv", ["channels_first", "smooth"], ["smoothed"], group=width, pads=[1, 1]),
        node("Transpose", ["smoothed"], ["x"], perm=[0, 2, 1]),
        node("MatMul", ["x", "to_mel"], ["mel"]),
        node("Gather", ["x", "pitch"], ["p"], axis=2),
        node("Mul", ["p", "scale"], ["scaled"]),
        node("Add", ["scaled", "log_f0_mean"], ["log_f0"]),
        node("Gather", ["x", "energy"], ["e"], axis=2),
        node("Add", ["e", "half"], ["shifted"]),
        node("Mul", ["shifted", "sharp"], ["sharpened"]),
        node("Sigmoid", ["sharpened"], ["voicing"]),
    ]
    return _graph("decoder", nodes, *DECODER_IO, constants)


@lru_cache
def vocoder() -> bytes:
    """Filters whose shape follows the smoothed mel."""
    rng = np.random.default_rng(3)
    node = helper.make_node
    smooth = np.zeros((80, 1, 3), np.float32) + np.array([0.25, 0.5, 0.25], np.float32)
    constants = {"smooth": smooth, "down": np.array(-3.0, np.float32)}
    nodes = [
        node("Transpose", ["mel"], ["channels_first"], perm=[0, 2, 1]),
        node("Conv", ["channels_first", "smooth"], ["smoothed"], group=80, pads=[1, 1]),
        node("Transpose", ["smoothed"], ["x"], perm=[0, 2, 1]),
    ]
    for name, shape in VOCODER_IO[1].items():
        weight = rng.standard_normal((80, shape[-1])) * 0.05
        constants[f"{name}.w"] = weight.astype(np.float32)
        nodes.append(node("MatMul", ["x", f"{name}.w"], [f"{name}.raw"]))
        shift = "none" if name.startswith("harmonic") else "down"
        nodes.append(node("Add", [f"{name}.raw", shift], [name]))
    constants["none"] = np.array(0.0, np.float32)
    return _graph("vocoder", nodes, *VOCODER_IO, constants)


LEXICON = {
    "a": "ɐ",
    "hello": "həlˈO",
    "long": "lˈɔŋ",
    "story": "stˈɔɹi",
    "the": "ðə",
    "world": "wˈɜɹld",
    "again": "əɡˈɛn",
}


def _spec(role: str, io_: Any, context: int) -> GraphSpec:
    def tensors(shapes: dict[str, Any]) -> tuple[TensorSpec, ...]:
        return tuple(
            TensorSpec(n, "int64" if n == "phones" else "float32", tuple(s))
            for n, s in shapes.items()
        )

    file = GraphFile(f"{role}.onnx", UNHASHED, 0, "onnx", tensors(io_[0]), tensors(io_[1]))
    return GraphSpec((file,), context)


def speaker_vectors() -> np.ndarray[Any, np.dtype[np.float32]]:
    """A low and a high voice, [2, 328]."""
    vectors = np.zeros((2, SPEAKER), np.float32)
    vectors[:, 0] = 1.0
    vectors[:, 256] = np.log([110.0, 210.0])
    vectors[:, 257] = 0.2
    return vectors


def tiny_voice(
    folder: Path,
    signing_key: Any = TEST_KEY,
    packs: Mapping[str, bytes] | None = None,
    **changes: Any,
) -> Path:
    """Write the bundle of a tiny voice that knows a few words, signed by a key that tests trust.

    Args:
        packs: files of language packs, by their paths inside the bundle.
        changes: of the manifest; with the phones of many languages the encoder knows them.
    """
    presets = io.BytesIO()
    np.save(presets, speaker_vectors())
    values: dict[str, Any] = {
        "phones": ENGLISH_SYMBOLS,
        "statistics": Statistics((-5.0,) * 80, (2.0,) * 80, 0.25, SPEAKER),
        "graphs": {
            "acoustic_encoder": _spec("acoustic_encoder", ENCODER_IO, 0),
            "acoustic_decoder": _spec("acoustic_decoder", DECODER_IO, CONTEXT),
            "vocoder": _spec("vocoder", VOCODER_IO, CONTEXT),
        },
        "data": {
            "lexicon": BundleFile("lexicon.bin", UNHASHED, 0),
            "presets": BundleFile("presets.npy", UNHASHED, 0),
        },
        "presets": (Preset("low", 0), Preset("high", 1)),
        "model_card": "",
    }
    values |= changes
    for name in packs or {}:
        values["data"] = {**values["data"], name: BundleFile(name, UNHASHED, 0)}
    files: dict[str, Path | bytes] = {
        **(packs or {}),
        "acoustic_encoder.onnx": encoder(values["phones"] == MULTILINGUAL_SYMBOLS),
        "acoustic_decoder.onnx": decoder(),
        "vocoder.onnx": vocoder(),
        "lexicon.bin": encode_lexicon(LEXICON, ENGLISH_SYMBOLS),
        "presets.npy": presets.getvalue(),
    }
    write_bundle(folder, tiny_manifest(**values), files, signing_key)
    return folder
