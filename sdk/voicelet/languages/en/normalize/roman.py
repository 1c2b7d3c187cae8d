"""Roman numerals, where the word before them says that they are numerals."""

from __future__ import annotations

import re

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule, word_set

_MONARCHS = word_set(
    """Henry Louis George Elizabeth Charles Edward William Richard James John Paul Pius Benedict Leo
    Gregory Napoleon Philip Francis Nicholas Alexander Catherine Peter Mary Ramesses Ptolemy Clement
    Innocent Urban Boniface Sixtus Julius Frederick Wilhelm Otto Henri Carlos Felipe Christian
    Gustav Haakon Olav Victor Umberto Ferdinand Leopold Ludwig Maximilian Darius Xerxes Robert David
    Constantine Theodosius Justinian Ivan Alphonse Alfonso Margrethe Baldwin Stephen Harald"""
)
_CUES = word_set(
    """Chapter Part Book Volume Act Scene Section Article Appendix Phase Type Class Figure Table War
    Bowl Title Mark Level Season Episode Fantasy Stage Grade Category Apollo Gemini Rocky Amendment
    Psalm Canto Sonata Symphony Concerto Opus Lesson Unit Rule Division Group Tier Generation Saturn
    Quest Age"""
)
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_VALID = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_SURE = re.compile(r"I{2,3}|IV|VI{1,3}|IX|XI{1,3}|XIV|XVI{0,3}|XIX|XXI{0,3}|XXIV|XXV")
"""Numerals that are no English word or acronym of their own."""


def value(text: str) -> int | None:
    """The value of a well-formed Roman numeral up to 3999; None for anything else."""
    if not text or len(text) > 15 or not _VALID.fullmatch(text):
        return None
    digits = [_VALUES[c] for c in text]
    following = digits[1:] + [0]
    return sum(-d if d < n else d for d, n in zip(digits, following, strict=True))


@rule(r"([IVXLCDM]{1,12})(st|nd|rd|th)?\b(?!['.][A-Za-z])(?!-[A-Za-z])")
def numeral(m: re.Match[str], context: RuleContext) -> str | None:
    number = value(m[1])
    if number is None:
        return None
    previous = context.previous
    if m[2]:
        return numbers.ordinal(number)
    if previous in _CUES:
        return numbers.cardinal(number)
    if previous in _MONARCHS:
        after = context.text[m.end() : m.end() + 12]
        # "Henry I think": a lone I is the pronoun unless something shows that it isn't.
        if m[1] == "I" and not re.match(r"\s?(?:[,.;:)]|of\b|was\b|and\b|$)", after):
            return None
        return "the " + numbers.ordinal(number)
    if previous[:1].isupper() and len(previous) > 1 and _SURE.fullmatch(m[1]):
        return numbers.cardinal(number)
    if previous.lower() in ("chapter", "part", "section", "act", "volume") and len(m[1]) > 1:
        return numbers.cardinal(number)
    return None


LETTER_RULES: tuple[Rule, ...] = (numeral,)
