"""What the front end must know of a language, and which languages there are.

The modules of `voicelet.text` read any language; what one language says of its numbers, titles,
endings and phrases is a :class:`Language`, which `voicelet.text.pack` makes of a folder of data.
The folders under `voicelet/languages` are the languages that there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import Protocol

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet.text.characters import CharacterNames
from voicelet.text.rules import Matcher, Rule

DEFAULT_LANGUAGE = "en"

Lookup = Callable[[str], "str | None"]
"""Phones of a word in lower case, or None."""


@dataclass(frozen=True)
class Normalization:
    """How written text is read as words.

    Attributes:
        digit_rules, letter_rules, symbol_rules: tried in order where a digit, a letter or a sign
            stands.
        apostrophe_rules: tried at an apostrophe ("'90s").
        address_rules: tried before the others where an address may begin.
        abbreviated: lower-case words that are more than themselves ("vs", "km"), so that the rules
            must see them.
        contraction: matches a word that begins with an apostrophe ("'tis").
        lone_letters: letters that are words by themselves, and so aren't spelled.
        dot: what a full stop inside a word is said as.
        sentence_starters: capitalized words that seldom follow an abbreviation inside a sentence.
        say_as: reads the text of an SSML say-as, given its `interpret-as` and `format`; None where
            it is to be read as usual.
        letters: lower-case letters of its alphabet beyond a-z.
        elisions: what may stand before an apostrophe as a word of its own ("l'").
        possessive: an ending that the words of a user's lexicon may take ("'s").
        cleanup: character → what clean-up makes of it, where the language says so.
    """

    digit_rules: tuple[Rule, ...]
    letter_rules: tuple[Rule, ...]
    symbol_rules: tuple[Rule, ...]
    apostrophe_rules: tuple[Rule, ...]
    address_rules: tuple[Rule, ...]
    abbreviated: frozenset[str]
    contraction: Matcher
    lone_letters: frozenset[str]
    dot: str
    sentence_starters: frozenset[str]
    say_as: Callable[[str, str, str], str | None]
    letters: str = ""
    elisions: frozenset[str] = frozenset()
    possessive: str = ""
    cleanup: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pronunciation:
    """How words are said that the lexicon lacks, and how a phrase changes those that it has.

    Attributes:
        vowel_letters: a word without any is spelled.
        spelled: phones of letters (a-z) said one by one.
        add_s: phones with the possessive or plural ending.
        inflected: phones of a regular inflection of a word that the lookup knows, or None.
        senses: senses of the word at a place of the clause, in the order to ask the lexicon for
            them; of (words in lower case, place, words as written).
        clitics: words said as one group → their phones, parted by bars.
        strong_at_end: words that stand alone at the end of a phrase, in no group.
        joined: whether the second of two words is said in one group with the first.
        in_phrase: the form of a word at its place; of (words, place, phones, stressed after).
        linked: phones of a word before the phones of the next one; of (word, phones, following).
    """

    vowel_letters: frozenset[str]
    spelled: Callable[[str], str]
    add_s: Callable[[str], str]
    inflected: Callable[[str, Lookup], str | None]
    senses: Callable[[Sequence[str], int, Sequence[str]], tuple[str, ...]]
    clitics: Mapping[tuple[str, ...], str]
    strong_at_end: frozenset[str]
    joined: Callable[[str, str], bool]
    in_phrase: Callable[[list[str], int, str, bool], str]
    linked: Callable[[str, str, str], str]


@dataclass(frozen=True)
class Melody:
    """Words by which a sentence shows what it asks of the pitch (see `voicelet.text.tune`).

    Attributes:
        question_words: "what", "why" and the like.
        asking: words that begin a yes-no question or a tag.
        openers: words that a question may open with before it really begins.
        coordinators: "and" and "or".
        choice: the word between the offers of a choice.
        no_choice: what follows `choice` where no choice is offered ("or so").
    """

    question_words: frozenset[str]
    asking: frozenset[str]
    openers: frozenset[str]
    coordinators: frozenset[str]
    choice: str
    no_choice: frozenset[str]


class LinePattern(Protocol):
    """What is needed of the pattern of a whole line."""

    def fullmatch(self, text: str, /) -> re.Match[str] | None:
        """The match of the whole line, or None."""
        ...


@dataclass(frozen=True)
class Language:
    """A language as the front end knows it.

    Attributes:
        tag: BCP 47.
        normalization, pronunciation, melody: see there.
        conjunctions: words before which a long sentence may be cut.
        chapter_heading: matches the whole of a line that heads a chapter of plain text.
        characters: names of marks, letters and keys, read when first asked for.
    """

    tag: str
    normalization: Normalization
    pronunciation: Pronunciation
    melody: Melody
    conjunctions: frozenset[str]
    chapter_heading: LinePattern
    characters: Callable[[], CharacterNames] = CharacterNames


@lru_cache(maxsize=64)
def find_language(tag: str = DEFAULT_LANGUAGE) -> Language:
    """The language of a BCP 47 tag: itself, or the nearest that it is a kind of.

    "en-US" is read by "en"; "pt" by the only Portuguese that there is, "pt-br".

    Raises:
        ConfigError: voicelet can't read it; the message says what it can.
    """
    # Named, not imported: the machine fills the classes of this module, and so stands above it.
    machine = import_module("voicelet.text.pack.folder")
    known: tuple[str, ...] = machine.languages()
    wanted = tag.replace("_", "-").lower().split("-")
    for length in range(len(wanted), 0, -1):
        folder = "-".join(wanted[:length])
        if folder in known:
            language: Language = machine.packaged_language(folder)
            return language
    regional = [k for k in known if k.split("-")[0] == wanted[0]]
    if len(regional) == 1:
        return find_language(regional[0])
    raise ConfigError(
        f"voicelet doesn't read the language {tag!r}{did_you_mean(tag.lower(), known)}; it reads "
        f"{', '.join(known)}"
    )
