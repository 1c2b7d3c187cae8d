"""Graphs that give what their role doesn't: named errors, at loading or at speaking."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests.piper.tiny import write_piper
from tests.synth.voices import tiny_voice
from voicelet.bundle import GraphFile, TensorSpec, open_bundle, write_bundle
from voicelet.errors import BundleError
from voicelet.piper.open import open_voice
from voicelet.synth import Voice
from voicelet.text.g2p import G2PLabels, NeuralG2P

_NP = {1: "float32", 7: "int64"}


def reshaped(raw: bytes, output: str, shape: list[int]) -> bytes:
    """The graph with an output brought to another shape by `Reshape`, after tiling it twice."""
    model = onnx.load_model_from_string(raw)
    graph = model.graph
    for node in graph.node:
        for i, name in enumerate(node.output):
            if name == output:
                node.output[i] = "honest"
        for i, name in enumerate(node.input):
            if name == output:
                node.input[i] = "honest"
    graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), "odd_shape"))
    graph.node.append(helper.make_node("Reshape", ["honest", "odd_shape"], [output]))
    for info in graph.output:
        if info.name == output:
            axes: list[Any] = [f"d{i}" if n < 0 else n for i, n in enumerate(shape)]
            info.CopyFrom(helper.make_tensor_value_info(output, 1, axes))
    return bytes(model.SerializeToString())


def renamed(raw: bytes, old: str, new: str) -> bytes:
    model = onnx.load_model_from_string(raw)
    for node in model.graph.node:
        node.output[:] = [new if name == old else name for name in node.output]
        node.input[:] = [new if name == old else name for name in node.input]
    for info in (*model.graph.output, *model.graph.input):
        info.name = new if info.name == old else info.name
    return bytes(model.SerializeToString())


def spec(raw: bytes) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs as the graph itself declares them, so that its manifest is honest."""

    def tensors(infos: Any) -> tuple[TensorSpec, ...]:
        return tuple(
            TensorSpec(
                i.name,
                _NP[i.type.tensor_type.elem_type],
                tuple(d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim),
            )
            for i in infos
        )

    graph = onnx.load_model_from_string(raw).graph
    return tensors(graph.input), tensors(graph.output)


def with_graph(folder: Path, source: Path, role: str, raw: bytes) -> Path:
    """A bundle with another graph in a role, and a manifest that says so."""
    bundle = open_bundle(source)
    old = bundle.manifest.graphs[role].alternatives[0]
    inputs, outputs = spec(raw)
    form = GraphFile(old.file, old.sha256, old.bytes, "onnx", inputs, outputs)
    changed = dataclasses.replace(bundle.manifest.graphs[role], alternatives=(form,))
    graphs = {**bundle.manifest.graphs, role: changed}
    files: dict[str, Path | bytes] = {f.file: bundle.root / f.file for f in bundle.manifest.files()}
    files[old.file] = raw
    return write_bundle(folder, dataclasses.replace(bundle.manifest, graphs=graphs), files).root


def graph_of(source: Path, role: str) -> bytes:
    return open_bundle(source).graph_path(role)[0].read_bytes()


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_voice(tmp_path_factory.mktemp("honest") / "bundle")


@pytest.mark.parametrize(
    ("role", "output", "shape"),
    [
        ("acoustic_encoder", "hidden", [-1, 1, 4]),
        ("acoustic_encoder", "log_duration", [-1, 1]),
        ("acoustic_encoder", "pitch", [-1]),
        ("acoustic_encoder", "energy", [-1, 1, 1]),
        ("acoustic_encoder", "condition", [-1, 1]),
        ("acoustic_decoder", "mel", [-1, 80]),
        ("acoustic_decoder", "mel", [1, -1, 40]),
        ("acoustic_decoder", "log_f0", [-1]),
        ("acoustic_decoder", "voicing", [-1, 1]),
        ("vocoder", "harmonic_log_magnitude", [-1, 1, 601]),
        ("vocoder", "noise_log_magnitude", [601, -1, 1]),
        ("vocoder", "harmonic_phase", [-1, 601]),
        ("vocoder", "target", [1, -1, 40]),
    ],
)
def test_outputs_of_other_shapes(
    honest: Path, role: str, output: str, shape: list[int], tmp_path: Path
) -> None:
    raw = reshaped(graph_of(honest, role), output, shape)
    folder = with_graph(tmp_path / "odd", honest, role, raw)
    with pytest.raises(BundleError, match=output):
        Voice.load(folder, trust_bundle=True).synthesize("hello there")


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("acoustic_encoder", "pitch"),
        ("acoustic_decoder", "voicing"),
        ("vocoder", "noise_log_magnitude"),
        ("vocoder", "harmonic_log_magnitude"),
        ("acoustic_encoder", "speaker"),
        ("vocoder", "mel"),
    ],
)
def test_tensors_of_other_names(honest: Path, role: str, name: str, tmp_path: Path) -> None:
    raw = renamed(graph_of(honest, role), name, "other")
    folder = with_graph(tmp_path / "odd", honest, role, raw)
    with pytest.raises(BundleError):
        Voice.load(folder, trust_bundle=True)


@pytest.mark.parametrize(
    ("role", "output", "shape"),
    [
        ("vits_encoder", "mean", [-1]),
        ("vits_encoder", "log_deviation", [-1, 1, 1]),
        ("vits_encoder", "durations", [-1, 1, 1]),
        ("vits_flow", "latent", [-1]),
        ("vits_decoder", "samples", [-1, 1, 1]),
    ],
)
def test_outputs_of_odd_piper_voices(
    role: str, output: str, shape: list[int], tmp_path: Path
) -> None:
    source = open_voice(write_piper(tmp_path / "piper")).root
    raw = graph_of(source, role)
    name = next(o.name for o in spec(raw)[1] if output in (o.name, "latent", "samples"))
    folder = with_graph(tmp_path / "odd", source, role, reshaped(raw, name, shape))
    with pytest.raises(BundleError):
        Voice.load(folder, trust_bundle=True).synthesize_phones("həlˈO")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite(honest: Path, value: float, tmp_path: Path) -> None:
    """In every output in turn: an error, or samples that are finite."""
    for role in ("acoustic_encoder", "acoustic_decoder", "vocoder"):
        for output in spec(graph_of(honest, role))[1]:
            model = onnx.load_model_from_string(graph_of(honest, role))
            for node in model.graph.node:
                node.output[:] = ["honest" if n == output.name else n for n in node.output]
                node.input[:] = ["honest" if n == output.name else n for n in node.input]
            bad = numpy_helper.from_array(np.array(value, np.float32), "bad")
            model.graph.initializer.append(bad)
            model.graph.node.append(helper.make_node("Add", ["honest", "bad"], [output.name]))
            folder = with_graph(
                tmp_path / role / output.name, honest, role, bytes(model.SerializeToString())
            )
            voice = Voice.load(folder, trust_bundle=True)
            try:
                samples = voice.synthesize("hello").samples
            except BundleError as error:
                assert "finite" in str(error)
            else:
                assert np.isfinite(samples).all()


class _Odd:
    def __init__(self, logits: Any) -> None:
        self._logits = logits

    def run(self, inputs: Any) -> dict[str, Any]:
        return self._logits


@pytest.mark.parametrize(
    "given",
    [
        {"logits": np.zeros((1, 4, 99), np.float32)},
        {"logits": np.zeros((4, 3), np.float32)},
        {"logits": np.zeros((2, 4, 3), np.float32)},
        {},
    ],
)
def test_odd_letter_to_sound_graphs(given: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="letter-to-sound"):
        NeuralG2P(lambda: (_Odd(given), G2PLabels(("", "a", "b")))).phones("word")
