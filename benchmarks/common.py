"""Audio files, resampling, optional packages and a cache: what every benchmark needs."""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
from collections.abc import Callable
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray


class BenchmarkError(Exception):
    """A benchmark can't run; the message says what to install or to pass."""


def need(module: str) -> Any:
    """Import a package that only benchmarks use.

    Raises:
        BenchmarkError: it isn't installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BenchmarkError(
            f"{module} is missing ({error}); run benchmarks/setup.sh and use its Python"
        ) from error


def home() -> Path:
    """Where benchmarks/setup.sh put peers and judges: $VOICELET_BENCH_HOME or the user's cache."""
    if value := os.environ.get("VOICELET_BENCH_HOME"):
        return Path(value)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "voicelet-bench"


def read_audio(path: Path) -> tuple[FloatArray, int]:
    """Mono float32 samples [n] and the rate of an audio file.

    Raises:
        BenchmarkError: the file is missing, isn't audio or holds no finite sample.
    """
    soundfile = need("soundfile")
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise BenchmarkError(f"{path}: can't be read as audio ({error})") from error
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise BenchmarkError(f"{path}: holds no samples, or samples that aren't numbers")
    return np.ascontiguousarray(samples.mean(axis=1)), int(rate)


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


def resample(samples: FloatArray, rate_hz: int, target_hz: int) -> FloatArray:
    """Polyphase resampling (scipy's Kaiser window) of mono samples [n]."""
    if rate_hz == target_hz:
        return samples
    common = gcd(rate_hz, target_hz)
    signal = need("scipy.signal")
    out = signal.resample_poly(samples, target_hz // common, rate_hz // common)
    return np.asarray(out, dtype=np.float32)


def digest(*parts: bytes | str) -> str:
    """Hexadecimal SHA-256 of the parts; where one ends and the next begins counts."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "little"))
        hasher.update(data)
    return hasher.hexdigest()


def file_digest(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, or of the files of a folder with their names."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        return digest(*(f"{p.relative_to(path)}:{file_digest(p)}" for p in files))
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Cache:
    """Results by content: the same input is never judged (or spoken) twice."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def _path(self, key: str, suffix: str) -> Path | None:
        return None if self.folder is None else self.folder / key[:2] / (key[2:] + suffix)

    def get_or(self, key: str, make: Callable[[], Any]) -> Any:
        """The JSON value under `key`, made by `make` where there is none."""
        path = self._path(key, ".json")
        if path is not None and path.exists():
            return json.loads(path.read_text("utf-8"))
        value = make()
        if path is not None:
            _write_whole(path, json.dumps(value).encode("utf-8"))
        return value

    def array_or(self, key: str, make: Callable[[], FloatArray]) -> FloatArray:
        """The array under `key`, made by `make` where there is none."""
        path = self._path(key, ".npy")
        if path is not None and path.exists():
            return np.asarray(np.load(path), dtype=np.float32)
        value = make()
        if path is not None:
            buffer = io.BytesIO()
            np.save(buffer, value)
            _write_whole(path, buffer.getvalue())
        return value

    def speech_or(
        self, key: str, make: Callable[[], tuple[FloatArray, int]]
    ) -> tuple[FloatArray, int]:
        """The samples and the rate under `key`, made by `make` where there are none."""
        path = self._path(key, ".npz")
        if path is not None and path.exists():
            with np.load(path) as saved:
                return np.asarray(saved["samples"], dtype=np.float32), int(saved["rate_hz"])
        samples, rate_hz = make()
        if path is not None:
            buffer = io.BytesIO()
            np.savez(buffer, samples=samples, rate_hz=np.int64(rate_hz))
            _write_whole(path, buffer.getvalue())
        return samples, rate_hz


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)
