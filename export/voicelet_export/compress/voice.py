"""The acoustic model and the vocoder in int8, as much of them as quality allows.

Everything is quantized at first.  Where a figure of quality on held-out speakers gets worse than
the gate allows, the product whose quantization disturbs the outputs most goes back to float16
weights, until the gate is passed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from voicelet.errors import BundleError
from voicelet_export.compress.calibrate import VoiceData, read_voice_data
from voicelet_export.compress.quantize import (
    Feed,
    gemm_names,
    measure_scales,
    quantize_gemms,
)
from voicelet_export.compress.weights import store_weights
from voicelet_export.convert.checkpoint import RunInfo
from voicelet_export.convert.parity import run, session

log = logging.getLogger(__name__)

GATE = 0.03
"""No figure of quality may get worse by more than this fraction."""

Losses = dict[str, float]
Judge = Callable[[onnx.ModelProto], Losses]


@dataclass(frozen=True)
class Sensitivity:
    """What quantizing one product alone does to the outputs of its graph.

    Attributes:
        name: of the product.
        weights: how many it has.
        error_db: power of the change over the power of the outputs, the worst output counting.
    """

    name: str
    weights: int
    error_db: float


def quantize_voice(
    models: Mapping[str, onnx.ModelProto],
    info: RunInfo,
    caches: Sequence[Path],
    held_out: Path,
) -> tuple[dict[str, onnx.ModelProto], dict[str, float]]:
    """Quantize `acoustic_encoder`, `acoustic_decoder` and `vocoder`.

    Args:
        models: role → float32 graph.
        info: mel statistics.
        caches: feature caches; their training speakers calibrate, the held-out ones judge.
        held_out: JSON file of the held-out speakers.

    Returns:
        role → int8 graph, and what it cost: "int8_<role>_<figure>_percent".

    Raises:
        BundleError: the gate can't be passed, or the caches hold no held-out speaker.
    """
    data = read_voice_data(caches, held_out, info, models)
    judges: dict[str, Judge] = {
        "acoustic_encoder": data.encoder_losses,
        "acoustic_decoder": data.decoder_losses,
        "vocoder": data.vocoder_losses,
    }
    out: dict[str, onnx.ModelProto] = {}
    costs: dict[str, float] = {}
    for role, model in models.items():
        quantized, changes = quantize_graph(model, data.feeds[role], judges[role], role)
        out[role] = store_weights(quantized, "float16")
        final = _changes(judges[role](out[role]), judges[role](model))
        costs |= {f"int8_{role}_{k}_percent": round(100 * v, 2) for k, v in final.items()}
        log.info("%s: %d → %d bytes, %s", role, model.ByteSize(), out[role].ByteSize(), changes)
    return out, costs


def quantize_graph(
    model: onnx.ModelProto, feeds: Sequence[Feed], judge: Judge, role: str = "graph"
) -> tuple[onnx.ModelProto, Losses]:
    """Quantize as many products of a graph as the gate lets through.

    Returns:
        the graph, and by what fraction each loss grew.

    Raises:
        BundleError: even with nothing quantized the losses aren't finite.
    """
    scales = measure_scales(model, feeds)
    names = set(gemm_names(model))
    before = judge(model)
    ranking: list[Sensitivity] | None = None
    while True:
        quantized = quantize_gemms(model, scales, names) if names else model
        changes = _changes(judge(quantized), before)
        if all(change <= GATE for change in changes.values()):
            return quantized, changes
        if not names:
            raise BundleError(f"{role}: the losses of the float32 graph aren't finite")
        if ranking is None:
            ranking = sensitivities(model, feeds)
            for row in ranking:
                log.info("%s: %s %d weights, %.1f dB", role, row.name, row.weights, row.error_db)
        worst = next(row.name for row in ranking if row.name in names)
        log.info("%s: %s, so %s stays in float", role, changes, worst)
        names.discard(worst)


def sensitivities(model: onnx.ModelProto, feeds: Sequence[Feed]) -> list[Sensitivity]:
    """Quantize each product alone; the most sensitive first."""
    scales = measure_scales(model, feeds)
    sizes = {t.name: int(np.prod(t.dims)) for t in model.graph.initializer}
    weights = {n.name: sizes[n.input[1]] for n in model.graph.node if n.op_type == "Gemm"}
    opened = session(model)
    tests = [(feed, run(opened, feed)) for feed in list(feeds)[:3]]
    rows = []
    for name in gemm_names(model):
        quantized = session(quantize_gemms(model, scales, [name]))
        worst = -np.inf
        for feed, expected in tests:
            found = run(quantized, feed)
            for key, value in expected.items():
                power = float(np.square(value).mean()) + 1e-12
                error = float(np.square(found[key] - value).mean()) + 1e-12
                worst = max(worst, 10.0 * np.log10(error / power))
        rows.append(Sensitivity(name, weights[name], round(float(worst), 1)))
    return sorted(rows, key=lambda row: -row.error_db)


def _changes(after: Losses, before: Losses) -> Losses:
    return {k: after[k] / before[k] - 1.0 if np.isfinite(after[k]) else np.inf for k in before}


__all__ = ["GATE", "Sensitivity", "VoiceData", "quantize_graph", "quantize_voice", "sensitivities"]
