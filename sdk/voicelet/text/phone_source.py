"""Where the phones of a word came from, and what the phrase made of them.

The same sources are asked in the same order as in `voicelet.text.phonemize`; a test checks that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from voicelet.text.front_end import TextFrontEnd
from voicelet.text.phonemize import Phonemizer
from voicelet.text.user_lexicon import UserLexicon
from voicelet.text.words import Clause, PhoneClause, Span, Word

Source: TypeAlias = Literal[
    "user lexicon",
    "inline phones",
    "lexicon",
    "ending rule",
    "compound",
    "letter-to-sound",
    "letter names",
]
"""Who gave a word its phones, from the surest to the least sure."""

GUESSED: frozenset[str] = frozenset({"letter-to-sound", "letter names"})
"""Sources that don't know the word."""


@dataclass(frozen=True)
class PhoneSource:
    """One word as it was written, read and pronounced.

    Attributes:
        written: in the caller's text ("$5").
        span: where.
        said: the word it was read as ("dollars"); `written` and `said` differ where a rule of
            normalization read it.
        source: who gave the phones.
        sense: of a homograph ("read|past" → "past"), else "".
        phones: as they are spoken here.
        alone: as the source gave them; where `phones` differ, a rule of the phrase weakened,
            strengthened or linked the word.
        language: BCP 47 tag of the language whose word it is.
        rule: id of the rule of normalization that read it; "" where it is read as it is written.
        rule_file: the file that the rule is in: a language pack's, or the user's.
    """

    written: str
    span: Span
    said: str
    source: Source
    sense: str
    phones: str
    alone: str
    language: str = ""
    rule: str = ""
    rule_file: str = ""

    @property
    def is_guessed(self) -> bool:
        """Whether nobody knows the word, so that it may well be wrong; one letter has a name."""
        return self.source in GUESSED and len(self.said) > 1


def lexicon_line(origin: PhoneSource, words: Sequence[PhoneSource]) -> str:
    """A line for a user lexicon that keeps a word as it is said: the one to edit and paste.

    Args:
        words: all of them; what was read as several words ("$5") is one entry.
    """
    entry_words = [w for w in words if w.span == origin.span] or [origin]
    key = " ".join((origin.written if origin.written.strip() else origin.said).split())
    return f"{key}\t[[{' '.join(w.alone for w in entry_words)}]]"


def origins(
    text: str, clause: Clause, phone_clause: PhoneClause, reader_of: Callable[[str], TextFrontEnd]
) -> list[PhoneSource]:
    """Explain every word of a clause that has phones.

    Args:
        text: the caller's.
        clause, phone_clause: before and after the phonemizer.
        reader_of: gives the front end of a word's language (`TextFrontEnd.reader_of`).
    """
    words = [token for token in clause.tokens if isinstance(token, Word)]
    texts = [word.text for word in words]
    sources = []
    word_phones = iter(phone_clause.words)
    upcoming = next(word_phones, None)
    for place, word in enumerate(words):
        if upcoming is None or (upcoming.text, upcoming.span) != (word.text, word.span):
            continue  # it has no phones
        phones = phone_clause.phones[upcoming.start : upcoming.end]
        upcoming = next(word_phones, None)
        reader = reader_of(word.language)
        phonemizer = reader.phonemizer
        if not isinstance(phonemizer, Phonemizer):
            raise TypeError("only words that a Phonemizer spoke can be explained")
        senses: tuple[str, ...] = ()
        if word.phones is None and not word.spell:
            senses = phonemizer.rules.senses([phonemizer.key(t) for t in texts], place, texts)
        source, sense, alone = _source_of(phonemizer, word, phonemizer.key(word.text), senses)
        possessive = reader.language.normalization.possessive
        if _is_users(text, word.span, reader.user_lexicon, possessive):
            source = "user lexicon"
        sources.append(
            PhoneSource(
                text[word.span[0] : word.span[1]],
                word.span,
                word.text,
                source,
                sense,
                phones,
                alone,
                reader.language.tag,
                *word.rule,
            )
        )
    return sources


def _is_users(text: str, span: Span, lexicon: UserLexicon | None, possessive: str) -> bool:
    match = lexicon.match(text, span[0]) if lexicon is not None else None
    return match is not None and span[0] < span[1] <= match[0] + len(possessive)


def _source_of(
    phonemizer: Phonemizer, word: Word, key: str, senses: Sequence[str]
) -> tuple[Source, str, str]:
    """Source, sense, and phones of the word alone."""
    alone = phonemizer.pronounce(word, tuple(senses))
    if word.phones is not None:
        return "inline phones", "", alone
    if word.spell:
        return "letter names", "", alone
    for sense in senses:
        if phonemizer.look_up(f"{key}|{sense}"):
            return "lexicon", sense, alone
    if phonemizer.look_up(key):
        return "lexicon", "", alone
    if phonemizer.knows(word.text):
        return "ending rule", "", alone
    parts = [part for part in re.split(r"[-\s]+", key) if part.strip("'")]
    if len(parts) > 1:
        return "compound", "", alone
    if phonemizer.guesses(key):
        return "letter-to-sound", "", alone
    return "letter names", "", alone
