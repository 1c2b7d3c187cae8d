"""The search for the pilots: over place, and over changes of speed and pitch.

Windows of three seconds are correlated with the pilots at each of the 160 places where the pattern
may begin, with time stretched and frequency scaled by up to 6 %.  Correlations are scaled by
decoys: patterns of other keys, correlated with the same window.  A score is a correlation over
the root mean square of those, so it doesn't depend on level, noise or speaker, and where there is
no mark it is a standard normal number or a little less (docs/reference/watermark.md has the
measurement).

Speech hides the mark under changes ten times its size, but slow ones that many bands share, while
the mark changes fast and in each band by itself.  So the log energies of the bands are filtered in
time by the inverse square root of the modulation spectrum of speech, each is predicted from its
neighbours and the residual kept, what sticks out is clipped, and the time filter is applied again:
the matched filter for coloured noise, with both filters fitted on natural and synthetic speech.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray, hann_window
from voicelet.audio.products import BandMatrix, product
from voicelet.trust.watermark.pattern import (
    BANDS,
    FRAMES_PER_S,
    PERIOD_FRAMES,
    SLOT_FRAMES,
    MarkLayout,
    band_edges,
    layout,
    slot_steps,
)

# Input of the search: band energies with the variation of speech itself removed.


RATE_HZ = 24_000
HOP = RATE_HZ // FRAMES_PER_S
_SIZE = 4 * HOP
_TAPS = 41
CONTEXT_FRAMES = _TAPS // 2 * 2 + 2
"""How far the filters see on each side."""

# Modulation spectrum of the bands' log energies, dB, mean of natural and synthetic speech.
_MODULATION_HZ = (0.0, 0.625, 1.25, 1.9, 2.5, 3.75, 5.0, 6.25, 7.5, 10.0, 12.5, 15.0, 20.0, 40.0)
_MODULATION_DB = (15.5, 15.5, 13.7, 11.7, 11.0, 9.0, 7.1, 5.2, 3.2, 0.0, -2.7, -5.5, -9.6, -9.6)
# Least-squares prediction of a band from its eight neighbours on each side.
_NEIGHBOURS = (0.255, 0.113, 0.026, 0.020, 0.017, 0.024, 0.022, 0.013)
_SHARED = 0.96
_CLIP = 2.0
_RANGE_DB = 55.0
_MIN_DEVIATION = 0.5  # of a filtered band; less is a band without signal


def power_spectra(samples: FloatArray) -> FloatArray:
    """Running sums over the bins of power spectra, at 24 kHz, frames centred on (i + 0.5) hops.

    Returns:
        float32 [n, 602]; differences are the energies of stretches of bins of 20 Hz.
    """
    count = len(samples) // HOP
    padded = np.pad(samples, ((_SIZE - HOP) // 2, _SIZE))
    window = hann_window(_SIZE)
    sums = np.zeros((count, _SIZE // 2 + 2), np.float32)
    for start in range(0, count, 1024):
        last = min(count, start + 1024)
        part = padded[start * HOP : (last - 1) * HOP + _SIZE]
        frames = np.lib.stride_tricks.sliding_window_view(part, _SIZE)[::HOP]
        spectra = np.fft.rfft(frames * window, axis=-1)
        power = spectra.real**2 + spectra.imag**2
        np.cumsum(power, axis=1, out=sums[start:last, 1:])
    return sums


def band_energies(sums: FloatArray, scale: float) -> FloatArray:
    """Energies of the mark's bands, their edges multiplied by `scale`: float32 [n, BANDS]."""
    bins = sums.shape[1] - 1
    place = np.minimum(band_edges() * (scale * _SIZE / RATE_HZ) + 0.5, bins)
    below = np.minimum(place.astype(np.int64), bins - 1)
    part = (place - below).astype(np.float32)
    at = sums[:, below] * (1 - part) + sums[:, below + 1] * part
    energies: FloatArray = np.maximum(np.diff(at, axis=1), 0.0).astype(np.float32)
    return energies


def residuals(energies: FloatArray) -> FloatArray:
    """The matched filter's output, float32 [n, BANDS]; rows are correlated with tile signs."""
    total = energies.sum(axis=1)
    loud = float(np.percentile(total, 95)) if len(total) else 0.0
    if loud <= 0.0:
        return np.zeros_like(energies)
    floor = np.percentile(energies, 10, axis=0) + loud * 10.0 ** (-_RANGE_DB / 10.0) / BANDS
    weight = np.clip(1.0 - floor / np.maximum(energies, floor), 0.0, 1.0).astype(np.float32)
    level = np.log(energies + floor).astype(np.float32) * np.float32(10.0 / np.log(10.0))
    whitened = _filtered(level, whitener())
    near = _neighbourhood()
    support = weight @ near
    shared = ((weight * whitened) @ near) / np.maximum(support, 1e-3)
    whitened -= np.float32(_SHARED) * shared * np.minimum(1.0, 4.0 * support)
    energy = np.sum(weight * whitened**2, axis=0) / np.maximum(weight.sum(axis=0), 1.0)
    deviation = np.sqrt(energy) + np.float32(_MIN_DEVIATION)
    whitened /= deviation
    np.clip(whitened, -_CLIP, _CLIP, out=whitened)
    whitened *= weight / deviation
    return _filtered(whitened, _matched())


@lru_cache(maxsize=1)
def whitener() -> FloatArray:
    """Symmetric filter over frames that makes the modulation spectrum of speech flat, [41]."""
    hz = np.fft.rfftfreq(128, 1.0 / FRAMES_PER_S)
    response = 10.0 ** (-np.interp(hz, _MODULATION_HZ, _MODULATION_DB) / 20.0)
    taps = np.roll(np.fft.irfft(response), _TAPS // 2)[:_TAPS] * np.hanning(_TAPS + 2)[1:-1]
    centred: FloatArray = (taps - taps.mean()).astype(np.float32)
    return centred


@lru_cache(maxsize=1)
def _matched() -> FloatArray:
    # Overlapping windows have smoothed the mark's steps by about three frames.
    smooth = np.full(SLOT_FRAMES - 1, 1.0 / (SLOT_FRAMES - 1), np.float32)
    taps: FloatArray = np.convolve(whitener(), smooth).astype(np.float32)
    return taps


@lru_cache(maxsize=1)
def _neighbourhood() -> BandMatrix:
    kernel = np.zeros((BANDS, BANDS), np.float32)
    for i, share in enumerate(_NEIGHBOURS):
        kernel += share * (np.eye(BANDS, k=i + 1) + np.eye(BANDS, k=-i - 1))
    return BandMatrix(kernel)


def _filtered(rows: FloatArray, taps: FloatArray) -> FloatArray:
    """Filter over the first axis, zero-phase, edges held."""
    half = len(taps) // 2
    padded = np.pad(rows, ((half, half), (0, 0)), mode="edge")
    filtered = np.zeros_like(rows)
    for i, tap in enumerate(taps):
        filtered += tap * padded[i : i + len(rows)]
    return filtered


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
        scaled_hits = _best(scaled, windows, spread, pitch, tempi, weight)
        for i, hit in enumerate(scaled_hits):
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
        sums = _diagonal_sums(product(rows, decoy.T))
        power += np.mean(_correlations(sums, firsts, length, 1.0) ** 2, axis=1)
    spread: DoubleArray = np.sqrt(power / len(decoys)) / _norms(rows, windows)
    return spread


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
    deviation = spread * _norms(rows, windows) + 1e-9
    sums = _diagonal_sums(product(rows, pilot_templates()[0].T))
    correlations = np.stack([_correlations(sums, firsts, length, tempo) for tempo in tempi], axis=1)
    hits = []
    for (first, last), scores in zip(windows, correlations / deviation[:, None, None]):
        which, at = np.unravel_index(int(scores.argmax()), scores.shape)
        score = float(scores[which, at])
        log_p = min(0.0, log_tail(score) + math.log(PERIOD_FRAMES) + log_weight)
        place = float((first + at) % PERIOD_FRAMES)
        hits.append(Hit(first, last, score, place, tempi[int(which)], pitch, log_p))
    return hits


def _bounds(windows: Sequence[tuple[int, int]]) -> tuple[npt.NDArray[np.int64], int]:
    """First frames, and the length that all windows have."""
    return np.array([first for first, _ in windows]), windows[0][1] - windows[0][0]


def _norms(rows: FloatArray, windows: Sequence[tuple[int, int]]) -> DoubleArray:
    """Norm of the rows of each window."""
    sums = np.concatenate([[0.0], np.cumsum(np.einsum("tb,tb->t", rows, rows, dtype=np.float64))])
    norms: DoubleArray = np.sqrt([sums[last] - sums[first] + 1e-12 for first, last in windows])
    return norms


def _diagonal_sums(matches: FloatArray) -> DoubleArray:
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
    correlations = np.zeros((len(firsts), PERIOD_FRAMES))
    for first, last in pairwise(edges):
        shift = int(ahead[first]) % PERIOD_FRAMES
        cut = slice(shift, shift + PERIOD_FRAMES)
        correlations += sums[firsts + last, cut]
        correlations -= sums[firsts + first, cut]
    return correlations


def template(mark_layout: MarkLayout) -> FloatArray:
    """Signs of the pilots frame by frame, 0 elsewhere: float32 [period, bands]."""
    steps = slot_steps((mark_layout.signs * (mark_layout.bit < 0)).astype(np.int8))
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
