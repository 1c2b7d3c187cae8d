"""The frame classifier of the aligner as the runtime's phone posterior graph.

Batch normalization is folded into the convolutions; weights are stored as int8 with a scale for
every output channel and widened when the graph is opened, as those of the letter-to-sound model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper

from voicelet_export.convert.g2p import IR_VERSION, OPSET, GraphBuilder
from voicelet_export.models.aligner import FrameClassifier


def to_onnx(model: FrameClassifier, path: Path, *, int8: bool = True) -> int:
    """Write `model` as a graph; returns its bytes.

    Input `bands` float32 [1, T, bands] (see `normalize_bands`); outputs `log_posterior` float32
    [1, T, symbols] and `log_prior` float32 [symbols].
    """
    config = model.config
    graph = GraphBuilder(int8)
    x = graph.node("Transpose", ["bands"], "bands.t", perm=[0, 2, 1])
    for index, conv in enumerate([model.first, *model.layers]):
        weight, bias = _folded(conv, model.norms[index])
        dilation = 1 if index == 0 else config.dilations[index - 1]
        name, pad = f"layer.{index}", config.kernel // 2 * dilation
        out = graph.node(
            "Conv",
            [x, graph.weight(f"{name}.w", weight), graph.constant(f"{name}.b", bias)],
            f"{name}.conv",
            kernel_shape=[config.kernel],
            dilations=[dilation],
            pads=[pad, pad],
        )
        out = graph.node("Relu", [out], f"{name}.relu")
        x = out if index == 0 else graph.node("Add", [x, out], f"{name}.sum")
    head = graph.weight("out.w", _numpy(model.out.weight))
    bias_name = graph.constant("out.b", _numpy(model.out.bias))
    x = graph.node("Conv", [x, head, bias_name], "out.conv", kernel_shape=[1])
    x = graph.node("Transpose", [x], "out.t", perm=[0, 2, 1])
    graph.node("LogSoftmax", [x], "log_posterior", axis=-1)
    graph.node("Identity", [graph.constant("prior", _numpy(model.log_prior))], "log_prior")
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "phone_posteriors",
            [helper.make_tensor_value_info("bands", TensorProto.FLOAT, [1, "T", config.n_bands])],
            [
                helper.make_tensor_value_info(
                    "log_posterior", TensorProto.FLOAT, [1, "T", config.classes]
                ),
                helper.make_tensor_value_info("log_prior", TensorProto.FLOAT, [config.classes]),
            ],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="voicelet-export",
    )
    onnx.checker.check_model(proto)
    data: bytes = proto.SerializeToString()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return len(data)


def _numpy(tensor: Any) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = tensor.detach().numpy().astype(np.float32)
    return found


def _folded(conv: Any, norm: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Weight and bias of a convolution with the batch normalization that follows it."""
    with torch.no_grad():
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = conv.weight * scale[:, None, None]
        bias = (conv.bias - norm.running_mean) * scale + norm.bias
    return _numpy(weight), _numpy(bias)
