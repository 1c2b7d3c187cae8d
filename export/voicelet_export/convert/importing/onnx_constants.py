"""The constants of an ONNX graph, whatever an exporter made of them.

Exporters fold what they can, give the result a name of their own, and store equal tensors once; so
a weight is looked up by where it is used, and worked out where it is still an expression.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from voicelet.errors import BundleError

Array = npt.NDArray[Any]

# What exporters leave of a weight's expression; none of these makes much of little.
_WORKED_OUT = frozenset(
    [
        "Abs",
        "Add",
        "Cast",
        "Concat",
        "Constant",
        "Div",
        "Exp",
        "Flatten",
        "Gather",
        "Identity",
        "Log",
        "Mul",
        "Neg",
        "Pow",
        "Reciprocal",
        "ReduceL2",
        "ReduceMean",
        "ReduceSum",
        "ReduceSumSquare",
        "Reshape",
        "Shape",
        "Slice",
        "Sqrt",
        "Squeeze",
        "Sub",
        "Transpose",
        "Unsqueeze",
    ]
)


def load_onnx(path: Path) -> onnx.ModelProto:
    """Read a model without following references to other files.

    Raises:
        BundleError: it isn't ONNX, or keeps its weights elsewhere.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf's errors share no class with Python's
        raise BundleError(f"{path}: can't be read as ONNX ({error})") from None
    if not model.graph.node:
        raise BundleError(f"{path}: an empty graph; is it an ONNX file?")
    if any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer):
        raise BundleError(f"{path}: keeps its weights in another file; save it as one file")
    return model


class Constants:
    """Values that don't depend on any input of a graph."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self._opset = {o.domain: o.version for o in model.opset_import} or {"": 15}
        self._tensors = {t.name: t for t in graph.initializer}
        self._values: dict[str, Array] = {}
        self._makers = {out: node for node in graph.node for out in node.output if out}
        self._constant: dict[str, bool] = dict.fromkeys(self._tensors, True)
        for given in graph.input:
            self._constant.setdefault(given.name, False)

    def __contains__(self, name: str) -> bool:
        """Whether `name` is a constant."""
        pending = [name]
        while pending:  # not recursive: a graph may be thousands of nodes deep
            current = pending[-1]
            if current in self._constant:
                pending.pop()
                continue
            node = self._makers.get(current)
            if node is None or node.op_type not in _WORKED_OUT:
                self._constant[current] = False
                continue
            needed = [i for i in node.input if i]
            if len(pending) > 100_000 or current in needed:
                raise BundleError("the graph runs in a circle")
            unknown = [i for i in needed if i not in self._constant]
            if unknown:
                pending += unknown
            else:
                self._constant[current] = all(self._constant[i] for i in needed)
        return self._constant[name]

    def value(self, name: str) -> Array:
        """The value of a constant.

        Raises:
            BundleError: it isn't constant, or can't be worked out.
        """
        if name not in self:
            raise BundleError(f"{name} isn't a constant of the graph")
        if name not in self._values:
            try:
                if name in self._tensors:
                    self._values[name] = numpy_helper.to_array(self._tensors[name])
                else:
                    self._values[name] = self._evaluate(name)
            except (ValueError, TypeError, RuntimeError, KeyError, MemoryError) as error:
                raise BundleError(f"{name} can't be worked out ({error})") from None
        return self._values[name]

    def _evaluate(self, name: str) -> Array:
        from onnx.reference import ReferenceEvaluator

        node = self._makers[name]
        if node.op_type == "Identity":
            return self.value(node.input[0])
        feeds = {i: self.value(i) for i in node.input if i}
        infos = [
            onnx.helper.make_tensor_value_info(
                i, onnx.helper.np_dtype_to_tensor_dtype(v.dtype), list(v.shape)
            )
            for i, v in feeds.items()
        ]
        out = onnx.ValueInfoProto()
        out.name = name
        graph = onnx.helper.make_graph([node], "constant", infos, [out])
        result = ReferenceEvaluator(graph, opsets=self._opset).run([name], feeds)[0]
        return np.asarray(result)
