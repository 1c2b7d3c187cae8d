"""Any graph in eight bits: every scheme, the gate, the search, and files that come out the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from voicelet.errors import BundleError, ConfigError
from voicelet_export.cli.main import main
from voicelet_export.compress.quantize.dynamic import quantize_dynamic
from voicelet_export.compress.quantize.files import (
    GraphRecipe,
    Settings,
    quantize_file,
    read_feeds,
    read_graph,
    report_path,
)
from voicelet_export.compress.quantize.schemes import (
    Gate,
    Search,
    mel_difference_db,
    scheme_quantizer,
    speed_ratios,
)
from voicelet_export.compress.quantize.sensitivity import error_db, fewest_kept
from voicelet_export.compress.quantize.static_qdq import (
    measure_products,
    products,
    quantize_products,
)
from voicelet_export.convert.parity import run, session

WIDTH = 48


def generator(seed: int = 0, opset: int = 15, spread: float = 0.0) -> onnx.ModelProto:
    """A small HiFi-GAN: convolution, transposed convolution, a residual block, audio.

    Args:
        spread: how many powers of ten the channels of the sensitive convolution differ by.
    """
    rng, node = np.random.default_rng(seed), helper.make_node
    weights: dict[str, Any] = {}

    def weight(name: str, *shape: int, gain: float = 1.0) -> list[str]:
        scale = gain / np.sqrt(np.prod(shape[1:]))
        value = rng.standard_normal(shape) * scale
        weights[f"{name}.w"] = value.astype(np.float32)
        channels = shape[1] if name == "up" else shape[0]
        weights[f"{name}.b"] = (0.1 * rng.standard_normal(channels)).astype(np.float32)
        return [f"{name}.w", f"{name}.b"]

    pre = weight("pre", WIDTH, 24, 7)
    weights["pre.w"] *= 10.0 ** (spread * rng.random((WIDTH, 1, 1))).astype(np.float32)
    nodes = [
        node("Conv", ["z", *pre], ["a"], name="pre", pads=[3, 3]),
        node("LeakyRelu", ["a"], ["b"], name="l0", alpha=0.1),
        node("ConvTranspose", ["b", *weight("up", WIDTH, WIDTH, 8, gain=2.0)], ["c"], name="up",
             strides=[4], pads=[2, 2]),
        node("LeakyRelu", ["c"], ["d"], name="l1", alpha=0.1),
        node("Conv", ["d", *weight("r0", WIDTH, WIDTH, 3)], ["e"], name="r0", pads=[1, 1]),
        node("LeakyRelu", ["e"], ["f"], name="l2", alpha=0.1),
        node("Conv", ["f", *weight("r1", WIDTH, WIDTH, 3)], ["g"], name="r1", pads=[3, 3],
             dilations=[3]),
        node("Add", ["c", "g"], ["h"], name="sum"),
        node("Conv", ["h", *weight("depth", WIDTH, 1, 3)], ["i"], name="depth", pads=[1, 1],
             group=WIDTH),
        node("Relu", ["i"], ["j"], name="relu"),
        node("Conv", ["j", *weight("post", 1, WIDTH, 7)], ["k"], name="post", pads=[3, 3]),
        node("Tanh", ["k"], ["wave"], name="tanh"),
    ]  # fmt: skip
    return checked(nodes, weights, [1, 24, "t"], "z", "wave", [1, 1, "n"], opset)


def perceptron(names: bool = True) -> onnx.ModelProto:
    """MatMul, Gemm in both layouts, Relu: rows in, rows out."""
    rng, node = np.random.default_rng(3), helper.make_node
    shapes = {"m": (80, 96), "g": (96, 96), "t": (64, 96)}
    weights = {
        f"{k}.w": (rng.standard_normal(v) / 9.0).astype(np.float32) for k, v in shapes.items()
    }
    weights |= {"g.b": np.ones(96, np.float32), "t.b": np.zeros(64, np.float32)}
    label = (lambda n: n) if names else (lambda n: "")
    nodes = [
        node("MatMul", ["x", "m.w"], ["a"], name=label("m")),
        node("Relu", ["a"], ["b"], name=label("r")),
        node("Gemm", ["b", "g.w", "g.b"], ["c"], name=label("g")),
        node("Relu", ["c"], ["d"], name=label("r2")),
        node("Gemm", ["d", "t.w", "t.b"], ["y"], name=label("t"), transB=1),
    ]
    return checked(nodes, weights, ["n", 80], "x", "y", ["n", 64], 17)


def checked(
    nodes: list[Any], weights: dict[str, Any], given: Any, x: str, y: str, made: Any, opset: int
) -> onnx.ModelProto:
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [info(x, TensorProto.FLOAT, given)],
        [info(y, TensorProto.FLOAT, made)],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    return model


def latents(count: int, length: int = 60) -> list[dict[str, Any]]:
    rng = np.random.default_rng(1)
    return [{"z": rng.standard_normal((1, 24, length)).astype(np.float32)} for _ in range(count)]


def rows(count: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(2)
    return [{"x": rng.standard_normal((50, 80)).astype(np.float32)} for _ in range(count)]


def error(model: onnx.ModelProto, other: onnx.ModelProto, feeds: list[Any]) -> float:
    opened = session(model), session(other)
    return error_db([run(opened[0], f) for f in feeds], [run(opened[1], f) for f in feeds])


def test_a_generators_convolutions_go_to_int8() -> None:
    model, feeds = generator(), latents(6)
    found = {p.name: p.kind for p in products(model)}
    # The transposed and the depthwise one have no int8 kernel, the last is too small.
    assert found == {"pre": "Conv", "r0": "Conv", "r1": "Conv"}
    scales = measure_products(model, feeds[:4])
    quantized = quantize_products(model, scales, list(found))
    coded = {t.name for t in quantized.graph.initializer if t.data_type == TensorProto.INT8}
    assert {"pre.w.i8", "r0.w.i8", "r1.w.i8"} <= coded
    assert -45.0 < error(model, quantized, feeds[4:]) < -25.0
    # A part of the input gives that part of the output: scales don't follow the input.
    whole = run(session(quantized), feeds[5])["wave"]
    part = run(session(quantized), {"z": feeds[5]["z"][..., 10:40]})["wave"]
    np.testing.assert_allclose(part[..., 48:-48], whole[..., 40:160][..., 48:-48], atol=1e-5)


def test_kernels_of_int8_run_the_convolutions(tmp_path: Path) -> None:
    """The runtime fuses what is written: no float convolution of a quantized product is left."""
    import onnxruntime

    model = generator()
    quantized = quantize_products(model, measure_products(model, latents(2)), ["pre", "r0", "r1"])
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "fused.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        quantized.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    kinds = [n.op_type for n in onnx.load(tmp_path / "fused.onnx").graph.node]
    assert kinds.count("QLinearConv") == 3
    assert kinds.count("QLinearLeakyRelu") == 1  # the one between two of them
    assert kinds.count("Conv") + kinds.count("FusedConv") == 2


def test_products_of_rows_in_every_layout() -> None:
    model, feeds = perceptron(), rows(6)
    assert {p.name: p.axis for p in products(model)} == {"m": 1, "g": 1, "t": 0}
    static = quantize_products(model, measure_products(model, feeds[:4]), ["m", "g", "t"])
    dynamic = quantize_dynamic(model, ["m", "g", "t"])
    for quantized in (static, dynamic):
        assert quantized.ByteSize() < 0.42 * model.ByteSize()
        assert -45.0 < error(model, quantized, feeds[4:]) < -28.0
    one = quantize_dynamic(model, ["g"])
    assert [n.op_type for n in one.graph.node].count("MatMulInteger") == 1
    assert any(t.name.startswith("g.w_quantized") for t in one.graph.initializer)
    assert quantize_dynamic(generator(), ["pre"]).ByteSize() == generator().ByteSize()


def test_storage_keeps_what_it_is_told_to() -> None:
    model, feeds = generator(), latents(2)
    all_int8 = scheme_quantizer(model, "weights-int8", [])(["pre", "r0", "r1"])
    but_one = scheme_quantizer(model, "weights-int8", [])(["r0", "r1"])
    half = scheme_quantizer(model, "fp16", [])([])
    assert all_int8.ByteSize() < but_one.ByteSize() < half.ByteSize() < 0.55 * model.ByteSize()
    assert error(model, half, feeds) < -60.0 < error(model, all_int8, feeds) < -35.0


def test_what_cannot_be_quantized_says_so() -> None:
    with pytest.raises(BundleError, match="opset 12"):
        quantize_products(generator(opset=12), {}, ["pre"])
    with pytest.raises(ConfigError, match="real inputs"):
        scheme_quantizer(generator(), "static", [])
    with pytest.raises(ConfigError, match="no scheme 'int4'"):
        Search(generator(), latents(1), latents(1)).run("int4")


@pytest.mark.parametrize("needed", [0, 1, 2, 5, 11, 16, 17])
def test_the_fewest_products_stay_in_float(needed: int) -> None:
    tried: list[int] = []

    def passes(kept: int) -> bool:
        tried.append(kept)
        return kept >= needed

    assert fewest_kept(16, passes) == (needed if needed <= 16 else None)
    assert len(tried) == len(set(tried)) <= 10


def test_the_sensitive_product_goes_back_to_float() -> None:
    """One convolution's channels differ by two powers of ten, and its output has one scale."""
    model, feeds = generator(spread=2.0), latents(8)
    search = Search(model, feeds[:5], feeds[5:], Gate(max_error_db=-24.0, streamed=True), rounds=1)
    _, report = search.run("static")
    errors = {op.name: op.error_db for op in report.ops}
    worst = max(errors, key=lambda name: errors[name] or -120.0)
    assert report.best.kept[0] == worst
    assert {op.name for op in report.ops if op.precision == "fp16"} == set(report.best.kept)
    assert 0 < len(report.best.kept) < 3
    assert report.best.figures["error_db"] <= -24.0


def test_a_scheme_that_fails_is_refused_and_auto_does_without(tmp_path: Path) -> None:
    model, feeds = generator(), latents(4)
    gate = Gate(max_error_db=-55.0, streamed=True)
    with pytest.raises(BundleError, match="static doesn't pass the gate.*fine-tune"):
        Search(model, feeds[:3], feeds[3:], gate, rounds=1).run("static")
    chosen, report = Search(model, feeds[:3], feeds[3:], gate, rounds=1).run()
    by_name = {row.scheme: row for row in report.schemes}
    assert {k for k, row in by_name.items() if row.passed} == {"fp16", "none"}
    assert report.chosen in ("fp16", "none") and "dynamic" not in by_name
    assert by_name["static"].speed_ratio is None and (by_name["fp16"].speed_ratio or 0) > 0
    assert error(model, chosen, feeds) <= -55.0


def test_losses_decide_where_there_are_any() -> None:
    model, feeds = perceptron(), rows(4)
    size = model.ByteSize()

    def evaluate(tried: onnx.ModelProto) -> dict[str, float]:
        return {"loss": 1.0 if tried.ByteSize() > 0.5 * size else 1.1}

    gate = Gate()
    _, report = Search(model, feeds[:3], feeds[3:], gate, evaluate, rounds=1).run()
    by_name = {row.scheme: row for row in report.schemes}
    # Eight bits make it smaller than these losses stand, and fp16 alone doesn't.
    assert {k for k, row in by_name.items() if row.passed} == {"fp16", "none"}
    assert by_name["fp16"].figures["loss_change"] == 0.0
    assert set(by_name["static"].kept) == {"m", "g", "t"}

    with pytest.raises(BundleError, match="need voiced speech"):
        Search(model, feeds[:3], feeds[3:], gate, lambda _: {"loss": float("nan")})


def test_audio_is_compared_by_its_mels() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((1, 1, 24000)).astype(np.float32)
    louder = [{"y": noise * np.float32(10 ** (2 / 20))}]
    assert mel_difference_db([{"y": noise}], louder) == pytest.approx(2.0, abs=0.02)
    # The same spectrum with other phases: far in samples, near in mels.
    turned = np.fft.irfft(np.fft.rfft(noise) * np.exp(0.3j), 24000).astype(np.float32)
    assert error_db([{"y": noise}], [{"y": turned}]) > -12.0
    assert mel_difference_db([{"y": noise}], [{"y": turned}]) < 0.1


def test_times_are_compared_in_turns() -> None:
    small, feed = perceptron(), {"x": np.zeros((400, 80), np.float32)}
    ratios = speed_ratios({"a": small, "b": small}, "a", feed, 5)
    assert ratios["a"] == 1.0 and 0.5 < ratios["b"] < 2.0


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., GraphRecipe]:
    onnx.save(generator(), tmp_path / "g.onnx")
    sets = {f"{i}/z": f["z"] for i, f in enumerate(latents(4, 40))}
    np.savez(tmp_path / "feeds.npz", **sets)

    def recipe(out: str = "q.onnx", **changes: Any) -> GraphRecipe:
        settings = Settings(**{"rounds": 1, **changes})
        return GraphRecipe(tmp_path / "g.onnx", tmp_path / out, tmp_path / "feeds.npz", settings)

    return recipe


def test_the_same_bytes_come_out_again(files: Callable[..., GraphRecipe]) -> None:
    recipe = files()
    first = quantize_file(recipe)
    made, told = recipe.out.read_bytes(), report_path(recipe.out).read_text()
    recipe.out.unlink()  # cut off after the report, before the graph
    assert quantize_file(recipe) == first
    assert recipe.out.read_bytes() == made and report_path(recipe.out).read_text() == told
    data = json.loads(told)
    assert data["chosen"] == first.chosen and {op["type"] for op in data["ops"]} == {"Conv"}
    # Other settings aren't taken for the same.
    other = quantize_file(files(scheme="fp16"))
    assert other.chosen == "fp16" and recipe.out.read_bytes() != b""


def test_hostile_files_leave_nothing_behind(
    files: Callable[..., GraphRecipe], tmp_path: Path
) -> None:
    recipe = files()
    good = recipe.calibration.read_bytes()
    for content in (b"", b"PK\x03\x04junk", good[: len(good) // 2]):
        recipe.calibration.write_bytes(content)
        with pytest.raises(ConfigError, match=r"not a \.npz"):
            quantize_file(recipe)
    np.savez(recipe.calibration, **{"0/y": np.zeros((1, 24, 9), np.float32)})
    with pytest.raises(ConfigError, match="set 0 holds y; the graph takes z"):
        quantize_file(recipe)
    np.savez(recipe.calibration, z=np.zeros((1, 24, 9)))
    with pytest.raises(ConfigError, match="float64; the graph takes float32"):
        quantize_file(recipe)
    recipe.graph.write_bytes(recipe.graph.read_bytes()[:900])
    with pytest.raises(BundleError, match="not a graph"):
        quantize_file(recipe)
    assert not recipe.out.exists() and not report_path(recipe.out).exists()


def test_nodes_without_names_get_one(tmp_path: Path) -> None:
    onnx.save(perceptron(names=False), tmp_path / "g.onnx")
    np.savez(tmp_path / "f.npz", x=rows(1)[0]["x"])
    model = read_graph(tmp_path / "g.onnx")
    assert [p.name for p in products(model)] == ["MatMul.0", "Gemm.2", "Gemm.4"]
    assert len(read_feeds(tmp_path / "f.npz", model)) == 1


def test_the_command(files: Callable[..., GraphRecipe], capsys: Any) -> None:
    recipe = files()
    given = ["--graph", str(recipe.graph), "--calibration", str(recipe.calibration)]
    out = ["--out", str(recipe.out), "--rounds", "1"]
    assert main(["quantize", *given, *out, "--waveform", "--streamed", "--scheme", "static"]) == 0
    report = json.loads(report_path(recipe.out).read_text())
    assert report["chosen"] == "static" and report["schemes"][0]["figures"]["mel_db"] <= 0.3
    # Where the output is audio, products are ordered by what is heard of them.
    heard = [op["mel_db"] for op in report["ops"]]
    kept = [op["mel_db"] for op in report["ops"] if op["precision"] == "fp16"]
    assert all(v > 0 for v in heard) and sorted(heard)[len(heard) - len(kept) :] == sorted(kept)
    assert main(["quantize", "--graph", str(recipe.graph), *out]) == 2
    assert "--calibration" in capsys.readouterr().err
