"""LJSpeech: `metadata.csv` of `id|text|normalized text` beside `wavs/id.wav`; one speaker."""

from __future__ import annotations

from pathlib import Path

from voicelet_export.corpus.layouts.base import (
    CorpusLayout,
    CorpusRecording,
    find_audio,
    read_table,
    safe_id,
    unique,
)
from voicelet_export.errors import CorpusError

_TABLE = "metadata.csv"


def _fits(folder: Path) -> bool:
    return (folder / _TABLE).is_file() and (folder / "wavs").is_dir()


def _read(folder: Path) -> list[CorpusRecording]:
    sources = []
    for number, cells in enumerate(read_table(folder / _TABLE, "|"), 1):
        if len(cells) < 2:
            raise CorpusError(f"{folder / _TABLE}, line {number}: expected id|text")
        audio = find_audio(folder / "wavs", cells[0].strip())
        # The last column is what was said, numbers and abbreviations written out.
        text = next((c.strip() for c in reversed(cells[1:3]) if c.strip()), "")
        if audio is not None:
            name = safe_id(Path(cells[0].strip()).stem if "." in cells[0] else cells[0].strip())
            sources.append(CorpusRecording(name, safe_id(folder.resolve().name), text, audio))
    return unique(sources, folder)


LJSPEECH = CorpusLayout("ljspeech", _fits, _read)
