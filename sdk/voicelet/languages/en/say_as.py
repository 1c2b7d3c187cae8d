"""SSML say-as: what the text of the element is, in the caller's own word for it."""

from __future__ import annotations

import re
import unicodedata

from voicelet.languages.en.normalize import numbers
from voicelet.languages.en.normalize.dates import MONTHS, full_date, month_name
from voicelet.languages.en.normalize.symbols import emoji_name
from voicelet.languages.en.normalize.telephone import grouped
from voicelet.languages.en.normalize.times import say_time

_MAX_CHARACTERS = 1000
_NUMBER = re.compile(r"([-−]?)\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]{1,60})?")
_SIGNS = {".": "dot", "-": "dash", "/": "slash", "_": "underscore", "@": "at", "#": "hash",
          "+": "plus", "&": "and", "*": "star", ",": "comma", ":": "colon", "!": "exclamation mark",
          "?": "question mark", "=": "equals", "%": "percent", "$": "dollar sign"}  # fmt: skip
_DATE_ORDERS = ("mdy", "dmy", "ymd", "md", "dm", "ym", "my", "y", "m", "d")


def say_as(text: str, interpret: str, form: str = "") -> str | None:
    """How `text` is said, in the notation of the rules; None where it has to be read as usual.

    Args:
        text: what the element holds.
        interpret: interpret-as, lower case: characters, spell-out, verbatim, cardinal, number,
            ordinal, digits, date, time, telephone, fraction, currency, unit, … Others: None.
        form: the format attribute ("mdy", "hms12", …).
    """
    text = unicodedata.normalize("NFKC", text).strip()
    if not text:
        return ""
    if interpret in ("characters", "spell-out", "spell", "verbatim"):
        return spell_out(text)
    if interpret == "digits":
        return numbers.digits(text) if any(c.isdecimal() for c in text) else None
    if interpret == "telephone":
        return grouped(text) if re.search("[0-9]", text) else None
    if interpret in ("cardinal", "number", "ordinal"):
        return _number(text, interpret == "ordinal")
    if interpret == "date":
        return _date(text, form)
    if interpret == "time":
        return _time(text)
    if interpret == "fraction":
        found = re.fullmatch(r"(?:([0-9]{1,9})[ +])?\s*([0-9]{1,6})\s*[/⁄]\s*([0-9]{1,6})", text)
        if not found:
            return None
        top, bottom = int(found[2]), int(found[3])
        return (
            numbers.mixed(int(found[1]), top, bottom) if found[1] else numbers.fraction(top, bottom)
        )
    return None


def spell_out(text: str) -> str:
    """Every character by its name, at most 1000 of them."""
    said = []
    for c in text[:_MAX_CHARACTERS]:
        if c.isalpha():
            said.append("^" + c.upper())
        elif c.isdecimal() and c.isascii():
            said.append(numbers.cardinal(c))
        elif c.isspace():
            said.append(",")
        else:
            said.append(_SIGNS.get(c) or emoji_name(c))
    return " ".join(said)


def _number(text: str, ordinal: bool) -> str | None:
    found = _NUMBER.fullmatch(re.sub(r"(?<=[0-9])(?:st|nd|rd|th)$", "", text))
    if not found:
        return None
    sign, whole = ("minus " if found[1] else ""), found[2].replace(",", "")
    if ordinal and not found[3]:
        return sign + numbers.ordinal(whole)
    said = numbers.cardinal(whole.lstrip("0") or "0")
    return sign + said + (" point " + numbers.digits(found[3][1:], group=10) if found[3] else "")


def _date(text: str, form: str) -> str | None:
    parts = re.findall(r"[0-9]+|[A-Za-z]+", text)
    if form not in _DATE_ORDERS:
        form = "ymd" if parts and len(parts[0]) == 4 else "mdy"
    if len(parts) != len(form) or any(len(p) > 9 for p in parts):
        return None
    values = dict(zip(form, parts, strict=True))
    month = month_name(values["m"]) if "m" in values else ""
    year = values.get("y", "")
    if month is None or (year and not year.isdecimal()) or len(year) > 4:
        return None
    day = values.get("d", "")
    if day and not (day.isdecimal() and len(day) <= 2):
        return None
    if month and day:
        return full_date(year, MONTHS.index(month) + 1, int(day))
    said = [
        month or "",
        numbers.ordinal(int(day)) if day else "",
        numbers.year(year) if year else "",
    ]
    return " ".join(s for s in said if s)


def _time(text: str) -> str | None:
    found = re.fullmatch(
        r"([0-2]?[0-9])[:.]([0-5][0-9])(?:[:.]([0-5][0-9]))?\s*([AaPp])?\.?[Mm]?\.?", text
    )
    if not found:
        return None
    half = f" ^{found[4].upper()}M" if found[4] else ""
    seconds = f" and {numbers.cardinal(int(found[3]))} seconds" if found[3] else ""
    return say_time(int(found[1]), int(found[2]), half) + seconds + half
