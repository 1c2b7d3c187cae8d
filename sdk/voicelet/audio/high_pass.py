"""Take out what lies below every voice: a constant offset, its drift, rumble, the tone of mains.

A zero-phase finite filter: a Kaiser-windowed low pass (Kaiser & Schafer, "On the use of the
I0-sinh window for spectrum analysis", 1980) whose output is subtracted from the signal.  Its gain
at 0 Hz is exactly 1, so that nothing is left of a constant.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray

STOP_HZ = 60.0
"""At and below this frequency nothing is left: 40 dB down, both frequencies of mains included."""
PASS_HZ = 75.0
"""From this frequency on nothing is changed, by more than 0.1 dB; few voices go lower."""
_STOP_BAND_DB = 40.0
_BLOCK = 1 << 16


@lru_cache(maxsize=4)
def _low_pass(sample_rate_hz: int) -> npt.NDArray[np.float64]:
    """A symmetric low pass [odd] whose sum is 1."""
    width = (PASS_HZ - STOP_HZ) / sample_rate_hz
    half = math.ceil((_STOP_BAND_DB - 7.95) / (14.36 * width) / 2.0)
    beta = 0.5842 * (_STOP_BAND_DB - 21.0) ** 0.4 + 0.07886 * (_STOP_BAND_DB - 21.0)
    cutoff = (PASS_HZ + STOP_HZ) / sample_rate_hz
    taps = np.sinc(cutoff * np.arange(-half, half + 1)) * np.kaiser(2 * half + 1, beta)
    unit: npt.NDArray[np.float64] = taps / taps.sum()
    return unit


def high_pass(samples: npt.ArrayLike, sample_rate_hz: int) -> FloatArray:
    """Remove what lies below 60 Hz, without delay.

    Both ends are continued by reflection, so that an offset makes no click there.

    Args:
        samples: mono float [n], any level.
        sample_rate_hz: 1000 at least.

    Returns:
        float32 [n].
    """
    wave = np.asarray(samples, dtype=np.float32)
    if len(wave) < 2:
        return np.zeros(len(wave), dtype=np.float32)
    taps = _low_pass(sample_rate_hz)
    half = len(taps) // 2
    mean = wave.mean(dtype=np.float64)  # far above the voice, it would cost the voice its digits
    padded = np.pad(wave - np.float32(mean), half, mode="reflect")
    size = max(_BLOCK, 1 << math.ceil(math.log2(4 * len(taps))))
    step = size - 2 * half
    spectrum = np.fft.rfft(taps, size)
    out = np.empty(len(wave), dtype=np.float32)
    for start in range(0, len(wave), step):
        block = padded[start : start + size]
        low = np.fft.irfft(np.fft.rfft(block, size) * spectrum, size)
        stop = min(len(wave), start + step)
        out[start:stop] = padded[half + start : half + stop] - low[2 * half :][: stop - start]
    return out
