"""What the front end must know of a language, and which languages there are.

The modules of `voicelet.text` read any language; what one language says of its numbers, titles,
endings and phrases is a :class:`Language`, which `voicelet.text.pack` makes of a folder of data.
The folders under `voicelet/languages` are the languages that there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from voicelet.text.characters import CharacterNames
from voicelet.text.rules import Matcher, Rule, RuleIndex

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
        user_letter_rules: those of the user among `letter_rules`; plain words are shown to them,
            too.
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
    user_letter_rules: tuple[Rule, ...] = ()

    @cached_property
    def at_digits(self) -> RuleIndex:
        """`digit_rules` by their first character; the others likewise."""
        return RuleIndex(self.digit_rules)

    @cached_property
    def at_letters(self) -> RuleIndex:
        return RuleIndex(self.letter_rules)

    @cached_property
    def at_plain_words(self) -> RuleIndex | None:
        """`user_letter_rules`; None if there are none."""
        return RuleIndex(self.user_letter_rules) if self.user_letter_rules else None

    @cached_property
    def at_symbols(self) -> RuleIndex:
        return RuleIndex(self.symbol_rules)

    @cached_property
    def at_apostrophes(self) -> RuleIndex:
        return RuleIndex(self.apostrophe_rules)

    @cached_property
    def at_addresses(self) -> RuleIndex:
        return RuleIndex(self.address_rules)


@dataclass(frozen=True)
class SpokenWord:
    """A word of a phrase, as the rules of the phrase see it.

    Attributes:
        key: the word in lower case.
        phones: as the lexicon has them, or as earlier rules left them.
        latent: a consonant that is said after them only where a rule says so; "" for none.
        classes: what the lexicon and the rules say of the word ("det", "noun").
    """

    key: str
    phones: str
    latent: str = ""
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Linked:
    """Two words after their ends have met.

    Attributes:
        before, after: phones of both.
        joined: whether they are said without a space.
    """

    before: str
    after: str
    joined: bool = False


class PhraseRules(Protocol):
    """How the words of a phrase join, weaken and link; see `voicelet.text.pack.phrases`."""

    @property
    def clitics(self) -> Mapping[tuple[str, ...], tuple[tuple[str, bool], ...]]:
        """Words said as one group → for each, its phones and whether it is joined to the last."""
        ...

    @property
    def strong_at_end(self) -> frozenset[str]:
        """Words that stand alone at the end of a phrase, in no group."""
        ...

    def classes_of(self, word: str) -> frozenset[str]:
        """The classes of a word beside those that a lexicon gives it."""
        ...

    def joined(self, before: str, word: str) -> bool:
        """Whether the second of two words is said in one group with the first."""
        ...

    def in_phrase(self, words: Sequence[SpokenWord], place: int, stressed_after: bool) -> str:
        """The phones of a word at its place; whether a stressed word follows it."""
        ...

    def linked(self, before: SpokenWord, after: SpokenWord, span: str = "phrase") -> Linked:
        """How two words change each other in a "phrase", a "word" or a row of "letters"."""
        ...

    def rewritten(self, phones: Sequence[str]) -> list[str]:
        """The phones of a phrase's words after what changes them as a whole."""
        ...


def _no_words(key: str) -> str | None:
    return None


@dataclass(frozen=True)
class Pronunciation:
    """How words are said that the lexicon lacks, and how a phrase changes those that it has.

    Attributes:
        vowel_letters: a word without any is spelled.
        spelled: phones of a word's letters said one by one.
        add_s: phones with the possessive or plural ending.
        inflected: phones of a regular inflection of a word that the lookup knows, or None; of
            (word, lookup, senses to try the stem in).
        senses: senses of the word at a place of the clause, in the order to ask the lexicon for
            them; of (words in lower case, place, words as written).
        phrases: how words join, weaken and link.
        letters: letters of the alphabet beyond a-z, which words keep.
        words: the language's own lexicon, asked before the bundle's.
        letter_to_sound: phones of a word of the language's letters, "" where it finds none; None
            leaves it to the bundle's model.
    """

    vowel_letters: frozenset[str]
    spelled: Callable[[str], str]
    add_s: Callable[[str], str]
    inflected: Callable[[str, Lookup, Sequence[str]], str | None]
    senses: Callable[[Sequence[str], int, Sequence[str]], tuple[str, ...]]
    phrases: PhraseRules
    letters: str = ""
    words: Lookup = _no_words
    letter_to_sound: Callable[[str], str] | None = None


MAX_PAUSE_MS = 10_000
"""The longest silence between two clauses, however many breaks SSML asks for."""


@dataclass(frozen=True)
class Pauses:
    """How long the silences between clauses are, in milliseconds, 0 to 10,000.

    Attributes:
        clause_ms: after a clause that a comma, semicolon or colon ends; with the edges of both
            clauses, as long as the voice pauses at one within a clause.
        aside_ms: before and after what stands in parentheses.
        dash_ms: at a dash.
        ellipsis_ms: at an ellipsis after which the sentence goes on.
        sentence_ms: after a sentence.
        trailed_off_ms: after a sentence that ends in an ellipsis.
        paragraph_ms: after a paragraph.
    """

    clause_ms: int = 40
    aside_ms: int = 120
    dash_ms: int = 200
    ellipsis_ms: int = 350
    sentence_ms: int = 550
    trailed_off_ms: int = 750
    paragraph_ms: int = 900

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= MAX_PAUSE_MS:
                raise ValueError(f"{name} is from 0 to {MAX_PAUSE_MS}, not {value}")


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
        pauses: between its clauses.
        common_words: its commonest words and the signs that only it uses, in lower case, by which
            a sentence is known to be in it (`voicelet.text.detection`).
    """

    tag: str
    normalization: Normalization
    pronunciation: Pronunciation
    melody: Melody
    conjunctions: frozenset[str]
    chapter_heading: LinePattern
    characters: Callable[[], CharacterNames] = CharacterNames
    pauses: Pauses = field(default_factory=Pauses)
    common_words: frozenset[str] = frozenset()
