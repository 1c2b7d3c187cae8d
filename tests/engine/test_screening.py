"""What a graph may hold, that only verified bytes run, and that no graph runs for ever."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, load_model, numpy_helper, save_model

from tests.engine.litert_graphs import CONVOLUTIONS, DATA
from tests.tiny import linear_graph
from voicelet.engine import GraphLayout, TensorInfo, get_engine, is_installed, open_form
from voicelet.engine.screening import screen_onnx, screen_tflite
from voicelet.errors import BundleError, BundleTamperedError, EngineError
from voicelet.files import embedded_bundle

X = np.zeros(1, np.float32)


def value(name: str, kind: int = TensorProto.FLOAT, shape: tuple[int | str, ...] = (1,)) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def model(nodes: list[Any], out: Any = None, constants: tuple[Any, ...] = (), **more: Any) -> bytes:
    graph = helper.make_graph(nodes, "g", [value("x")], [out or value("y")], list(constants))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], **more)
    made.ir_version = 8
    return bytes(made.SerializeToString())


def endless_loop() -> bytes:
    """`Loop` with a condition that stays true and no largest number of trips."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["state", "state"], ["next"]),
        ],
        "body",
        [value("i", TensorProto.INT64, ()), value("go", TensorProto.BOOL, ()), value("state")],
        [value("on", TensorProto.BOOL, ()), value("next")],
    )
    yes = numpy_helper.from_array(np.array(True), "yes")
    return model([helper.make_node("Loop", ["", "yes", "x"], ["y"], body=body)], None, (yes,))


def hours_of_work(constant: bool) -> bytes:
    """Products of matrices of 768², 40,000 of them, in a file of 1 MB; no loop.

    With `constant` nothing in it depends on the input, so an engine may do it all while opening.
    """
    shape = numpy_helper.from_array(np.array([768, 768], np.int64), "shape")
    tenth = numpy_helper.from_array(np.array([1e-3], np.float32))
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["m"], value=tenth)]
    last = "m"
    if not constant:
        nodes.append(helper.make_node("Add", ["m", "x"], ["y0"]))
        last = "y0"
    for i in range(1, 40_001):
        nodes.append(helper.make_node("MatMul", [last, "m"], [f"y{i}"]))
        last = f"y{i}"
    nodes.append(helper.make_node("Add", [last, "x"], ["y"]))
    return model(nodes, value("y", shape=(768, 768)), (shape,))


def with_external_data(folder: Path) -> Path:
    """A graph whose weights are in a file beside it, of any length and content."""
    weights = numpy_helper.from_array(np.arange(1024, dtype=np.float32), "w")
    raw = model([helper.make_node("Mul", ["x", "w"], ["y"])], value("y", shape=(1024,)), (weights,))
    made = folder / "made.onnx"
    made.write_bytes(raw)
    path = folder / "g.onnx"
    save_model(
        load_model(made), path, save_as_external_data=True, location="unlisted", size_threshold=0
    )
    assert (folder / "unlisted").stat().st_size == 4096
    return path


# ---------------------------------------------------------------- other files


def test_a_graph_reads_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_external_data(tmp_path)
    monkeypatch.chdir(tmp_path)  # where a graph given as bytes would look
    with pytest.raises(EngineError, match="external data"):
        get_engine().open(path)


def test_external_data_is_found_wherever_it_hides() -> None:
    def tensor(name: str) -> Any:
        made = numpy_helper.from_array(np.zeros(2, np.float32), name)
        made.ClearField("raw_data")
        made.data_location = TensorProto.EXTERNAL
        entry = made.external_data.add()
        entry.key, entry.value = "location", "secret"
        return made

    constant = helper.make_node("Constant", [], ["c"], value=tensor("t"))
    inside = helper.make_graph([constant], "then", [], [value("c", shape=(2,))])
    yes = numpy_helper.from_array(np.array(True), "yes")
    branch = helper.make_node("If", ["yes"], ["y"], then_branch=inside, else_branch=inside)
    sparse = helper.make_sparse_tensor(tensor("s"), numpy_helper.from_array(np.arange(2)), [4])
    dense = helper.make_node("Constant", [], ["y"], sparse_value=sparse)
    for raw in (model([constant]), model([branch], None, (yes,)), model([dense])):
        with pytest.raises(EngineError, match="external data"):
            screen_onnx(raw, "g.onnx")


def test_only_the_bytes_that_were_verified_run(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    path.write_bytes(linear_graph(3.0))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    graph = get_engine().open(path, sha256=digest)
    path.write_bytes(linear_graph(4.0))  # after it was verified, before or after it was opened
    x = np.ones((1, 1, 80), np.float32)
    assert graph.run({"x": x, "offset": np.array([0])})["y"].max() == 3.0
    with pytest.raises(BundleTamperedError, match="SHA-256"):
        get_engine().open(path, sha256=digest)


def test_an_ort_file_is_no_graph(tmp_path: Path) -> None:
    """The other format that ONNX Runtime knows isn't screened, so it isn't read."""
    (tmp_path / "g.onnx").write_bytes(b"\x20\x00\x00\x00ORTM" + bytes(64))
    with pytest.raises(EngineError):
        get_engine().open(tmp_path / "g.onnx")


# ---------------------------------------------------------------- no end


def test_loops_and_what_calls_itself_are_refused(tmp_path: Path) -> None:
    identity = helper.make_node("Identity", ["x"], ["y"])
    inner = helper.make_graph([identity], "inner", [value("x")], [value("y")])
    function = helper.make_function(
        "own", "F", ["x"], ["y"], [identity], [helper.make_opsetid("", 17)]
    )
    beam = helper.make_node("BeamSearch", ["x"], ["y"], domain="com.microsoft", decoder=inner)
    context = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft", embed_mode=0)
    scan = helper.make_node("Scan", ["x"], ["y"], num_scan_inputs=1, body=inner)
    hidden = helper.make_graph([scan], "then", [], [value("y")])
    branch = helper.make_node("If", ["x"], ["y"], then_branch=hidden, else_branch=hidden)
    (tmp_path / "loop.onnx").write_bytes(endless_loop())
    with pytest.raises(EngineError, match="repeats a part of itself .Loop"):
        get_engine().open(tmp_path / "loop.onnx")
    for raw, what in (
        (model([beam]), "repeats"),
        (model([branch]), "Scan"),
        (model([context]), "EPContext"),
        (model([identity], functions=[function]), "function"),
    ):
        with pytest.raises(EngineError, match=what):
            screen_onnx(raw, "g.onnx")
    same = helper.make_graph([identity], "then", [], [value("y")])
    plain = helper.make_node("If", ["x"], ["y"], then_branch=same, else_branch=same)
    screen_onnx(model([plain]), "g.onnx")


@pytest.mark.parametrize("constant", [False, True])
def test_a_graph_of_hours_is_stopped(constant: bool, tmp_path: Path) -> None:
    """In another process, so that a graph that isn't stopped can be: by the limit of this test."""
    path = tmp_path / "g.onnx"
    path.write_bytes(hours_of_work(constant))
    code = (
        "import sys, numpy\n"
        "from pathlib import Path\n"
        "from voicelet.engine import get_engine\n"
        "from voicelet.errors import EngineError\n"
        "try:\n"
        "    graph = get_engine().open(Path(sys.argv[1]), limit_s=0.5)\n"
        "    graph.run({'x': numpy.zeros(1, numpy.float32)})\n"
        "except EngineError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert "stopped after 0.5 s of work" in done.stdout, done.stderr[-2000:]


def test_a_limit_changes_no_result(tmp_path: Path) -> None:
    path = tmp_path / "g.onnx"
    path.write_bytes(linear_graph(3.0))
    feed = {"x": np.ones((1, 5, 80), np.float32), "offset": np.array([2])}
    limited = get_engine().open(path, limit_s=60.0).run(feed)
    np.testing.assert_array_equal(limited["y"], get_engine().open(path).run(feed)["y"])


# ---------------------------------------------------------------- odd tensors

LINEAR = GraphLayout(
    (TensorInfo("x", "float32", (1, "frames", 80)), TensorInfo("offset", "int64", (1,))),
    (TensorInfo("y", "float32", (1, "frames", 80)),),
)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (TensorInfo("z", "float32", (1, "frames", 80)), "no output 'z'"),
        (TensorInfo("y", "float32", (1, "frames", 81)), r"lists float32 \[1, frames, 81\]"),
        (TensorInfo("y", "int64", (1, "frames", 80)), "lists int64"),
        (TensorInfo("y", "float32", ("frames", 80)), r"lists float32 \[frames, 80\]"),
    ],
)
def test_a_graph_must_be_what_its_manifest_says(
    declared: TensorInfo, message: str, tmp_path: Path
) -> None:
    (tmp_path / "g.onnx").write_bytes(linear_graph())
    get_engine().open(tmp_path / "g.onnx", layout=LINEAR)
    with pytest.raises(EngineError, match=message):
        get_engine().open(tmp_path / "g.onnx", layout=GraphLayout(LINEAR.inputs, (declared,)))


def test_outputs_are_checked_when_they_come(tmp_path: Path) -> None:
    """A graph whose output is declared with free axes, and then has three."""
    shape = numpy_helper.from_array(np.array([1, 1, -1], np.int64), "shape")
    raw = model(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])], value("y", shape=("a", "b")), (shape,)
    )
    (tmp_path / "g.onnx").write_bytes(raw)
    with pytest.raises(EngineError, match=r"'?y'?"):
        get_engine().open(tmp_path / "g.onnx").run({"x": X})


def test_a_sequence_is_no_tensor(tmp_path: Path) -> None:
    made = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    raw = model([helper.make_node("SequenceConstruct", ["x"], ["y"])], made)
    (tmp_path / "g.onnx").write_bytes(raw)
    with pytest.raises(EngineError, match="can't handle"):
        get_engine().open(tmp_path / "g.onnx")


# ---------------------------------------------------------------- the files we ship


def test_every_graph_in_the_package_passes() -> None:
    graphs = sorted(embedded_bundle().parents[1].rglob("*.onnx"))
    assert len(graphs) >= 2
    for path in graphs:
        screen_onnx(path.read_bytes(), path.name)


@pytest.mark.parametrize("name", ["convolutions", "recurrent"])
def test_litert_files_pass_unless_they_branch(name: str) -> None:
    raw = (DATA / f"{name}.tflite").read_bytes()
    screen_tflite(raw, name)
    # The codes of its operators, one by one turned into WHILE and into a plug-in's.
    from voicelet.engine import screening

    model_at = int.from_bytes(raw[:4], "little")
    changed = 0
    for code in screening._tables(raw, model_at, 1):
        old, new = (screening._field(raw, code, field) for field in (0, 3))
        if not new:
            continue
        for operator in (119, 32, 118, 31):
            if old and raw[old] > operator:
                continue  # the larger of the two counts
            evil = raw[:new] + operator.to_bytes(4, "little") + raw[new + 4 :]
            with pytest.raises(EngineError, match="WHILE|plug-in|IF|CALL"):
                screen_tflite(evil, name)
            changed += 1
    assert changed


@pytest.mark.skipif(not is_installed("litert"), reason="LiteRT isn't installed")
def test_litert_runs_verified_bytes(tmp_path: Path) -> None:
    path = tmp_path / "g.tflite"
    raw = (DATA / "convolutions.tflite").read_bytes()
    path.write_bytes(raw)
    digest = hashlib.sha256(raw).hexdigest()
    get_engine("litert").open(path, layout=CONVOLUTIONS, sha256=digest)
    path.write_bytes(raw + b"\0")
    with pytest.raises(BundleTamperedError):
        get_engine("litert").open(path, layout=CONVOLUTIONS, sha256=digest)


@given(st.data())
def test_damaged_files_have_named_errors(data: st.DataObject) -> None:
    onnx, litert = endless_loop(), (DATA / "recurrent.tflite").read_bytes()
    for raw, screen in ((onnx, screen_onnx), (litert, screen_tflite)):
        place = data.draw(st.integers(0, len(raw) - 1))
        noise = data.draw(st.binary(max_size=8))
        cut = data.draw(st.integers(0, len(raw)))
        for damaged in (raw[:place] + noise + raw[place + len(noise) :], raw[:cut], noise):
            try:
                screen(damaged, "g")
            except EngineError:
                pass


def test_forms_carry_their_hash(tmp_path: Path) -> None:
    from voicelet.bundle import GraphFile, TensorSpec

    (tmp_path / "g.onnx").write_bytes(linear_graph())
    inputs = tuple(TensorSpec(t.name, t.dtype, t.shape) for t in LINEAR.inputs)
    outputs = tuple(TensorSpec(t.name, t.dtype, t.shape) for t in LINEAR.outputs)
    form = GraphFile("g.onnx", "0" * 64, 1, "onnx", inputs, outputs)
    with pytest.raises(BundleError, match="SHA-256"):
        open_form(tmp_path, form)


def test_telemetry_is_off() -> None:
    """Whichever of the two modules that import ONNX Runtime comes first."""
    code = (
        "import onnxruntime\n"
        "calls = []\n"
        "onnxruntime.disable_telemetry_events = lambda: calls.append(1)\n"
        "{}\n"
        "print(len(calls))\n"
    )
    uses = (
        "from voicelet.engine.onnx import _library; _library(); _library()",
        "import numpy; from voicelet.audio.vad import speech_probability as p\n"
        "p(numpy.zeros(512)); p(numpy.zeros(512))",
    )
    for use in uses:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", code.format(use)], env=env, capture_output=True, text=True
        )
        assert done.stdout.strip() == "1", done.stderr
