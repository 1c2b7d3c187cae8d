"""SSML say-as: what the text of the element is, in the caller's own word for it."""

from __future__ import annotations

import re
import unicodedata

from voicelet.languages.en.normalize import numbers
from voicelet.languages.en.normalize.dates import MONTHS, full_date, month_name
from voicelet.languages.en.normalize.roman import value as roman_value
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
        return _telephone(text) if re.search("[0-9]", text) else None
    if interpret in ("cardinal", "number", "ordinal"):
        return _number(text, interpret == "ordinal")
    if interpret == "date":
        return _date(text, form)
    if interpret == "time":
        return _time(text)
    if interpret == "duration":
        return _duration(text, form)
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
    if value := roman_value(text):
        text = str(value)
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
        r"([0-2]?[0-9])(?:[:. -]([0-5][0-9])(?:[:. -]([0-5][0-9]))?)?\s*(?:([AaPp])\.?[Mm]\.?)?",
        text,
    )
    if not found or int(found[1]) > 24:
        return None
    half = f" ^{found[4].upper()}M" if found[4] else ""
    said = say_time(int(found[1]), int(found[2] or 0), half)
    if seconds := int(found[3] or 0):
        said = said.replace(" o'clock", " hundred") + f" and {_count(seconds, 'second')}"
    return said + half


_UNITS = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_PARTS = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,9})?)\s*([dhms'\"])")


def _duration(text: str, form: str) -> str | None:
    """ "1:30:05", "2:05" ("ms" unless `form` says "hm"), "1h 30m", "1'21"", ISO 8601 "PT1H30M"."""
    clock = re.fullmatch(r"([0-9]{1,4})[:.]([0-9]{1,2})(?:[:.]([0-9]{1,2}))?", text)
    if clock:
        units = "hms" if clock[3] else "hm" if form == "hm" else "ms"
        parts = [(n, unit) for n, unit in zip(clock.groups(), units) if n]
    else:
        spans = re.sub(r"[\s,]*(?:and\s+)?", "", re.sub(r"^p|t", "", text.lower()))
        spans = re.sub(r"(?<=[dhms])[a-z]{1,8}", "", spans)
        if not spans or _PARTS.sub("", spans):
            return None
        parts = [(n, {"'": "m", '"': "s"}.get(unit, unit)) for n, unit in _PARTS.findall(spans)]
    said = [_count(n, _UNITS[unit]) for n, unit in parts if float(n.replace(",", "."))]
    return " ".join(said) or _count(0, _UNITS[parts[-1][1]])


def _count(number: int | str, unit: str) -> str:
    whole, _, decimals = str(number).replace(",", ".").partition(".")
    said = numbers.cardinal(str(int(whole)))
    if decimals:
        said += " point " + numbers.digits(decimals, group=10)
    return f"{said} {unit}" + ("" if not decimals and int(whole) == 1 else "s")


def _telephone(text: str) -> str:
    """Digit by digit, in the groups as written; letters as a word, * and # by name."""
    number, _, extension = re.sub(
        r"(?i)\s*(?:ext(?:ension)?\.?|x)\s*(?=[0-9])", "|", text
    ).partition("|")
    said = grouped(number)
    for word in re.findall(r"[A-Za-z]{2,}", number):
        said = (said.replace("one , eight zero zero", "one , eight hundred")) + f" , {word.lower()}"
    if number.startswith("*"):
        said = f"star {said}"
    if number.endswith("#"):
        said += " pound"
    return said + (f" , extension {grouped(extension)}" if extension else "")
