"""Speech with its labels, and what changes both: the settings of augmentation and their effect.

Speed perturbation after Ko et al. 2015, SpecAugment after Park et al. 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray
from voicelet.errors import ConfigError
from voicelet_export.corpus.effects import (
    add_noise,
    change_speed,
    change_tempo,
    change_volume,
    coloured_noise,
    put_in_room,
    room_response,
    speed_ratio,
)
from voicelet_export.errors import CorpusError

Range = tuple[float, float]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SpecAugment:
    """Stretches of a mel that are hidden.

    Attributes:
        bands, frames: widest stretch of each.
        band_masks, frame_masks: how many.
    """

    bands: int = 10
    frames: int = 20
    band_masks: int = 1
    frame_masks: int = 1

    def __post_init__(self) -> None:
        if min(self.bands, self.frames, self.band_masks, self.frame_masks) < 0:
            raise ConfigError("the widths and counts of SpecAugment can't be negative")


@dataclass(frozen=True)
class AugmentConfig:
    """What is changed, each drawn evenly from its range; `None` leaves it alone.

    Attributes:
        speed: factor, pitch and formants with it: a new voice, drawn once a speaker and copy.
        tempo: factor, pitch kept.
        volume_db: gain over the level that features have.
        noise_db: ratio of speech to noise.
        noise_slope: colour of the noise: 0 white, 1 pink, 2 brown.
        room_s: time in which a room's sound falls by 60 dB.
        direct_db: energy of the direct sound over the room's.
        spec: hides parts of the mels; for what only listens (aligner, encoder), never for what
            learns to speak.
        copies: of each utterance.
        seed: of everything drawn.
    """

    speed: Range | None = None
    tempo: Range | None = None
    volume_db: Range | None = None
    noise_db: Range | None = None
    noise_slope: Range = (0.0, 2.0)
    room_s: Range | None = None
    direct_db: Range = (3.0, 15.0)
    spec: SpecAugment | None = None
    copies: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        limits = {
            "speed": (0.5, 2.0),
            "tempo": (0.5, 2.0),
            "volume_db": (-60.0, 30.0),
            "noise_db": (-20.0, 80.0),
            "noise_slope": (-2.0, 3.0),
            "room_s": (0.02, 5.0),
            "direct_db": (-20.0, 60.0),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value is not None and not least <= value[0] <= value[1] <= most:
                raise ConfigError(
                    f"{name} must be two rising numbers between {least:g} and {most:g}, not "
                    f"{list(value)}"
                )
        if not 1 <= self.copies <= 100:
            raise ConfigError(f"copies must lie between 1 and 100, not {self.copies}")


@dataclass(frozen=True)
class Sounding:
    """A stretch of speech with its labels.

    Attributes:
        samples: float32 [frames * hop].
        f0_hz: float32 [frames], 0 where unvoiced.
        durations_frames: int64 [tokens] that sum to the frames, or `None`.
    """

    samples: FloatArray
    f0_hz: FloatArray
    durations_frames: IntArray | None


def spec_augment(
    mel: FloatArray, rng: np.random.Generator, config: SpecAugment, fill: float | None = None
) -> FloatArray:
    """Hide stretches of bands and of frames.

    Args:
        mel: [frames, bands].
        fill: what stands there instead; the mean by default.

    Returns:
        A copy.
    """
    out = mel.copy()
    value = float(mel.mean()) if fill is None else fill
    for axis, widest, count in (
        (1, config.bands, config.band_masks),
        (0, config.frames, config.frame_masks),
    ):
        for _ in range(count):
            width = int(rng.integers(0, min(widest, mel.shape[axis]) + 1))
            first = int(rng.integers(0, mel.shape[axis] - width + 1))
            cut = [slice(None), slice(None)]
            cut[axis] = slice(first, first + width)
            out[tuple(cut)] = value
    return out


def retimed(sounding: Sounding, samples: FloatArray, factor: float, hop: int) -> Sounding:
    """Labels of speech that is `factor` times as fast as it was; f0 in Hz stays.

    Args:
        samples: the faster speech; what lies past its last whole frame is dropped.
    """
    frames = len(samples) // hop
    was = len(sounding.f0_hz)
    places = np.clip(((np.arange(frames) + 0.5) * factor).astype(np.int64), 0, max(0, was - 1))
    durations = sounding.durations_frames
    if durations is not None:
        edges = np.rint(np.cumsum(durations) / factor).astype(np.int64)
        edges[-1] = frames
        least = np.minimum(durations, 1)
        # Every token that had a frame keeps one, where there are frames enough.
        for i in range(len(edges)):
            edges[i] = max(edges[i], (edges[i - 1] if i else 0) + least[i])
        edges[-1] = frames
        for i in range(len(edges) - 2, -1, -1):
            edges[i] = min(edges[i], edges[i + 1] - least[i + 1])
        durations = np.diff(edges, prepend=0)
        if durations.min() < 0:
            raise CorpusError("too many tokens for so fast a speech; choose a lower speed")
    f0 = sounding.f0_hz[places] if was else sounding.f0_hz
    return Sounding(samples[: frames * hop], f0.astype(np.float32), durations)


def sound_otherwise(
    sounding: Sounding,
    rng: np.random.Generator,
    config: AugmentConfig,
    features: FeatureConfig,
    speed: float = 1.0,
) -> Sounding:
    """Change the sound of an utterance, and its labels with it.

    Args:
        speed: of the voice, which the caller draws (once a speaker).
    """
    hop, rate = features.hop_length, features.sample_rate_hz
    if speed != 1.0:
        exact = float(speed_ratio(speed))
        sounding = retimed(sounding, change_speed(sounding.samples, speed), exact, hop)
        higher = (sounding.f0_hz * np.float32(exact)).astype(np.float32)
        sounding = Sounding(sounding.samples, higher, sounding.durations_frames)
    if config.tempo is not None:
        factor = float(rng.uniform(*config.tempo))
        faster = change_tempo(sounding.samples, factor, rate)
        sounding = retimed(sounding, faster, factor, hop)
    wave = sounding.samples
    if config.room_s is not None:
        response = room_response(
            rng, rate, float(rng.uniform(*config.room_s)), float(rng.uniform(*config.direct_db))
        )
        wave = put_in_room(wave, response)
    if config.noise_db is not None:
        noise = coloured_noise(len(wave), rng, float(rng.uniform(*config.noise_slope)))
        wave = add_noise(wave, noise, float(rng.uniform(*config.noise_db)), rate)
    if config.volume_db is not None:
        wave = change_volume(wave, float(rng.uniform(*config.volume_db)))
    return Sounding(wave, sounding.f0_hz, sounding.durations_frames)
