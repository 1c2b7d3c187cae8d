"""The ways to quantize a graph, and the search for the best of them that is good enough.

Each scheme quantizes everything first.  Where the gate isn't passed, products go back to float16
weights, the most sensitive first, until it is.  Of the schemes that pass, the fastest is taken;
among those as fast within :data:`AS_FAST`, the smallest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from voicelet.audio.features import FeatureConfig, log_mel
from voicelet.errors import BundleError, ConfigError
from voicelet_export.compress.quantize.dynamic import KINDS, quantize_dynamic
from voicelet_export.compress.quantize.report import (
    GraphReport,
    OpRow,
    SchemeRow,
    source_hash,
)
from voicelet_export.compress.quantize.sensitivity import (
    Quantizer,
    Sensitivity,
    error_db,
    fewest_kept,
    sensitivities,
)
from voicelet_export.compress.quantize.static_qdq import (
    Product,
    measure_products,
    products,
    quantize_products,
)
from voicelet_export.compress.quantize.weights import store_weights
from voicelet_export.convert.parity import Arrays, Feed, run, session
from voicelet_export.models.int8_codes import Scale

log = logging.getLogger(__name__)

SCHEMES = ("static", "dynamic", "weights-int8", "fp16", "none")
AS_FAST = 1.1
"""Within this factor two times are the same: the choice must not follow the machine's mood."""

LEAST_S = 0.03
"""Graphs that take less are run several times in a turn."""

Figures = dict[str, float]
Evaluate = Callable[[onnx.ModelProto], Figures]


@dataclass(frozen=True)
class Gate:
    """How much worse a graph may get.

    Attributes:
        max_error_db: power of the error over that of the outputs, for the worst output.
        max_change: fraction by which a held-out loss may grow, where there are such losses; the
            error is gated beside it, for there are losses that noise doesn't move.
        waveform: the first output is audio; then its log mel decides and the error hardly does
            (-10 dB): a generator's waveform may move where nobody hears it.
        max_mel_db: mean difference of log mels, in the frames and bands within 50 dB of the
            loudest.  1 dB is noise that anyone hears (a HiFi-GAN lost 0.6 of P.808), 0.25 isn't.
        streamed: the graph is computed in overlapping chunks, which rules "dynamic" out.
    """

    max_error_db: float = -20.0
    max_change: float = 0.03
    waveform: bool = False
    max_mel_db: float = 0.3
    streamed: bool = False

    def passes(self, figures: Figures) -> bool:
        """Are all figures (of :func:`figures`) within the limits?"""
        if any(v > self.max_change for k, v in figures.items() if k.endswith("_change")):
            return False
        if self.waveform:
            return figures["mel_db"] <= self.max_mel_db and figures["error_db"] <= -10.0
        return figures["error_db"] <= self.max_error_db


def scheme_quantizer(
    model: onnx.ModelProto,
    scheme: str,
    feeds: Sequence[Feed],
    trained: Mapping[str, Scale] | None = None,
) -> Quantizer:
    """A function of the products to quantize.

    Args:
        scheme: of :data:`SCHEMES`; "fp16" and "none" quantize no product, whatever is named.
        feeds: what "static" calibrates with.
        trained: scales that training found, which go before measured ones.

    Raises:
        ConfigError: there is no such scheme, or "static" has no feeds.
    """
    if scheme == "static":
        if not feeds:
            raise ConfigError("static quantization needs real inputs; give --calibration")
        scales = {**measure_products(model, feeds), **(trained or {})}
        return lambda names: store_weights(
            quantize_products(model, scales, names) if names else model, "float16"
        )
    if scheme == "dynamic":
        return lambda names: store_weights(quantize_dynamic(model, names), "float16")
    if scheme == "weights-int8":
        weight = {n.name: n.input[1] for n in model.graph.node if len(n.input) > 1}
        large = {p.name for p in products(model)}
        return lambda names: store_weights(
            model, "int8", frozenset(weight[n] for n in large - set(names))
        )
    if scheme == "fp16":
        return lambda names: store_weights(model, "float16")
    if scheme == "none":
        return lambda names: model
    raise ConfigError(f"no scheme {scheme!r} (known: auto, {', '.join(SCHEMES)})")


class Search:
    """Tries schemes on one graph.

    Args:
        model: float32 graph.
        calibration: real inputs that scales are measured with.
        tested: others, that quality and speed are measured with.
        gate: what is good enough.
        evaluate: losses on real data, the lower the better, where the caller has them.
        rounds: of the measurement of speed.
        trained: scales that quantization-aware training found: tensor → scale.

    Raises:
        BundleError: there are no finite losses even for the float32 graph.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        calibration: Sequence[Feed],
        tested: Sequence[Feed],
        gate: Gate = Gate(),
        evaluate: Evaluate | None = None,
        rounds: int = 9,
        trained: Mapping[str, Scale] | None = None,
    ) -> None:
        self._trained = dict(trained or {})
        self._model, self._calibration, self._tested = model, calibration, tested
        self._gate, self._evaluate, self._rounds = gate, evaluate, rounds
        self._products = products(model)
        opened = session(model)
        self._expected = [run(opened, feed) for feed in tested]
        self._before = evaluate(model) if evaluate is not None else {}
        if not all(np.isfinite(loss) and loss > 0.0 for loss in self._before.values()):
            raise BundleError(
                f"{model.graph.name}: can't be tested in float ({self._before}); "
                "the held-out speakers need voiced speech, and the model finite outputs"
            )
        self._rankings: dict[str, list[Sensitivity]] = {}

    def run(self, scheme: str = "auto") -> tuple[onnx.ModelProto, GraphReport]:
        """Quantize by one scheme, or by the best.

        Raises:
            BundleError: a named scheme can't pass the gate; "auto" then falls back to "none".
            ConfigError: there is no such scheme.
        """
        wanted = [s for s in SCHEMES if self._possible(s)] if scheme == "auto" else [scheme]
        found: dict[str, onnx.ModelProto] = {}
        rows: dict[str, SchemeRow] = {}
        for name in wanted:
            model, rows[name] = self._try(name)
            if rows[name].passed:
                found[name] = model
        if scheme != "auto" and scheme not in found:
            figures = rows[scheme].figures
            raise BundleError(
                f"{self._model.graph.name}: {scheme} doesn't pass the gate ({figures}); "
                "use --scheme auto, widen the gate, or fine-tune the model (voicelet-export qat)"
            )
        feed = sorted(self._tested, key=_values)[len(self._tested) // 2]
        ratios = speed_ratios({"": self._model, **found}, "", feed, self._rounds)
        rows = {name: row.timed(ratios[name] if row.passed else None) for name, row in rows.items()}
        best = min(ratios[name] for name in found)
        chosen = min(
            (name for name in found if ratios[name] <= AS_FAST * best),
            key=lambda name: rows[name].bytes,
        )
        log.info("%s: %s, %.2f of the time", self._model.graph.name, chosen, ratios[chosen])
        if "static" in wanted:
            self._ranking("static")
        return found[chosen], self._report(chosen, rows)

    def _quantizer(self, scheme: str) -> Quantizer:
        return scheme_quantizer(self._model, scheme, self._calibration, self._trained)

    def _possible(self, scheme: str) -> bool:
        if scheme == "dynamic":
            kinds = {p.kind for p in self._products}
            return not self._gate.streamed and bool(kinds & set(KINDS))
        return scheme != "static" or bool(self._products and self._calibration)

    def _try(self, scheme: str) -> tuple[onnx.ModelProto, SchemeRow]:
        quantize = self._quantizer(scheme)
        names = [p.name for p in self._products]
        tried: dict[int, tuple[onnx.ModelProto, Figures]] = {}

        def passes(kept: int) -> bool:
            floats = {r.name for r in self._ranking(scheme)[:kept]} if kept else set()
            model = quantize([n for n in names if n not in floats])
            tried[kept] = model, self._figures(model)
            log.info("%s, %d products in float: %s", scheme, kept, tried[kept][1])
            return self._gate.passes(tried[kept][1])

        count = len(names) if scheme in ("static", "dynamic", "weights-int8") else 0
        kept = fewest_kept(count, passes)
        # Nothing in int8 is no scheme of int8.
        passed = kept is not None and (kept < count or count == 0)
        model, figures = tried[kept or 0]
        floats = tuple(r.name for r in self._ranking(scheme)[:kept]) if kept else ()
        return model, SchemeRow(scheme, passed, model.ByteSize(), None, figures, floats)

    def _ranking(self, scheme: str) -> list[Sensitivity]:
        if scheme not in self._rankings:
            quantize = self._quantizer(scheme)
            self._rankings[scheme] = sensitivities(
                self._model,
                self._tested,
                quantize,
                mel_difference_db if self._gate.waveform else error_db,
            )
        return self._rankings[scheme]

    def _figures(self, model: onnx.ModelProto) -> Figures:
        opened = session(model)
        found = [run(opened, feed) for feed in self._tested]
        out = {"error_db": round(error_db(self._expected, found), 2)}
        if self._gate.waveform:
            out["mel_db"] = round(mel_difference_db(self._expected, found), 3)
        if self._evaluate is not None:
            after = self._evaluate(model)
            for name, loss in self._before.items():
                change = after[name] / loss - 1.0 if np.isfinite(after[name]) else np.inf
                out[f"{name}_change"] = round(change, 4)
        return out

    def _report(self, chosen: str, rows: dict[str, SchemeRow]) -> GraphReport:
        alone = {r.name: r for r in self._rankings.get("static", [])}
        kept = set(rows[chosen].kept)
        float_name = {"none": "fp32"}.get(chosen, "fp16")
        served = KINDS if chosen == "dynamic" else ("MatMul", "Gemm", "Conv")

        def precision(name: str, kind: str) -> str:
            int8 = chosen not in ("fp16", "none") and name not in kept and kind in served
            return "int8" if int8 else float_name

        def row(p: Product) -> OpRow:
            found = alone.get(p.name)
            error = None if found is None else found.error_db
            mel = found.rank if found is not None and self._gate.waveform else None
            return OpRow(p.name, p.kind, p.weights, error, precision(p.name, p.kind), mel)

        ops = tuple(map(row, self._products))
        return GraphReport(
            graph=self._model.graph.name,
            source_bytes=self._model.ByteSize(),
            source_sha256=source_hash(self._model),
            chosen=chosen,
            ops=ops,
            schemes=tuple(rows.values()),
        )


def mel_difference_db(expected: Sequence[Arrays], found: Sequence[Arrays]) -> float:
    """Mean absolute difference of log mels of the first outputs, taken as audio, in dB."""
    differences = []
    for right, made in zip(expected, found):
        name = next(iter(right))
        waves = [np.asarray(a[name], np.float32).reshape(-1) for a in (right, made)]
        if not np.isfinite(waves[1]).all():
            return float("inf")
        mels = [log_mel(wave, FeatureConfig()) * (20.0 / np.log(10.0)) for wave in waves]
        heard = mels[0] > mels[0].max() - 50.0
        differences.append(float(np.abs(mels[0] - mels[1])[heard].mean()))
    return float(np.mean(differences))


def _values(feed: Feed) -> int:
    return sum(int(v.size) for v in feed.values())


def speed_ratios(
    models: Mapping[str, onnx.ModelProto], reference: str, feed: Feed, rounds: int
) -> dict[str, float]:
    """Time of each graph over the time of the reference: the median over rounds.

    In each round every graph has its turn, on one thread, so that what else the machine is doing
    meets them all alike; and what is counted is the thread's own time, so that it hardly matters.

    Args:
        models: name → graph; all take the same feed.
        reference: one of the names.
        rounds: at least 1.
    """
    opened = {name: session(model) for name, model in models.items()}
    first = [_turn(graph, feed, 1) for _ in range(2) for graph in opened.values()]
    repeats = int(np.clip(np.ceil(LEAST_S / np.median(first)), 1, 200))
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, graph in opened.items():
            times[name].append(_turn(graph, feed, repeats))
    base = np.array(times[reference])
    return {name: round(float(np.median(np.array(t) / base)), 3) for name, t in times.items()}


def _turn(graph: Any, feed: Feed, repeats: int) -> float:
    start = time.thread_time()
    for _ in range(repeats):
        run(graph, feed)
    return time.thread_time() - start
