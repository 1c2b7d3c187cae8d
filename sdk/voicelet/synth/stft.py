"""Frames of a waveform that grows, and the waveform of frames, both stretch by stretch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import hann_window
from voicelet.trust.watermark_pattern import FloatArray

ComplexArray = npt.NDArray[np.complex64]


class Window:
    """A Hann window of `size` samples every `hop`; frame i is centred on (i + 0.5) · hop.

    The squared windows of overlapping frames sum to 0.375 · size / hop, which the inverse divides
    by: what went in comes out.
    """

    def __init__(self, size: int, hop: int) -> None:
        self.size, self.hop = size, hop
        self.side = (size - hop) // 2
        """Samples before a frame's own hop that it reaches, and after it."""
        self.overlap = size // hop - 1
        """Hops that a frame shares with those after it."""
        self.analysis = hann_window(size)
        self._synthesis = self.analysis / np.float32(0.375 * size / hop)

    @property
    def delay_frames(self) -> int:
        """Frames past a sample's own that add to it."""
        return (self.side + self.hop - 1) // self.hop

    def spectra(self, wave: FloatArray) -> ComplexArray:
        """Of every whole frame in `wave` [n], which begins where the first one does."""
        frames = np.lib.stride_tricks.sliding_window_view(wave, self.size)[:: self.hop]
        return np.fft.rfft(frames * self.analysis, axis=-1).astype(np.complex64, copy=False)

    def frames(self, spectra: ComplexArray) -> FloatArray:
        """[n, bins] → [n, size], ready to be added up."""
        out = np.fft.irfft(spectra, self.size, axis=-1).astype(np.float32, copy=False)
        out *= self._synthesis
        return out


class OverlapAdd:
    """Adds up frames; gives out the samples that are final, from the waveform's first on."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._tail = np.zeros((window.overlap, window.hop), np.float32)
        self._skip = window.side

    def add(self, frames: FloatArray) -> FloatArray:
        """The next frames [n, size] → samples, n hops of them once it is under way."""
        w, n = self._window, len(frames)
        hops = frames.reshape(n, w.overlap + 1, w.hop)
        out = np.zeros((n + w.overlap, w.hop), np.float32)
        out[: w.overlap] = self._tail
        for i in range(w.overlap + 1):
            out[i : i + n] += hops[:, i]
        self._tail = out[n:].copy()
        return self._heard(out[:n].reshape(-1))

    def end(self) -> FloatArray:
        """What is left when the last frame was added."""
        return self._heard(self._tail.reshape(-1)[: self._window.side])

    def _heard(self, samples: FloatArray) -> FloatArray:
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        return samples[skipped:]
