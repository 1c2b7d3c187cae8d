"""Static int8: products with a quantized input, quantized weights and an int32 bias.

They are written as QuantizeLinear and DequantizeLinear pairs, which runtimes fuse and which mean
the same where they don't.  Scales of activations are constants and not measured as the graph runs:
a frame then comes out the same whatever stretch it is computed in, which streaming needs.

A `Gemm` or `MatMul` gives float32, as its int8 kernels can.  A `Conv`'s kernels give int8 only, so
its output is quantized for everyone who reads it; an activation function between two of them then
runs on eight bits, too.  `ConvTranspose` has no int8 kernel on CPUs and stays as it is, and so do
depthwise convolutions, which win nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from voicelet.audio.features import FloatArray
from voicelet.errors import BundleError
from voicelet_export.convert.parity import Feed, run, session
from voicelet_export.models.int8_codes import (
    CLIPS,
    MIN_WEIGHTS,
    Scale,
    best_scale,
    quantize_weight,
)

MIN_OPSET = 13
"""The first in which DequantizeLinear takes a scale for each channel."""
_KEPT_VALUES = 200_000


@dataclass(frozen=True)
class Product:
    """A node with constant weights that an int8 kernel could run.

    Attributes:
        name, kind: of the node.
        weights: how many it has.
        axis: of its weight that counts output channels.
    """

    name: str
    kind: str
    weights: int
    axis: int


def products(model: onnx.ModelProto) -> list[Product]:
    """The nodes worth quantizing, in the order of the graph.

    Raises:
        BundleError: two nodes have one name, so that they can't be told apart.
    """
    arrays = {t.name: list(t.dims) for t in model.graph.initializer}
    outputs = {v.name for v in model.graph.output}
    found = []
    for node in model.graph.node:
        shape = arrays.get(node.input[1], []) if len(node.input) > 1 else []
        axis = _channel_axis(node, shape)
        if axis is None or int(np.prod(shape)) < MIN_WEIGHTS or not node.name:
            continue
        if node.op_type == "Conv" and node.output[0] in outputs:
            continue
        if len(node.input) > 2 and node.input[2] not in arrays:
            continue
        found.append(Product(node.name, node.op_type, int(np.prod(shape)), axis))
    if len({p.name for p in found}) < len(found):
        raise BundleError(f"{model.graph.name}: nodes share names; export the graph again")
    return found


def _channel_axis(node: onnx.NodeProto, shape: list[int]) -> int | None:
    """The weight's axis of output channels; None where no int8 kernel serves."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "MatMul" and len(shape) == 2:
        return 1
    if node.op_type == "Gemm" and len(shape) == 2:
        plain = given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0
        return (0 if given.get("transB") else 1) if plain and not given.get("transA") else None
    if node.op_type == "Conv" and len(shape) > 2:
        return 0 if shape[1] > 1 else None
    return None


def measure_products(model: onnx.ModelProto, feeds: Sequence[Feed]) -> dict[str, Scale]:
    """Scales of every tensor that :func:`quantize_products` may quantize."""
    names = {p.name for p in products(model)}
    chosen = [n for n in model.graph.node if n.name in names]
    convolutions = [n for n in chosen if n.op_type == "Conv"]
    # Audio's convolutions carry its peaks: clipped, loud vowels lost 4 dB of SNR in a HiFi-GAN.
    whole = {t for n in convolutions for t in (n.input[0], n.output[0])}
    return measure_scales(model, feeds, whole | {n.input[0] for n in chosen}, whole)


def measure_scales(
    model: onnx.ModelProto,
    feeds: Sequence[Feed],
    tensors: Iterable[str],
    whole: Collection[str] = (),
) -> dict[str, Scale]:
    """Run the graph on real inputs and choose a scale for each of the named tensors.

    Of a few clipping thresholds the one of the least squared error is taken.

    Args:
        feeds: inputs of the graph, enough to see the whole range of every activation.
        tensors: float32 values inside the graph, or inputs of it.
        whole: those of them that are never clipped.

    Returns:
        name of the tensor → its scale.
    """
    watched = sorted(set(tensors))
    given = {v.name for v in [*model.graph.input, *model.graph.output]}
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
        arrays = {**run(opened, feed), **feed}
        for name in watched:
            flat = arrays[name].reshape(-1)
            picked = flat[rng.integers(0, len(flat), each)] if len(flat) > each else flat
            # The extremes must be seen, whatever is picked.
            values[name].append(np.append(picked, [flat.min(), flat.max()]).astype(np.float32))
    return {
        name: best_scale(np.concatenate(v), CLIPS[:1] if name in whole else CLIPS)
        for name, v in values.items()
    }


def quantize_products(
    model: onnx.ModelProto, scales: Mapping[str, Scale], names: Iterable[str]
) -> onnx.ModelProto:
    """Return a copy of the graph with the named products in int8.

    A `Relu` in front of nothing but quantized products disappears: uint8 from zero up cuts below
    zero, too.

    Args:
        scales: of :func:`measure_products`.
        names: of :func:`products`.

    Raises:
        BundleError: the graph's opset is too old.
    """
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if opset < MIN_OPSET:
        raise BundleError(
            f"{model.graph.name}: opset {opset} has no int8 weights with a scale for each channel; "
            f"export the graph with opset {MIN_OPSET} or later"
        )
    wanted = set(names)
    writer = _Writer(model, scales, {p.name: p for p in products(model) if p.name in wanted})
    for node in model.graph.node:
        writer.add(node)
    return writer.model()


class _Writer:
    """Copies a graph node by node, with some of them quantized."""

    def __init__(
        self, model: onnx.ModelProto, scales: Mapping[str, Scale], chosen: Mapping[str, Product]
    ) -> None:
        self._source, self._scales, self._chosen = model, scales, chosen
        self._arrays = {t.name: t for t in model.graph.initializer}
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._coded: dict[str, str] = {}
        readers: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for value in node.input:
                readers.setdefault(value, []).append(node)
        self._relus = {
            node.output[0]: node.input[0]
            for node in model.graph.node
            if node.op_type == "Relu"
            and len(readers[node.input[0]]) == 1
            and scales.get(node.output[0], Scale(1.0, 1)).zero == 0
            and all(r.name in chosen for r in readers[node.output[0]])
        }
        self._everywhere = {
            node.output[0]
            for node in model.graph.node
            if node.name in chosen and node.op_type == "Conv"
        } - set(self._relus.values())

    def add(self, node: onnx.NodeProto) -> None:
        """Append a node of the source, quantized if it was chosen."""
        if node.output[0] in self._relus:
            return
        if node.name in self._chosen:
            self._product(node, self._chosen[node.name])
            return
        if any(value in self._everywhere for value in node.input):
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            for i, value in enumerate(node.input):
                if value in self._everywhere:
                    copy.input[i] = self._activation(value)
            node = copy
        self._nodes.append(node)

    def _constant(self, name: str, value: npt.NDArray[Any]) -> str:
        self._constants[name] = numpy_helper.from_array(value, name)
        return name

    def _activation(self, name: str) -> str:
        """The name of a tensor that went through eight bits."""
        if name not in self._coded:
            scale = self._scales[name]
            step = self._constant(f"{name}.step", np.array(scale.step, np.float32))
            zero = self._constant(f"{name}.zero", np.array(scale.zero, np.uint8))
            pair = f"{name}.u8", f"{name}.dq"
            source = self._relus.get(name, name)
            for kind, given, made in (
                ("QuantizeLinear", source, pair[0]),
                ("DequantizeLinear", pair[0], pair[1]),
            ):
                self._nodes.append(helper.make_node(kind, [given, step, zero], [made]))
            self._coded[name] = pair[1]
        return self._coded[name]

    def _product(self, node: onnx.NodeProto, product: Product) -> None:
        source, weight, *rest = node.input
        value, steps = quantize_weight(numpy_helper.to_array(self._arrays[weight]), product.axis)
        inputs = [self._activation(source)]
        w = [self._constant(f"{weight}.i8", value), self._constant(f"{weight}.step", steps)]
        w.append(self._constant(f"zero.i8.{len(steps)}", np.zeros(len(steps), np.int8)))
        inputs.append(self._dequantized(w, weight, product.axis))
        if rest:
            inputs.append(self._bias(rest[0], steps * np.float32(self._scales[source].step)))
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(inputs)
        self._nodes.append(copy)

    def _bias(self, name: str, steps: npt.NDArray[np.float32]) -> str:
        whole = np.rint(numpy_helper.to_array(self._arrays[name]).astype(np.float64) / steps)
        coded = np.clip(whole, -(2**31), 2**31 - 1).astype(np.int32)
        b = [self._constant(f"{name}.i32", coded), self._constant(f"{name}.step", steps)]
        b.append(self._constant(f"zero.i32.{len(steps)}", np.zeros(len(steps), np.int32)))
        return self._dequantized(b, name, 0)

    def _dequantized(self, parts: list[str], name: str, axis: int) -> str:
        made = f"{name}.dq"
        self._nodes.append(helper.make_node("DequantizeLinear", parts, [made], axis=axis))
        return made

    def model(self) -> onnx.ModelProto:
        """The copy, checked."""
        out = onnx.ModelProto()
        out.CopyFrom(self._source)
        del out.graph.node[:]
        out.graph.node.extend(self._nodes)
        used = {value for node in self._nodes for value in node.input}
        kept = [t for t in self._source.graph.initializer if t.name in used]
        del out.graph.initializer[:]
        out.graph.initializer.extend([*kept, *self._constants.values()])
        onnx.checker.check_model(out, full_check=True)
        return out
