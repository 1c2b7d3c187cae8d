"""The search for the pilots: over place, and over changes of speed and pitch.

Windows of three seconds are correlated with the pilots at each of the 160 places where the pattern
may begin, with time stretched and frequency scaled by up to 6 %.  What a correlation means is told
by decoys: patterns of other keys, correlated with the same window.  A score is a correlation over
the root mean square of those, so it doesn't depend on level, noise or speaker, and where there is
no mark it is a standard normal number or a little less (docs/watermark.md has the measurement).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.trust.watermark_features import FloatArray, band_energies, residuals
from voicelet.trust.watermark_pattern import (
    FRAMES_PER_S,
    PERIOD_FRAMES,
    SLOT_FRAMES,
    Layout,
    layout,
    slot_steps,
)

WINDOW_FRAMES = 3 * FRAMES_PER_S
STRIDE_FRAMES = FRAMES_PER_S
LONG_FRAMES = 12 * FRAMES_PER_S
PITCHES = tuple(1.0 + 0.015 * i for i in range(-4, 5))
TEMPI = tuple(1.0 + 0.01 * i for i in range(-6, 7))
_DECOYS = 3


@dataclass(frozen=True)
class Hit:
    """The best place for the pattern in a window.

    Attributes:
        first, last: frames of the window.
        score: see the module.
        place: the pattern's frame at the window's first.
        tempo: pattern frames in a frame of the recording.
        pitch: factor of all frequencies.
        log_p: natural log of the chance that any place and scale tried on this window scores so
            high without a mark.
    """

    first: int
    last: int
    score: float
    place: float
    tempo: float
    pitch: float
    log_p: float


def search(sums: FloatArray, *, scales: bool = True) -> list[Hit]:
    """The best hit of every window of a stretch.

    Args:
        sums: of `power_spectra`, [n, bins + 1].
        scales: search changes of speed and pitch where nothing is found without.

    Returns:
        hits in order of time, those of long windows last.
    """
    count = len(sums)
    if count < 2 * SLOT_FRAMES:
        return []
    rows = residuals(band_energies(sums, 1.0))
    windows = _windows(count, WINDOW_FRAMES, STRIDE_FRAMES)
    best = _best(rows, windows, 1.0, (1.0,), math.log(2.0))
    if scales and any(hit.log_p > _SURE for hit in best):
        weight = math.log(2.0 * (len(PITCHES) * len(TEMPI) - 1))
        for pitch in PITCHES:
            scaled = rows if pitch == 1.0 else residuals(band_energies(sums, pitch))
            tempi = [t for t in TEMPI if (pitch, t) != (1.0, 1.0)]
            found = _best(scaled, windows, pitch, tempi, weight)
            best = [min(pair, key=lambda hit: hit.log_p) for pair in zip(best, found)]
    if count > WINDOW_FRAMES + STRIDE_FRAMES:
        longer = _windows(count, LONG_FRAMES, LONG_FRAMES // 2)
        best += _best(rows, longer, 1.0, (1.0,), math.log(2.0))
    return best


_SURE = math.log(1e-9)


def _windows(count: int, length: int, stride: int) -> list[tuple[int, int]]:
    if count <= length + stride:
        return [(0, count)]
    starts = [*range(0, count - length, stride), count - length]
    return [(s, s + length) for s in starts]


def _best(
    rows: FloatArray,
    windows: Sequence[tuple[int, int]],
    pitch: float,
    tempi: Sequence[float],
    log_weight: float,
) -> list[Hit]:
    """The best hit of each window at one pitch; `log_weight`: the log of hypotheses per place."""
    bounds = np.array(windows)
    pilots, decoys = pilot_templates()
    noise = np.zeros(len(windows))
    for decoy in decoys:
        noise += np.mean(_correlations(rows @ decoy.T, bounds, 1.0) ** 2, axis=1)
    deviation = np.sqrt(noise / len(decoys)) + 1e-9
    matches = rows @ pilots.T
    hits: list[Hit | None] = [None] * len(windows)
    for tempo in tempi:
        scores = _correlations(matches, bounds, tempo) / deviation[:, None]
        for i, (first, last) in enumerate(windows):
            at = int(scores[i].argmax())
            held = hits[i]
            score = float(scores[i, at])
            if held is None or score > held.score:
                place = (round(tempo * first) + at) % PERIOD_FRAMES
                log_p = min(0.0, log_tail(score) + math.log(PERIOD_FRAMES) + log_weight)
                hits[i] = Hit(first, last, score, place, tempo, pitch, log_p)
    return [hit for hit in hits if hit is not None]


def _correlations(matches: FloatArray, bounds: npt.NDArray[np.int64], tempo: float) -> FloatArray:
    """Sums of `matches` [n, period] along slanted diagonals: float32 [windows, period]."""
    count = len(matches)
    steps = np.rint(np.arange(count) * tempo).astype(np.int64)
    columns = (steps[:, None] + np.arange(PERIOD_FRAMES)) % PERIOD_FRAMES
    slanted = np.take_along_axis(matches, columns, axis=1)
    sums = np.zeros((count + 1, PERIOD_FRAMES))
    np.cumsum(slanted, axis=0, out=sums[1:])
    out: FloatArray = (sums[bounds[:, 1]] - sums[bounds[:, 0]]).astype(np.float32)
    return out


def template(laid: Layout) -> FloatArray:
    """Signs of the pilots frame by frame, 0 elsewhere: float32 [period, bands]."""
    steps = slot_steps((laid.signs * (laid.bit < 0)).astype(np.int8))
    return np.repeat(steps, SLOT_FRAMES, axis=0)


@lru_cache(maxsize=1)
def pilot_templates() -> tuple[FloatArray, tuple[FloatArray, ...]]:
    """Of the public key, and of decoys."""
    keys = [b"decoy %d" % i for i in range(_DECOYS)]
    return template(layout()), tuple(template(layout(key, key)) for key in keys)


def log_tail(score: float) -> float:
    """Natural log of the chance that a standard normal number passes `score`."""
    if score < 5.0:
        return math.log(0.5 * math.erfc(score / math.sqrt(2.0)))
    # The asymptotic series, for erfc underflows.
    correction = math.log1p(-1.0 / score**2 + 3.0 / score**4)
    return -0.5 * score**2 - math.log(score * math.sqrt(2.0 * math.pi)) + correction
