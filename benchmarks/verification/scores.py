"""Figures of a detector: equal error rate, detection cost, calibration."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.common import BenchmarkError
from voicelet_export.metrics.eer import equal_error_rate

PRIOR = 0.01
"""Of the detection cost: one trial in a hundred is true, both errors cost the same (NIST SRE)."""


@dataclass(frozen=True)
class Scores:
    """What a detector does on true and false trials.

    Attributes:
        true, false: trials.
        eer: equal error rate, 0..1.
        eer_low, eer_high: its 95 % interval over bootstraps of the people.
        min_dcf: least normalized detection cost at a prior of 1 %.
        cllr: cost of the log-likelihood ratio in bits; 0 is perfect, 1 says nothing; None for
            scores that aren't such ratios.
        miss, false_alarm: at the threshold that is used, 0..1.
    """

    true: int
    false: int
    eer: float
    eer_low: float
    eer_high: float
    min_dcf: float
    cllr: float | None
    miss: float
    false_alarm: float

    def row(self) -> dict[str, float | int | None]:
        """As a row of a table."""
        return asdict(self)


def errors(
    true: npt.NDArray[np.float64], false: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Miss and false alarm rates at every threshold that differs."""
    true, false = np.sort(true), np.sort(false)
    thresholds = np.concatenate([true, false, [np.inf]])
    miss = np.searchsorted(true, thresholds, side="left") / len(true)
    alarm = 1.0 - np.searchsorted(false, thresholds, side="left") / len(false)
    return miss, alarm


def score_trials(
    true: npt.ArrayLike,
    false: npt.ArrayLike,
    threshold: float,
    *,
    people: npt.ArrayLike | None = None,
    false_people: npt.ArrayLike | None = None,
    ratios: bool = True,
    bootstraps: int = 200,
) -> Scores:
    """Score a detector.

    Args:
        true, false: scores of true and of false trials; higher speaks for true.
        threshold: that is used.
        people, false_people: who speaks in each trial, for the interval; trials without are taken
            as one person's each.
        ratios: whether the scores are natural log-likelihood ratios.

    Raises:
        BenchmarkError: there are no true or no false trials.
    """
    yes, no = np.asarray(true, dtype=np.float64), np.asarray(false, dtype=np.float64)
    if not len(yes) or not len(no):
        raise BenchmarkError("a detector is scored with true and false trials")
    who = np.arange(len(yes)) if people is None else np.asarray(people)
    others = np.arange(len(no)) if false_people is None else np.asarray(false_people)
    rng = np.random.default_rng(0)
    drawn = [
        equal_error_rate(_resampled(yes, who, rng), _resampled(no, others, rng))[0]
        for _ in range(bootstraps)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5]) if drawn else (0.0, 1.0)
    miss, alarm = errors(yes, no)
    cost = (PRIOR * miss + (1.0 - PRIOR) * alarm).min() / PRIOR
    cllr = None
    if ratios:
        bits = np.log2(1.0 + np.exp(-yes)).mean() + np.log2(1.0 + np.exp(no)).mean()
        cllr = float(bits / 2.0)
    return Scores(
        len(yes),
        len(no),
        equal_error_rate(yes, no)[0],
        float(low),
        float(high),
        float(cost),
        cllr,
        float((yes < threshold).mean()),
        float((no >= threshold).mean()),
    )


def _resampled(
    scores: npt.NDArray[np.float64], who: npt.NDArray[np.generic], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Scores of as many people, drawn with replacement."""
    names, index = np.unique(who, return_inverse=True)
    order = np.argsort(index, kind="stable")
    bounds = np.searchsorted(index[order], np.arange(len(names) + 1))
    picked = rng.integers(0, len(names), len(names))
    return np.concatenate([scores[order[bounds[i] : bounds[i + 1]]] for i in picked])
