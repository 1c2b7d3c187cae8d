"""A second look at what the vocoder's filters gave: its mel, brought to the one that was meant.

The filters of a frame can't foresee how it adds up with its neighbours, nor how the noise falls.
What came of them is measured and corrected once, in the resolution of the mel; the phases stay, as
in a round of Griffin & Lim (1984).  The vocoder was trained with this round in place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voicelet.audio.features import FeatureConfig, mel_centres_hz, mel_filterbank
from voicelet.synth.stft import OverlapAdd, Window
from voicelet.trust.watermark import FrameGains
from voicelet.trust.watermark_pattern import FloatArray

MOST_CORRECTED = 2.0
"""A band is brought up or down by at most this much (natural log), as in training."""
_FLOOR = np.float32(1e-6)


class Bands:
    """Between the bins of a synthesis STFT and mel bands.  Threads may share it.

    Args:
        features: of the bundle.
        size: of the STFT, in samples.
    """

    def __init__(self, features: FeatureConfig, size: int) -> None:
        bank = mel_filterbank(replace(features, n_fft=size))
        bank /= bank.sum(axis=1, keepdims=True).clip(1e-9)
        self._bank = np.ascontiguousarray(bank.T)
        bins = np.fft.rfftfreq(size, 1.0 / features.sample_rate_hz)
        centres = mel_centres_hz(features)
        rows = [np.interp(bins, centres, row) for row in np.eye(features.n_mels)]
        self._envelope = np.stack(rows).astype(np.float32)

    def gains(self, magnitude: FloatArray, target: FloatArray) -> FloatArray:
        """What brings spectra to their targets.

        Args:
            magnitude: [n, bins].
            target: natural log magnitudes of bands, [n, n_mels].

        Returns:
            [n, bins], linear.
        """
        missing = target - np.log(np.maximum(magnitude @ self._bank, _FLOOR))
        np.clip(missing, -MOST_CORRECTED, MOST_CORRECTED, out=missing)
        gains: FloatArray = missing @ self._envelope
        return np.exp(gains, out=gains)


class Correction:
    """Corrects one clause, in order; holds what reaches over from stretch to stretch.

    Args:
        bands, window: shared.
        mark: the clause's watermark, put on after the correction, which would take it off again.
    """

    def __init__(self, bands: Bands, window: Window, mark: FrameGains | None) -> None:
        self._bands, self._window, self._mark = bands, window, mark
        self._out = OverlapAdd(window)
        self._wave = np.zeros(window.side, np.float32)  # from the next frame's start on
        self._targets = np.zeros((0, 0), np.float32)
        self._done = 0

    @property
    def delay_frames(self) -> int:
        """Frames of the first pass, past a frame's own, that make the samples it covers."""
        w = self._window
        return (2 * w.side + w.hop - 1) // w.hop

    def expect(self, targets: FloatArray) -> None:
        """Take the targets of the next frames, [n, n_mels]; they come ahead of their samples."""
        self._targets = np.concatenate([self._targets, targets]) if self._targets.size else targets

    def advance(self, samples: FloatArray, last: bool) -> FloatArray:
        """The next samples of the first pass → what samples are now final.

        Args:
            last: no more will come.
        """
        w = self._window
        after = np.zeros(w.side if last else 0, np.float32)
        self._wave = np.concatenate([self._wave, samples, after])
        n = max(0, (len(self._wave) - w.size) // w.hop + 1)
        out = [self._corrected(n)] if n else []
        if last:
            out.append(self._out.end())
        return np.concatenate(out) if out else np.zeros(0, np.float32)

    def _corrected(self, n: int) -> FloatArray:
        w = self._window
        spectra = w.spectra(self._wave[: (n - 1) * w.hop + w.size])
        gains = self._bands.gains(np.abs(spectra), self._targets[:n])
        if self._mark is not None:
            gains *= self._mark(self._done, n)
        spectra *= gains
        self._done += n
        self._wave, self._targets = self._wave[n * w.hop :], self._targets[n:]
        return self._out.add(w.frames(spectra))
