"""pack.json: what a language says of itself in single words and lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from voicelet.text.language import Pauses

FORMAT = 1
"""Of packs that this voicelet reads."""

DEFAULT_YEAR = "spellout-numbering-year"
"""CLDR's name for the rule set of years."""


@dataclass(frozen=True)
class NumberConfig:
    """How bare numbers are read.

    Attributes:
        cardinal: rule set of numbers.rbnf for a number by itself.
        year: rule set for years; `cardinal` where there is no such set.
        genders: value of a table's column `gender` → rule set.
        decimal_word: said between a number and its decimals ("point").
        decimals_as_number: decimals of at most so many digits are read as a number, longer ones
            digit by digit.
        max_digits: longer whole numbers are read digit by digit (at most 18).
        max_plain_digits: longer ones without grouping, too: they are identifiers.
        group: digits said between two breaths, where digits are read one by one.
        whole_groups: groups of a telephone number that are read as one number ("800").
    """

    cardinal: str = "spellout-numbering"
    year: str = DEFAULT_YEAR
    genders: dict[str, str] = field(default_factory=dict)
    decimal_word: str = ""
    decimals_as_number: int = 0
    max_digits: int = 15
    max_plain_digits: int = 9
    group: int = 4
    whole_groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (0 < self.max_digits <= 18 and 0 <= self.max_plain_digits <= 18):
            raise ValueError("max_digits and max_plain_digits are from 1 to 18")
        if not (0 < self.group <= 20 and 0 <= self.decimals_as_number <= 18):
            raise ValueError("group is from 1 to 20, decimals_as_number from 0 to 18")


@dataclass(frozen=True)
class MelodyConfig:
    """Words by which the pitch knows what is asked; as `voicelet.text.language.Melody`."""

    question_words: tuple[str, ...] = ()
    asking: tuple[str, ...] = ()
    openers: tuple[str, ...] = ()
    coordinators: tuple[str, ...] = ()
    choice: str = ""
    no_choice: tuple[str, ...] = ()


@dataclass(frozen=True)
class PackConfig:
    """pack.json.

    Attributes:
        format: :data:`FORMAT`.
        language: BCP 47 tag; the folder's name in lower case.
        name: of the language, in itself.
        inherits: tag of the pack that this one completes.
        letters: lower-case letters of the alphabet beyond a-z.
        vowel_letters: a word without any is spelled.
        lone_letters: letters that are words by themselves.
        letter_names: letter → phones of its name.
        dot: what a full stop inside a word is said as.
        decimal, grouping: the decimal sign, and every sign that may group digits.
        plurals, ordinal_plurals: CLDR plural rules, category → rule.
        numbers: how bare numbers are read.
        abbreviated: lower-case words that are more than themselves, so that rules must see them.
        contraction: pattern of a word that begins with an apostrophe.
        elisions: what may stand before an apostrophe as a word of its own ("l'", "qu'").
        possessive: an ending that the words of a user's lexicon may take ("'s").
        sentence_starters: capitalized words that seldom follow an abbreviation in a sentence.
        melody: see there.
        conjunctions: words before which a long sentence may be cut.
        chapter_heading: pattern of the whole of a line that heads a chapter, in lower case.
        pauses: between clauses; as `voicelet.text.language.Pauses`.
        common_words: its commonest small words and the signs that only it uses ("¿"), in lower
            case: a sentence is known to be in the language by them.
        presets: names of the default voice's presets that speak this variety.
        license, sources: of the data.
    """

    format: int
    language: str
    name: str = ""
    inherits: str | None = None
    letters: str = ""
    vowel_letters: str = "aeiouy"
    lone_letters: str = ""
    letter_names: dict[str, str] = field(default_factory=dict)
    dot: str = ""
    decimal: str = "."
    grouping: str = ","
    plurals: dict[str, str] = field(default_factory=dict)
    ordinal_plurals: dict[str, str] = field(default_factory=dict)
    numbers: NumberConfig = field(default_factory=NumberConfig)
    abbreviated: tuple[str, ...] = ()
    contraction: str | None = None
    elisions: tuple[str, ...] = ()
    possessive: str = ""
    sentence_starters: tuple[str, ...] = ()
    melody: MelodyConfig = field(default_factory=MelodyConfig)
    conjunctions: tuple[str, ...] = ()
    chapter_heading: str | None = None
    pauses: Pauses = field(default_factory=Pauses)
    common_words: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    license: str = ""
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(
                f"format {self.format}: this voicelet reads format {FORMAT}; update voicelet"
            )
        if len(self.decimal) != 1:
            raise ValueError("decimal is one sign")
        if not all(c.isalpha() and c == c.lower() for c in self.letters + self.lone_letters):
            raise ValueError("letters and lone_letters are lower-case letters")


@dataclass(frozen=True)
class CaseConfig:
    """A case of a rule: where all of `when` hold, `say`; without `say` the rule doesn't apply."""

    when: tuple[str, ...] = ()
    say: str | None = None


@dataclass(frozen=True)
class RuleConfig:
    """A rule of rules.json.

    Attributes:
        id: its name, unlike any other's of the pack.
        at: where the scanner stands: "digit", "letter", "symbol", "apostrophe", "address" or
            several parted by "|"; or "say-as:INTERPRET" and "say-as:INTERPRET:FORMAT".
        match: the pattern of what stands there.
        cases: each a :class:`CaseConfig`; the first whose conditions hold is taken.
    """

    id: str
    at: str
    match: str
    cases: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class UserRulesConfig:
    """A file of a user's own rules.

    Attributes:
        language: BCP 47 tag of the language whose texts they read, its varieties included.
        macros, sets, rules: as :class:`RulesConfig`; those of the pack may be used.
    """

    language: str
    macros: dict[str, str] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    rules: tuple[RuleConfig, ...] = ()


@dataclass(frozen=True)
class RulesConfig:
    """rules.json.

    Attributes:
        macros: name → part of a pattern.
        sets: name → words, parted by blanks.
        rules: in the order of trying.
    """

    macros: dict[str, str] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    rules: tuple[RuleConfig, ...] = ()
