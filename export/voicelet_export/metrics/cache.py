"""Results by content: the same input is never measured (or spoken) twice."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.files import atomic_file


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
    """Results by content: the same input is never measured (or spoken) twice."""

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
    with atomic_file(path) as out:
        out.write(data)
