"""Tiny bundles for tests: real ONNX graphs of a few hundred bytes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from voicelet.audio.features import FeatureConfig
from voicelet.bundle import (
    UNHASHED,
    BundleFile,
    GraphFile,
    GraphSpec,
    Manifest,
    Preset,
    Statistics,
    TensorSpec,
    write_bundle,
)
from voicelet.trust.keys.seal import signing_key_from_bytes


@lru_cache
def linear_graph(scale: float = 2.0, bands: int = 80) -> bytes:
    """A graph `y = scale * x + offset`, x float32 [1, frames, bands], offset int64 [1]."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "frames", bands])
    offset = helper.make_tensor_value_info("offset", TensorProto.INT64, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "frames", bands])
    weight = numpy_helper.from_array(np.eye(bands, dtype=np.float32) * scale, "weight")
    nodes = [
        helper.make_node("MatMul", ["x", "weight"], ["scaled"]),
        helper.make_node("Cast", ["offset"], ["shift"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["scaled", "shift"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "linear", [x, offset], [y], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def tiny_manifest(**changes: Any) -> Manifest:
    """A manifest of one graph, `vocoder`, and two data files; `changes` replace its fields."""
    graph = GraphFile(
        file="vocoder.onnx",
        sha256=UNHASHED,
        bytes=0,
        engine="onnx",
        inputs=(
            TensorSpec("x", "float32", (1, "frames", 80)),
            TensorSpec("offset", "int64", (1,)),
        ),
        outputs=(TensorSpec("y", "float32", (1, "frames", 80)),),
    )
    values: dict[str, Any] = {
        "schema_version": 1,
        "name": "tiny",
        "version": "1",
        "languages": ("en-US",),
        "sample_rate_hz": 24000,
        "features": FeatureConfig(),
        "statistics": Statistics(mel_mean=(-5.0,) * 80, mel_std=(2.0,) * 80, speaker_size=328),
        "phones": "_ abc",
        "graphs": {"vocoder": GraphSpec((graph,), context_frames=8)},
        "data": {
            "lexicon": BundleFile("text/lexicon.txt", UNHASHED, 0),
            "model_card": BundleFile("MODEL_CARD.md", UNHASHED, 0),
        },
        "presets": (Preset("low", 0, "low and calm"),),
        "model_card": "model_card",
        "provenance": {"teacher": "none, it's a test"},
        "measured": {"wer_percent": 100.0},
    }
    return Manifest(**{**values, **changes})


TEST_KEY = signing_key_from_bytes(bytes(range(32)))
"""Signs the bundles of tests that speak; `tests/conftest.py` has it trusted."""

TINY_FILES: dict[str, Path | bytes] = {
    "vocoder.onnx": linear_graph(),
    "text/lexicon.txt": "ab\tæb\n".encode() * 200,
    "MODEL_CARD.md": b"# Tiny\n",
}


def tiny_bundle(folder: Path, signing_key: Any = None, **changes: Any) -> Path:
    """Write a tiny bundle into `folder`, which is returned."""
    write_bundle(folder, tiny_manifest(**changes), TINY_FILES, signing_key)
    return folder
