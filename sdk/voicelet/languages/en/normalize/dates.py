"""Dates, years and decades."""

from __future__ import annotations

import re

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule, word_set

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTH_OF = {name[:3].lower(): name for name in MONTHS} | {"sept": "September"}
_MONTH = (
    r"(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_YEAR = r"(?:,? ((?:1[0-9]|20)[0-9]{2})(?![0-9,.]*[0-9]))?"

_YEAR_CUES = word_set(
    """in since by until till before after during from of circa year early late mid spring summer
    autumn fall winter copyright january february march april may june july august september october
    november december"""
)
_SINGULAR_S = word_set("was is has as this its his us yes gas bus across")
_PLACE_CUES = word_set("room flight route highway suite apartment gate channel extension bus unit")
_DIGIT_CUES = word_set("pin code zip passcode password id serial")
_AFTER = re.compile(r"\s?([A-Za-z]+)")


def month_name(text: str) -> str | None:
    """ "Dec", "sept.", "12" or "december" → "December"; None if it is no month."""
    text = text.strip().rstrip(".").lower()
    if text.isdecimal():
        return MONTHS[int(text) - 1] if len(text) < 3 and 1 <= int(text) <= 12 else None
    name = _MONTH_OF.get(text if text == "sept" else text[:3])
    return name if name and (len(text) < 5 or name.lower() == text) else None


def full_date(year: str, month: int, day: int) -> str | None:
    """ "December twenty fifth , twenty twenty four"; None if there is no such day."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    said = f"{MONTHS[month - 1]} {numbers.ordinal(day)}"
    if not year:
        return said
    if len(year) == 2:
        return f"{said} , " + (
            numbers.year(int(year)) if year[0] != "0" else f"oh {year_end(year)}"
        )
    return f"{said} , {numbers.year(year)}"


def year_end(year: str) -> str:
    """The last digit of "05" as a word."""
    return numbers.cardinal(year[1])


@rule(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})(?:T(?=[0-9]{2}:))?(?![0-9])")
def iso_date(m: re.Match[str], context: RuleContext) -> str | None:
    return full_date(m[1], int(m[3]), int(m[4]))


@rule(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9/.-]?[0-9])")
def numeric_date(m: re.Match[str], context: RuleContext) -> str | None:
    first, second = int(m[1]), int(m[3])
    if m[2] == "." and len(m[4]) == 2:
        return None
    # Month first, as in the United States, unless it can't be; with dots the day comes first.
    if m[2] == "." or first > 12:
        first, second = second, first
    return full_date(m[4], first, second)


@rule(r"([0-3]?[0-9])(?:st|nd|rd|th)? (?:of )?" + _MONTH + r"\b(?:\.(?= ?[0-9]))?" + _YEAR)
def day_month(m: re.Match[str], context: RuleContext) -> str | None:
    month = month_name(m[2])
    if month is None or not 1 <= int(m[1]) <= 31:
        return None
    if m[2] == "May" and _AFTER.match(context.text, m.end()) and not m[3] and m[0][-5] != "f":
        return None  # "the 3 May have" …
    article = "" if context.previous.lower() == "the" else "the "
    said = f"{article}{numbers.ordinal(int(m[1]))} of {month}"
    return said + (f" , {numbers.year(m[3])}" if m[3] else "")


@rule(
    _MONTH
    + r"\b\.? ([0-3]?[0-9])(?:st|nd|rd|th)?(?![0-9:%]|,[0-9]{3}|\.[0-9]|[ -]?(?:am|pm|%))"
    + _YEAR
)
def month_day(m: re.Match[str], context: RuleContext) -> str | None:
    month = month_name(m[1])
    if month is None or not 1 <= int(m[2]) <= 31:
        return None
    said = f"{month} {numbers.ordinal(int(m[2]))}"
    return said + (f" , {numbers.year(m[3])}" if m[3] else "")


@rule(_MONTH + r"\b\.?,? ((?:1[0-9]|20)[0-9]{2})(?![0-9,.]*[0-9])")
def month_year(m: re.Match[str], context: RuleContext) -> str | None:
    month = month_name(m[1])
    return f"{month} {numbers.year(m[2])}" if month else None


_DAYS = {day[:3]: day for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
                                   "Saturday", "Sunday")}  # fmt: skip
_SHORT = "|".join([*_DAYS, *(name[:3] for name in MONTHS)])


@rule(rf"({_SHORT})\.? ?[-–] ?({_SHORT})\b\.?(?! ?[0-9])")
def named_range(m: re.Match[str], context: RuleContext) -> str | None:
    """ "Mon-Fri", "Jan–Mar"."""
    said = [_DAYS.get(name) or month_name(name) for name in (m[1], m[2])]
    return f"{said[0]} to {said[1]}"


@rule(r"((?:19|20)[0-9]{2})/([0-9]{2})(?![0-9/])")
def season(m: re.Match[str], context: RuleContext) -> str | None:
    """ "2020/21": a school year or a season."""
    if (int(m[1]) + 1) % 100 != int(m[2]):
        return None
    return f"{numbers.year(m[1])} {'oh ' * (m[2][0] == '0')}{numbers.cardinal(int(m[2]))}"


@rule(r"'?((?:1[0-9]|20)?[0-9]0)'?s\b")
def decade(m: re.Match[str], context: RuleContext) -> str | None:
    return None if m[1] == "00" else numbers.decade(m[1])


@rule(r"'([0-9]{2})(?![0-9'\"])")
def short_year(m: re.Match[str], context: RuleContext) -> str | None:
    return f"oh {year_end(m[1])}" if m[1][0] == "0" else numbers.cardinal(m[1])


@rule(r"([0-9]{3,9})(?![0-9]|[.,][0-9])")
def year(m: re.Match[str], context: RuleContext) -> str | None:
    """Four digits from 1100 to 2099 are a year, unless they count something."""
    previous = context.previous.lower()
    if previous in _DIGIT_CUES:
        return numbers.digits(m[1])
    if previous in _PLACE_CUES:
        return numbers.pairs(m[1])
    if len(m[1]) != 4 or not 1100 <= int(m[1]) <= 2099:
        return None
    after = _AFTER.match(context.text, m.end())
    word = after[1] if after else ""
    counts = word.endswith("s") and word.islower() and word not in _SINGULAR_S
    if counts and previous not in _YEAR_CUES:
        return None
    return numbers.year(m[1])


DIGIT_RULES: tuple[Rule, ...] = (iso_date, numeric_date, day_month, season)
LETTER_RULES: tuple[Rule, ...] = (named_range, month_day, month_year)
APOSTROPHE_RULES: tuple[Rule, ...] = (decade, short_year)
