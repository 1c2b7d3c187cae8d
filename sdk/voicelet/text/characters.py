"""What a language calls its marks, letters and keys, for those who hear them one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from voicelet.text.reading import Punctuation


@dataclass(frozen=True)
class MarkName:
    """What a mark is called, and from which level on it is spoken."""

    name: str
    level: Punctuation


@dataclass(frozen=True)
class CharacterNames:
    """The names that a language has; a pack's tables hold them (`voicelet.text.pack.characters`).

    Names are words; one that begins with "^" is spelled.

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
