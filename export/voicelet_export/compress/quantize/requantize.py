"""Quantize a voice again with the scales that an earlier quantization of it chose.

Calibration needs the corpora, which no checkout holds.  What it found is in every int8 graph: which
products are quantized, and the scale of each activation.  With these, the float weights of a
milestone give the int8 graphs of their bundle again.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import numpy_helper

from voicelet.bundle import Bundle
from voicelet.errors import BundleError
from voicelet_export.compress.quantize.static_qdq import products, quantize_products
from voicelet_export.compress.quantize.weights import store_weights
from voicelet_export.models.int8_codes import Scale


def quantize_like(
    models: Mapping[str, onnx.ModelProto], bundle: Bundle
) -> dict[str, onnx.ModelProto]:
    """Quantize float32 graphs as the graphs of a bundle are quantized.

    Args:
        models: role → float32 graph.
        bundle: of models of the same architecture, statically quantized for ONNX Runtime.

    Returns:
        role → int8 graph; its weights are those of `models`.

    Raises:
        BundleError: a graph of the bundle isn't there, isn't quantized so, or is of another model.
    """
    out = {}
    for role, model in models.items():
        path = bundle.root / f"{role}.onnx"
        try:
            path = next(
                bundle.root / a.file
                for a in bundle.manifest.graphs[role].alternatives
                if a.engine == "onnx"
            )
            given = onnx.load(str(path))
        except (KeyError, StopIteration):
            raise BundleError(f"{bundle.root}: has no {role} for ONNX Runtime") from None
        names, scales = static_scales(given)
        if not names <= {p.name for p in products(model)} or not names:
            raise BundleError(
                f"{path}: made of another model, or not quantized with constant scales; calibrate "
                "on caches instead"
            )
        out[role] = store_weights(quantize_products(model, scales, sorted(names)), "float16")
    return out


def static_scales(model: onnx.ModelProto) -> tuple[set[str], dict[str, Scale]]:
    """Which products of a graph by :func:`quantize_products` are in int8, and its scales.

    Returns:
        names of the products, and tensor → scale of the activations.
    """
    arrays = {t.name: t for t in model.graph.initializer}
    names, scales = set(), {}
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and all(n in arrays for n in node.input[1:3]):
            step, zero = (numpy_helper.to_array(arrays[n]) for n in node.input[1:3])
            scales[node.output[0].removesuffix(".u8")] = Scale(float(step), int(zero))
        elif node.op_type in ("Gemm", "MatMul", "Conv") and node.input[1].endswith(".dq"):
            names.add(node.name)
    return names, scales
