"""What several benchmarks need: their error, and audio files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.errors import VoiceletError
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import need


class BenchmarkError(VoiceletError):
    """A benchmark can't run; the message says what to install or to pass."""


def write_wav(path: Path, samples: FloatArray, rate_hz: int) -> None:
    """Write mono 16-bit PCM, clamped to [-1, 1]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    need("soundfile").write(str(path), np.clip(samples, -1.0, 1.0), rate_hz, subtype="PCM_16")


def opus(samples: FloatArray, rate_hz: int) -> bytes:
    """Encode mono samples as Ogg/Opus at 24 kHz."""
    buffer = io.BytesIO()
    need("soundfile").write(
        buffer,
        np.clip(resample(samples, rate_hz, 24000), -1.0, 1.0),
        24000,
        format="OGG",
        subtype="OPUS",
    )
    return buffer.getvalue()
