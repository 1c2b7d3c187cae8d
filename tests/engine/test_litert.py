"""LiteRT behind the engine interface: fixed shapes inside, any length outside."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.litert_graphs import (
    CONTEXT,
    CONVOLUTIONS,
    DATA,
    LENGTHS,
    RECURRENT,
    ROWS,
    convolutions,
    recurrent,
)
from voicelet.bundle import UNHASHED, GraphFile
from voicelet.engine import TensorInfo, choose_form, get_engine, is_installed, open_form, select
from voicelet.engine.litert import LiteRTGraph, plan_pieces
from voicelet.errors import EngineError

needs_litert = pytest.mark.skipif(
    not is_installed("litert"), reason="neither ai-edge-litert nor tflite-runtime is installed"
)
FILE = DATA / "convolutions.tflite"


def given(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "x": rng.standard_normal((1, n, 3)).astype(np.float32),
        "token": rng.integers(0, 4, (1, n)),
        "gain": rng.standard_normal((1, 3)).astype(np.float32),
    }


@pytest.fixture(scope="module")
def graph() -> LiteRTGraph:
    opened = get_engine("litert").open(FILE, layout=CONVOLUTIONS)
    assert isinstance(opened, LiteRTGraph)
    return opened


def form(engine: str) -> GraphFile:
    return GraphFile(f"graph.{engine}", UNHASHED, 0, engine, (), ())


@pytest.mark.parametrize("total", [1, 15, 16, 17, 32, 33, 56, 57, 100, 1001])
def test_pieces_cover_every_place_once_with_its_neighbours(total: int) -> None:
    pieces = plan_pieces(total, LENGTHS, CONTEXT)
    kept = [place for p in pieces for place in range(p.first, p.last)]
    assert kept == list(range(total))
    for p in pieces:
        assert p.stop - p.start <= p.length and p.length in LENGTHS
        assert p.start <= max(0, p.first - CONTEXT)
        assert p.stop >= min(total, p.last + CONTEXT)
    longest = LENGTHS[-1]
    assert len(pieces) <= 1 + max(0, total - longest + 2 * CONTEXT) // (longest - 2 * CONTEXT) + 1


def test_what_cannot_be_cut() -> None:
    assert plan_pieces(32, LENGTHS, None)[0].length == 32
    with pytest.raises(ValueError, match="at most 32, not 33"):
        plan_pieces(33, LENGTHS, None)
    with pytest.raises(ValueError, match="at most 32, not 33"):
        plan_pieces(33, LENGTHS, 16)
    assert [p.length for p in plan_pieces(33, LENGTHS, 0)] == [32, 16]


@needs_litert
@pytest.mark.parametrize("n", [1, 5, 16, 17, 31, 32, 33, 57, 200])
def test_any_length_gives_what_one_run_would(graph: LiteRTGraph, n: int) -> None:
    inputs = given(n, seed=n)
    out, expected = graph.run(inputs), convolutions(**inputs)
    assert set(out) == set(expected)
    for name, value in expected.items():
        assert out[name].shape == value.shape
        np.testing.assert_allclose(out[name], value, rtol=1e-4, atol=1e-5)


@needs_litert
def test_what_was_run_before_leaves_no_trace(graph: LiteRTGraph) -> None:
    inputs = given(5)
    before = graph.run(inputs)["y"].copy()
    graph.run(given(32, seed=1))
    graph.run({**given(16, seed=2), "x": np.full((1, 16, 3), 1e6, np.float32)})
    np.testing.assert_array_equal(graph.run(inputs)["y"], before)


@needs_litert
def test_it_is_described_by_the_manifest(graph: LiteRTGraph) -> None:
    assert graph.inputs == CONVOLUTIONS.inputs
    assert graph.outputs == CONVOLUTIONS.outputs


@needs_litert
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": None}, "input 'x' is missing"),
        ({"keep": np.ones((1, 4, 1), np.float32)}, "no input 'keep'"),
        ({"x": np.zeros((1, 4, 3))}, "float32, not float64"),
        ({"x": np.zeros((1, 5, 3), np.float32)}, r"must be \[1, frames\], not \[1, 4\]"),
    ],
)
def test_wrong_inputs_are_named(
    graph: LiteRTGraph, change: dict[str, np.ndarray | None], message: str
) -> None:
    inputs = {k: v for k, v in {**given(4), **change}.items() if v is not None}
    with pytest.raises(EngineError, match=message):
        graph.run(inputs)


@needs_litert
def test_no_places_at_all(graph: LiteRTGraph) -> None:
    with pytest.raises(EngineError, match="'x' is empty"):
        graph.run(given(0))


@needs_litert
def test_a_graph_that_sees_everything_is_not_cut() -> None:
    layout = replace(CONVOLUTIONS, context_frames=0)
    graph = get_engine("litert").open(FILE, layout=layout)
    assert graph.run(given(32))["y"].shape == (1, 32, 3)
    with pytest.raises(EngineError, match="frames takes at most 32, not 33"):
        graph.run(given(33))


@needs_litert
@pytest.mark.parametrize("rows", [1, ROWS, ROWS + 1, 3 * ROWS + 2])
def test_a_recurrent_graph_is_looped_over(rows: int) -> None:
    graph = get_engine("litert").open(DATA / "recurrent.tflite", layout=RECURRENT)
    x = np.random.default_rng(rows).standard_normal((rows, 6, 2)).astype(np.float32)
    found = graph.run({"x": x})["y"]
    np.testing.assert_allclose(found, recurrent(x), rtol=1e-4, atol=1e-5)


@needs_litert
def test_threads_share_a_graph(graph: LiteRTGraph) -> None:
    def work(i: int) -> bool:
        inputs = given(3 + i % 40, seed=i)
        return np.allclose(graph.run(inputs)["y"], convolutions(**inputs)["y"], 1e-4, 1e-5)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(80)))


@needs_litert
def test_files_and_manifests_that_do_not_fit(tmp_path: Path) -> None:
    engine = get_engine("litert")
    with pytest.raises(EngineError, match="needs the layout"):
        engine.open(FILE)
    with pytest.raises(EngineError, match="no such graph"):
        engine.open(tmp_path / "none.tflite", layout=CONVOLUTIONS)
    whole = FILE.read_bytes()
    contents = [b"", b"RIFF" * 100]
    if importlib.util.find_spec("ai_edge_litert"):
        # tflite-runtime believes what a file says of itself; a bundle's hashes are checked before.
        contents.append(whole[: len(whole) // 2])
    for content in contents:
        (tmp_path / "bad.tflite").write_bytes(content)
        with pytest.raises(EngineError, match=r"bad\.tflite"):
            engine.open(tmp_path / "bad.tflite", layout=CONVOLUTIONS)
    wider = replace(CONVOLUTIONS.inputs[0], shape=(1, "frames", 4))
    other = (wider, *CONVOLUTIONS.inputs[1:])
    with pytest.raises(EngineError, match=r"'x' is \[1, 16, 3\], not \[1, 16, 4\]"):
        engine.open(FILE, layout=replace(CONVOLUTIONS, inputs=other))
    with pytest.raises(EngineError, match="it gives twice, y"):
        engine.open(FILE, layout=replace(CONVOLUTIONS, outputs=CONVOLUTIONS.outputs[:1]))
    with pytest.raises(EngineError, match="it takes"):
        engine.open(DATA / "recurrent.tflite", layout=CONVOLUTIONS)
    fixed = tuple(
        TensorInfo(t.name, t.dtype, tuple(n if isinstance(n, int) else 16 for n in t.shape))
        for t in CONVOLUTIONS.inputs
    )
    with pytest.raises(EngineError, match="0 of its axes vary"):
        engine.open(FILE, layout=replace(CONVOLUTIONS, inputs=fixed))
    with pytest.raises(EngineError, match="at least 1"):
        engine.open(FILE, threads=0, layout=CONVOLUTIONS)


def test_the_first_installed_engine_that_the_bundle_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "is_installed", lambda name: True)
    both = [form("litert"), form("onnx")]
    assert choose_form(both).engine == "litert"
    assert choose_form(both[::-1]).engine == "onnx"
    assert choose_form(both, "onnx").engine == "onnx"
    assert choose_form([form("coreml"), form("onnx")]).engine == "onnx"
    with pytest.raises(EngineError, match='comes for onnx, not for litert; .*engine="auto"'):
        choose_form([form("onnx")], "litert")
    with pytest.raises(EngineError, match="comes for coreml, not for onnx, litert"):
        choose_form([form("coreml")])
    with pytest.raises(EngineError, match="did you mean 'litert'"):
        choose_form(both, "litrt")
    monkeypatch.setattr(select, "is_installed", lambda name: name == "onnx")
    assert choose_form(both).engine == "onnx"


def test_without_litert_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for library in ("ai_edge_litert", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.setitem(sys.modules, f"{library}.interpreter", None)
    assert importlib.util.find_spec("ai_edge_litert") is None
    assert not is_installed("litert")
    with pytest.raises(EngineError, match=r'pip install "voicelet\[litert\]"'):
        choose_form([form("litert")])
    with pytest.raises(EngineError, match=r'pip install "voicelet\[litert\]"'):
        open_form(tmp_path, form("litert"))
