"""speechocean762: `WAVE/SPEAKER0001/000010011.WAV`, Kaldi tables in `train` and `test`.

Only recordings of adults are read: half of the corpus is of children, whose voices aren't to be
learnt.  A speaker without an age counts as a child.
"""

from __future__ import annotations

from pathlib import Path

from voicelet_export.corpus.layouts.base import (
    CorpusLayout,
    CorpusRecording,
    gender_of,
    read_text,
    safe_id,
    unique,
)

ADULT_YEARS = 18
_PARTS = ("train", "test")
_PREFIX = "so_"  # numbers alone would meet those of other corpora


def _fits(folder: Path) -> bool:
    return any(
        (folder / part / "wav.scp").is_file() and (folder / part / "spk2age").is_file()
        for part in _PARTS
    )


def _table(path: Path) -> dict[str, str]:
    """A Kaldi table: the first word of each line → the others; empty if it is missing."""
    if not path.is_file():
        return {}
    rows = (line.split(maxsplit=1) for line in read_text(path).splitlines())
    return {row[0]: row[1].strip() if len(row) > 1 else "" for row in rows if row}


def _age(value: str) -> int:
    return int(value) if value.isdigit() else 0


def _read(folder: Path) -> list[CorpusRecording]:
    sources = []
    for part in _PARTS:
        place = folder / part
        texts, speakers = _table(place / "text"), _table(place / "utt2spk")
        ages, genders = _table(place / "spk2age"), _table(place / "spk2gender")
        for name, file in _table(place / "wav.scp").items():
            speaker, audio = speakers.get(name, ""), folder / file
            age = _age(ages.get(speaker, ""))
            outside = ".." in Path(file).parts or Path(file).is_absolute()
            if age < ADULT_YEARS or outside or not audio.is_file():
                continue
            sources.append(
                CorpusRecording(
                    safe_id(_PREFIX + name),
                    safe_id(_PREFIX + speaker),
                    texts.get(name, ""),
                    audio,
                    gender=gender_of(genders.get(speaker, "")),
                    row={"age": age},
                )
            )
    return unique(sources, folder)


SPEECHOCEAN762 = CorpusLayout("speechocean762", _fits, _read)
