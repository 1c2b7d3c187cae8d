"""A cache with other labels over the same sound: mels, f0 and audio are linked, not copied."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voicelet.files import atomic_file
from voicelet_export.corpus.cache import CACHE_FILES, CacheEntry, FeatureCache
from voicelet_export.errors import CorpusError

IntArray = npt.NDArray[np.int64]
_LABELS = ("phones.u8", "durations.u16")


class RelabelledCache:
    """Collects entries with new labels; `write` makes a cache of them.

    Args:
        source: folder of the cache whose sound is shared.

    Raises:
        CorpusError: it holds no aligned utterance.
    """

    def __init__(self, source: Path) -> None:
        self.source, self.cache = source, FeatureCache(source)
        self.aligned = [e for e in self.cache.entries if e.n_phones]
        if not self.aligned:
            raise CorpusError(f"{source}: no utterance has phones; run `corpus align` first")
        self.entries: list[CacheEntry] = []
        self._labels: dict[str, list[IntArray]] = {name: [] for name in _LABELS}
        self._place = 0

    def add(
        self,
        entry: CacheEntry,
        first_frame: int,
        phones: IntArray,
        durations: IntArray,
        name: str = "",
    ) -> None:
        """Add an utterance, or a piece of one.

        Args:
            entry: of the source, whose speaker and statistics are kept.
            first_frame: where the new utterance starts in `entry`.
            phones, durations: int64 [n], pads at both ends.
            name: its id; the entry's own by default.
        """
        moved = replace(
            entry,
            id=name or entry.id,
            first_frame=entry.first_frame + first_frame,
            n_frames=int(durations.sum()),
            first_phone=self._place,
            n_phones=len(phones),
        )
        self.entries.append(moved)
        for kind, block in zip(_LABELS, (phones, durations)):
            self._labels[kind].append(block)
        self._place += len(phones)

    def write(self, out: Path) -> None:
        """Write the cache; the index comes last, so that a cut-off one is never opened."""
        out.mkdir(parents=True, exist_ok=True)
        (out / "index.json").unlink(missing_ok=True)
        for name, kind in CACHE_FILES.items():
            if name in self._labels:
                with atomic_file(out / name) as file:
                    file.write(np.concatenate(self._labels[name]).astype(kind).tobytes())
            else:
                (out / name).unlink(missing_ok=True)
                os.link(self.source / name, out / name)
        index = {
            "features": asdict(self.cache.features),
            "entries": [asdict(e) for e in self.entries],
        }
        with atomic_file(out / "index.json") as file:
            file.write(json.dumps(index).encode("utf-8"))
