"""What is listened to of a recording: its speech, pauses removed, at one level."""

from __future__ import annotations

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.audio.level import normalise_level
from voicelet.audio.resample import resample
from voicelet.audio.vad import SAMPLE_RATE_HZ, speech_segments

RATE_HZ = 24000
"""Of the waveform that goes in."""

LOW_RATE_HZ = SAMPLE_RATE_HZ
"""Of the speech that comes out."""


def speech_16k(samples_24k: FloatArray) -> FloatArray:
    """Speech of a recording [n] at 24 kHz: float32 at 16 kHz, empty where nobody speaks."""
    low = resample(normalise_level(samples_24k, RATE_HZ), RATE_HZ, LOW_RATE_HZ)
    parts = [low[int(a * LOW_RATE_HZ) : int(b * LOW_RATE_HZ)] for a, b in speech_segments(low)]
    return np.concatenate([np.zeros(0, dtype=np.float32), *parts])
