"""How good a forced alignment is; the search itself is `voicelet.speaker.alignment`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.speaker.alignment import (
    PAUSES,
    AlignConfig,
    Alignment,
    ForcedAligner,
    IntArray,
    viterbi,
)
from voicelet.text.phones import PUNCTUATION, STRESS

__all__ = [
    "PAUSES",
    "AlignConfig",
    "Alignment",
    "FitScore",
    "ForcedAligner",
    "IntArray",
    "boundary_errors_ms",
    "fit_score",
    "viterbi",
]


def boundary_errors_ms(
    found: IntArray, truth: IntArray, frames_per_second: float
) -> npt.NDArray[np.float64]:
    """Absolute distance in ms of the inner boundaries of two alignments of the same tokens."""
    if len(found) != len(truth):
        raise ValueError("the alignments have different numbers of tokens")
    distance = np.abs(np.cumsum(found)[:-1] - np.cumsum(truth)[:-1])
    return distance * (1000.0 / frames_per_second)


@dataclass(frozen=True)
class FitScore:
    """How far an alignment is to be trusted.

    Attributes:
        mean_log_posterior: over the phones (pads, spaces, stress and punctuation left out).
        worst_word: the least mean log posterior of a stretch of neighbouring phones between two
            spaces or marks, of at least three phones.
        implausible: share of phones that are shorter than 2 frames or longer than 40 though no
            pause follows.
    """

    mean_log_posterior: float
    worst_word: float
    implausible: float


def fit_score(alignment: Alignment, phones: str) -> FitScore:
    """Score the alignment of `phones` (without pads; the alignment has them)."""
    durations = alignment.durations_frames[1:-1]
    posterior = alignment.token_log_posterior[1:-1]
    spoken = np.array([p not in PUNCTUATION and p not in STRESS for p in phones])
    if not spoken.any():
        return FitScore(-np.inf, -np.inf, 1.0)
    odd = 0
    for place in np.flatnonzero(spoken):
        follows = phones[place + 1] if place + 1 < len(phones) else "_"
        odd += bool(durations[place] < 2 or (durations[place] > 40 and follows not in PAUSES))
    words: list[list[float]] = [[]]
    for phone, is_spoken, value in zip(phones, spoken, posterior):
        if is_spoken:
            words[-1].append(float(value))
        elif phone not in STRESS:
            words.append([])
    long_words = [float(np.mean(w)) for w in words if len(w) >= 3]
    mean = float(posterior[spoken].mean())
    return FitScore(mean, min(long_words, default=mean), odd / int(spoken.sum()))
