"""Join feature caches: a cache is built in parts, so that a build that is cut off goes on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from voicelet_export.corpus.cache import CACHE_FILES, FeatureCache
from voicelet_export.errors import CorpusError


def merge_caches(parts: Sequence[Path], out: Path) -> int:
    """Join caches into the new cache `out`; returns its utterances.

    Arrays are copied as they are; the index is written last, so that a cut-off join is never
    opened.

    Raises:
        CorpusError: there is no part, an id is in two of them, or their features differ.
    """
    caches = [FeatureCache(part) for part in parts]
    if not caches:
        raise CorpusError("there are no caches to join")
    features = caches[0].features
    if any(cache.features != features for cache in caches):
        raise CorpusError("the caches were measured with different features; build them anew")
    entries, seen = [], set()
    frames = phones = 0
    for cache in caches:
        for entry in cache.entries:
            if entry.id in seen:
                raise CorpusError(f"the utterance {entry.id!r} is in two caches; leave one out")
            seen.add(entry.id)
            moved = replace(
                entry,
                first_frame=entry.first_frame + frames,
                first_phone=entry.first_phone + phones,
            )
            entries.append(asdict(moved))
        # Not the sum over entries: aligned ones may leave silence between them.
        frames += cache.stored_frames
        phones += cache.stored_phones
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.json").unlink(missing_ok=True)
    for name in CACHE_FILES:
        with open(out / name, "wb") as joined:
            for part in parts:
                with open(part / name, "rb") as file:
                    shutil.copyfileobj(file, joined, 1 << 20)
    index = {"features": asdict(features), "entries": entries}
    part_file = out / "index.json.part"
    part_file.write_text(json.dumps(index), encoding="utf-8")
    os.replace(part_file, out / "index.json")
    return len(entries)
