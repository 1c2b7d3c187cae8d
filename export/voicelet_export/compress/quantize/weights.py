"""Store a graph's weights in fewer bits while it still computes in float32.

For graphs so small that arithmetic in int8 would win nothing, but whose bytes count: every large
weight becomes a float16 or int8 constant followed by a Cast or DequantizeLinear.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Storage = Literal["float16", "int8"]
_SMALLEST = 1024  # values; biases and constants stay as they are


def store_weights(
    model: onnx.ModelProto, storage: Storage, skip: frozenset[str] = frozenset()
) -> onnx.ModelProto:
    """Return a copy of `model` with its large float32 weights stored in fewer bits.

    Args:
        model: float32 graph.
        storage: "float16", or "int8" (symmetric, one scale a row of the output axis).
        skip: names of initializers that are stored as float16 whatever `storage` says.
    """
    out = onnx.ModelProto()
    out.CopyFrom(model)
    nodes: list[onnx.NodeProto] = []
    kept: list[onnx.TensorProto] = []
    for tensor in out.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALLEST:
            kept.append(tensor)
        elif storage == "float16" or tensor.name in skip:
            name = f"{tensor.name}.f16"
            kept.append(numpy_helper.from_array(values.astype(np.float16), name))
            nodes.append(helper.make_node("Cast", [name], [tensor.name], to=onnx.TensorProto.FLOAT))
        else:
            axis = 1 if values.shape[0] == 1 else 0  # an LSTM's weights begin with a direction
            integers, scale = _per_row(values, axis)
            parts = [f"{tensor.name}.i8", f"{tensor.name}.scale"]
            kept += [numpy_helper.from_array(a, n) for a, n in zip((integers, scale), parts)]
            nodes.append(helper.make_node("DequantizeLinear", parts, [tensor.name], axis=axis))
    del out.graph.initializer[:]
    out.graph.initializer.extend(kept)
    body = list(out.graph.node)
    del out.graph.node[:]
    out.graph.node.extend(nodes + body)
    onnx.checker.check_model(out)
    return out


def _per_row(
    values: npt.NDArray[np.float32], axis: int
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    others = tuple(i for i in range(values.ndim) if i != axis)
    scale = np.maximum(np.abs(values).max(axis=others), 1e-9) / 127.0
    shape = [-1 if i == axis else 1 for i in range(values.ndim)]
    integers = np.clip(np.rint(values / scale.reshape(shape)), -127, 127).astype(np.int8)
    return integers, scale.astype(np.float32)
