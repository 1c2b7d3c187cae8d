"""The acoustic model and the vocoder in int8, as much of them as quality allows.

Everything is quantized at first.  Where a figure of quality on held-out speakers gets worse than
the gate allows, the product whose quantization disturbs the outputs most goes back to float16
weights, until the gate is passed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from voicelet.errors import BundleError
from voicelet_export.compress.quantize.calibrate import VoiceData, read_voice_data
from voicelet_export.compress.quantize.sensitivity import (
    Quantizer,
    Sensitivity,
    fewest_kept,
    sensitivities,
)
from voicelet_export.compress.quantize.static_qdq import (
    measure_products,
    products,
    quantize_products,
)
from voicelet_export.compress.quantize.weights import store_weights
from voicelet_export.convert.parity import Feed
from voicelet_export.models.int8_codes import Scale
from voicelet_export.train.checkpoint import RunInfo

log = logging.getLogger(__name__)

GATE = 0.03
"""No figure of quality may get worse by more than this fraction."""

Losses = dict[str, float]
Evaluate = Callable[[onnx.ModelProto], Losses]


def quantize_voice(
    models: Mapping[str, onnx.ModelProto],
    info: RunInfo,
    caches: Sequence[Path],
    held_out: Path,
    trained: Mapping[str, Mapping[str, Scale]] | None = None,
) -> tuple[dict[str, onnx.ModelProto], dict[str, float]]:
    """Quantize `acoustic_encoder`, `acoustic_decoder` and `vocoder`.

    Args:
        models: role → float32 graph.
        info: mel statistics.
        caches: feature caches; their training speakers calibrate, the held-out ones test.
        held_out: JSON file of the held-out speakers.
        trained: role → scales of quantization-aware training (:func:`~.qat.trained_scales`).

    Returns:
        role → int8 graph, and what it cost: "int8_<role>_<figure>_percent".

    Raises:
        BundleError: the gate can't be passed, or the caches hold no held-out speaker.
    """
    data = read_voice_data(caches, held_out, info, models)
    evaluations = voice_evaluations(data)
    out: dict[str, onnx.ModelProto] = {}
    costs: dict[str, float] = {}
    for role, model in models.items():
        quantized, changes = quantize_graph(
            model, data.feeds[role], evaluations[role], role, (trained or {}).get(role)
        )
        out[role] = store_weights(quantized, "float16")
        final = loss_changes(evaluations[role](out[role]), evaluations[role](model))
        costs |= {f"int8_{role}_{k}_percent": round(100 * v, 2) for k, v in final.items()}
        log.info("%s: %d → %d bytes, %s", role, model.ByteSize(), out[role].ByteSize(), changes)
    return out, costs


def voice_evaluations(data: VoiceData) -> dict[str, Evaluate]:
    """Role → its losses on held-out speakers."""
    return {
        "acoustic_encoder": data.encoder_losses,
        "acoustic_decoder": data.decoder_losses,
        "vocoder": data.vocoder_losses,
    }


def quantize_graph(
    model: onnx.ModelProto,
    feeds: Sequence[Feed],
    evaluate: Evaluate,
    role: str = "graph",
    trained: Mapping[str, Scale] | None = None,
) -> tuple[onnx.ModelProto, Losses]:
    """Quantize as many products of a graph as the gate lets through.

    Returns:
        the graph, and by what fraction each loss grew.

    Raises:
        BundleError: even with nothing quantized the losses aren't finite.
    """
    quantize = static_quantizer(model, feeds, trained)
    names = [p.name for p in products(model)]
    before = evaluate(model)
    ranking: list[Sensitivity] = []
    tried: dict[int, tuple[onnx.ModelProto, Losses]] = {}

    def passes(kept: int) -> bool:
        if kept and not ranking:
            ranking.extend(sensitivities(model, feeds, quantize))
            for row in ranking:
                log.info("%s: %s %d weights, %.1f dB", role, row.name, row.weights, row.error_db)
        floats = {row.name for row in ranking[:kept]}
        quantized = quantize([n for n in names if n not in floats])
        tried[kept] = quantized, loss_changes(evaluate(quantized), before)
        log.info("%s: %s with %s in float", role, tried[kept][1], sorted(floats) or "nothing")
        return all(change <= GATE for change in tried[kept][1].values())

    found = fewest_kept(len(names), passes)
    if found is None:
        raise BundleError(f"{role}: the losses of the float32 graph aren't finite")
    return tried[found]


def static_quantizer(
    model: onnx.ModelProto, feeds: Sequence[Feed], trained: Mapping[str, Scale] | None = None
) -> Quantizer:
    """A function of names that quantizes those products; scales are measured once, or trained."""
    scales = {**measure_products(model, feeds), **(trained or {})}
    return lambda names: quantize_products(model, scales, names) if names else model


def loss_changes(after: Losses, before: Losses) -> Losses:
    """By what fraction each loss grew."""
    return {k: after[k] / before[k] - 1.0 if np.isfinite(after[k]) else np.inf for k in before}


__all__ = ["GATE", "Evaluate", "Losses", "VoiceData", "quantize_graph", "quantize_voice"]
