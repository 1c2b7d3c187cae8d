"""Capitals made known: a word before them, or a flag by which pitch or a tone is added later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from voicelet.text.characters import CharacterNames
from voicelet.text.reading import Capitals
from voicelet.text.scanner import to_tokens
from voicelet.text.words import Span, Word

T = TypeVar("T")


def with_capitals(
    items: Iterable[T | Word], text: str, names: CharacterNames, capitals: Capitals
) -> Iterator[T | Word]:
    """Mark the words whose source begins with a capital.

    Of the words that one stretch of source is expanded to, the first is marked.

    Args:
        items: as the scanner gives them; only words are looked at.
        text: the caller's, which spans count in.
        names: of the language.
        capitals: how they are made known.
    """
    last: Span | None = None
    for item in items:
        if isinstance(item, Word):
            letters = [c for c in text[slice(*item.span)] if c.isalpha()]
            if item.span != last and letters and letters[0].isupper():
                whole = len(letters) > 1 and all(c.isupper() for c in letters)
                yield from announced(item, names, capitals, whole=whole)
                last = item.span
                continue
            last = item.span
        yield item


def announced(
    word: Word, names: CharacterNames, capitals: Capitals, *, whole: bool = False
) -> Iterator[Word]:
    """A word with a capital, and what makes it known.

    Args:
        whole: whether the word is written in capitals.
    """
    if capitals == "say":
        said = names.capitals if whole else names.capital
        for token in to_tokens(said, word.span, lone_letters=frozenset()):
            if isinstance(token, Word):
                yield token
        yield word
    else:
        yield replace(word, capital=capitals != "none")
