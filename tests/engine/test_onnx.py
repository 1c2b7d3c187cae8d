"""ONNX Runtime behind the engine interface."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import linear_graph
from voicelet.engine import TensorInfo, get_engine
from voicelet.engine.onnx import OnnxEngine
from voicelet.errors import EngineError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "linear.onnx"
    file.write_bytes(linear_graph(3.0))
    return file


def frames(n: int, value: float = 1.0) -> np.ndarray:
    return np.full((1, n, 80), value, dtype=np.float32)


def test_runs_and_describes(path: Path) -> None:
    graph = get_engine().open(path)
    assert graph.inputs == (
        TensorInfo("x", "float32", (1, "frames", 80)),
        TensorInfo("offset", "int64", (1,)),
    )
    assert graph.outputs == (TensorInfo("y", "float32", (1, "frames", 80)),)
    out = graph.run({"x": frames(7, 2.0), "offset": np.array([5])})
    assert list(out) == ["y"]
    np.testing.assert_array_equal(out["y"], frames(7, 11.0))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": frames(2)}, "'offset' is missing"),
        ({"x": frames(2), "offset": np.array([1]), "z": frames(1)}, "no input 'z'"),
        ({"x": frames(2).astype(np.float64), "offset": np.array([1])}, "float32, not float64"),
        ({"x": frames(2)[0], "offset": np.array([1])}, r"must be \[1, frames, 80\], not \[2, 80\]"),
        ({"x": frames(2)[..., :79], "offset": np.array([1])}, r"not \[1, 2, 79\]"),
        ({"x": frames(2), "offset": np.array([1, 2])}, r"must be \[1\], not \[2\]"),
        ({"x": [[1.0]], "offset": np.array([1])}, "numpy array"),
    ],
)
def test_wrong_inputs_are_named(path: Path, inputs: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        get_engine().open(path).run(inputs)


def test_inputs_that_are_not_contiguous(path: Path) -> None:
    x = np.arange(2 * 160, dtype=np.float32).reshape(1, 2, 160)[..., ::2]
    out = get_engine().open(path).run({"x": x, "offset": np.array([0])})["y"]
    np.testing.assert_allclose(out, x * 3.0)


def test_threads_share_a_graph(path: Path) -> None:
    graph = get_engine().open(path)

    def work(i: int) -> bool:
        out = graph.run({"x": frames(3 + i % 5, float(i)), "offset": np.array([i])})["y"]
        return out.shape[1] == 3 + i % 5 and bool(np.all(out == 4.0 * i))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(200)))


def test_what_is_not_a_graph(tmp_path: Path) -> None:
    engine = get_engine()
    with pytest.raises(EngineError, match="no such graph"):
        engine.open(tmp_path / "none.onnx")
    for content in (b"", b"RIFF" * 100, linear_graph(3.0)[:-20]):
        bad = tmp_path / "bad.onnx"
        bad.write_bytes(content)
        with pytest.raises(EngineError, match=r"bad\.onnx"):
            engine.open(bad)


def test_providers_and_threads(path: Path) -> None:
    with pytest.raises(EngineError, match="has no NoSuchProvider"):
        OnnxEngine(["NoSuchProvider"]).open(path)
    with pytest.raises(EngineError, match="at least 1"):
        get_engine().open(path, threads=0)
    with pytest.raises(EngineError, match="no engine 'onx'; did you mean 'onnx'"):
        get_engine("onx")
