"""ONNX Runtime behind the engine interface."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.tiny import linear_graph
from voicelet import engine
from voicelet.engine import TensorInfo, get_engine
from voicelet.engine.onnx import OnnxEngine
from voicelet.engine.providers import (
    AUTO_PROVIDERS,
    CPU,
    CUDA,
    TENSORRT,
    missing,
    open_with_fallback,
    requested,
)
from voicelet.errors import ConfigError, EngineError


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
    with pytest.raises(EngineError, match=r"no engine 'onx' \(did you mean 'onnx'\?\)"):
        get_engine("onx")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name.startswith(engine.__name__)]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger=engine.__name__)
    return caplog


def test_the_cpu_is_the_default_and_says_nothing(
    path: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOICELET_PROVIDERS", raising=False)
    OnnxEngine().open(path)
    OnnxEngine([CPU]).open(path)
    assert requested(None, {}) == requested([CPU], {}) == (CPU,)
    assert lines(log) == []


def test_what_this_build_lacks_is_left_out_with_one_line(
    path: Path, log: pytest.LogCaptureFixture
) -> None:
    engine = OnnxEngine([CUDA])
    for _ in range(4):
        out = engine.open(path).run({"x": frames(2), "offset": np.array([1])})["y"]
    np.testing.assert_array_equal(out, frames(2, 4.0))
    assert lines(log) == [f"graphs run on {CPU} ({CUDA} isn't in this build of ONNX Runtime)"]


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_the_library_drops_is_named(
    path: Path, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that claims both, on a machine where neither loads."""
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(AUTO_PROVIDERS))
    monkeypatch.setenv("XDG_CACHE_HOME", str(path.parent / "cache"))
    monkeypatch.setenv("VOICELET_PROVIDERS", "auto")
    OnnxEngine().open(path)
    assert lines(log) == [
        f"graphs run on {CPU} ({TENSORRT} couldn't be loaded; {CUDA} couldn't be loaded)"
    ]
    assert (path.parent / "cache" / "voicelet" / "tensorrt").is_dir()


def test_a_provider_that_fails_hands_over_to_the_next() -> None:
    tried: list[list[str]] = []
    said: list[tuple[int, str]] = []

    def say(level: int, line: str) -> None:
        said.append((level, line))

    def create(names: list[str]) -> list[str]:
        tried.append(names)
        if TENSORRT in names:
            raise RuntimeError("/src/state.cc:729 void f(A&, const B&) Please install\nTensorRT.")
        return names

    names, refused = list(AUTO_PROVIDERS), dict[str, str]()
    for _ in range(2):  # the second graph doesn't try it again
        assert open_with_fallback(names, refused, create, list, say) == [CUDA, CPU]
    assert tried == [names, [CUDA, CPU], [CUDA, CPU]]
    reason = f"{TENSORRT} failed: Please install TensorRT."
    assert said == [(logging.WARNING, f"graphs run on {CUDA}, then {CPU} ({reason})")] * 2

    said.clear()
    open_with_fallback(names, {}, list, list, say)
    assert said == [(logging.INFO, f"graphs run on {TENSORRT}, then {CUDA}, then {CPU}")]

    def never(names: list[str]) -> list[str]:
        raise RuntimeError(f"not on {names[0]}")

    with pytest.raises(RuntimeError, match=f"not on {CPU}"):
        open_with_fallback(names, {}, never, list, say)


def test_providers_are_read_as_makers_write_them() -> None:
    assert requested("auto", {}) == (TENSORRT, CUDA, CPU)
    assert requested(None, {"VOICELET_PROVIDERS": f"{CUDA}, {CPU}"}) == (CUDA, CPU)
    assert requested([CPU, CUDA], {}) == (CUDA, CPU)
    for wrong in ([], "", [""], [3]):
        with pytest.raises(ConfigError, match="providers must be"):
            requested(wrong, {})  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="did you mean 'CUDAExecutionProvider'"):
        missing(["CudaExecutionProvider"], [CPU], [CUDA, CPU])


def test_engines_of_equal_providers_are_one() -> None:
    assert get_engine("onnx", [CUDA]) is get_engine("onnx", (CUDA,))
    assert get_engine("onnx", "auto") is not get_engine()
