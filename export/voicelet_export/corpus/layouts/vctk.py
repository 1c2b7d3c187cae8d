"""VCTK: `wav48*/p225/p225_001*.{wav,flac}` and `txt/p225/p225_001.txt`, with `speaker-info.txt`."""

from __future__ import annotations

import re
from pathlib import Path

from voicelet_export.corpus.layouts.base import (
    AUDIO_SUFFIXES,
    CorpusLayout,
    CorpusRecording,
    gender_of,
    read_text,
    safe_id,
    unique,
)

_FOLDERS = ("wav48_silence_trimmed", "wav48", "wav24", "wav16")
_MICROPHONE = re.compile(r"_mic(\d)$")


def _audio_folder(folder: Path) -> Path | None:
    return next((folder / n for n in _FOLDERS if (folder / n).is_dir()), None)


def _fits(folder: Path) -> bool:
    return (folder / "txt").is_dir() and _audio_folder(folder) is not None


def genders(path: Path) -> dict[str, str]:
    """Speaker → gender from `speaker-info.txt` (columns ID, AGE, GENDER, …; empty if missing)."""
    if not path.is_file():
        return {}
    found: dict[str, str] = {}
    for line in read_text(path).splitlines():
        cells = line.split()
        if len(cells) < 3 or cells[0] == "ID":
            continue
        gender = gender_of(cells[2])
        # Older releases number the speakers without their "p".
        found[cells[0]] = found[f"p{cells[0]}"] = gender
    return found


def _read(folder: Path) -> list[CorpusRecording]:
    root = _audio_folder(folder) or folder
    known = genders(folder / "speaker-info.txt")
    sources: dict[str, CorpusRecording] = {}
    for audio in sorted(root.glob("*/*")):
        if audio.suffix.lower() not in AUDIO_SUFFIXES or not audio.is_file():
            continue
        name = _MICROPHONE.sub("", audio.stem)
        text = folder / "txt" / audio.parent.name / f"{name}.txt"
        # Two microphones recorded each sentence; the first is the closer.
        if safe_id(name) in sources or not text.is_file():
            continue
        speaker = audio.parent.name
        source = CorpusRecording(
            safe_id(name),
            safe_id(speaker),
            read_text(text),
            audio,
            gender=known.get(speaker, ""),
        )
        sources[source.id] = source
    return unique(sources.values(), folder)


VCTK = CorpusLayout("vctk", _fits, _read)
