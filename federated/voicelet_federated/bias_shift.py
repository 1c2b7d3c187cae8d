"""Shifts of biases in a quantized graph, and how far the graph is from the float model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from voicelet.audio.features import FloatArray
from voicelet.errors import BundleError
from voicelet_export.convert.parity import run, session
from voicelet_export.models.fastspeech2 import AcousticModel

_SAME = 0.05
"""Of a bias's largest value: what quantization may have changed, and no other model."""


def shift_biases(
    int8: onnx.ModelProto, base: onnx.ModelProto, merged: onnx.ModelProto
) -> onnx.ModelProto:
    """A copy of a quantized graph with the shifts of a merged model added to its biases.

    Args:
        int8: as the bundle has it.
        base, merged: float32 graphs of the model before and after.

    Raises:
        BundleError: the quantized graph isn't of the base model, or more than biases differ.
    """
    out = onnx.ModelProto()
    out.CopyFrom(int8)
    stored = {tensor.name: tensor for tensor in out.graph.initializer}
    before, after = _constants(base), _constants(merged)
    for name in sorted(before):
        if np.array_equal(before[name], after[name]):
            continue
        if not name.endswith(".bias"):
            raise BundleError(f"{name} differs from the base model; an adapter shifts biases only")
        shift = after[name].astype(np.float64) - before[name]
        _add(stored, name, shift, before[name])
    onnx.checker.check_model(out)
    return out


def parity(reference: onnx.ModelProto, graph: onnx.ModelProto, model: AcousticModel) -> float:
    """Relative RMS error of a graph's hidden states and condition, over random clauses."""
    rng = np.random.default_rng(0)
    mean, std = model.encoder.speaker_mean.numpy(), model.encoder.speaker_std.numpy()
    opened = session(reference), session(graph)
    error = power = 0.0
    for length in (17, 40, 64):
        speaker = (mean + std * rng.standard_normal(len(mean))).astype(np.float32)[None]
        phones = rng.integers(0, model.config.n_symbols, (1, length))
        wanted, found = (run(s, {"phones": phones, "speaker": speaker}) for s in opened)
        for name in ("hidden", "condition"):
            error += float(np.mean((wanted[name] - found[name]).astype(np.float64) ** 2))
            power += float(np.mean(wanted[name].astype(np.float64) ** 2))
    return float(np.sqrt(error / max(power, 1e-12)))


def _add(
    stored: Mapping[str, onnx.TensorProto],
    name: str,
    shift: npt.NDArray[np.float64],
    expected: FloatArray,
) -> None:
    """Add to a bias, whichever way the graph stores it."""
    coded, plain = stored.get(f"{name}.i32"), stored.get(name) or stored.get(f"{name}.f16")
    step = stored.get(f"{name}.step") or stored.get(f"{name}.step.f16")
    if coded is not None and step is not None:
        steps = numpy_helper.to_array(step).astype(np.float64)
        values = numpy_helper.to_array(coded) * steps
        _refuse_other(name, values, expected)
        new = np.rint((values + shift) / steps)
        limit = np.iinfo(np.int32).max
        coded.CopyFrom(
            numpy_helper.from_array(np.clip(new, -limit, limit).astype(np.int32), coded.name)
        )
    elif plain is not None:
        old = numpy_helper.to_array(plain)
        _refuse_other(name, old.astype(np.float64), expected)
        plain.CopyFrom(numpy_helper.from_array((old + shift).astype(old.dtype), plain.name))
    else:
        raise BundleError(
            f"the bundle's acoustic encoder has no {name}; name the bundle of the base model"
        )


def _refuse_other(name: str, values: npt.NDArray[np.float64], expected: FloatArray) -> None:
    if values.shape != expected.shape or not np.allclose(
        values, expected, atol=_SAME * max(1e-6, float(np.abs(expected).max()))
    ):
        raise BundleError(
            f"the bundle's {name} isn't the base model's; name the bundle that was made of it"
        )


def _constants(graph: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    return {t.name: numpy_helper.to_array(t) for t in graph.graph.initializer}
