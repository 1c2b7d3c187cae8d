"""Times of day, and what looks like them: durations and ratios."""

from __future__ import annotations

import re

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule

_HALF = r"(?:\s?([AaPp])(?:\.\s?[Mm]\.|[Mm]\b))"


def _half(letter: str | None, end: int, m: re.Match[str], context: RuleContext) -> str:
    if not letter:
        return ""
    stop = " ." if m[0].endswith(".") and context.ends_sentence(end) else ""
    return f" ^{letter.upper()}M{stop}"


def say_time(hour: int, minute: int, half: str = "") -> str:
    """ "three forty five", "nine oh five", "three o'clock"; 24-hour hours as they come."""
    if minute == 0:
        if half:
            return numbers.cardinal(hour)
        if hour == 0:
            return "midnight"
        return f"{numbers.cardinal(hour)} " + ("o'clock" if hour <= 12 else "hundred")
    minutes = numbers.cardinal(minute)
    return f"{numbers.cardinal(hour)} " + (f"oh {minutes}" if minute < 10 else minutes)


@rule(r"([0-2]?[0-9])[:.]([0-5][0-9])" + _HALF)
def half_day(m: re.Match[str], context: RuleContext) -> str | None:
    hour = int(m[1])
    return say_time(hour, int(m[2]), m[3]) + _half(m[3], m.end(), m, context)


@rule(r"([0-9]{1,2})" + _HALF)
def hour_half(m: re.Match[str], context: RuleContext) -> str | None:
    if int(m[1]) > 24:
        return None
    return numbers.cardinal(int(m[1])) + _half(m[2], m.end(), m, context)


@rule(r"([0-2]?[0-9]):([0-5][0-9])(?::([0-5][0-9])(?:\.[0-9]{1,9})?)?(Z\b)?(?![0-9:])")
def clock(m: re.Match[str], context: RuleContext) -> str | None:
    hour, minute = int(m[1]), int(m[2])
    if hour > 24:
        return None
    if m[3] is None:
        return say_time(hour, minute)
    parts = ((hour, "hour"), (minute, "minute"), (int(m[3]), "second"))
    if len(m[1]) == 1:  # "1:02:03" is how long, "01:02:03" is when
        return " ".join(numbers.cardinal(n) + f" {u}" + "s" * (n != 1) for n, u in parts if n)
    said = say_time(hour, minute).replace(" o'clock", " hundred")
    return f"{said} and {numbers.cardinal(int(m[3]))} second" + "s" * (int(m[3]) != 1)


@rule(r"([0-9]{1,4}):([0-9]{1,4})(?![0-9:])")
def ratio(m: re.Match[str], context: RuleContext) -> str | None:
    return f"{numbers.number(m[1])} to {numbers.number(m[2])}"


@rule(r"(?:(?<=[ap]m)|(?<=[ap]m )|(?<=[ap]\.m\.))[-–](?= ?[0-9])", re.IGNORECASE)
def until(m: re.Match[str], context: RuleContext) -> str | None:
    """The dash of "9am-5pm"."""
    return "to"


SYMBOL_RULES: tuple[Rule, ...] = (until,)
DIGIT_RULES: tuple[Rule, ...] = (half_day, hour_half, clock, ratio)
