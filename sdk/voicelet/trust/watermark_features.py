"""What the detector sees: band energies, freed of what speech does by itself.

Speech hides the mark under changes ten times its size, but slow ones that many bands share, while
the mark changes fast and in each band by itself.  So the log energies of the bands are filtered in
time by the inverse square root of the modulation spectrum of speech, each is predicted from its
neighbours and the residual kept, what sticks out is clipped, and the time filter is applied again:
the matched filter for coloured noise, with both filters fitted on natural and synthetic speech.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import hann_window
from voicelet.trust.watermark_pattern import BANDS, FRAMES_PER_S, SLOT_FRAMES, band_edges

FloatArray = npt.NDArray[np.float32]

RATE_HZ = 24_000
HOP = RATE_HZ // FRAMES_PER_S
_SIZE = 4 * HOP
_TAPS = 41
CONTEXT_FRAMES = _TAPS // 2 * 2 + 2
"""How far the filters see on each side."""

# Modulation spectrum of the bands' log energies, dB, mean of natural and synthetic speech.
_MODULATION_HZ = (0.0, 0.625, 1.25, 1.9, 2.5, 3.75, 5.0, 6.25, 7.5, 10.0, 12.5, 15.0, 20.0, 40.0)
_MODULATION_DB = (15.5, 15.5, 13.7, 11.7, 11.0, 9.0, 7.1, 5.2, 3.2, 0.0, -2.7, -5.5, -9.6, -9.6)
# Least-squares prediction of a band from its eight neighbours on each side.
_NEIGHBOURS = (0.255, 0.113, 0.026, 0.020, 0.017, 0.024, 0.022, 0.013)
_SHARED = 0.96
_CLIP = 2.0
_RANGE_DB = 55.0
_MIN_DEVIATION = 0.5  # of a filtered band; less is a band without signal


def power_spectra(samples: FloatArray) -> FloatArray:
    """Running sums over the bins of power spectra, at 24 kHz, frames centred on (i + 0.5) hops.

    Returns:
        float32 [n, 602]; differences are the energies of stretches of bins of 20 Hz.
    """
    count = len(samples) // HOP
    padded = np.pad(samples, ((_SIZE - HOP) // 2, _SIZE))
    window = hann_window(_SIZE)
    out = np.zeros((count, _SIZE // 2 + 2), np.float32)
    for start in range(0, count, 1024):
        last = min(count, start + 1024)
        part = padded[start * HOP : (last - 1) * HOP + _SIZE]
        frames = np.lib.stride_tricks.sliding_window_view(part, _SIZE)[::HOP]
        spectra = np.fft.rfft(frames * window, axis=-1)
        power = spectra.real**2 + spectra.imag**2
        np.cumsum(power, axis=1, out=out[start:last, 1:])
    return out


def band_energies(sums: FloatArray, scale: float) -> FloatArray:
    """Energies of the mark's bands, their edges multiplied by `scale`: float32 [n, BANDS]."""
    bins = sums.shape[1] - 1
    place = np.minimum(band_edges() * (scale * _SIZE / RATE_HZ) + 0.5, bins)
    below = np.minimum(place.astype(np.int64), bins - 1)
    part = (place - below).astype(np.float32)
    at = sums[:, below] * (1 - part) + sums[:, below + 1] * part
    energies: FloatArray = np.maximum(np.diff(at, axis=1), 0.0).astype(np.float32)
    return energies


def residuals(energies: FloatArray) -> FloatArray:
    """The matched filter's output, float32 [n, BANDS]; rows are correlated with tile signs."""
    total = energies.sum(axis=1)
    loud = float(np.percentile(total, 95)) if len(total) else 0.0
    if loud <= 0.0:
        return np.zeros_like(energies)
    floor = np.percentile(energies, 10, axis=0) + loud * 10.0 ** (-_RANGE_DB / 10.0) / BANDS
    weight = np.clip(1.0 - floor / np.maximum(energies, floor), 0.0, 1.0).astype(np.float32)
    level = np.log(energies + floor).astype(np.float32) * np.float32(10.0 / np.log(10.0))
    once = _filtered(level, whitener())
    near = _neighbourhood()
    support = weight @ near
    shared = ((weight * once) @ near) / np.maximum(support, 1e-3)
    once -= np.float32(_SHARED) * shared * np.minimum(1.0, 4.0 * support)
    energy = np.sum(weight * once**2, axis=0) / np.maximum(weight.sum(axis=0), 1.0)
    deviation = np.sqrt(energy) + np.float32(_MIN_DEVIATION)
    once /= deviation
    np.clip(once, -_CLIP, _CLIP, out=once)
    once *= weight / deviation
    return _filtered(once, _matched())


@lru_cache(maxsize=1)
def whitener() -> FloatArray:
    """Symmetric filter over frames that makes the modulation spectrum of speech flat, [41]."""
    hz = np.fft.rfftfreq(128, 1.0 / FRAMES_PER_S)
    response = 10.0 ** (-np.interp(hz, _MODULATION_HZ, _MODULATION_DB) / 20.0)
    taps = np.roll(np.fft.irfft(response), _TAPS // 2)[:_TAPS] * np.hanning(_TAPS + 2)[1:-1]
    centred: FloatArray = (taps - taps.mean()).astype(np.float32)
    return centred


@lru_cache(maxsize=1)
def _matched() -> FloatArray:
    # Overlapping windows have smoothed the mark's steps by about three frames.
    smooth = np.full(SLOT_FRAMES - 1, 1.0 / (SLOT_FRAMES - 1), np.float32)
    taps: FloatArray = np.convolve(whitener(), smooth).astype(np.float32)
    return taps


@lru_cache(maxsize=1)
def _neighbourhood() -> FloatArray:
    kernel = np.zeros((BANDS, BANDS), np.float32)
    for i, share in enumerate(_NEIGHBOURS):
        kernel += share * (np.eye(BANDS, k=i + 1) + np.eye(BANDS, k=-i - 1))
    return kernel


def _filtered(rows: FloatArray, taps: FloatArray) -> FloatArray:
    """Filter over the first axis, zero-phase, edges held."""
    half = len(taps) // 2
    padded = np.pad(rows, ((half, half), (0, 0)), mode="edge")
    out = np.zeros_like(rows)
    for i, tap in enumerate(taps):
        out += tap * padded[i : i + len(rows)]
    return out
