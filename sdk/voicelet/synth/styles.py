"""Manners of speaking, made of the controls that every voice of voicelet's own has.

They shape what the acoustic model predicts; none was trained, so they work for every person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet.synth.types import Controls


@dataclass(frozen=True)
class Style:
    """What a style changes; see :class:`Controls` for the units.

    Attributes:
        whisper: speak without voice, with the noise source alone.
    """

    speed: float = 1.0
    pitch_semitones: float = 0.0
    energy: float = 1.0
    pitch_range: float = 1.0
    whisper: bool = False


STYLES = {
    "neutral": Style(),
    "calm": Style(speed=0.92, pitch_semitones=-0.5, energy=0.9, pitch_range=0.7),
    "lively": Style(speed=1.06, pitch_semitones=0.5, energy=1.1, pitch_range=1.45),
    "whisper": Style(speed=0.92, energy=0.7, pitch_range=0.8, whisper=True),
}


def styled(style: str, speed: float, pitch_semitones: float, energy: float, seed: int) -> Controls:
    """The caller's controls in a style.

    Raises:
        ConfigError: there is no such style, or a number is out of range.
    """
    if style not in STYLES:
        raise ConfigError(
            f"no style {style!r}{did_you_mean(str(style), STYLES)}; there are {', '.join(STYLES)}"
        )
    s = STYLES[style]
    requested = Controls(speed, pitch_semitones, energy, seed, s.pitch_range, s.whisper)
    return requested.times(s.speed, s.pitch_semitones, s.energy)


def whispered(log_h: FloatArray, log_n: FloatArray, rate: int) -> FloatArray:
    """The noise filter of a whisper: the harmonic filter is applied to noise.

    Whispering has no glottal pulses; their steep spectrum is missing, so low frequencies are weak
    (Jovicic & Saric 2008 measure some 20 dB less below 1.5 kHz for vowels, consonants as they are).

    Args:
        log_h, log_n: natural log magnitudes of the harmonic and the noise filter, [frames, bins].
        rate: in Hz.
    """
    bins = log_n.shape[1]
    frequency_hz = np.linspace(0.0, rate / 2.0, bins)
    # From 16 dB down at 0 Hz to nothing at 3 kHz; the noise itself keeps its level.
    tilt = -np.log(10.0) / 20.0 * 16.0 * np.clip(1.0 - frequency_hz / 3000.0, 0.0, 1.0)
    mixed: FloatArray = np.logaddexp(log_h + (tilt - 0.7).astype(np.float32), log_n)
    return mixed
