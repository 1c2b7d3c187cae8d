"""Equal error rates, and graphs whose weights are stored in fewer bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voicelet.engine import get_engine
from voicelet_export.metrics.eer import equal_error_rate, evaluate_encoder, group_speech

onnx = pytest.importorskip("onnx")
from voicelet_export.compress.quantize.speaker_encoder import quantize_speaker_encoder  # noqa: E402
from voicelet_export.compress.quantize.weights import store_weights  # noqa: E402

ENCODER = (
    Path(__file__).resolve().parents[3] / "export/artifacts/speaker_encoder/speaker_encoder.onnx"
)


def test_equal_error_rate_of_known_distributions() -> None:
    assert equal_error_rate([0.9, 0.8], [0.1, 0.2]) == (0.0, pytest.approx(0.5))
    rate, threshold = equal_error_rate([0.4, 0.7, 0.8, 0.9], [0.1, 0.2, 0.3, 0.6])
    assert rate == pytest.approx(0.25) and 0.4 < threshold < 0.7
    rng = np.random.default_rng(0)
    rate, threshold = equal_error_rate(rng.normal(1, 1, 40000), rng.normal(-1, 1, 40000))
    assert rate == pytest.approx(0.1587, abs=0.005)  # the normal distribution beyond one sigma
    assert threshold == pytest.approx(0.0, abs=0.05)
    same = rng.uniform(size=5000)
    assert equal_error_rate(same, same)[0] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ValueError, match="pairs"):
        equal_error_rate([], [0.1])


class Pitchy:
    """An encoder that knows people by the band that is loudest."""

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        mel = inputs["mel"].mean(axis=1)
        out = np.zeros((len(mel), 256), np.float32)
        out[np.arange(len(mel)), mel.argmax(axis=1)] = 1.0
        return {"embedding": out}


def test_evaluate_encoder() -> None:
    t = np.arange(32000) / 16000
    speech = {
        f"{hz}": [np.sin(2 * np.pi * hz * t + phase).astype(np.float32) for phase in (0, 1, 2)]
        for hz in (300, 1000, 3000)
    }
    report = evaluate_encoder(Pitchy(), speech)
    assert (report.eer, report.n_same, report.n_different) == (0.0, 9, 27)
    assert report.same_mean == pytest.approx(1.0)
    assert report.different_mean == pytest.approx(0.0)
    joined = group_speech(speech, 2)
    assert [len(w) for w in joined["300"]] == [64000]


def test_int8_is_a_quarter_of_the_size_and_hears_the_same(tmp_path: Path) -> None:
    small = tmp_path / "int8.onnx"
    size = quantize_speaker_encoder(ENCODER, small)
    assert size < 0.28 * ENCODER.stat().st_size
    rng = np.random.default_rng(0)
    mel = (10.0 ** rng.uniform(-6, -2, (4, 160, 40))).astype(np.float32)
    engine = get_engine()
    want = engine.open(ENCODER).run({"mel": mel})["embedding"]
    got = engine.open(small).run({"mel": mel})["embedding"]
    assert (want * got).sum(axis=1).min() > 0.99


@pytest.mark.parametrize(("storage", "error"), [("float16", 1e-3), ("int8", 5e-3)])
def test_stored_weights_come_back(tmp_path: Path, storage: str, error: float) -> None:
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(1)
    weight = (rng.standard_normal((64, 48)) * 10.0 ** rng.uniform(-3, 0, (64, 1))).astype("f")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [64, 48])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [64, 48])
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [x],
        [y],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    path = tmp_path / "stored.onnx"
    onnx.save(store_weights(model, storage), path)  # type: ignore[arg-type]
    got = get_engine().open(path).run({"x": np.zeros((64, 48), np.float32)})["y"]
    relative = np.abs(got - weight).max(axis=1) / np.abs(weight).max(axis=1)
    assert relative.max() < error


def test_the_graph_is_made_of_the_weights(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from voicelet.errors import BundleError
    from voicelet_export.convert.speaker_encoder import write_speaker_encoder

    weights = ENCODER.with_suffix(".safetensors")
    assert write_speaker_encoder(weights, tmp_path) > 1_000_000
    assert (tmp_path / "speaker_encoder.safetensors").read_bytes() == weights.read_bytes()
    rng = np.random.default_rng(0)
    mel = (10.0 ** rng.uniform(-6, -2, (4, 160, 40))).astype(np.float32)
    engine = get_engine()
    want = engine.open(ENCODER).run({"mel": mel})["embedding"]
    got = engine.open(tmp_path / "speaker_encoder.onnx").run({"mel": mel})["embedding"]
    assert np.abs(want - got).max() < 1e-3  # the kept weights are float16
    (tmp_path / "no.pt").write_bytes(b"?")
    with pytest.raises(BundleError, match=r"pretrained\.pt"):
        write_speaker_encoder(tmp_path / "no.pt", tmp_path)
