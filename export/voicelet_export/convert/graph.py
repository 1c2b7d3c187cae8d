"""Building ONNX graphs node by node, in the layout that mobile kernels run best.

Everything between the edges of a graph is [rows, channels] and every large weight sits in a `Gemm`
with its bias, so that quantization and every runtime's fusions find what they look for.  Exporters
that trace a model leave a matrix product, an addition and a multiplication where one node will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8
"""What ONNX 1.12 wrote beside opset 17: old enough for runtimes of 2022."""

Shape = Sequence[int | str]
Array = npt.NDArray[Any]

_DTYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64}


class GraphBuilder:
    """Collects nodes and constants; names tell where in the model they come from."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._count = 0

    def input(self, name: str, dtype: str, shape: Shape) -> str:
        """Declare an input; returns its name."""
        self._inputs.append(helper.make_tensor_value_info(name, _DTYPES[dtype], list(shape)))
        return name

    def output(self, value: str, name: str, shape: Shape) -> None:
        """Declare `value` (float32) to be the output `name`."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=f"{name}/out"))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def constant(self, value: npt.ArrayLike, name: str = "") -> str:
        """Store a constant; small unnamed ones of equal value are stored once."""
        array = np.ascontiguousarray(value)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        if not name:
            digest = "_".join(str(v) for v in np.atleast_1d(array).ravel()[:8])
            name = f"c/{array.dtype}/{'x'.join(map(str, array.shape))}/{digest}"
            if array.size > 8:
                raise ValueError("large constants need a name")
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(array, name)
        return name

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node of one output; returns the output's name."""
        self._count += 1
        label = name or f"{kind.lower()}{self._count}"
        value = f"{label}/y"
        self._nodes.append(helper.make_node(kind, list(inputs), [value], name=label, **attributes))
        return value

    def add(self, a: str, b: str) -> str:
        """Elementwise sum."""
        return self.op("Add", a, b)

    def mul(self, a: str, b: str) -> str:
        """Elementwise product."""
        return self.op("Mul", a, b)

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Reshape; 0 keeps a length, -1 is what is left."""
        return self.op("Reshape", x, self.constant(np.array(shape, np.int64)))

    def rows(self, x: str, width: int) -> str:
        """[1, rows, width] → [rows, width]."""
        return self.reshape(x, (-1, width))

    def columns(self, x: str, first: int, last: int) -> str:
        """Columns `first` to `last` of [rows, channels]."""
        bounds = [self.constant(np.array([v], np.int64)) for v in (first, last, 1)]
        return self.op("Slice", x, *bounds)

    def linear(self, x: str, weight: Array, bias: Array, name: str) -> str:
        """`x` [rows, in] · `weight` [out, in] transposed + `bias` [out]."""
        parts = self.constant(weight, f"{name}.weight"), self.constant(bias, f"{name}.bias")
        return self.op("Gemm", x, *parts, name=name, transB=1)

    def layer_norm(self, x: str, scale: str, shift: str, name: str) -> str:
        """Layer norm over channels, `scale` and `shift` [channels] constant or computed."""
        return self.op("LayerNormalization", x, scale, shift, name=name, axis=-1, epsilon=1e-5)

    def depthwise(self, x: str, weight: Array, bias: Array, name: str) -> str:
        """Depthwise convolution along the rows; weight [channels, 1, kernel]."""
        channels, _, kernel = weight.shape
        y = self.op("Transpose", x, perm=[1, 0])
        y = self.reshape(y, (1, channels, 1, -1))
        y = self.op(
            "Conv", y, self.constant(weight[:, :, None], f"{name}.weight"),
            self.constant(bias, f"{name}.bias"), name=name, group=channels,
            kernel_shape=[1, kernel], pads=[0, kernel // 2, 0, kernel // 2],
        )  # fmt: skip
        y = self.reshape(y, (channels, -1))
        return self.op("Transpose", y, perm=[1, 0])

    def convolution(self, x: str, weight: Array, bias: Array, name: str) -> str:
        """Dense convolution along the rows as one matrix product; weight [out, in, kernel]."""
        out, channels, kernel = weight.shape
        side = kernel // 2
        padded = self.op("Pad", x, self.constant(np.array([side, 0, side, 0], np.int64)))
        shifted = []
        for k in range(kernel):
            last = k - 2 * side if k < 2 * side else np.iinfo(np.int64).max
            bounds = [self.constant(np.array([v], np.int64)) for v in (k, last, 0)]
            shifted.append(self.op("Slice", padded, *bounds))
        joined = self.op("Concat", *shifted, axis=1)
        flat = weight.transpose(0, 2, 1).reshape(out, kernel * channels)
        return self.linear(joined, flat, bias, name)

    def model(self) -> onnx.ModelProto:
        """Return the checked model."""
        graph = helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, list(self._constants.values())
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="voicelet-export"
        )
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model
