"""The receptive field of a convolutional graph, computed from its nodes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from voicelet.errors import BundleError
from voicelet.piper.net import Net, Proto, attribute

Reach = tuple[Fraction, Fraction, int]
"""Frames seen before and after a sample's own place, and samples in a frame."""

_MIXING = ("LSTM", "GRU", "RNN", "Softmax", "ReduceMean", "InstanceNormalization", "Resize")


def context_frames(net: Net, indices: Iterable[int], start: str, end: str) -> tuple[int, int]:
    """Receptive field of `end` in `start`, along the longest path between them.

    A convolution's output `j` sees the inputs `j·s - p` to `j·s - p + (k-1)·d`, a transposed one's
    those from `(j + p - (k-1)·d) / s` to `(j + p) / s`; along a path these add up.

    Args:
        indices: the nodes between them, all of which work along time one sample at a time, but for
            convolutions.

    Returns:
        Frames of `start` needed on each side, and samples of `end` in a frame.

    Raises:
        BundleError: a node looks at all of time at once, or steps over it.
    """
    reach: dict[str, Reach] = {start: (Fraction(0), Fraction(0), 1)}
    for i in sorted(indices):
        node = net.nodes[i]
        if node.op_type in _MIXING:
            raise BundleError(f"it holds a {node.op_type} that can't be run in stretches of time")
        input_reaches = [reach[name] for name in net.reads(i) if name in reach]
        if not input_reaches or node.op_type == "Shape":
            continue
        before, after = max(r[0] for r in input_reaches), max(r[1] for r in input_reaches)
        rate = max(r[2] for r in input_reaches)
        if node.op_type in ("Conv", "ConvTranspose"):
            left, right, rate = _step(net, node, rate)
            before, after = before + left, after + right
        for out in node.output:
            reach[out] = (before, after, rate)
    if end not in reach:
        raise BundleError("its samples don't come from its latents")
    before, after, rate = reach[end]
    return math.ceil(max(before, after)), rate


def _step(net: Net, node: Proto, rate: int) -> Reach:
    """What one convolution adds: frames seen before and after; and the rate behind it."""
    weight = net.weights.get(node.input[1])
    kernel = list(weight.dims)[2:] if weight is not None else []
    pads = attribute(node, "pads") or [0] * (2 * len(kernel))
    if len(kernel) != 1 or any(a.name == "auto_pad" and a.s != b"NOTSET" for a in node.attribute):
        raise BundleError("its decoder holds a convolution that isn't over time")
    span = (kernel[0] - 1) * (attribute(node, "dilations") or [1])[0]
    stride = (attribute(node, "strides") or [1])[0]
    if node.op_type == "Conv":
        if stride != 1:
            raise BundleError("its decoder steps over frames")
        return Fraction(pads[0], rate), Fraction(max(0, span - pads[0]), rate), rate
    rate *= stride
    return Fraction(max(0, span - pads[0]), rate), Fraction(pads[0], rate), rate
