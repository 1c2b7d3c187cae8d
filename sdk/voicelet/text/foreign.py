"""Words of other languages within a clause: each stretch of them gets its phones from its own.

A clause that is wholly in another language is spoken by that language's phonemizer.  In a clause of
several, a foreign stretch is spoken by itself and its phones then stand in the clause as if the
caller had given them, so that the phrase rules of neither language change the other's words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from voicelet.text.words import Clause, Mark, PhoneClause, Token, Word


class ClausePhonemizer(Protocol):
    """What the front end needs of `voicelet.text.phonemize.Phonemizer`."""

    def phonemize(self, clause: Clause) -> PhoneClause:
        """The phones of one clause."""
        ...


def clause_language(clause: Clause) -> str:
    """The language that most words of a clause are in; "" for that of the text."""
    counts = Counter(token.language for token in clause.tokens if isinstance(token, Word))
    return max(counts, key=lambda tag: (counts[tag], tag == ""), default="")


def phonemize(
    clause: Clause, own: ClausePhonemizer, of: Callable[[str], ClausePhonemizer]
) -> PhoneClause:
    """The phones of a clause, every word's by the phonemizer of its language.

    Args:
        own: of the text's language.
        of: gives that of another language, by its tag.
    """
    languages = {token.language for token in clause.tokens if isinstance(token, Word)}
    if languages == {""} or not languages:
        return own.phonemize(clause)
    if len(languages) == 1:
        return of(languages.pop()).phonemize(clause)
    tokens: list[Token] = []
    for stretch in _stretches(clause.tokens):
        tag = stretch[0].language if isinstance(stretch[0], Word) else ""
        tokens += _spoken(stretch, of(tag)) if tag else stretch
    return own.phonemize(replace(clause, tokens=tuple(tokens)))


def _stretches(tokens: tuple[Token, ...]) -> Iterator[list[Token]]:
    """Runs of words of one language with the marks between them; other marks by themselves."""
    run: list[Token] = []
    marks: list[Token] = []
    for token in tokens:
        if isinstance(token, Mark):
            marks.append(token)
            continue
        if run and isinstance(run[0], Word) and run[0].language == token.language:
            run += [*marks, token]
        else:
            if run:
                yield run
            yield from ([mark] for mark in marks)
            run = [token]
        marks = []
    if run:
        yield run
    yield from ([mark] for mark in marks)


def _spoken(stretch: list[Token], phonemizer: ClausePhonemizer) -> list[Token]:
    """The stretch with the phones of its words given."""
    spoken = phonemizer.phonemize(Clause(tuple(stretch)))
    tokens: list[Token] = []
    upcoming, end = list(spoken.words), -1
    for token in stretch:
        if not isinstance(token, Word):
            tokens.append(token)
            continue
        phones, joined = "", False
        if upcoming and (upcoming[0].text, upcoming[0].span) == (token.text, token.span):
            word = upcoming.pop(0)
            phones, joined = spoken.phones[word.start : word.end], word.start == end
            end = word.end
        tokens.append(replace(token, phones=phones, joined=joined))
    return tokens
