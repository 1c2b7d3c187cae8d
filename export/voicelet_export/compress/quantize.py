"""Static int8 quantization of the matrix products of a graph.

Every chosen `Gemm` gets a quantized input (uint8, one scale measured on real features), quantized
weights (int8, one scale an output channel) and an int32 bias, written as QuantizeLinear and
DequantizeLinear pairs, which runtimes fuse and which mean the same where they don't.  Scales of
activations are constants and not measured as the graph runs: a frame then comes out the same
whatever stretch it is computed in, which streaming needs.

Weights have 7 bits, for the AVX2 kernels of x86 add pairs of products in 16 bits and saturate on 8
(`reduce_range` of ONNX Runtime's own quantizer).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from voicelet_export.convert.parity import run, session

FloatArray = npt.NDArray[np.float32]
Feed = Mapping[str, npt.NDArray[Any]]

WEIGHT_MAX = 63
"""Largest quantized weight: 7 bits."""
MIN_WEIGHTS = 4096
"""Smaller products (the heads of durations, pitch and voicing) win nothing and err audibly."""
_CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
_KEPT_VALUES = 200_000


@dataclass(frozen=True)
class Scale:
    """How a tensor is quantized to uint8: real = (value - zero) · step."""

    step: float
    zero: int


def gemm_names(model: onnx.ModelProto) -> list[str]:
    """Names of the `Gemm` nodes worth quantizing, in the order of the graph."""
    large = {t.name for t in model.graph.initializer if np.prod(t.dims) >= MIN_WEIGHTS}
    return [n.name for n in model.graph.node if n.op_type == "Gemm" and n.input[1] in large]


def measure_scales(model: onnx.ModelProto, feeds: Sequence[Feed]) -> dict[str, Scale]:
    """Run the graph on real inputs and choose a scale for the input of every `Gemm`.

    Of a few clipping thresholds the one of the least squared error is taken.

    Args:
        feeds: inputs of the graph, enough to see the whole range of every activation.

    Returns:
        name of the tensor → its scale.
    """
    names = set(gemm_names(model))
    watched = sorted({n.input[0] for n in model.graph.node if n.name in names})
    given = {v.name for v in model.graph.input}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    for name in watched:
        if name not in given:
            probe.graph.output.append(helper.make_empty_tensor_value_info(name))
    opened = session(probe)
    values: dict[str, list[FloatArray]] = {name: [] for name in watched}
    each = max(1, _KEPT_VALUES // len(feeds))
    rng = np.random.default_rng(0)
    for feed in feeds:
        found = {**run(opened, feed), **feed}
        for name in watched:
            flat = found[name].reshape(-1)
            picked = flat[rng.integers(0, len(flat), each)] if len(flat) > each else flat
            # The extremes must be seen, whatever is picked.
            values[name].append(np.append(picked, [flat.min(), flat.max()]).astype(np.float32))
    return {name: best_scale(np.concatenate(v)) for name, v in values.items()}


def best_scale(values: FloatArray) -> Scale:
    """The uint8 scale of the least squared error on `values`."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    best, least = Scale(1.0, 0), float("inf")
    for clip in _CLIPS:
        scale = _scale(low * clip, high * clip)
        coded = np.clip(np.rint(values / scale.step) + scale.zero, 0, 255)
        error = float(np.square((coded - scale.zero) * scale.step - values).mean())
        if error < least:
            best, least = scale, error
    return best


def _scale(low: float, high: float) -> Scale:
    step = max((high - low) / 255.0, 1e-9)
    return Scale(float(np.float32(step)), int(np.clip(np.rint(-low / step), 0, 255)))


def quantize_weight(weight: FloatArray) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Symmetric int8 of 7 bits, one step an output channel; weight [out, in]."""
    steps = np.maximum(np.abs(weight).max(axis=1), 1e-8) / WEIGHT_MAX
    coded = np.clip(np.rint(weight / steps[:, None]), -WEIGHT_MAX - 1, WEIGHT_MAX)
    return coded.astype(np.int8), steps.astype(np.float32)


def quantize_gemms(
    model: onnx.ModelProto, scales: Mapping[str, Scale], names: Iterable[str]
) -> onnx.ModelProto:
    """Return a copy of the graph with the named `Gemm` nodes in int8.

    A `Relu` between two quantized products disappears: uint8 from zero up cuts below zero, too.

    Args:
        scales: of :func:`measure_scales`.
        names: nodes to quantize, of :func:`gemm_names`.
    """
    chosen = set(names)
    arrays = {t.name: t for t in model.graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for value in node.input:
            readers.setdefault(value, []).append(node)
    relus = {
        node.output[0]: node.input[0]
        for node in model.graph.node
        if node.op_type == "Relu"
        and len(readers[node.input[0]]) == 1
        and scales.get(node.output[0], Scale(1.0, 1)).zero == 0
        and all(r.name in chosen for r in readers[node.output[0]])
    }
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, onnx.TensorProto] = {}
    coded: dict[str, str] = {}

    def constant(name: str, value: npt.NDArray[Any]) -> str:
        constants[name] = numpy_helper.from_array(value, name)
        return name

    def activation(name: str) -> str:
        if name not in coded:
            scale = scales[name]
            step = constant(f"{name}.step", np.array(scale.step, np.float32))
            zero = constant(f"{name}.zero", np.array(scale.zero, np.uint8))
            source = relus.get(name, name)
            pair = f"{name}.u8", f"{name}.dq"
            nodes.append(helper.make_node("QuantizeLinear", [source, step, zero], [pair[0]]))
            nodes.append(helper.make_node("DequantizeLinear", [pair[0], step, zero], [pair[1]]))
            coded[name] = pair[1]
        return coded[name]

    for node in model.graph.node:
        if node.output[0] in relus:
            continue
        if node.name not in chosen:
            nodes.append(node)
            continue
        source, weight, bias = node.input
        value, steps = quantize_weight(numpy_helper.to_array(arrays[weight]))
        x = activation(source)
        w = [constant(f"{weight}.i8", value), constant(f"{weight}.step", steps)]
        w.append(constant(f"zero.i8.{len(steps)}", np.zeros(len(steps), np.int8)))
        nodes.append(helper.make_node("DequantizeLinear", w, [f"{weight}.dq"], axis=0))
        product = steps * np.float32(scales[source].step)
        whole = np.rint(numpy_helper.to_array(arrays[bias]).astype(np.float64) / product)
        b = [constant(f"{bias}.i32", np.clip(whole, -(2**31), 2**31 - 1).astype(np.int32))]
        b += [constant(f"{bias}.step", product)]
        b += [constant(f"zero.i32.{len(steps)}", np.zeros(len(steps), np.int32))]
        nodes.append(helper.make_node("DequantizeLinear", b, [f"{bias}.dq"], axis=0))
        inputs = [x, f"{weight}.dq", f"{bias}.dq"]
        nodes.append(helper.make_node("Gemm", inputs, list(node.output), name=node.name, transB=1))
    return _rebuilt(model, nodes, constants)


def _rebuilt(
    model: onnx.ModelProto, nodes: list[onnx.NodeProto], constants: Mapping[str, onnx.TensorProto]
) -> onnx.ModelProto:
    out = onnx.ModelProto()
    out.CopyFrom(model)
    del out.graph.node[:]
    out.graph.node.extend(nodes)
    used = {value for node in nodes for value in node.input}
    kept = [t for t in model.graph.initializer if t.name in used]
    del out.graph.initializer[:]
    out.graph.initializer.extend([*kept, *constants.values()])
    onnx.checker.check_model(out, full_check=True)
    return out
