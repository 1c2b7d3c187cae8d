"""The speaker vector: all that the acoustic model knows of a person.

Layout, float32 [328]: d-vector [256] (L2 norm 1), mean and standard deviation of log f0 over voiced
frames [2], long-term mean [70] of the log mel in the bands below 8 kHz over active frames, z-scored
by the corpus' mel statistics.  Training and enrolment both call :func:`speaker_statistics`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray, frame_energy_db, mel_centres_hz

KNOWN_ENCODERS = ("ge2e-resemblyzer-1",)
"""Speaker encoders whose d-vectors can be compared here; every quantization counts as the same."""
D_VECTOR_SIZE = 256
F0_SIZE = 2
ACTIVE_RANGE_DB = 30.0
DEFAULT_LOG_F0 = (5.0, 0.25)
"""Used when a recording holds no voiced speech at all (about 148 Hz)."""


def ltas_bands(features: FeatureConfig) -> int:
    """Number of mel bands that a 16 kHz recording fills (centres below 7.6 kHz)."""
    return int(np.sum(mel_centres_hz(features) < 7600.0))


def speaker_vector_size(features: FeatureConfig) -> int:
    """Length of a speaker vector."""
    return D_VECTOR_SIZE + F0_SIZE + ltas_bands(features)


@dataclass(frozen=True)
class SpeakerStatistics:
    """Pitch and long-term spectrum of a person's speech.

    Attributes:
        log_f0_mean, log_f0_std: over voiced frames, natural log of Hz.
        ltas: mean log mel over active frames in the bands below 8 kHz, shape [bands].
    """

    log_f0_mean: float
    log_f0_std: float
    ltas: FloatArray


def speaker_statistics(
    log_mel_frames: FloatArray, f0_hz: FloatArray, features: FeatureConfig = FeatureConfig()
) -> SpeakerStatistics:
    """Measure pitch and long-term spectrum.

    Args:
        log_mel_frames: [frames, n_mels] of level-normalized speech (`audio.level`).
        f0_hz: [frames], 0 where unvoiced.
    """
    voiced = np.log(f0_hz[f0_hz > 0.0])
    if len(voiced) >= 10:
        # The middle of the distribution, for octave errors live in its tails.
        centre = float(np.median(voiced))
        near = voiced[np.abs(voiced - centre) < 0.6]
        mean, std = float(near.mean()), float(near.std())
    else:
        mean, std = DEFAULT_LOG_F0
    energy = frame_energy_db(log_mel_frames)
    active = energy > float(np.percentile(energy, 95)) - ACTIVE_RANGE_DB
    ltas = log_mel_frames[active, : ltas_bands(features)].mean(axis=0)
    return SpeakerStatistics(mean, std, ltas.astype(np.float32))


def build_speaker_vector(
    d_vector: npt.ArrayLike,
    statistics: SpeakerStatistics,
    mel_mean: npt.ArrayLike,
    mel_std: npt.ArrayLike,
) -> FloatArray:
    """Join a d-vector and statistics into the model's speaker vector.

    Args:
        d_vector: [256]; brought to L2 norm 1.
        mel_mean, mel_std: [n_mels], the bundle's mel statistics.

    Returns:
        float32 [256 + 2 + bands].
    """
    d = np.asarray(d_vector, dtype=np.float32)
    d = d / max(float(np.linalg.norm(d)), 1e-9)
    bands = len(statistics.ltas)
    mean = np.asarray(mel_mean, dtype=np.float32)[:bands]
    std = np.asarray(mel_std, dtype=np.float32)[:bands]
    ltas = (statistics.ltas - mean) / std
    f0 = np.array([statistics.log_f0_mean, statistics.log_f0_std], dtype=np.float32)
    return np.concatenate([d, f0, ltas]).astype(np.float32)
