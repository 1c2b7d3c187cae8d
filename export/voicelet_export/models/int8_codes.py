"""Codes of eight bits and less for activations and weights, and how one scale is chosen.

Activations become uint8 with one scale; weights int8 with one scale an output channel.  Weights
have 7 bits, for the AVX2 kernels of x86 add pairs of products in 16 bits and saturate on 8
(`reduce_range` of ONNX Runtime's own quantizer).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray

MIN_WEIGHTS = 4096
"""Smaller products (the heads of durations, pitch and voicing) win nothing and err audibly."""
WEIGHT_MAX = 63
"""Largest quantized weight: 7 bits."""
CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
"""Clipping thresholds, as shares of the range, that :func:`best_scale` tries."""


@dataclass(frozen=True)
class Scale:
    """How a tensor is quantized to uint8: real = (value - zero) · step."""

    step: float
    zero: int


def best_scale(values: FloatArray, clips: Sequence[float] = CLIPS) -> Scale:
    """The uint8 scale of the least squared error on `values`, among those of `clips`."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    best, least = Scale(1.0, 0), float("inf")
    for clip in clips:
        scale = range_scale(low * clip, high * clip)
        coded = np.clip(np.rint(values / scale.step) + scale.zero, 0, 255)
        error = float(np.square((coded - scale.zero) * scale.step - values).mean())
        if error < least:
            best, least = scale, error
    return best


def range_scale(low: float, high: float) -> Scale:
    """The uint8 scale that just holds `low` (at most 0) to `high` (at least 0)."""
    step = max((high - low) / 255.0, 1e-9)
    return Scale(float(np.float32(step)), int(np.clip(np.rint(-low / step), 0, 255)))


def quantize_weight(weight: FloatArray, axis: int = 0) -> tuple[npt.NDArray[np.int8], FloatArray]:
    """Symmetric int8 of 7 bits, one step an output channel.

    Args:
        weight: of any number of axes.
        axis: the one of output channels.

    Returns:
        codes of the weight's shape, and steps [channels].
    """
    others = tuple(i for i in range(weight.ndim) if i != axis)
    steps = np.maximum(np.abs(weight).max(axis=others), 1e-8) / WEIGHT_MAX
    shape = [-1 if i == axis else 1 for i in range(weight.ndim)]
    coded = np.clip(np.rint(weight / steps.reshape(shape)), -WEIGHT_MAX - 1, WEIGHT_MAX)
    return coded.astype(np.int8), steps.astype(np.float32)
