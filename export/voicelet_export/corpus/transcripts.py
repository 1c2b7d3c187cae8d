"""Transcripts of recordings to phones, through the front end that the device uses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from voicelet.text.cleanup import SourcePiece
from voicelet.text.lexicon import Lexicon
from voicelet.text.phonemize import LetterToSound, Phonemizer, to_key
from voicelet.text.phones import PhoneInventory
from voicelet.text.scanner import Boundary, Scanner
from voicelet.text.words import Clause, Mark, PhoneClause, Token, Word

ENDS = frozenset(".?!…,;:—")
"""A transcript that closes with none of these is given a full stop."""


@dataclass(frozen=True)
class Transcript:
    """What is said in a recording.

    Attributes:
        tokens: words and marks; the last is a mark.
        unknown: words that no lexicon knows and that would have to be guessed.
    """

    tokens: tuple[Token, ...]
    unknown: tuple[str, ...] = ()


class TranscriptReader:
    """Reads transcripts, in capitals or as written, and pronounces them.

    Args:
        lexicon: words → phones.
        g2p: pronounces the words that the lexicon lacks; without one they are `unknown`.
        inventory: the corpus's symbols.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        g2p: LetterToSound | None = None,
        inventory: PhoneInventory = PhoneInventory(),
    ) -> None:
        self._lexicon, self._g2p = lexicon, g2p
        self._phonemizer = Phonemizer(lexicon, g2p, inventory)

    def read(self, text: str) -> Transcript:
        """Tokens of `text`; capitals throughout are taken for a transcript's, not for acronyms."""
        if text == text.upper():
            text = re.sub(r"\bi\b", "I", text.lower())
        scanner = Scanner([SourcePiece(text, 0, len(text))], newlines=False, inline_phones=False)
        tokens: list[Token] = [t for t in scanner.items() if not isinstance(t, Boundary)]
        while tokens and isinstance(tokens[0], Mark):
            tokens.pop(0)
        if not tokens or not isinstance(tokens[-1], Mark) or tokens[-1].text not in ENDS:
            tokens.append(Mark("."))
        words = [t for t in tokens if isinstance(t, Word)]
        unknown = (
            () if self._g2p is not None else tuple(w.text for w in words if not self._knows(w))
        )
        return Transcript(tuple(tokens), unknown)

    def phones(self, tokens: Sequence[Token]) -> PhoneClause:
        """The phone string of tokens, as one sequence."""
        return self._phonemizer.phonemize(Clause(tuple(tokens), sentence_end=True))

    def _knows(self, word: Word) -> bool:
        if word.phones is not None or word.spell:
            return True
        parts = [p for p in re.split(r"[-\s]+", to_key(word.text)) if p.strip("'")]
        return bool(parts) and all(map(self._phonemizer.knows, parts))


def with_commas(tokens: Sequence[Token], after_words: Sequence[int]) -> tuple[Token, ...]:
    """Put a comma after the words of the given numbers (counted from 0), where no mark stands."""
    wanted = set(after_words)
    out: list[Token] = []
    number = -1
    for place, token in enumerate(tokens):
        out.append(token)
        if isinstance(token, Word):
            number += 1
            follows = tokens[place + 1] if place + 1 < len(tokens) else None
            if number in wanted and isinstance(follows, Word):
                out.append(Mark(","))
    return tuple(out)
