"""The letter-to-sound model as an ONNX graph.

Written node by node rather than traced: the graph is small, and so its weights can be stored as
int8 with a scale for every output channel (symmetric, rounded to nearest) and widened to float32
when the graph is opened.  Arithmetic stays in float32, so pronunciations hardly move.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from voicelet_export.models.g2p import G2P

OPSET = 17
IR_VERSION = 8


class GraphBuilder:
    """Collects nodes and weights."""

    def __init__(self, int8: bool) -> None:
        self.int8 = int8
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, name: str, value: npt.NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def weight(self, name: str, value: npt.NDArray[np.float32], axis: int = 0) -> str:
        """A weight, as int8 with a scale along `axis` where asked for."""
        if not self.int8:
            return self.constant(name, value)
        others = tuple(i for i in range(value.ndim) if i != axis)
        scale = np.maximum(np.abs(value).max(axis=others), 1e-8).astype(np.float32) / 127
        shape = [-1 if i == axis else 1 for i in range(value.ndim)]
        quantized = np.clip(np.rint(value / scale.reshape(shape)), -127, 127).astype(np.int8)
        self.constant(f"{name}.int8", quantized)
        self.constant(f"{name}.scale", scale)
        self.constant(f"{name}.zero", np.zeros(scale.shape, np.int8))
        return self.node(
            "DequantizeLinear", [f"{name}.int8", f"{name}.scale", f"{name}.zero"], name, axis=axis
        )

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def to_onnx(model: G2P, path: Path, *, int8: bool = True) -> int:
    """Write `model` as the bundle's `g2p` graph; returns its bytes.

    Input `letters` int64 [B, L]; output `logits` float32 [B, frames_per_letter · L, units]; the
    units are in the metadata, and what else `voicelet.text.g2p.G2PLabels` holds.
    """
    state = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    channels, kernel = model.config.channels, model.config.kernel
    units = len(model.config.units)
    graph = GraphBuilder(int8)

    def convolve(name: str, x: str, width: int) -> str:
        pads = [width // 2, width // 2]
        weight = graph.weight(f"{name}.w", state[f"{name}.weight"])
        bias = graph.constant(f"{name}.b", state[f"{name}.bias"])
        out = graph.node("Conv", [x, weight, bias], f"{name}.conv", kernel_shape=[width], pads=pads)
        return graph.node("Relu", [out], f"{name}.relu")

    table = graph.weight("embedding", state["embedding.weight"])
    x = graph.node("Gather", [table, "letters"], "embedded")
    x = graph.node("Transpose", [x], "embedded.t", perm=[0, 2, 1])
    for index in range(model.config.layers):
        name = f"convolutions.{index}"
        x = graph.node("Add", [x, convolve(name, x, kernel)], f"{name}.sum")
    x = graph.node("Transpose", [convolve("spread", x, 1)], "spread.t", perm=[0, 2, 1])
    shape = graph.constant("frames", np.array([0, -1, channels], dtype=np.int64))
    x = graph.node("Reshape", [x, shape], "frames.r")
    x = graph.node("Transpose", [x], "frames.t", perm=[0, 2, 1])
    x = graph.node("Add", [x, convolve("mix", x, 3)], "mix.sum")
    x = graph.node("Transpose", [x], "mix.t", perm=[0, 2, 1])
    head = graph.weight("head.w", np.ascontiguousarray(state["head.weight"].T), axis=1)
    x = graph.node("MatMul", [x, head], "head.m")
    graph.node("Add", [x, graph.constant("head.b", state["head.bias"])], "logits")
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "g2p",
            [helper.make_tensor_value_info("letters", TensorProto.INT64, ["B", "L"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "T", units])],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="voicelet-export",
    )
    helper.set_model_props(proto, model.config.labels.metadata())
    onnx.checker.check_model(proto)
    data = proto.SerializeToString()
    path.write_bytes(data)
    return len(data)
