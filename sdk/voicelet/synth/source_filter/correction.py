"""Corrects what the vocoder's filters gave, so that its mel becomes the one that was asked for.

The filters of a frame can't foresee how it adds up with its neighbours, nor how the noise falls.
What came of them is measured and corrected once, band by band; the phases stay, as in a round of
Griffin & Lim (1984).  Bands are a little wider than the mel's lowest, which tell the gaps between
harmonics: a predicted mel has them shallower than speech has, and noise would fill them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voicelet.audio.features import FeatureConfig, FloatArray, mel_centres_hz, mel_filterbank
from voicelet.audio.products import BandMatrix, product
from voicelet.synth.source_filter.stft import OverlapAdd, Window
from voicelet.trust.watermark.base import FrameMark

MOST_CORRECTED = 2.0
"""A band is brought up or down by at most this much (natural log), as in training."""
LEAST_HALF_WIDTH_HZ = 50.0
"""Of the triangular bands compared.  Between 50 and 100 Hz copies gain what speech from predicted
mels loses, both little; the mel's own 38 Hz costs signal quality (DNSMOS SIG 3.37 for 3.47)."""
OF_STRANGERS = 0.5
"""Share of the correction that people get whom the voice wasn't trained with: the mels predicted
for them are less sure (forty clones: cosine 0.796 for 0.790, DNSMOS SIG 3.32 for 3.27)."""
BAND_FLOOR = np.float32(1e-6)


class Bands:
    """Between the bins of a synthesis STFT, mel bands and wider bands.  Threads may share it.

    Args:
        features: of the bundle.
        size: of the STFT, in samples.

    Attributes:
        of_bins: [bins, n_mels], from magnitudes of the STFT to those of the bands compared.
        of_mels: [n_mels, n_mels], from those of a mel's own bands to the same.
        to_bins: [n_mels, bins], linear interpolation from the bands' centres.
    """

    def __init__(self, features: FeatureConfig, size: int) -> None:
        bank = mel_filterbank(replace(features, n_fft=size))
        bank = bank / bank.sum(axis=1, keepdims=True).clip(1e-9)
        centres = mel_centres_hz(features)
        spacing = np.gradient(centres)
        reach = np.maximum(LEAST_HALF_WIDTH_HZ, spacing)[:, None]
        wide = np.maximum(0.0, 1.0 - np.abs(centres[None] - centres[:, None]) / reach) * spacing
        wide /= wide.sum(axis=1, keepdims=True)
        bins = np.fft.rfftfreq(size, 1.0 / features.sample_rate_hz)
        rows = [np.interp(bins, centres, row) for row in np.eye(len(centres))]
        self.of_bins: FloatArray = np.ascontiguousarray(product(wide, bank).T, np.float32)
        self.of_mels: FloatArray = np.ascontiguousarray(wide.T, dtype=np.float32)
        self.to_bins: FloatArray = np.stack(rows).astype(np.float32)
        # Nearly all of them is zero.
        matrices = (self.of_bins, self.of_mels, self.to_bins)
        self._of_bins, self._of_mels, self._to_bins = (BandMatrix(m) for m in matrices)

    def gains(self, magnitude: FloatArray, target: FloatArray, share: float = 1.0) -> FloatArray:
        """What brings spectra to their targets.

        Args:
            magnitude: [n, bins].
            target: natural log magnitudes of the mel's bands, [n, n_mels].
            share: of the way, in decibels.

        Returns:
            [n, bins], linear.
        """
        wanted = np.log(np.maximum(np.exp(target) @ self._of_mels, BAND_FLOOR))
        missing = wanted - np.log(np.maximum(magnitude @ self._of_bins, BAND_FLOOR))
        np.clip(missing, -MOST_CORRECTED, MOST_CORRECTED, out=missing)
        missing *= np.float32(share)
        gains: FloatArray = missing @ self._to_bins
        return np.exp(gains, out=gains)


class Correction:
    """Corrects one clause, in order; holds what reaches over from stretch to stretch.

    Args:
        bands, window: shared.
        mark: the clause's watermark, put on after the correction, which would take it off again.
        share: of the correction that is made, 0 to 1.
    """

    def __init__(
        self, bands: Bands, window: Window, mark: FrameMark | None, share: float = 1.0
    ) -> None:
        self._bands, self._window, self._mark, self._share = bands, window, mark, share
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
        gains = self._bands.gains(np.abs(spectra), self._targets[:n], self._share)
        if self._mark is not None:
            gains *= self._mark(self._done, n)
        spectra *= gains
        self._done += n
        self._wave, self._targets = self._wave[n * w.hop :], self._targets[n:]
        return self._out.add(w.frames(spectra))
