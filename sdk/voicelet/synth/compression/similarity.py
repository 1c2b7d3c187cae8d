"""Overlap-add of the stretches of a waveform that join best: WSOLA, as it streams.

Verhelst and Roelands 1993, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech".  Windows of 20 ms, half overlapping, are taken from
where a time map says, each moved by up to 8 ms to where it best goes on as the one before it did.
So periods stay whole, and pitch and timbre are kept.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray, hann_window

HALF_S = 0.01
"""Half a window; shorter ones would cut low voices' periods, longer ones smear fast speech."""
SEARCH_S = 0.008
_LEAST_POWER = 1e-9


class SimilarityOverlapAdd:
    """Makes the faster waveform, in order; holds what reaches from piece to piece.

    Args:
        centres: [K + 1], the sample of the source at which each window is to be centred; window k
            is centred on sample k · `half` of what is made.
        rate: in Hz.
    """

    def __init__(self, centres: npt.NDArray[np.int64], rate: int) -> None:
        self.half = half = half_window(rate)
        self._search = round(SEARCH_S * rate)
        self._starts = centres - half
        self._window = hann_window(2 * half)
        self._wave = np.zeros(2 * half + self._search, np.float32)
        self._origin = -len(self._wave)  # the source's sample that `_wave` begins with
        self._expected: FloatArray | None = None  # how the last window would go on
        self._tail = np.zeros(half, np.float32)
        self._step = 0

    def needed(self, samples: int) -> int:
        """How many samples of the source make so many of the output."""
        step = min(-(-samples // self.half), len(self._starts) - 1)
        return int(self._starts[step]) + self._search + 3 * self.half

    def add(self, samples: FloatArray) -> None:
        """Take the next samples of the source."""
        self._wave = np.concatenate([self._wave, samples])

    def advance(self, samples: int, *, ended: bool) -> FloatArray:
        """All further samples up to `samples` of the output, and up to a window's half more.

        Args:
            samples: not past what the source given so far makes.
            ended: the source is at its end; silence follows.
        """
        if ended:
            self._wave = np.concatenate([self._wave, np.zeros(self._behind(), np.float32)])
        last = min(-(-samples // self.half) + 1, len(self._starts))
        pieces = []
        while self._step < last:
            frame = self._best(int(self._starts[self._step])) * self._window
            if self._step:
                pieces.append(self._tail + frame[: self.half])
            self._tail = frame[self.half :]
            self._step += 1
        self._forget()
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def _behind(self) -> int:
        """Samples of silence that the last windows reach past the end."""
        end = self._origin + len(self._wave)
        return max(0, int(self._starts[-1]) + self._search + 3 * self.half - end)

    def _best(self, start: int) -> FloatArray:
        """The window near `start` that follows best on the one before; remembers how it goes on."""
        size, at = 2 * self.half, start - self._origin
        if self._expected is not None:
            low = max(0, at - self._search)
            near = self._wave[low : at + self._search + size]
            likeness = np.correlate(near, self._expected, "valid")
            power = np.concatenate([[0.0], np.cumsum(np.square(near, dtype=np.float64))])
            likeness /= np.sqrt(power[size:] - power[:-size] + _LEAST_POWER)
            at = low + int(likeness.argmax())
        self._expected = self._wave[at + self.half : at + self.half + size]
        return self._wave[at : at + size]

    def _forget(self) -> None:
        """Drop what no further window reaches back to."""
        if self._step < len(self._starts):
            drop = int(self._starts[self._step]) - self._search - self._origin
            if drop > 0:
                self._wave = self._wave[drop:]
                self._origin += drop


def half_window(rate: int) -> int:
    """Samples of half a window."""
    return round(HALF_S * rate)
