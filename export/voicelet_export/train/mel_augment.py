"""Make clean mels look like recordings of other people in other rooms; labels follow the speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from voicelet.audio.features import FloatArray, frame_energy_db


@dataclass(frozen=True)
class MelAugmentConfig:
    """Ranges of the changes, drawn uniformly.

    Attributes:
        speed: largest log factor of the speed, either way.
        warp: largest relative shift of the formants, either way (a longer or shorter vocal tract).
        tilt: standard deviation of the random equalizer, in nats.
        noise_probability, snr_db: of stationary coloured noise.
        reverb_probability, reverb_s: of a diffuse tail, and its time to fall by 60 dB.
        mask_bands: widest stretch of bands hidden.
    """

    speed: float = 0.3
    warp: float = 0.12
    tilt: float = 0.6
    noise_probability: float = 0.8
    snr_db: tuple[float, float] = (8.0, 50.0)
    reverb_probability: float = 0.4
    reverb_s: tuple[float, float] = (0.1, 0.6)
    mask_bands: int = 10


def _smooth_curve(rng: np.random.Generator, n: int, deviation: float) -> FloatArray:
    """A smooth random curve over the bands: a few cosines."""
    x = np.linspace(0.0, np.pi, n)
    curve = sum(rng.normal(0.0, deviation / (k + 1)) * np.cos((k + 1) * x) for k in range(4))
    return np.asarray(curve, dtype=np.float32)


def augment(
    mel: FloatArray,
    labels: npt.NDArray[np.int64],
    rng: np.random.Generator,
    config: MelAugmentConfig = MelAugmentConfig(),
    frames_per_second: float = 80.0,
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Change speed, vocal tract, equalizer, room and noise.

    Args:
        mel: natural log mel [frames, bands].
        labels: one a frame.

    Returns:
        (mel, labels) of a new length.
    """
    frames, bands = mel.shape
    factor = float(np.exp(rng.uniform(-config.speed, config.speed)))
    count = max(2, round(frames / factor))
    at = np.linspace(0.0, frames - 1.0, count)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, frames - 1)
    share = (at - low)[:, None].astype(np.float32)
    out = mel[low] * (1.0 - share) + mel[high] * share
    labels = labels[np.round(at).astype(np.int64)]

    place = np.clip(np.arange(bands) * (1.0 + rng.uniform(-config.warp, config.warp)), 0, bands - 1)
    left = np.floor(place).astype(np.int64)
    right = np.minimum(left + 1, bands - 1)
    part = (place - left).astype(np.float32)
    out = out[:, left] * (1.0 - part) + out[:, right] * part
    out = out + _smooth_curve(rng, bands, config.tilt)

    if rng.random() < config.reverb_probability:
        fall = 6.9 / (rng.uniform(*config.reverb_s) * frames_per_second)
        gain = np.exp(-rng.uniform(1.5, 4.0))
        tail = lfilter([0.0, gain], [1.0, -np.exp(-fall)], np.exp(out), axis=0)
        out = np.log(np.exp(out) + tail)
    if rng.random() < config.noise_probability:
        energy = frame_energy_db(out)
        active = out[energy > np.percentile(energy, 95) - 30.0]
        level = active.mean() - rng.uniform(*config.snr_db) / 8.686  # dB to nats of magnitude
        shape = _smooth_curve(rng, bands, 1.2)
        noise = level + shape + rng.normal(0.0, 0.35, out.shape)
        out = np.log(np.exp(out) + np.exp(noise))
    return out.astype(np.float32), labels


def mask_bands(bands: FloatArray, rng: np.random.Generator, widest: int) -> None:
    """Hide one stretch of bands, in place (SpecAugment, Park et al. 2019)."""
    width = int(rng.integers(0, widest + 1))
    first = int(rng.integers(0, bands.shape[1] - width + 1))
    bands[:, first : first + width] = 0.0
