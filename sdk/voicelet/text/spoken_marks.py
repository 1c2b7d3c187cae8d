"""Punctuation by name: the names are put into the text beside the marks, before it is scanned.

So every rule of a language sees words where a mark is to be spoken, and its numbers, dates and
abbreviations fall apart there as a listener expects who asked for the marks: "3:45" is "3 colon
45".  A name stands at its mark's place in the caller's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from voicelet.text.characters import CharacterNames
from voicelet.text.cleanup import SourcePiece
from voicelet.text.reading import Reading

MOST_REPEATED = 3
"""A longer run of one mark is said as its number and its name once."""

_SHAPING = frozenset(".,;:?!…")
"""Marks that stay beside their name where they end something, for the pause and the tune."""
_PHONES = re.compile(r"\[\[[^\[\]\n]{1,400}\]\]")


def spoken_marks(
    pieces: Iterable[SourcePiece],
    names: CharacterNames,
    reading: Reading,
    *,
    inline_phones: bool = True,
) -> Iterator[SourcePiece]:
    """Put the names of marks into a text.

    The point and the comma inside a number stay as they are, for numbers say them, and so does an
    apostrophe inside a word.

    Args:
        pieces: the source, in order.
        names: of the language.
        reading: which marks are spoken.
        inline_phones: leave `[[…]]` alone.
    """
    spoken = "".join(mark for mark, name in names.marks.items() if reading.speaks(name.level))
    if not spoken:
        yield from pieces
        return
    runs = re.compile(rf"([{re.escape(spoken)}])\1*")
    for piece in pieces:
        yield from _named(piece, runs, names, inline_phones)


def _named(
    piece: SourcePiece, runs: re.Pattern[str], names: CharacterNames, inline_phones: bool
) -> Iterator[SourcePiece]:
    text, exact = piece.text, len(piece.text) == piece.end - piece.start

    def cut(start: int, end: int) -> SourcePiece:
        if exact:
            return SourcePiece(text[start:end], piece.start + start, piece.start + end)
        return SourcePiece(text[start:end], piece.start, piece.end)

    done = at = 0
    while match := runs.search(text, at):
        at = match.end()
        if inline_phones and (phones := _PHONES.match(text, match.start())):
            at = phones.end()
            continue
        before, after = text[: match.start()][-1:], text[at : at + 1]
        mark = match[1]
        if mark in ".," and before.isdecimal() and after.isdecimal():
            continue
        if mark in "'’" and before.isalpha() and after.isalpha():
            continue
        if match.start() > done:
            yield cut(done, match.start())
        stands = cut(match.start(), at)
        name, count = names.marks[mark].name, at - match.start()
        said = f"{count} {name}" if count > MOST_REPEATED else " ".join([name] * count)
        shape = mark if mark in _SHAPING and (not after or after.isspace()) else ""
        said = f" {said}{shape} "
        if len(said) == stands.end - stands.start:
            said += " "  # by another length it shows that it isn't the source itself
        yield SourcePiece(said, stands.start, stands.end)
        done = at
    if done < len(text):
        yield cut(done, len(text))
