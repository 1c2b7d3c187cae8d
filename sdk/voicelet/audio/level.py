"""Bring speech to one level, so that loudness is never mistaken for a voice."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray

TARGET_ACTIVE_DBFS = -23.0
_FRAME_S = 0.02
_GATE_DB = 25.0
_PEAK = 0.98


def active_level_dbfs(samples: npt.ArrayLike, sample_rate_hz: int) -> float:
    """RMS level over the active 20 ms frames, in dBFS; `-inf` for digital silence.

    A frame is active when it lies within 25 dB of the 95th percentile of frame levels (a cheap
    stand-in for the speech level meter of ITU-T P.56).
    """
    wave = np.asarray(samples, dtype=np.float32)
    size = max(1, int(sample_rate_hz * _FRAME_S))
    n_frames = len(wave) // size
    if n_frames == 0:
        power = np.array([float(np.mean(wave.astype(np.float64) ** 2)) if len(wave) else 0.0])
    else:
        block = wave[: n_frames * size].reshape(n_frames, size)
        power = np.einsum("ij,ij->i", block, block, dtype=np.float64) / size
    loud = float(np.percentile(power, 95))
    if loud <= 1e-12:
        return float("-inf")
    active = power[power >= loud * 10.0 ** (-_GATE_DB / 10.0)]
    return float(10.0 * np.log10(active.mean()))


def normalize_level(
    samples: npt.ArrayLike, sample_rate_hz: int, target_dbfs: float = TARGET_ACTIVE_DBFS
) -> FloatArray:
    """Scale `samples` to an active level of `target_dbfs`, never past a peak of 0.98.

    Silence is returned as it is.
    """
    wave = np.asarray(samples, dtype=np.float32)
    level = active_level_dbfs(wave, sample_rate_hz)
    if not np.isfinite(level):
        return wave
    gain = 10.0 ** ((target_dbfs - level) / 20.0)
    peak = float(np.max(np.abs(wave)))
    return (wave * np.float32(min(gain, _PEAK / peak))).astype(np.float32)
