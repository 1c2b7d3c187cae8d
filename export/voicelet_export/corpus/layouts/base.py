"""What every layout of a corpus is read into: recordings, each with its text and speaker."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from voicelet_export.errors import CorpusError

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
"""Names of recordings, in the order in which one is chosen where several hold the same."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]+")
_MAX_TABLE_BYTES = 1 << 30


@dataclass(frozen=True)
class CorpusRecording:
    """A recording of a corpus, not yet opened.

    Attributes:
        id: unique in the corpus; letters, digits, "_", "-" and "." only.
        speaker: name.
        text: what is said.
        audio: the file that holds it.
        offset, size: the bytes of it; `size` of `None` is the whole file.
        gender: "f", "m" or "" where it isn't known.
        row: what else the corpus says of it.
    """

    id: str
    speaker: str
    text: str
    audio: Path
    offset: int = 0
    size: int | None = None
    gender: str = ""
    row: Mapping[str, Any] | None = None

    def data(self) -> Path | bytes:
        """What `read_audio` takes: the file, or its bytes where it is a part of one.

        Raises:
            OSError: it can't be read.
        """
        if self.size is None:
            return self.audio
        with open(self.audio, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class CorpusLayout:
    """One way to lay a corpus out.

    Attributes:
        name: as `--layout` takes it.
        fits: tells whether a folder has this layout, from a few names only.
        read: its recordings, in a fixed order; raises :class:`CorpusError`.
    """

    name: str
    fits: Callable[[Path], bool]
    read: Callable[[Path], list[CorpusRecording]]


def safe_id(name: str) -> str:
    """A name with nothing in it that a path or an archive could trip over."""
    return _UNSAFE.sub("_", name).strip("._") or "_"


def gender_of(value: str) -> str:
    """ "f" or "m" from what corpora write ("F", "female", "male_masculine"), else ""."""
    first = value.strip().lower()[:1]
    return first if first in ("f", "m") else ""


def find_audio(folder: Path, stem: str) -> Path | None:
    """The recording `folder/stem.*`, if there is one.

    A stem from a table may be anything: one that leads out of the folder is never opened.
    """
    if Path(stem).is_absolute() or ".." in Path(stem).parts or not stem:
        return None
    named = stem.lower().endswith(AUDIO_SUFFIXES)
    for suffix in ("", *AUDIO_SUFFIXES) if named else AUDIO_SUFFIXES:
        try:
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
        except (OSError, ValueError):  # a NUL or a name too long
            return None
    return None


def read_text(path: Path) -> str:
    """A transcript; a byte order mark and white space around it are dropped.

    Raises:
        CorpusError: it can't be read as UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} can't be read ({error}); save it as UTF-8 text") from error


def read_table(path: Path, delimiter: str) -> Iterator[list[str]]:
    """Rows of a table without quoting, blank ones left out.

    Raises:
        CorpusError: it can't be read as UTF-8.
    """
    try:
        if path.stat().st_size > _MAX_TABLE_BYTES:
            raise CorpusError(f"{path} is larger than {_MAX_TABLE_BYTES >> 30} GB; split it")
        with open(path, encoding="utf-8-sig", newline="") as lines:
            for row in csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE):
                if any(cell.strip() for cell in row):
                    yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path} can't be read ({error}); save it as UTF-8 text") from error


def unique(sources: Iterable[CorpusRecording], folder: Path) -> list[CorpusRecording]:
    """The sources in the order of their ids.

    Raises:
        CorpusError: there are none, or two of one id.
    """
    found = sorted(sources, key=lambda s: s.id)
    if not found:
        raise CorpusError(f"{folder} holds no recording with a text; check the folder and --layout")
    for one, other in pairwise(found):
        if one.id == other.id:
            raise CorpusError(
                f"{folder}: {one.audio.name} and {other.audio.name} have the same id {one.id!r}; "
                "rename one"
            )
    return found
