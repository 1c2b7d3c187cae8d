"""Common Voice: `validated.tsv` (or `train.tsv` and so on) and `clips/*.mp3`."""

from __future__ import annotations

import hashlib
from pathlib import Path

from voicelet_export.corpus.layouts.base import (
    CorpusLayout,
    CorpusRecording,
    find_audio,
    gender_of,
    read_table,
    safe_id,
    unique,
)
from voicelet_export.errors import CorpusError

_TABLES = (("validated.tsv",), ("train.tsv", "dev.tsv", "test.tsv"), ("other.tsv",))


def _tables(folder: Path) -> list[Path]:
    """The listeners' validated clips if they are there, else what there is."""
    for names in _TABLES:
        found = [folder / n for n in names if (folder / n).is_file()]
        if found:
            return found
    return []


def _fits(folder: Path) -> bool:
    return (folder / "clips").is_dir() and bool(_tables(folder))


def _read(folder: Path) -> list[CorpusRecording]:
    sources: dict[str, CorpusRecording] = {}
    for table in _tables(folder):
        rows = read_table(table, "\t")
        header = next(rows, [])
        if not {"client_id", "path", "sentence"} <= set(header):
            raise CorpusError(f"{table}: no columns client_id, path and sentence; export it again")
        for cells in rows:
            row = dict(zip(header, cells))
            audio = find_audio(folder / "clips", row.get("path", ""))
            if audio is None:
                continue
            # Client ids are hashes of 128 characters; a hash of 12 tells people apart as well.
            who = hashlib.sha256(row["client_id"].encode("utf-8")).hexdigest()[:12]
            source = CorpusRecording(
                safe_id(audio.stem),
                f"cv_{who}",
                row.get("sentence", "").strip(),
                audio,
                gender=gender_of(row.get("gender", "")),
            )
            sources[source.id] = source
    return unique(sources.values(), folder)


COMMON_VOICE = CorpusLayout("common-voice", _fits, _read)
