"""Dynamic int8: scales of activations are measured while the graph runs.

ONNX Runtime's own quantizer, for `MatMul` and `Gemm` alone: its dynamic convolutions are slower
than float ones.  The scale of a stretch depends on all of the stretch, so a graph that is computed
in overlapping chunks gives other samples than in one piece; :mod:`~.schemes` doesn't choose it
there.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path

import onnx

from voicelet_export.compress.quantize.static_qdq import products

KINDS = ("MatMul", "Gemm")


def quantize_dynamic(model: onnx.ModelProto, names: Iterable[str]) -> onnx.ModelProto:
    """Return a copy of the graph with the named products in dynamic int8.

    Weights have 7 bits and a scale for each output channel.

    Args:
        names: of :func:`~.static_qdq.products`; convolutions among them stay as they are.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization import quantize_dynamic as quantize

    wanted = set(names)
    left = [n.name for n in model.graph.node if n.op_type in KINDS and n.name not in wanted]
    if all(p.name in left or p.kind not in KINDS for p in products(model)):
        return model
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it advises on the root logger
    try:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "graph.onnx"
            quantize(
                model,
                target,
                op_types_to_quantize=["MatMul"],  # a Gemm is turned into one first
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                # It renames a Gemm that it turned into a MatMul.
                nodes_to_exclude=left + [f"{name}_MatMul" for name in left],
            )
            return onnx.load(target)
    finally:
        root.setLevel(level)
