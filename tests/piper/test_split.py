"""Taking a Piper graph apart: every part by what it does, exact in stretches, refused when odd."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.piper.tiny import CHANNELS, CONTEXT, FLOW_CONTEXT, HOP, tiny_piper
from tests.tiny import linear_graph
from voicelet.errors import BundleError
from voicelet.piper.flat import as_images
from voicelet.piper.split import split_voice


def session(raw: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("speakers", [1, 3])
def test_the_parts_are_found_by_what_they_do(speakers: int) -> None:
    parts = split_voice(tiny_piper(speakers))
    assert (parts.channels, parts.hop) == (CHANNELS, HOP)
    assert (parts.flow_context, parts.decoder_context) == (FLOW_CONTEXT, CONTEXT)
    assert parts.takes_speaker == (speakers > 1)
    taken = [i.name for i in session(parts.encoder).get_inputs()]
    assert taken == ["input", "input_lengths", "scales", "duration_noise"]
    sid = ["sid"] if speakers > 1 else []
    assert [i.name for i in session(parts.flow).get_inputs()] == ["prior", *sid]
    assert [i.name for i in session(parts.decoder).get_inputs()] == ["latent", *sid]
    for raw in (parts.encoder, parts.flow, parts.decoder):
        assert not [n for n in onnx.load_from_string(raw).graph.node if "Random" in n.op_type]
    assert split_voice(tiny_piper(speakers)) == parts


def test_equal_noise_gives_the_samples_of_the_whole() -> None:
    """Both noises as inputs of the whole graph, against parts with numpy between them."""
    raw = tiny_piper(3)
    parts = split_voice(raw)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 40, (1, 30))
    sid = np.array([2])
    noise = rng.standard_normal((1, 2, 30)).astype(np.float32)
    latent_noise = rng.standard_normal((1, CHANNELS, 2000)).astype(np.float32)
    given = {
        "input": ids,
        "input_lengths": np.array([30]),
        "scales": np.array([0.7, 1.3, 0.9], np.float32),
    }
    coded = dict(
        zip(
            ("mean", "log_deviation", "durations"),
            session(parts.encoder).run(None, {**given, "duration_noise": noise}),
        )
    )
    index = np.repeat(np.arange(30), coded["durations"].reshape(-1).astype(int))
    drawn = latent_noise[0, :, : len(index)].T * np.exp(coded["log_deviation"][0][index])
    prior = coded["mean"][0][index] + drawn * np.float32(0.7)
    latent = session(parts.flow).run(None, {"prior": prior.T[None], "sid": sid})[0]
    samples = session(parts.decoder).run(None, {"latent": latent, "sid": sid})[0]

    whole = onnx.load_from_string(raw)
    for node in whole.graph.node:
        if node.op_type == "RandomNormalLike":
            by_phoneme = not any(i.name == "noise.0" for i in whole.graph.input)
            name, shape = ("noise.0", [1, 2, 30]) if by_phoneme else ("noise.1", ["a", "b", "c"])
            whole.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
            node.op_type = "Identity"
            node.input[0] = name
    feed = {
        **given,
        "sid": sid,
        "noise.0": noise,
        "noise.1": latent_noise[:, :, : len(index)],
    }
    expected = session(whole.SerializeToString()).run(None, feed)[0]
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(samples.reshape(-1), expected.reshape(-1), atol=1e-5)


def test_the_context_is_what_an_impulse_reaches() -> None:
    parts = split_voice(tiny_piper())
    decoder = session(parts.decoder)
    latent = np.random.default_rng(1).standard_normal((1, CHANNELS, 40)).astype(np.float32)
    still = decoder.run(None, {"latent": latent})[0].reshape(-1)
    changed = latent.copy()
    changed[:, :, 20] += 100.0
    moved = np.flatnonzero(decoder.run(None, {"latent": changed})[0].reshape(-1) - still)
    frames = moved // HOP
    assert 20 - CONTEXT <= frames.min() <= 20 - CONTEXT + 1
    assert 20 + CONTEXT - 1 <= frames.max() <= 20 + CONTEXT


def test_images_give_what_sequences_gave() -> None:
    value = helper.make_tensor_value_info
    rng = np.random.default_rng(2)
    weights = {
        "a": rng.standard_normal((4, 3, 5)).astype(np.float32),
        "b": rng.standard_normal((4, 2, 4)).astype(np.float32),
        "two": np.array(2.0, np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["y"], pads=[1, 3], dilations=[1]),
        helper.make_node("Div", ["y", "two"], ["h"]),
        helper.make_node("ConvTranspose", ["h", "b"], ["z"], strides=[2], pads=[1, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, [1, 3, "t"])],
        [value("z", TensorProto.FLOAT, [1, 2, "n"])],
        [numpy_helper.from_array(v, k) for k, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    raw = model.SerializeToString()
    flat = as_images(onnx, raw)
    assert flat != raw
    x = rng.standard_normal((1, 3, 17)).astype(np.float32)
    expected = session(raw).run(None, {"x": x})[0]
    np.testing.assert_allclose(session(flat).run(None, {"x": x})[0], expected, atol=1e-6)
    # A node that minds the number of axes leaves the graph as it was.
    model.graph.node.append(helper.make_node("ReduceMax", ["z"], ["m"], axes=[2]))
    model.graph.output[0].name = "m"
    odd = model.SerializeToString()
    assert as_images(onnx, odd) == odd


def changed(change: Any) -> bytes:
    model = onnx.load_from_string(tiny_piper())
    change(model)
    return bytes(model.SerializeToString())


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[-1]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def replaced(old: str, new: str) -> Any:
    def change(model: onnx.ModelProto) -> None:
        for node in model.graph.node:
            if node.op_type == old:
                node.op_type = new

    return change


def global_pooling(model: onnx.ModelProto) -> None:
    """A decoder that looks at all of time."""
    node = next(n for n in model.graph.node if n.op_type == "Div")
    mean = helper.make_node("ReduceMean", [node.input[0]], ["pooled"], axes=[2], keepdims=1)
    model.graph.node.insert(list(model.graph.node).index(node), mean)
    node.input[1] = "pooled"


def renamed_input(model: onnx.ModelProto) -> None:
    model.graph.input[2].name = "other"


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (b"", "not a"),
        (b"\xff" * 1000, "not an ONNX file"),
        (tiny_piper()[:5000], "not a"),
        (linear_graph(), "not a Piper voice: it takes x, offset"),
        (changed(renamed_input), "it takes input, input_lengths, other"),
        (changed(external), "weights lie in other files"),
        (changed(replaced("Ceil", "Floor")), "rounds durations"),
        (changed(replaced("RandomNormalLike", "Identity")), "draws latents"),
        (changed(replaced("Exp", "Abs")), "spreads its latents"),
        (changed(replaced("ConvTranspose", "Conv")), "makes samples"),
        (changed(replaced("Tanh", "Sin")), "makes samples"),
        (changed(global_pooling), "ReduceMean"),
    ],
)
def test_what_isnt_a_piper_voice_is_refused(raw: bytes, match: str) -> None:
    with pytest.raises(BundleError, match=match):
        split_voice(raw)
