"""Number words, by the Unicode CLDR rules for English (`unicode-rbnf`), loaded at first use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

MAX_CARDINAL_DIGITS = 15
"""Longer numbers have no name in the rules; they are read digit by digit."""

_GROUP = 4


@lru_cache(maxsize=1)
def _engine() -> RbnfEngine:
    # Parsing the rules takes some 0.1 s, so a text without numbers never pays for it.
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language("en")


@lru_cache(maxsize=2048)
def _spell(number: int, rules: str) -> str:
    text: str = _engine().format_number(number, ruleset_names=[rules]).text
    return text.replace("-", " ")


def cardinal(number: int | str) -> str:
    """ "twenty one"; digit by digit beyond :data:`MAX_CARDINAL_DIGITS`. `number` >= 0."""
    digits_ = str(number)
    if len(digits_) > MAX_CARDINAL_DIGITS:
        return digits(digits_)
    return _spell(int(digits_), "spellout-cardinal")


def ordinal(number: int | str) -> str:
    """ "twenty first"; a number too long to name is read digit by digit."""
    digits_ = str(number)
    if len(digits_) > MAX_CARDINAL_DIGITS:
        return digits(digits_)
    return _spell(int(digits_), "spellout-ordinal")


def year(number: int | str) -> str:
    """ "nineteen eighty four", "two thousand five", "nineteen oh five"."""
    value = int(number)
    if not 0 < value < 10_000:
        return cardinal(value)
    return _spell(value, "spellout-numbering-year")


def digits(text: str, group: int = _GROUP) -> str:
    """Digit by digit, with a comma between groups so that there is somewhere to breathe."""
    words = [cardinal(c) for c in text if c.isdecimal()]
    if len(words) <= group + 2:
        return " ".join(words)
    return " , ".join(" ".join(words[i : i + group]) for i in range(0, len(words), group))


def pairs(text: str) -> str:
    """Room and flight numbers: "1408" is "fourteen oh eight"; other lengths as they come."""
    if len(text) == 4 and text[0] != "0" and text[1:] != "000":
        return year(text)
    if len(text) == 3 and text[1] != "0" and text[0] != "0":
        return f"{cardinal(text[0])} {cardinal(text[1:])}"
    return digits(text)


def number(text: str) -> str:
    """A written number: "1,234.50", "007", ".5", "3.14".

    Leading zeros and more than nine ungrouped digits mean an identifier: digit by digit.
    """
    whole, dot, fraction = text.partition(".")
    if not whole:
        said = ""
    elif "," in whole:
        said = cardinal(whole.replace(",", "").lstrip("0") or "0")
    elif (whole[0] == "0" and len(whole) > 1) or len(whole) > 9:
        said = digits(whole)
    else:
        said = cardinal(whole)
    if dot and fraction:
        said += " point " + digits(fraction, group=10)
    return said.strip()


def fraction(top: int, bottom: int) -> str:
    """ "three quarters", "one half", "five eighths"; "over" where no name is usual."""
    if bottom < 2 or bottom > 100 or top > 999 or top % bottom == 0:
        return f"{cardinal(top)} over {cardinal(bottom)}"
    if bottom == 2:
        name = "half" if top == 1 else "halves"
    else:
        name = ("quarter" if bottom == 4 else ordinal(bottom)) + ("" if top == 1 else "s")
    return f"{cardinal(top)} {name}"


def mixed(whole: int, top: int, bottom: int) -> str:
    """ "two and a half", "one and three quarters"."""
    part = fraction(top, bottom)
    if top == 1:
        part = "a " + part.removeprefix("one ") if bottom != 8 else "an eighth"
    return f"{cardinal(whole)} and {part}"


def decade(text: str) -> str:
    """ "1980s" → "nineteen eighties", "1900s" → "nineteen hundreds", "90s" → "nineties"."""
    said = year(text) if len(text) == 4 else cardinal(text)
    return said[:-1] + "ies" if said.endswith("y") else said + "s"
