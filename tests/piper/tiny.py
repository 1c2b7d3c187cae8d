"""A tiny voice of the layout Piper exports: every part of VITS, a few kilobytes of random weights.

It differs from Piper's own exports in size and in names alone: nothing may be found by name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SYMBOLS = "_^$ !,.:;?abdefhijklmnopstuvwzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒθᵻˈˌː"
CHANNELS = 6
HOP = 8
RATE = 22050
SPEAKERS = 3
CONTEXT = 6
"""Of the decoder: 3 of the first convolution, then 5/4 and 1/4, 2/4, 2/8 and 3/8 of a frame."""
FLOW_CONTEXT = 2


class Graph:
    """Nodes and weights, named by number."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._rng = np.random.default_rng(seed)

    def __call__(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"t{len(self.nodes)}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def given(self, values: Any, dtype: Any = np.int64) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def random(self, *shape: int, scale: float) -> str:
        return self.given(self._rng.standard_normal(shape) * scale, np.float32)


def _decoder(g: Graph, latent: str, condition: str | None) -> str:
    c = CHANNELS
    x = g("Conv", latent, g.random(8, c, 7, scale=0.2), g.random(8, scale=0.1), pads=[3, 3])
    if condition is not None:
        x = g("Add", x, g("Conv", condition, g.random(8, 5, 1, scale=0.5)))
    x = g("LeakyRelu", x, alpha=0.1)
    up = g.random(8, 6, 8, scale=0.3)
    x = g("ConvTranspose", x, up, g.random(6, scale=0.1), strides=[4], pads=[2, 2])
    y = g("LeakyRelu", x, alpha=0.1)
    y = g("Conv", y, g.random(6, 6, 3, scale=0.2), pads=[2, 2], dilations=[2])
    x = g("Div", g("Add", x, y), g.given(2.0, np.float32))
    x = g("LeakyRelu", x, alpha=0.1)
    x = g("ConvTranspose", x, g.random(6, 4, 4, scale=0.3), strides=[2], pads=[1, 1])
    x = g("LeakyRelu", x)
    x = g("Conv", x, g.random(1, 4, 7, scale=0.08), pads=[3, 3])
    return str(g("Unsqueeze", g("Tanh", x), g.given([1])))


def _repeated(g: Graph, durations: str, frames: str) -> str:
    """The 0-1 matrix [1, T, M] that gives every phoneme its frames."""
    ends = g("CumSum", durations, g.given(2))
    starts = g("Sub", ends, durations)
    place = g("Cast", g("Unsqueeze", frames, g.given([0, 2])), to=TensorProto.FLOAT)
    begun, ended = (g("GreaterOrEqual", place, edge) for edge in (starts, ends))
    return str(g("Cast", g("And", begun, g("Not", ended)), to=TensorProto.FLOAT))


def tiny_piper(speakers: int = 1, seed: int = 1) -> bytes:
    """The `.onnx` of a tiny voice."""
    g, c = Graph(seed), CHANNELS
    one, zero = g.given(1), g.given(0)
    value = helper.make_tensor_value_info
    length = g("Gather", g("Shape", "input"), one)
    places = g("Range", zero, length, one)
    mask = g("Less", g("Unsqueeze", places, g.given([0])), g("Unsqueeze", "input_lengths", one_(g)))
    mask = g("Cast", g("Unsqueeze", mask, one_(g)), to=TensorProto.FLOAT)
    x = g("Gather", g.random(len(SYMBOLS), c, scale=1.0), "input", axis=0)
    x = g("Mul", g("Transpose", x, perm=[0, 2, 1]), mask)
    x = g("Add", x, g("Conv", x, g.random(c, c, 3, scale=0.3), pads=[1, 1]))
    condition = None
    if speakers > 1:
        condition = g("Gather", g.random(speakers, 5, scale=1.0), "sid", axis=0)
        condition = g("Unsqueeze", condition, g.given([2]))
    parts = g("Split", g("Conv", x, g.random(2 * c, c, 1, scale=0.4)), outputs=2, axis=1)
    noise = g("ConstantOfShape", g("Concat", one_(g), g.given([2]), vector(g, length), axis=0))
    noise = g("Mul", g("RandomNormalLike", noise), g("Gather", "scales", g.given(2)))
    log_duration = g("Add", g("Conv", x, g.random(2, c, 1, scale=0.4)), noise)
    log_duration = g("Split", log_duration, outputs=2, axis=1)[0]
    durations = g("Mul", g("Mul", g("Exp", log_duration), mask), g.given(2.0, np.float32))
    durations = g("Ceil", g("Mul", durations, g("Gather", "scales", one)))
    total = g("Cast", g("ReduceSum", durations, g.given([1, 2]), keepdims=0), to=TensorProto.INT64)
    frames = g("Range", zero, g("Squeeze", total, g.given([0])), one)
    alive = g("Less", g("Unsqueeze", frames, g.given([0])), g("Unsqueeze", total, one_(g)))
    alive = g("Cast", g("Unsqueeze", alive, one_(g)), to=TensorProto.FLOAT)
    path = _repeated(g, durations, frames)
    mean, deviation = (
        g("Transpose", g("MatMul", path, g("Transpose", p, perm=[0, 2, 1])), perm=[0, 2, 1])
        for p in parts
    )
    drawn = g("Mul", g("RandomNormalLike", mean), g("Exp", deviation))
    prior = g("Add", mean, g("Mul", drawn, g("Gather", "scales", zero)))
    y = g("Conv", g("Mul", prior, alive), g.random(c, c, 5, scale=0.3), pads=[2, 2])
    if condition is not None:
        y = g("Add", y, g("Conv", condition, g.random(c, 5, 1, scale=0.5)))
    y = g("Mul", g("Sub", prior, g("Tanh", y)), alive)
    y = g("Slice", y, g.given([-1]), g.given([-(2**31)]), one_(g), g.given([-1]))
    output = _decoder(g, g("Mul", y, alive), condition)
    g.nodes.append(helper.make_node("Identity", [output], ["output"]))
    inputs = [
        value("input", TensorProto.INT64, ["batch_size", "phonemes"]),
        value("input_lengths", TensorProto.INT64, ["batch_size"]),
        value("scales", TensorProto.FLOAT, [3]),
    ]
    if speakers > 1:
        inputs.append(value("sid", TensorProto.INT64, ["batch_size"]))
    outputs = [value("output", TensorProto.FLOAT, ["batch_size", 1, 1, "time"])]
    graph = helper.make_graph(g.nodes, "tiny", inputs, outputs, g.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


def one_(g: Graph) -> str:
    """The axis 1, as a list."""
    return g.given([1])


def vector(g: Graph, scalar: str) -> str:
    """A number as a list of one."""
    return str(g("Unsqueeze", scalar, g.given([0])))


def tiny_json(**changes: Any) -> dict[str, Any]:
    """The JSON of a tiny voice."""
    return {
        "audio": {"sample_rate": RATE, "quality": "medium"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {symbol: [i] for i, symbol in enumerate(SYMBOLS)},
        "num_symbols": len(SYMBOLS),
        "num_speakers": 1,
        "speaker_id_map": {},
        "language": {"code": "en_US"},
        "dataset": "tiny",
        **changes,
    }


def write_piper(folder: Path, raw: bytes | None = None, **changes: Any) -> Path:
    """Write a tiny voice and its JSON; returns the `.onnx`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny.onnx"
    path.write_bytes(tiny_piper(changes.get("num_speakers", 1)) if raw is None else raw)
    config = json.dumps(tiny_json(**changes), ensure_ascii=False)
    (folder / "tiny.onnx.json").write_text(config, "utf-8")
    return path
