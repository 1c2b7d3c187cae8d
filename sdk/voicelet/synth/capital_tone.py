"""A short tone at every word with a capital, for those who listen to what they write."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from voicelet.audio.features import FloatArray, hann_window

TONE_HZ = 1760.0
TONE_S = 0.05
AHEAD_S = 0.03
"""It begins before the word, so that the word's first sound isn't covered."""
PEAK = 0.12
"""Of its samples: some 7 dB below the peaks of speech at the output level."""


class CapitalTones:
    """Adds tones to a clause that comes in pieces.

    Args:
        starts_s: when the words begin, in seconds of the clause, rising.
        rate: in Hz.
    """

    def __init__(self, starts_s: Sequence[float], rate: int) -> None:
        length = max(2, round(TONE_S * rate))
        ramp = np.arange(length) / rate
        self._tone = (PEAK * np.sin(2.0 * np.pi * TONE_HZ * ramp)).astype(np.float32)
        self._tone *= hann_window(length)
        self._starts = [max(0, round((s - AHEAD_S) * rate)) for s in starts_s]
        self._place = 0

    def __call__(self, samples: FloatArray) -> FloatArray:
        """Add what falls into the next samples, in place; returns them, within [-1, 1]."""
        first, n = self._place, len(samples)
        self._place += n
        for start in self._starts:
            low, high = max(start, first), min(start + len(self._tone), first + n)
            if low < high:
                samples[low - first : high - first] += self._tone[low - start : high - start]
        return np.clip(samples, -1.0, 1.0, out=samples) if self._starts else samples
