"""Bare numbers: cardinals, ordinals, decimals, fractions, ranges, scores, powers, digit strings."""

from __future__ import annotations

import re
import unicodedata

from voicelet.languages.en.normalize import dates, numbers
from voicelet.text.rules import Rule, RuleContext, rule

VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_SUPERSCRIPTS = str.maketrans("²³¹⁰⁴⁵⁶⁷⁸⁹⁻⁺", "2310456789-+")
_FIXED = {
    "24/7": "twenty four seven",
    "9/11": "nine eleven",
    "7/11": "seven eleven",
    "50/50": "fifty fifty",
    "20/20": "twenty twenty",
    "80/20": "eighty twenty",
    "911": "nine one one",
    "999": "nine nine nine",
}
_UNNAMED = ("911", "999")
"""Emergency numbers only where nothing counts by them ("call 911")."""


def vulgar(char: str) -> tuple[int, int]:
    """ "½" → (1, 2)."""
    top, _, bottom = unicodedata.normalize("NFKC", char).partition("⁄")
    return int(top), int(bottom)


def _years(first: str, second: str) -> bool:
    return len(first) == 4 and 1100 <= int(first) <= 2099 and len(second) in (2, 4)


@rule(r"(?:24/7|9/11|7/11|50/50|20/20|80/20)(?![0-9/])|(?<=call )911\b|(?<=dial )9(?:11|99)\b")
def fixed(m: re.Match[str], context: RuleContext) -> str | None:
    return _FIXED[m[0]]


@rule(r"([0-9]{1,3}) ([1-9][0-9]?)/([1-9][0-9]?)(?![0-9/])|([0-9]{1,9}) ?([" + VULGAR + "])")
def mixed_number(m: re.Match[str], context: RuleContext) -> str | None:
    if m[5]:
        return numbers.mixed(int(m[4]), *vulgar(m[5]))
    if int(m[2]) >= int(m[3]):
        return None
    return numbers.mixed(int(m[1]), int(m[2]), int(m[3]))


@rule(r"[1-9][0-9]{0,2}(?: [0-9]{3}){2,4}(?! ?[0-9])")
def spaced_thousands(m: re.Match[str], context: RuleContext) -> str | None:
    """ "1 000 000", as it is written in science and in much of Europe."""
    return numbers.cardinal(m[0].replace(" ", ""))


@rule(r"([0-9]{1,6})/([0-9]{1,6})(?![0-9/])(?:(ths?|rds?|nds?)\b)?")
def fraction(m: re.Match[str], context: RuleContext) -> str | None:
    return numbers.fraction(int(m[1]), int(m[2]))


@rule(r"((?:1[0-9]|20)?[0-9]0)'?s\b")
def decade(m: re.Match[str], context: RuleContext) -> str | None:
    return None if m[1] == "00" else numbers.decade(m[1])


@rule(r"([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,15}) ?(?:st|nd|rd|th)\b")
def ordinal(m: re.Match[str], context: RuleContext) -> str | None:
    return numbers.ordinal(m[1].replace(",", ""))


@rule(r"([0-9]{1,3}(?:,[0-9]{3}){1,4}|[0-9]{1,9})((?:\.[0-9]{1,9})?) ?[-–~] ?(?=\$?[0-9])")
def span_of_numbers(m: re.Match[str], context: RuleContext) -> str | None:
    """ "10-20", "1999–2004", "3-2": only the first number and "to"; the second is read next."""
    rest = re.match(r"[0-9]+", context.text[m.end() : m.end() + 5])
    spaced = " " in m[0]
    if spaced and "–" not in m[0]:
        return None if "~" in m[0] else f"{numbers.number(m[1] + m[2])} minus"
    if rest and not m[2] and "," not in m[1] and _years(m[1], rest[0]):
        return numbers.year(m[1]) + " to"
    return numbers.number(m[1] + m[2]) + " to"


@rule(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)[eE]([-+−]?)([0-9]{1,4})\b")
def scientific(m: re.Match[str], context: RuleContext) -> str | None:
    sign = "minus " if m[2] in ("-", "−") else ""
    return f"{numbers.number(m[1])} times ten to the {sign}{numbers.number(m[3])}"


@rule(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)(?:\^([-−]?[0-9]{1,6})(?![0-9])|([²³¹⁰⁴⁵⁶⁷⁸⁹⁻⁺]{1,6}))")
def power(m: re.Match[str], context: RuleContext) -> str | None:
    exponent = (m[2] or m[3]).translate(_SUPERSCRIPTS).replace("−", "-")
    base = numbers.number(m[1])
    if exponent in ("2", "3"):
        return f"{base} " + ("squared" if exponent == "2" else "cubed")
    digits = exponent.lstrip("-+")
    if not digits.isdecimal():
        return None
    return f"{base} to the " + "minus " * exponent.startswith("-") + numbers.number(digits)


@rule(r"[0-9]{10,512}(?![0-9]*\.[0-9])|(?<=[0-9])[0-9]{1,512}")
def long_digits(m: re.Match[str], context: RuleContext) -> str | None:
    """Digit by digit; also what is left of a number too long to be seen whole."""
    return numbers.digits(m[0])


@rule(r"[0-9]{1,3}(?:,[0-9]{3}){1,40}(?:\.[0-9]{1,60})?(?![0-9])|[0-9]{1,20}(?:\.[0-9]{1,60})?")
def plain(m: re.Match[str], context: RuleContext) -> str | None:
    return numbers.number(m[0])


@rule(r"[" + VULGAR + "]")
def vulgar_fraction(m: re.Match[str], context: RuleContext) -> str | None:
    return numbers.fraction(*vulgar(m[0]))


@rule(r"\.([0-9]{1,60})")
def point(m: re.Match[str], context: RuleContext) -> str | None:
    return "point " + numbers.digits(m[1], group=10)


@rule(r"(?<![A-Za-z0-9)\]])([-−+±~≈]|\+/-) ?(?=[.$£€]?[0-9])")
def sign(m: re.Match[str], context: RuleContext) -> str | None:
    names = {"+": "plus", "±": "plus or minus", "+/-": "plus or minus", "~": "about", "≈": "about"}
    return names.get(m[1], "minus")


@rule(r"#([0-9]{1,15})\b")
def hash_number(m: re.Match[str], context: RuleContext) -> str | None:
    return "number " + numbers.number(m[1])


FIRST_DIGIT_RULES: tuple[Rule, ...] = (fixed, decade)
DIGIT_RULES: tuple[Rule, ...] = (
    spaced_thousands,
    mixed_number,
    fraction,
    ordinal,
    span_of_numbers,
    scientific,
    power,
    long_digits,
    dates.year,
    plain,
)
SYMBOL_RULES: tuple[Rule, ...] = (vulgar_fraction, point, sign, hash_number)
