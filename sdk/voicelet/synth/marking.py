"""The mark for voices whose graphs give samples, not spectra: a streaming STFT filter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray, hann_window
from voicelet.synth.base import Check, Rendering
from voicelet.trust.watermark.base import ClauseWatermark
from voicelet.trust.watermark.pattern import FRAMES_PER_S

_OVERLAP = 4  # hops in a window


class MarkFilter:
    """Marks one clause that comes in pieces, by sine windows a quarter apart (they sum to 2).

    Args:
        mark: of the clause.
        rate: in Hz.
    """

    def __init__(self, mark: ClauseWatermark, rate: int) -> None:
        self._hop = hop = max(2, round(rate / FRAMES_PER_S))
        size = _OVERLAP * hop
        self._window = np.sqrt(hann_window(size))
        # Window k begins at sample (k - 3) · hop, so that the first that touch the clause count.
        self._gains = mark.frames(rate, hop, size, -hop - hop // 2)
        self._frame = 0
        self._pending = np.zeros(size - hop, np.float32)
        self._tail = np.zeros(size - hop, np.float32)
        self._n_in, self._n_out = 0, hop - size

    @property
    def delay(self) -> int:
        """The output lags the input by at most this many samples."""
        return _OVERLAP * self._hop

    def __call__(self, samples: FloatArray, *, last: bool = False) -> FloatArray:
        """Mark the next samples of the clause.

        Args:
            samples: float32 [n], n ≥ 0.
            last: no more will come; what was held back is given, too.

        Returns:
            float32 [m]; in all as many as were taken.
        """
        self._n_in += len(samples)
        padding = len(self._tail) + self._hop - 1 if last else 0
        pending = np.concatenate([self._pending, samples, np.zeros(padding, np.float32)])
        size, hop = len(self._window), self._hop
        count = max(0, (len(pending) - size) // hop + 1)
        self._pending = pending[count * hop :]
        if not count:
            return np.zeros(0, np.float32)
        views = np.lib.stride_tricks.sliding_window_view(pending, size)[: count * hop : hop]
        spectrum = np.fft.rfft(views * self._window, axis=-1)
        spectrum *= self._gains(self._frame, count)
        frames = np.fft.irfft(spectrum, size, axis=-1) * (0.5 * self._window)
        self._frame += count
        hops = frames.astype(np.float32).reshape(count, _OVERLAP, hop)
        overlapped = np.zeros((count + _OVERLAP - 1, hop), np.float32)
        overlapped[: _OVERLAP - 1] = self._tail.reshape(-1, hop)
        for i in range(_OVERLAP):
            overlapped[i : i + count] += hops[:, i]
        self._tail = overlapped[count:].reshape(-1).copy()
        skip = min(max(0, -self._n_out), count * hop)
        marked = overlapped[:count].reshape(-1)[skip:]
        marked = marked[: max(0, self._n_in - max(0, self._n_out))]
        self._n_out += skip + len(marked)
        return marked


class MarkedRendering:
    """A rendering whose samples leave it marked; see `voicelet.synth.base.Rendering`.

    Args:
        inner: renders the clause.
        mark: of the clause.
        hop: samples in a frame of the voice.
        rate: in Hz.
    """

    def __init__(self, inner: Rendering, mark: ClauseWatermark, hop: int, rate: int) -> None:
        self._inner, self._hop = inner, hop
        self._filter = MarkFilter(mark, rate)
        self._ahead = -(-self._filter.delay // hop)
        self._ready = np.zeros(0, np.float32)
        self._rendered = self._n_out = 0

    @property
    def frames(self) -> int:
        """Its length, in frames of the voice."""
        return self._inner.frames

    @property
    def ends_s(self) -> npt.NDArray[np.float64]:
        """When each phone ends."""
        return self._inner.ends_s

    def advance(self, last: int, check: Check) -> FloatArray:
        """Render a little further than asked, for the filter looks ahead."""
        target = min(self.frames, last + self._ahead)
        if target > self._rendered:
            samples = self._inner.advance(target, check)
            self._rendered = target
            marked = self._filter(samples, last=target >= self.frames)
            self._ready = np.concatenate([self._ready, marked])
        count = min(last, self.frames) * self._hop - self._n_out
        self._n_out += count
        ready, self._ready = self._ready[:count], self._ready[count:]
        return ready
