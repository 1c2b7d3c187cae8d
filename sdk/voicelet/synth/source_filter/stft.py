"""The pulses and noise that the vocoder filters, and the frames they are filtered in.

A waveform that grows becomes frames, and frames a waveform, stretch by stretch.

The harmonic source is the sum of cos(k·φ) over all harmonics below 11.5 kHz, in closed form (the
Dirichlet kernel), as in neural source-filter models (Wang et al. 2019).  Both sources are drawn in
blocks of one hop between the centres of two frames; phase and generator run on from block to block,
so the samples don't depend on how a clause is cut into stretches.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray, hann_window

MAX_HARMONIC_HZ = 11500.0
NOISE_POWER_OF_WINDOW = 0.375
"""Mean of a squared Hann window: white noise over `sqrt(0.375 · window)` has bins of power 1."""


class ExcitationSource:
    """The sources of one clause; holds the phase between calls.

    Args:
        hop, rate, window: of the synthesis STFT, in samples and Hz.
        rng: of the first phase and the noise.
    """

    def __init__(self, hop: int, rate: int, window: int, rng: np.random.Generator) -> None:
        self._hop, self._rate, self._rng = hop, rate, rng
        # Uniform draws are cheaper than normal ones, and over a window their spectra are alike.
        self._noise_scale = np.float32(np.sqrt(12.0 / (NOISE_POWER_OF_WINDOW * window)))
        self._cycles = float(rng.random())
        self._ramp = ((np.arange(hop) + 0.5) / hop).astype(np.float32)

    def harmonic(self, log_f0: FloatArray, voicing: FloatArray) -> FloatArray:
        """Draw the blocks between neighbouring frame centres.

        Args:
            log_f0, voicing: [n + 1], at the centres; natural log Hz, and 0 or 1.

        Returns:
            [n, hop].
        """
        f0 = log_f0[:-1, None] + np.diff(log_f0)[:, None] * self._ramp
        np.exp(f0, out=f0)
        # In double precision, for the phase of a long clause is a large number.
        cycles = np.cumsum(f0, dtype=np.float64)
        cycles /= self._rate
        cycles += self._cycles
        self._cycles = float(cycles[-1] % 1.0) if len(cycles) else self._cycles
        out = np.zeros_like(f0)
        heard = (voicing[:-1] > 0.0) | (voicing[1:] > 0.0)
        if not heard.any():
            return out
        half = (cycles.reshape(f0.shape)[heard] % 1.0).astype(np.float32)
        half *= np.float32(np.pi)
        count = np.floor(np.float32(MAX_HARMONIC_HZ) / f0[heard])
        below = np.sin(half)
        small = np.abs(below) < 1e-3
        below[small] = 1.0
        pulse = np.sin((2.0 * count + 1.0) * half)
        pulse /= 2.0 * below
        pulse[small] = count[small] + 0.5
        pulse -= 0.5
        loud = voicing[:-1, None] + np.diff(voicing)[:, None] * self._ramp
        pulse *= loud[heard]
        pulse /= self._hop
        out[heard] = pulse
        return out

    def noise(self, count: int) -> FloatArray:
        """Draw `count` blocks of white noise, [count, hop]."""
        out = self._rng.random((count, self._hop), dtype=np.float32)
        out -= np.float32(0.5)
        out *= self._noise_scale
        return out


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
