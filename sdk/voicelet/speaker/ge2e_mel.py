"""The speaker encoder's own features: 40 linear mel powers at 16 kHz.

The settings are those of the public GE2E weights the encoder starts from (Wan et al.,
"Generalized end-to-end loss for speaker verification", 2018): 25 ms windows, 10 ms hop, no
logarithm, speech brought to an RMS of -30 dBFS.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import (
    FeatureConfig,
    FloatArray,
    frame_signal,
    hann_window,
    mel_bands,
)

GE2E_FEATURES = FeatureConfig(
    sample_rate_hz=16000,
    n_fft=400,
    win_length=400,
    hop_length=160,
    n_mels=40,
    f_min_hz=0.0,
    f_max_hz=8000.0,
)
WINDOW_FRAMES = 160
STEP_FRAMES = 77
TARGET_RMS_DBFS = -30.0


def ge2e_mel(samples_16k: npt.ArrayLike) -> FloatArray:
    """Mel power spectrogram [frames, 40] of mono speech [n] at 16 kHz, silences removed."""
    wave = np.asarray(samples_16k, dtype=np.float32)
    rms = float(np.sqrt(np.mean(wave.astype(np.float64) ** 2))) if len(wave) else 0.0
    if rms > 0.0:
        wave = wave * np.float32(10.0 ** (TARGET_RMS_DBFS / 20.0) / rms)
    n_frames = max(1, len(wave) // GE2E_FEATURES.hop_length)
    frames = frame_signal(wave, GE2E_FEATURES.win_length, GE2E_FEATURES.hop_length, n_frames)
    window = hann_window(GE2E_FEATURES.win_length)
    bank = mel_bands(GE2E_FEATURES)
    mel = np.empty((n_frames, GE2E_FEATURES.n_mels), dtype=np.float32)
    for start in range(0, n_frames, 1024):
        spectrum = np.fft.rfft(frames[start : start + 1024] * window, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        mel[start : start + 1024] = power @ bank
    return mel


def ge2e_windows(mel: FloatArray) -> FloatArray:
    """Cut a mel spectrogram into the encoder's windows of 1.6 s, about half overlapping.

    A last window that would be less than three quarters covered is dropped unless it is the only
    one; short speech is padded with zeros.

    Returns:
        float32 [windows, 160, 40], at least one window.
    """
    starts = list(range(0, max(1, len(mel) - WINDOW_FRAMES + STEP_FRAMES), STEP_FRAMES))
    if len(starts) > 1 and (len(mel) - starts[-1]) / WINDOW_FRAMES < 0.75:
        starts.pop()
    need = starts[-1] + WINDOW_FRAMES
    if need > len(mel):
        mel = np.pad(mel, ((0, need - len(mel)), (0, 0)))
    return np.stack([mel[s : s + WINDOW_FRAMES] for s in starts]).astype(np.float32)
