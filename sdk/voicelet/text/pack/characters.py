"""The tables of a pack that hold the names of marks, letters and keys.

- `punctuation.tsv`: mark, name, level ("some", "most" or "all", see `voicelet.text.reading`)
- `letters.tsv`: letter, name; of a letter outside the alphabet, or of a combining mark,
  whose name is said after the letter that it stands on
- `keys.tsv`: key, name; keys in lower case without spaces, as the W3C calls them (UI Events
  KeyboardEvent key Values); `f*` is any "f" with a number behind it
- `capitals.tsv`: what, name; `letter` is said before a capital, `word` before a word of capitals

A pack may lack any of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from voicelet.config import did_you_mean
from voicelet.errors import PackError
from voicelet.text.characters import CharacterNames, MarkName
from voicelet.text.pack.tables import Tables
from voicelet.text.reading import PUNCTUATION


def character_names(tables: Tables) -> CharacterNames:
    """Read the names that a pack has.

    Raises:
        PackError: a table isn't as described above.
    """
    capitals = _names(tables, "capitals")
    return CharacterNames(
        _marks(tables),
        _names(tables, "letters"),
        _names(tables, "keys"),
        capitals.get("letter", ""),
        capitals.get("word", capitals.get("letter", "")),
    )


def _names(tables: Tables, name: str) -> Mapping[str, str]:
    if not tables.has(name):
        return {}
    table = tables.table(name)
    place = table.place("name", f"tables/{name}.tsv")
    return {key: row[place] for key, row in table.rows.items()}


def _marks(tables: Tables) -> Mapping[str, MarkName]:
    if not tables.has("punctuation"):
        return {}
    where, table = "tables/punctuation.tsv", tables.table("punctuation")
    name, level = table.place("name", where), table.place("level", where)
    marks = {}
    for mark, row in table.rows.items():
        if len(mark) != 1:
            raise PackError(f"{where}: a mark is one character, not {mark!r}")
        spoken = next((known for known in PUNCTUATION[1:] if known == row[level]), None)
        if spoken is None:
            raise PackError(
                f"{where}: the level of {mark!r} is {row[level]!r}"
                f"{did_you_mean(row[level], PUNCTUATION[1:])}; there are "
                f"{', '.join(PUNCTUATION[1:])}"
            )
        marks[mark] = MarkName(row[name], spoken)
    return marks
