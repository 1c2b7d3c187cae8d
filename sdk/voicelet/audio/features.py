"""Mel spectrograms: the one definition that training and the device share.

Frames are centred on `(i + 0.5) * hop_length`, so a signal of `n * hop_length` samples has
exactly `n` frames and a duration in frames is a duration in samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voicelet.audio.products import BandMatrix

FloatArray = npt.NDArray[np.float32]

LOG_FLOOR = 1e-5


@dataclass(frozen=True)
class FeatureConfig:
    """What a mel frame is; stored in every bundle's manifest.

    Attributes:
        sample_rate_hz: rate of the waveform.
        n_fft: length of the FFT; the window is zero-padded to it on both sides.
        win_length: length of the periodic Hann window, in samples.
        hop_length: samples between frames.
        n_mels: number of mel bands.
        f_min_hz, f_max_hz: edges of the filterbank.
    """

    sample_rate_hz: int = 24000
    n_fft: int = 2048
    win_length: int = 1200
    hop_length: int = 300
    n_mels: int = 80
    f_min_hz: float = 0.0
    f_max_hz: float = 12000.0

    def __post_init__(self) -> None:
        if not 0 < self.hop_length <= self.win_length <= self.n_fft:
            raise ValueError("need 0 < hop_length <= win_length <= n_fft")
        if self.f_max_hz > self.sample_rate_hz / 2:
            raise ValueError("f_max_hz lies above half the sample rate")

    @property
    def frames_per_second(self) -> float:
        """Frames in a second of audio."""
        return self.sample_rate_hz / self.hop_length


def hz_to_mel(hz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above (Auditory Toolbox, 1998)."""
    hz = np.asarray(hz, dtype=np.float64)
    linear = hz * 3.0 / 200.0
    log = 15.0 + 27.0 / np.log(6.4) * np.log(np.maximum(hz, 1e-9) / 1000.0)
    return np.where(hz < 1000.0, linear, log)


def mel_to_hz(mel: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Inverse of :func:`hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    return np.where(
        mel < 15.0, mel * 200.0 / 3.0, 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0)
    )


@lru_cache(maxsize=8)
def mel_centres_hz(config: FeatureConfig) -> npt.NDArray[np.float64]:
    """Centre frequency of every mel band, shape [n_mels]."""
    edges = np.linspace(
        float(hz_to_mel(config.f_min_hz)), float(hz_to_mel(config.f_max_hz)), config.n_mels + 2
    )
    centres: npt.NDArray[np.float64] = mel_to_hz(edges)[1:-1]
    return centres


@lru_cache(maxsize=8)
def mel_filterbank(config: FeatureConfig) -> FloatArray:
    """Triangular filters of unit area, shape [n_mels, n_fft // 2 + 1]."""
    mels = np.linspace(
        float(hz_to_mel(config.f_min_hz)), float(hz_to_mel(config.f_max_hz)), config.n_mels + 2
    )
    edges = mel_to_hz(mels)
    bins = np.fft.rfftfreq(config.n_fft, 1.0 / config.sample_rate_hz)
    lower = (bins[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    upper = (edges[2:, None] - bins[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0.0, np.minimum(lower, upper))
    weights *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return weights.astype(np.float32)


@lru_cache(maxsize=8)
def mel_bands(config: FeatureConfig) -> BandMatrix:
    """The filterbank's transpose, [n_fft // 2 + 1, n_mels], for `magnitude @ mel_bands(config)`."""
    return BandMatrix(mel_filterbank(config).T)


@lru_cache(maxsize=8)
def hann_window(length: int) -> FloatArray:
    """Periodic Hann window of `length` samples."""
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length)).astype(np.float32)


def frame_signal(
    samples: FloatArray, win_length: int, hop_length: int, n_frames: int
) -> npt.NDArray[Any]:
    """Cut `samples` into overlapping windows centred on `(i + 0.5) * hop_length`.

    Edges are padded by reflection where the signal is long enough, else by zeros.

    Returns:
        A read-only view of shape [n_frames, win_length].
    """
    left = (win_length - hop_length) // 2
    right = max(0, (n_frames - 1) * hop_length + win_length - left - len(samples))
    long_enough = len(samples) > max(left, right)
    mode: Literal["reflect", "constant"] = "reflect" if long_enough else "constant"
    padded = np.pad(samples, (left, right), mode=mode)
    view = np.lib.stride_tricks.sliding_window_view(padded, win_length)
    return view[::hop_length][:n_frames]


def log_mel(samples: npt.ArrayLike, config: FeatureConfig = FeatureConfig()) -> FloatArray:
    """Natural logarithm of the mel magnitude spectrogram, floored at `log(1e-5)`.

    Args:
        samples: mono float waveform [n] in [-1, 1] at `config.sample_rate_hz`.

    Returns:
        float32 [frames, n_mels] with `frames = n // hop_length` (at least one).
    """
    wave = np.ascontiguousarray(samples, dtype=np.float32)
    n_frames = max(1, len(wave) // config.hop_length)
    bank = mel_bands(config)
    out = np.empty((n_frames, config.n_mels), dtype=np.float32)
    frames = frame_signal(wave, config.win_length, config.hop_length, n_frames)
    window = hann_window(config.win_length)
    for start in range(0, n_frames, 512):  # bounded memory for long recordings
        block = frames[start : start + 512] * window
        magnitude = np.abs(np.fft.rfft(block, config.n_fft, axis=1)).astype(np.float32)
        out[start : start + 512] = np.log(np.maximum(magnitude @ bank, LOG_FLOOR))
    return out


def frame_energy_db(log_mel_frames: FloatArray) -> FloatArray:
    """Loudness of each frame in dB (power sum over the mel bands), shape [frames]."""
    power = np.exp(2.0 * log_mel_frames.astype(np.float64)).sum(axis=-1)
    level_db: FloatArray = (10.0 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)
    return level_db
