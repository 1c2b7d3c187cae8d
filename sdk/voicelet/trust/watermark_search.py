"""The search for the pilots: over place, and over changes of speed and pitch.

Windows of three seconds are correlated with the pilots at each of the 160 places where the pattern
may begin, with time stretched and frequency scaled by up to 6 %.  What a correlation means is told
by decoys: patterns of other keys, correlated with the same window.  A score is a correlation over
the root mean square of those, so it doesn't depend on level, noise or speaker, and where there is
no mark it is a standard normal number or a little less (docs/reference/watermark.md has the
measurement).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

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

DoubleArray = npt.NDArray[np.float64]

WINDOW_FRAMES = 3 * FRAMES_PER_S
STRIDE_FRAMES = FRAMES_PER_S
LONG_FRAMES = 12 * FRAMES_PER_S
PITCHES = tuple(1.0 + 0.02 * i for i in range(-3, 4))
TEMPI = tuple(1.0 + 0.012 * i for i in range(-5, 6))
_DECOYS = 3
SCALED_DEVIATION = 1.2
"""Unmarked speech matches stretched patterns by so much more than decoys in place (measured)."""


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
    spread = _spread(rows, windows)
    best = _best(rows, windows, spread, 1.0, (1.0,), math.log(2.0))
    if count > WINDOW_FRAMES + STRIDE_FRAMES:
        longer = _windows(count, LONG_FRAMES, LONG_FRAMES // 2)
        best += _best(rows, longer, _spread(rows, longer), 1.0, (1.0,), math.log(2.0))
    if not scales or min(hit.log_p for hit in best) < _SURE:
        return best
    weight = math.log(2.0 * (len(PITCHES) * len(TEMPI) - 1))
    spread = spread * SCALED_DEVIATION
    for pitch in PITCHES:
        scaled = rows if pitch == 1.0 else residuals(band_energies(sums, pitch))
        tempi = tuple(t for t in TEMPI if (pitch, t) != (1.0, 1.0))
        found = _best(scaled, windows, spread, pitch, tempi, weight)
        for i, hit in enumerate(found):
            if hit.log_p < best[i].log_p:
                best[i] = hit
    return best


_SURE = math.log(1e-9)


def _windows(count: int, length: int, stride: int) -> list[tuple[int, int]]:
    if count <= length + stride:
        return [(0, count)]
    starts = [*range(0, count - length, stride), count - length]
    return [(s, s + length) for s in starts]


def _spread(rows: FloatArray, windows: Sequence[tuple[int, int]]) -> DoubleArray:
    """Root mean square of the correlations of decoys, over that of the rows: [windows]."""
    firsts, length = _bounds(windows)
    decoys = pilot_templates()[1]
    power = np.zeros(len(windows))
    for decoy in decoys:
        power += np.mean(_correlations(_straight(rows @ decoy.T), firsts, length, 1.0) ** 2, axis=1)
    out: DoubleArray = np.sqrt(power / len(decoys)) / _size(rows, windows)
    return out


def _best(
    rows: FloatArray,
    windows: Sequence[tuple[int, int]],
    spread: DoubleArray,
    pitch: float,
    tempi: tuple[float, ...],
    log_weight: float,
) -> list[Hit]:
    """The best hit of each window at one pitch; `log_weight`: the log of hypotheses per place."""
    firsts, length = _bounds(windows)
    deviation = spread * _size(rows, windows) + 1e-9
    sums = _straight(rows @ pilot_templates()[0].T)
    every = np.stack([_correlations(sums, firsts, length, tempo) for tempo in tempi], axis=1)
    hits = []
    for (first, last), scores in zip(windows, every / deviation[:, None, None]):
        which, at = np.unravel_index(int(scores.argmax()), scores.shape)
        score = float(scores[which, at])
        log_p = min(0.0, log_tail(score) + math.log(PERIOD_FRAMES) + log_weight)
        place = float((first + at) % PERIOD_FRAMES)
        hits.append(Hit(first, last, score, place, tempi[int(which)], pitch, log_p))
    return hits


def _bounds(windows: Sequence[tuple[int, int]]) -> tuple[npt.NDArray[np.int64], int]:
    """First frames, and the length that all windows have."""
    return np.array([first for first, _ in windows]), windows[0][1] - windows[0][0]


def _size(rows: FloatArray, windows: Sequence[tuple[int, int]]) -> DoubleArray:
    """Norm of the rows of each window."""
    sums = np.concatenate([[0.0], np.cumsum(np.einsum("tb,tb->t", rows, rows, dtype=np.float64))])
    out: DoubleArray = np.sqrt([sums[last] - sums[first] + 1e-12 for first, last in windows])
    return out


def _straight(matches: FloatArray) -> DoubleArray:
    """Running sums down the diagonals of `matches` [n, period]: [n + 1, 2 · period], cyclic."""
    count = len(matches)
    cyclic = np.concatenate([matches, matches], axis=1)
    # Row n of the view below begins at column n of the pattern.
    sums = np.zeros((count + 1, 2 * PERIOD_FRAMES))
    for start in range(0, count, PERIOD_FRAMES):
        part = np.ascontiguousarray(cyclic[start : start + PERIOD_FRAMES])
        stride, item = part.strides
        shape = (len(part), PERIOD_FRAMES)
        slanted = np.lib.stride_tricks.as_strided(part, shape, (stride + item, item))
        sums[start + 1 : start + 1 + len(part), :PERIOD_FRAMES] = slanted
    half = sums[:, :PERIOD_FRAMES]
    np.cumsum(half, axis=0, out=half)
    sums[:, PERIOD_FRAMES:] = half
    return sums


def _correlations(
    sums: DoubleArray, firsts: npt.NDArray[np.int64], length: int, tempo: float
) -> DoubleArray:
    """Correlations of windows with the pattern at every place, [windows, period].

    A tempo near 1 leaves a diagonal by one frame every so often: in between, sums are at hand.
    """
    ahead = np.rint(np.arange(length) * tempo).astype(np.int64) - np.arange(length)
    edges = [0, *(np.flatnonzero(np.diff(ahead)) + 1), length]
    out = np.zeros((len(firsts), PERIOD_FRAMES))
    for first, last in pairwise(edges):
        shift = int(ahead[first]) % PERIOD_FRAMES
        cut = slice(shift, shift + PERIOD_FRAMES)
        out += sums[firsts + last, cut]
        out -= sums[firsts + first, cut]
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
