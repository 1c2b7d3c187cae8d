"""Convolutions over time written as convolutions over images of height 1.

ONNX Runtime blocks the channels of images for the CPU's vector registers, but not those of
sequences: a HiFi-GAN decoder runs a tenth faster so (measured on one AVX2 core), with equal
samples to 1e-7.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from voicelet.piper.net import Net, Proto

_CONVOLUTIONS = ("Conv", "ConvTranspose")
_POINTWISE = ("LeakyRelu", "Relu", "Tanh", "Sigmoid", "Identity", "Add", "Sub", "Mul", "Div")
_AXIS = "image.height"


def as_images(onnx: ModuleType, raw: bytes) -> bytes:
    """Rewrite a graph whose first input is a sequence [1, C, T] and whose output is one, too.

    Returns:
        The rewritten graph; `raw` itself if it holds a node that needs the original number of axes.
    """
    net = Net(onnx.load_model_from_string(raw))
    start, end = net.inputs[0], net.outputs[0]
    moving = sorted(net.after(start))
    nodes = [net.nodes[i] for i in moving]
    moved = {start, *(out for n in nodes for out in n.output)}
    beside: set[str] = set()  # tensors that depend on the speaker: [1, C, 1]
    for node in nodes:
        if node.op_type in _CONVOLUTIONS:
            if node.input[0] not in moved or not all(n in net.weights for n in node.input[1:]):
                return raw
        elif node.op_type not in _POINTWISE:
            return raw
        else:
            for name in set(node.input) - moved:
                if not _is_scalar(net, name):
                    beside.add(name)
    if any(net.depends_on(name) != {"sid"} for name in beside):
        return raw
    return _rewritten(onnx, net, set(moving), start, end, beside)


def _is_scalar(net: Net, name: str) -> bool:
    if name in net.weights:
        return not net.weights[name].dims
    node = net.maker(name)
    values = [a.t for a in node.attribute if a.name == "value"] if node is not None else []
    return len(values) == 1 and not values[0].dims


def _rewritten(
    onnx: ModuleType, net: Net, moving: set[int], start: str, end: str, beside: set[str]
) -> bytes:
    make = onnx.helper.make_node
    weights = dict(net.weights)
    weights[_AXIS] = onnx.numpy_helper.from_array(np.array([2], np.int64), _AXIS)
    tall = {name: f"{name}.image" for name in (start, *beside)}
    for i in moving:
        node = net.nodes[i]
        if node.op_type in _CONVOLUTIONS:
            weights[node.input[1]] = _with_height(weights[node.input[1]])

    def change(node: Proto) -> list[Proto]:
        index = net.index(node)
        squeezes = []
        if index in moving:
            node = _raised(node) if node.op_type in _CONVOLUTIONS else _copy(node)
            names = [tall.get(name, name) for name in node.input]
            del node.input[:]
            node.input.extend(names)
            if end in node.output:
                inner = f"{end}.image"
                squeezes.append(make("Squeeze", [inner, _AXIS], [end]))
                node.output[list(node.output).index(end)] = inner
        unsqueezes = [make("Unsqueeze", [n, _AXIS], [tall[n]]) for n in node.output if n in beside]
        return [node, *squeezes, *unsqueezes]

    return net.part(
        range(len(net.nodes)),
        list(net.model.graph.input),
        list(net.model.graph.output),
        change,
        weights,
        [make("Unsqueeze", [start, _AXIS], [tall[start]])],
    )


def _copy(node: Proto) -> Proto:
    copy = type(node)()
    copy.CopyFrom(node)
    return copy


def _raised(node: Proto) -> Proto:
    """A convolution with one more axis, of length 1, before time."""
    copy = _copy(node)
    for attribute in copy.attribute:
        values = list(attribute.ints)
        if attribute.name in ("kernel_shape", "strides", "dilations"):
            values = [1, *values]
        elif attribute.name == "pads":
            values = [0, values[0], 0, values[1]]
        elif attribute.name == "output_padding":
            values = [0, *values]
        del attribute.ints[:]
        attribute.ints.extend(values)
    return copy


def _with_height(weight: Proto) -> Proto:
    """Weights [out, in, k] as [out, in, 1, k]; the same numbers in the same order."""
    copy = _copy(weight)
    dims = list(weight.dims)
    if len(dims) == 3:
        del copy.dims[:]
        copy.dims.extend([*dims[:2], 1, dims[2]])
    return copy
