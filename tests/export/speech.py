"""Recordings and small corpora for tests of the data tools."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from voicelet.audio.io import read_audio

SAMPLES = Path(__file__).parents[2] / "samples"
RATE = 24000


@lru_cache(maxsize=16)
def reader(number: int, seconds: float = 3.0, start_s: float = 0.0) -> np.ndarray:
    """A stretch of a real reader's speech at 24 kHz, float32."""
    audio = read_audio(SAMPLES / f"reader-{number}.opus", sample_rate_hz=RATE, max_seconds=20.0)
    first = int(start_s * RATE)
    return audio.samples[first : first + int(seconds * RATE)]


def write(path: Path, samples: np.ndarray, rate: int = RATE, **options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)
    return path


def tone(seconds: float, seed: int, rate: int = RATE) -> np.ndarray:
    """A buzz with a little noise; different for every seed."""
    time = np.arange(int(seconds * rate)) / rate
    rng = np.random.default_rng(seed)
    wave = sum(np.sin(2 * np.pi * (100 + 7 * seed) * k * time) / k for k in range(1, 9))
    return (0.1 * wave + 1e-3 * rng.standard_normal(len(time))).astype(np.float32)


def ljspeech(folder: Path, waves: dict[str, np.ndarray], texts: dict[str, str]) -> Path:
    for name, wave in waves.items():
        write(folder / "wavs" / f"{name}.wav", wave, subtype="PCM_16")
    lines = [f"{name}|{texts[name]}|{texts[name]}\n" for name in waves]
    (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return folder
