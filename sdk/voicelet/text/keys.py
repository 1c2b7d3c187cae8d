"""A single character or a key, by its name: what a screen reader says at every keystroke."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from voicelet.text.capitals import announced
from voicelet.text.language import Language
from voicelet.text.reading import Capitals
from voicelet.text.scanner import to_tokens
from voicelet.text.segment import Item
from voicelet.text.words import Span, Word

MAX_KEY_CHARS = 64
"""Longer texts are no keys, and read as any text."""

_CONTROLS = {
    " ": "space", "\t": "tab", "\n": "newline", "\r": "enter", "\b": "backspace",
    "\x1b": "escape", "\x7f": "delete", "\u00a0": "nobreakspace",
}  # fmt: skip
"""Characters that keys.tsv has under the name of a key."""
_NUMBERED = re.compile(r"([a-z]+)([0-9]{1,3})")

Read = Callable[[str, Span], Sequence[Item]]
"""Reads a text as usual, and gives its items a span."""


def key_items(key: str, language: Language, capitals: Capitals, read: Read) -> Iterator[Item]:
    """What is said for a character or a key; never nothing, unless the text is empty.

    Args:
        key: one character, the name of a key ("Enter", "PageUp", "F5"; case, spaces and hyphens
            don't matter), or several joined by "+" ("Ctrl+Shift+T").  Anything else is read as
            usual.
        language: whose names they are.
        capitals: how a capital is made known.
        read: reads digits, emoji and whatever has no name here.
    """
    key = key.rstrip("\r\n") or key  # the end of a line isn't the key that was asked for
    speaker = _Speaker(language, capitals, read, (0, len(key)))
    items: list[Item] | None = None
    if len(key) <= MAX_KEY_CHARS:
        items = speaker.single(key)
        if items is None and "+" in key:
            items = speaker.together(re.split(r"(?<=.)\+(?=.)", key))
    if items is None:
        items = list(read(key, speaker.span))
    if not any(isinstance(item, Word) for item in items) and key:
        items = speaker.code_points(key[:1])
    yield from items


class _Speaker:
    def __init__(self, language: Language, capitals: Capitals, read: Read, span: Span) -> None:
        self._language, self._names = language, language.characters()
        self._capitals, self._read, self.span = capitals, read, span

    def single(self, key: str) -> list[Item] | None:
        """One character, or the name of one key; None for anything else."""
        character = unicodedata.normalize("NFC", key)
        if len(character) == 1 and character not in _CONTROLS:
            return self._character(character)
        name = _CONTROLS.get(character) or re.sub(r"[\s_-]", "", key).casefold()
        said = self._names.keys.get(name)
        if said is not None:
            return self._say(said)
        numbered = _NUMBERED.fullmatch(name)
        said = self._names.keys.get(numbered[1] + "*") if numbered else None
        if numbered is None or said is None:
            return None
        return [*self._say(said), *self._read(numbered[2], self.span)]

    def together(self, keys: Sequence[str]) -> list[Item] | None:
        """Keys that are pressed together; None where one of them isn't known."""
        capitals, self._capitals = self._capitals, "none"
        parts = [self.single(key) for key in keys]
        self._capitals = capitals
        if any(part is None for part in parts):
            return None
        return [item for part in parts for item in part or ()]

    def code_points(self, text: str) -> list[Item]:
        """A character that nobody has a name for: its number, as Unicode writes it."""
        digits = f"{ord(text):04X}"
        items: list[Item] = [Word("U", self.span, spell=True)]
        for digit in digits:
            if digit.isdecimal():
                items += self._read(digit, self.span)
            else:
                items.append(Word(digit, self.span, spell=True))
        return items

    def _character(self, character: str) -> list[Item] | None:
        mark = self._names.marks.get(character)
        if mark is not None:
            return self._say(mark.name)
        lower = character.lower()
        said = self._names.letters.get(lower)
        if said is not None:
            return self._capital(character, self._say(said))
        base, *marks = list(unicodedata.normalize("NFD", lower))
        if not "a" <= base <= "z" or any(m not in self._names.letters for m in marks):
            return None
        items: list[Item] = [Word(base.upper(), self.span, spell=True)]
        for m in marks:
            items += self._say(self._names.letters[m])
        return self._capital(character, items)

    def _capital(self, character: str, items: list[Item]) -> list[Item]:
        first = items[0] if items else None
        if not character.isupper() or not isinstance(first, Word):
            return items
        return [*announced(first, self._names, self._capitals), *items[1:]]

    def _say(self, name: str) -> list[Item]:
        lone = self._language.normalization.lone_letters
        return list(to_tokens(name, self.span, lone_letters=lone))
