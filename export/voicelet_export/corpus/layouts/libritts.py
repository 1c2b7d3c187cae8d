"""LibriTTS and LibriSpeech: `[subset/]reader/chapter/…`, a text a recording or a chapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from voicelet_export.corpus.layouts.base import (
    CorpusLayout,
    CorpusRecording,
    find_audio,
    gender_of,
    read_text,
    safe_id,
    unique,
)

_SUFFIX = ".normalized.txt"
_CHAPTER = ".trans.txt"
_SPEAKERS = ("speakers.tsv", "SPEAKERS.txt", "SPEAKERS.TXT")


def _texts(folder: Path) -> Iterator[Path]:
    """Transcripts one (a subset) or two folders of numbers below `folder`."""
    for pattern in ("*/*/*", "*/*/*/*"):
        for suffix in (_SUFFIX, _CHAPTER):
            for path in folder.glob(pattern + suffix):
                if path.parent.name.isdigit() and path.parent.parent.name.isdigit():
                    yield path


def _fits(folder: Path) -> bool:
    return next(_texts(folder), None) is not None


def genders(folder: Path) -> dict[str, str]:
    """Reader → gender, from the list in the folder or the one above; empty if there is none."""
    for place in (folder, folder.resolve().parent):
        for name in _SPEAKERS:
            if (place / name).is_file():
                lines = read_text(place / name).splitlines()
                rows = [line.replace("|", "\t").split("\t") for line in lines if line[:1] != ";"]
                return {r[0].strip(): gender_of(r[1]) for r in rows if len(r) > 1}
    return {}


def _read(folder: Path) -> list[CorpusRecording]:
    known = genders(folder)
    sources = []
    for path in sorted(_texts(folder)):
        reader = path.parent.parent.name
        if path.name.endswith(_SUFFIX):
            texts = [(path.name[: -len(_SUFFIX)], read_text(path))]
        else:
            split = (line.partition(" ") for line in read_text(path).splitlines())
            texts = [(name, text.strip()) for name, _, text in split]
        for name, text in texts:
            audio = find_audio(path.parent, name)
            if audio is not None:
                gender = known.get(reader, "")
                sources.append(
                    CorpusRecording(safe_id(name), safe_id(reader), text, audio, gender=gender)
                )
    return unique(sources, folder)


LIBRITTS = CorpusLayout("libritts", _fits, _read)
