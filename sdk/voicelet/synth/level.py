"""The last steps before the ear: level, limiter, faded edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

GAIN_DB = 0.0
"""Voices are trained at an active level of -23 dBFS and leave at it, the level of EBU R 128."""
KNEE = 0.8
"""Samples above this are bent, so that none passes 1."""
FADE_S = 0.005


def to_output_level(samples: FloatArray, gain: float = 1.0) -> FloatArray:
    """Apply the gain and a limiter without memory: straight to 0.8, a tanh from there to 1.

    Args:
        samples: [n], as the vocoder makes them.
        gain: the caller's, times :data:`GAIN_DB`.
    """
    out = samples * np.float32(gain * 10.0 ** (GAIN_DB / 20.0))
    loud = np.abs(out) > KNEE
    if loud.any():
        over = (np.abs(out[loud]) - KNEE) / (1.0 - KNEE)
        out[loud] = np.sign(out[loud]) * (KNEE + (1.0 - KNEE) * np.tanh(over))
    return out


class Fader:
    """Fades the first and the last 5 ms of a clause that comes in pieces.

    Args:
        total: samples of the clause.
        rate: in Hz.
    """

    def __init__(self, total: int, rate: int) -> None:
        self._total, self._place = total, 0
        self._length = max(1, min(int(FADE_S * rate), total // 2))

    def __call__(self, samples: FloatArray) -> FloatArray:
        """Fade the next samples, in place; returns them."""
        first, n = self._place, len(samples)
        self._place += n
        if first < self._length:
            rise = np.arange(first, min(first + n, self._length), dtype=np.float32)
            samples[: len(rise)] *= (rise + 0.5) / self._length
        start = max(first, self._total - self._length)
        if start < first + n:
            fall = np.arange(self._total - start, self._total - first - n, -1, dtype=np.float32)
            samples[start - first :] *= (fall - 0.5) / self._length
        return samples
