"""What a language calls characters and keys: the tables that screen readers' users hear.

A pack's folder `tables` holds them, each a TSV file with a line of column names first:

- `punctuation.tsv`: mark, name, level ("some", "most" or "all", see `voicelet.text.reading`)
- `letters.tsv`: letter, name; a letter that has no place in the alphabet, or a combining mark,
  whose name is said after the letter that it stands on
- `keys.tsv`: key, name; keys in lower case without spaces, as the W3C calls them (UI Events
  KeyboardEvent key Values); `f*` is any "f" with a number behind it
- `capitals.tsv`: what, name; `letter` is said before a capital, `word` before a word of capitals

Names are words; one that begins with "^" is spelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from voicelet.errors import ConfigError
from voicelet.text.reading import PUNCTUATION, Punctuation


@dataclass(frozen=True)
class MarkName:
    """What a mark is called, and from which level on it is spoken."""

    name: str
    level: Punctuation


@dataclass(frozen=True)
class CharacterNames:
    """The names that a language has; see the module for the tables.

    Attributes:
        marks: mark → its name and level.
        letters: letter or combining mark, in lower case → name.
        keys: key → name.
        capital, capitals: said before a capital letter, and before a word of capitals.
    """

    marks: Mapping[str, MarkName] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    capital: str = ""
    capitals: str = ""


@lru_cache(maxsize=16)
def load_names(folder: Path) -> CharacterNames:
    """Read the tables of a folder; those that it lacks are empty.

    Raises:
        ConfigError: a table isn't as described above; its file and line are named.
    """
    marks = {}
    for place, (mark, name, level) in _rows(folder / "punctuation.tsv", ("mark", "name", "level")):
        if len(mark) != 1:
            raise ConfigError(f"{place}: a mark is one character, not {mark!r}")
        known = next((known for known in PUNCTUATION[1:] if known == level), None)
        if known is None:
            raise ConfigError(
                f"{place}: no level {level!r}; there are {', '.join(PUNCTUATION[1:])}"
            )
        marks[mark] = MarkName(name, known)
    letters, keys, capitals = (
        {row[0]: row[1] for _, row in _rows(folder / f"{table}.tsv", (column, "name"))}
        for table, column in (("letters", "letter"), ("keys", "key"), ("capitals", "what"))
    )
    return CharacterNames(
        MappingProxyType(marks),
        MappingProxyType(letters),
        MappingProxyType(keys),
        capitals.get("letter", ""),
        capitals.get("word", capitals.get("letter", "")),
    )


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """The rows of a table, each with its place for messages; none where there is no such file."""
    if not path.exists():
        return
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: can't be read ({error}); it must be UTF-8") from None
    if lines[0].split("\t") != list(columns):
        raise ConfigError(f"{path}: the first line must be {' TAB '.join(columns)}")
    seen = set()
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        place, row = f"{path}, line {number}", line.split("\t")
        if len(row) != len(columns) or not all(row):
            raise ConfigError(f"{place}: {len(columns)} columns are needed, {', '.join(columns)}")
        if row[0] in seen:
            raise ConfigError(f"{place}: {row[0]!r} is there already; remove one of the two")
        seen.add(row[0])
        yield place, row
