"""Any tree of recordings with a `.txt` or `.lab` of the same name beside each.

The folder that a recording lies in is its speaker, so one folder a person makes a corpus of many.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from voicelet_export.corpus.layouts.base import (
    AUDIO_SUFFIXES,
    CorpusLayout,
    CorpusRecording,
    read_text,
    safe_id,
    unique,
)

_TEXTS = (".txt", ".lab")


def _pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    for audio in sorted(folder.rglob("*")):
        if audio.suffix.lower() in AUDIO_SUFFIXES and audio.is_file():
            text = next((t for s in _TEXTS if (t := audio.with_suffix(s)).is_file()), None)
            if text is not None:
                yield audio, text


def _fits(folder: Path) -> bool:
    return next(_pairs(folder), None) is not None


def _read(folder: Path) -> list[CorpusRecording]:
    sources = []
    for audio, text in _pairs(folder):
        inner = audio.relative_to(folder).with_suffix("")
        speaker = audio.parent.resolve().name
        name = safe_id("-".join(inner.parts))
        sources.append(CorpusRecording(name, safe_id(speaker), read_text(text), audio))
    return unique(sources, folder)


FOLDER = CorpusLayout("folder", _fits, _read)
