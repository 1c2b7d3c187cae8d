"""Languages: how they are found, and that the machine knows no language itself."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from voicelet.errors import ConfigError
from voicelet.text.document import chapters_of
from voicelet.text.front_end import clauses
from voicelet.text.language import Language, Melody, Normalization, Pronunciation
from voicelet.text.pack.folder import languages
from voicelet.text.pack.packaged import find_language
from voicelet.text.pack.phrases import open_phrases
from voicelet.text.rules import Rule, RuleContext
from voicelet.text.words import Word


@pytest.mark.parametrize("tag", languages())
def test_every_language_of_the_list_is_there(tag: str) -> None:
    assert find_language(tag).tag.lower() == tag


def test_a_region_means_its_language() -> None:
    assert find_language("en-US") is find_language("EN") is find_language()


def test_a_language_that_is_not_there_is_never_read_as_another() -> None:
    with pytest.raises(ConfigError, match=r"'xx-CA'.*reads .*en"):
        find_language("xx-CA")


def digit(found: re.Match[str], context: RuleContext) -> str | None:
    """A toy language's only rule: each digit is said as so many "ba"."""
    return " ".join(["ba"] * int(found[0])) or "no"


def toy() -> Language:
    """A language that English knows nothing of."""
    return Language(
        tag="qaa",
        normalization=Normalization(
            digit_rules=(Rule(re.compile(r"[0-9]"), digit),),
            letter_rules=(),
            symbol_rules=(),
            apostrophe_rules=(),
            address_rules=(),
            abbreviated=frozenset(),
            contraction=re.compile(r"(?!)"),
            lone_letters=frozenset("x"),
            dot="punto",
            sentence_starters=frozenset(),
            say_as=lambda text, interpret, form: None,
        ),
        pronunciation=Pronunciation(
            vowel_letters=frozenset("a"),
            spelled=lambda letters: "",
            add_s=lambda phones: phones,
            inflected=lambda word, lookup, senses: None,
            senses=lambda keys, place, texts: (),
            phrases=open_phrases({"format": 1}),
        ),
        melody=Melody(*(frozenset[str]() for _ in range(4)), "o", frozenset()),
        conjunctions=frozenset(),
        chapter_heading=re.compile(r"Kapitulo \d+"),
    )


def said(text: str, language: Language) -> list[str]:
    return [
        token.text
        for clause in clauses(text, language=language)
        for token in clause.tokens
        if isinstance(token, Word)
    ]


def test_the_machine_reads_by_the_rules_it_is_given() -> None:
    assert said("Dr. 3 x", toy()) == ["Dr", "ba", "ba", "ba", "x"]
    assert said("Dr. 3 x", find_language()) == ["Doctor", "three", "x"]
    assert said("a.b", toy()) == ["a", "punto", "b"]


def test_chapters_begin_where_the_language_says_so() -> None:
    text = "Kapitulo 1\n\nba ba\n\nChapter 2\n\nba"
    assert [c.title for c in chapters_of(text, toy())] == ["Kapitulo 1"]
    assert [c.title for c in chapters_of(text, find_language())] == ["", "Chapter 2"]


def test_single_letters_are_words_where_the_language_says_so() -> None:
    def spelled(language: Language) -> list[bool]:
        (clause,) = clauses("bu x", language=language)
        return [token.spell for token in clause.tokens if isinstance(token, Word)]

    assert spelled(toy()) == [False, False]
    english = find_language()
    none = replace(toy().normalization, lone_letters=frozenset[str]())
    assert spelled(replace(toy(), normalization=none)) == spelled(english) == [False, True]
