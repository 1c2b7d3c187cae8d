"""What every metric needs: the packages it measures with, and audio files."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.errors import VoiceletError


class MetricError(VoiceletError):
    """A metric can't be computed; the message says what to install or to pass."""


def bench_home() -> Path:
    """Where `benchmarks/setup.sh` put metrics and peers.

    `$VOICELET_BENCH_HOME`, or `voicelet-bench` in the user's cache.
    """
    if value := os.environ.get("VOICELET_BENCH_HOME"):
        return Path(value)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "voicelet-bench"


def need(module: str) -> Any:
    """Import a package that only metrics and benchmarks use.

    Raises:
        MetricError: it isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MetricError(
            f'{module} is missing ({error}): pip install "voicelet-export[metrics]", or run '
            "benchmarks/setup.sh and use its Python"
        ) from error


def read_audio(path: Path) -> tuple[FloatArray, int]:
    """Mono float32 samples [n] and the rate of an audio file.

    Raises:
        MetricError: the file is missing, isn't audio or holds no finite sample.
    """
    soundfile = need("soundfile")
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise MetricError(f"{path}: can't be read as audio ({error})") from error
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise MetricError(f"{path}: holds no samples, or samples that aren't numbers")
    return np.ascontiguousarray(samples.mean(axis=1)), int(rate)
