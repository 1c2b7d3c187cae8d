"""The hum of mains in a recording: found, measured, and taken out line by line.

Mains give steady tones at multiples of 50 or 60 Hz.  A voice passes through these frequencies and
never stays on one, so a narrow line that stands out even in the quieter moments of long windows is
hum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample

MAINS_HZ = (50.0, 60.0)
"""Of the world's grids."""
DRIFT = 0.004
"""By how much a grid, or a recorder's clock, may be off, as a share of the frequency."""
HARMONICS = 16
_RATE_HZ = 4000
_WINDOW_S = 2.0
_SIZE = int(_RATE_HZ * _WINDOW_S)
_STEADY = 25  # percentile over the windows: what is there in three quarters of them
_STANDS_OUT_DB = 15.0  # over its neighbours: seven times the spread of a noise's own bins there
_VISIBLE_DB = 8.0  # the same of further lines, once hum is found
_NEIGHBOURS = (4, 12)  # bins on either side that a line is compared with: 2 to 6 Hz
_FIT_S = 4.0
_LEAST_S = 2 * _WINDOW_S

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Hum:
    """Steady tones of mains.

    Attributes:
        mains_hz: 50 or 60.
        lines_hz: the tones that stand out, multiples of the grid's true frequency.
        level_dbfs: RMS level of all of them.
    """

    mains_hz: float
    lines_hz: tuple[float, ...]
    level_dbfs: float


def find_hum(samples: FloatArray, sample_rate_hz: int) -> Hum | None:
    """Look for the hum of mains.

    Args:
        samples: mono float [n], not yet high-passed.
        sample_rate_hz: 4000 at least.

    Returns:
        None where there is none, or in less than 4 s, in which nothing can be told from a voice.
    """
    if len(samples) < _LEAST_S * sample_rate_hz:
        return None
    low = resample(samples, sample_rate_hz, _RATE_HZ)
    steady = _steady_spectrum(low)
    found = [hum for mains in MAINS_HZ if (hum := _lines_of(steady, mains)) is not None]
    return max(found, key=lambda hum: hum.level_dbfs, default=None)


def _steady_spectrum(low: FloatArray) -> Float64Array:
    """Power of each half-hertz bin in the quieter windows; a tone of amplitude a has a^2 / 2."""
    step = _SIZE // 2
    window = np.hanning(_SIZE + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(low, _SIZE)[::step]
    powers = []
    for frame in frames:
        centred = (frame - frame.mean(dtype=np.float64)) * window
        powers.append(2.0 * np.abs(np.fft.rfft(centred) / window.sum()) ** 2)
    out: Float64Array = np.percentile(powers, _STEADY, axis=0)
    return out


def _lines_of(steady: Float64Array, mains_hz: float) -> Hum | None:
    """The lines of one grid: the fundamental, or two of the harmonics, have to stand out well.

    Only lines that stand out are named: to take out a harmonic that isn't there costs a voice more
    than to leave one in.
    """
    lines: list[tuple[int, float, float, float]] = []
    for number in range(1, HARMONICS + 1):
        nominal = number * mains_hz
        reach = max(1, math.ceil(DRIFT * nominal * _WINDOW_S))
        centre = round(nominal * _WINDOW_S)
        peak = centre - reach + int(np.argmax(steady[centre - reach : centre + reach + 1]))
        near, far = _NEIGHBOURS
        around = [steady[peak - far : peak - near + 1], steady[peak + near : peak + far + 1]]
        height = float(steady[peak] / max(float(np.median(np.concatenate(around))), 1e-30))
        if height > 10.0 ** (_VISIBLE_DB / 10.0):
            power = float(steady[peak - 1 : peak + 2].sum() / 1.5)  # what a Hann window spreads
            lines.append((number, (peak + _vertex(steady, peak)) / _WINDOW_S, power, height))
    total = sum(power for _, _, power, _ in lines)
    sure = [number for number, _, _, height in lines if height > 10.0 ** (_STANDS_OUT_DB / 10.0)]
    if not (len(sure) > 1 or sure == [1]) or total <= 0.0:
        return None
    return Hum(mains_hz, tuple(hz for _, hz, _, _ in lines), 10.0 * math.log10(total))


def _vertex(power: Float64Array, peak: int) -> float:
    """How far the vertex of the parabola through the logarithms at `peak` lies from it, in bins."""
    before, at, after = np.log(np.maximum(power[peak - 1 : peak + 2], 1e-30))
    curve = before - 2.0 * at + after
    return float(np.clip(0.5 * (before - after) / curve, -0.5, 0.5)) if curve < 0.0 else 0.0


def remove_hum(samples: FloatArray, sample_rate_hz: int, hum: Hum) -> FloatArray:
    """Subtract the tones, each fitted by least squares in half-overlapping stretches of 4 s.

    A voice loses no more than what stays within a quarter of a hertz of a tone all that time.

    Args:
        samples: mono float [n].

    Returns:
        float32 [n].
    """
    half = int(_FIT_S * sample_rate_hz) // 2
    size, n = 2 * half, len(samples)
    count = math.ceil(n / half) + 1
    padded = np.zeros((count + 1) * half, dtype=np.float32)
    padded[half : half + n] = samples
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)  # its halves add up to 1
    phase = 2.0 * np.pi / sample_rate_hz * np.arange(size)
    tones = np.stack([wave(phase * hz) for hz in hum.lines_hz for wave in (np.cos, np.sin)])
    whole = _solver(tones, window)
    out = np.zeros_like(padded)
    for start in range(0, count * half, half):
        inside = window.copy()
        inside[: max(0, half - start)] = inside[max(0, half + n - start) :] = 0.0
        cut = start < half or start + size > half + n
        block = padded[start : start + size]
        fit = np.einsum("is,s->i", _solver(tones, inside) if cut else whole, block)
        out[start : start + size] += window * (block - np.einsum("i,is->s", fit, tones))
    return out[half : half + len(samples)]


def _solver(tones: Float64Array, weight: Float64Array) -> Float64Array:
    """What gives the weighted least-squares amplitudes of `tones` [tones, n] in a block [n]."""
    weighted = tones * weight
    normal = np.einsum("is,js->ij", weighted, tones)
    normal += 1e-6 * max(float(weight.sum()), 1.0) * np.eye(len(tones))  # a few samples are enough
    solver: Float64Array = np.linalg.solve(normal, weighted)
    return solver
