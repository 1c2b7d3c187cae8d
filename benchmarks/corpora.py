"""Reading recordings of the corpora straight from their tar shards."""

from __future__ import annotations

import io
import json
import tarfile
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray


class TarCorpus:
    """A folder with `metadata.jsonl` and `shard-N.tar` of Ogg/Opus files named by utterance id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Utterance id → row of the metadata."""
        lines = (self.folder / "metadata.jsonl").read_text("utf-8").splitlines()
        return {row["id"]: row for row in map(json.loads, lines)}

    @cached_property
    def _members(self) -> dict[str, tuple[Path, int, int]]:
        where: dict[str, tuple[Path, int, int]] = {}
        for shard in sorted(self.folder.glob("shard-*.tar")):
            with tarfile.open(shard) as tar:
                for member in tar:
                    where[Path(member.name).stem] = (shard, member.offset_data, member.size)
        return where

    def read(self, utterance: str) -> tuple[FloatArray, int]:
        """Samples [n] and rate (Hz, as its row says where it does) of one utterance.

        Raises:
            KeyError: the corpus has no such utterance.
        """
        import soundfile

        shard, offset, size = self._members[utterance]
        with shard.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        return np.ascontiguousarray(samples.mean(axis=1)), int(rate)
