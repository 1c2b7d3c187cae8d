"""The excitation of the source-filter vocoder: a pulse train that follows f0, and noise.

The harmonic source is the sum of cos(k·φ) over all harmonics below 11.5 kHz, in closed form (the
Dirichlet kernel), as in neural source-filter models (Wang et al. 2019).  Both sources are drawn in
blocks of one hop between the centres of two frames; phase and generator run on from block to block,
so the samples don't depend on how a clause is cut into stretches.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

MAX_HARMONIC_HZ = 11500.0
NOISE_POWER_OF_WINDOW = 0.375
"""Mean of a squared Hann window: white noise over `sqrt(0.375 · window)` has bins of power 1."""

FloatArray = npt.NDArray[np.float32]


class Source:
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
