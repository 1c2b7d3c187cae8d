"""Addresses: e-mail, URL, file names and paths, @handles, #hashtags."""

from __future__ import annotations

import re

from voicelet.languages.en.normalize import numbers
from voicelet.text.rules import Rule, RuleContext, rule, word_set

_TLDS = "com|org|net|edu|gov|mil|int|io|ai|dev|app|info|biz|co|uk|de|fr|eu|ca|au|jp|ch|tv"
_SPOKEN_TLDS = word_set("com org net info biz gov mil dev app")
_FILES = (
    "txt pdf doc docx xls xlsx ppt pptx csv json xml html htm css js ts py rs go java cpp md rst"
    " yaml yml toml ini cfg log zip tar gz exe dll so jpg jpeg png gif svg bmp mp3 mp4 wav flac ogg"
    " avi mov mkv onnx iso sh bat sql db"
)
_EXTENSIONS = word_set(_FILES)
_AS_WORDS = word_set("doc log zip tar exe gif java bat")
_NAMES = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon",
          "?": "question mark", "=": "equals", "&": "and", "#": "hash", "+": "plus", "~": "tilde",
          "%": "percent", "\\": "backslash"}  # fmt: skip
_PARTS = re.compile(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MAX_PARTS = 60


def parts(text: str, dashes: bool = True) -> str:
    """Read an address piece by piece: names of its signs, words, numbers, spelled rests."""
    said: list[str] = []
    for part in _PARTS.findall(text)[:_MAX_PARTS]:
        if part[0].isdecimal():
            said.append(numbers.number(part) if len(part) <= 4 else numbers.digits(part, group=99))
        elif part.isalpha() and part.isascii():
            said.append(_word(part))
        elif part in _NAMES and (dashes or part not in "-_"):
            said.append(_NAMES[part])
    return " ".join(said)


def _word(part: str) -> str:
    low = part.lower()
    if low == "www":
        return "^WWW"
    if low in _EXTENSIONS and low not in _AS_WORDS:
        return "^" + low.upper()
    if len(part) <= 3 and part.lower() not in _SPOKEN_TLDS and not re.search("[aeiouy]", low):
        return "^" + part.upper()
    return part if part[1:].islower() or len(part) == 1 else low


@rule(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}(?<![.-])")
def email(m: re.Match[str], context: RuleContext) -> str | None:
    return parts(m[0])


@rule(r"(?:https?|ftp)://[^\s<>\"]{1,400}", re.IGNORECASE)
def url(m: re.Match[str], context: RuleContext) -> str | None:
    body = m[0].partition("://")[2]
    tail = re.search(r"[.,;:!?)'\]]+$", body)
    stop = ""
    if tail:
        stop = " " + " ".join(c for c in tail[0] if c in ".,;:!?")
        body = body[: tail.start()]
    return parts(body.rstrip("/").removeprefix("www.")) + stop


@rule(
    r"(?:www\.)?(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}(?:"
    + _TLDS
    + r")(?![A-Za-z0-9-])"
    r"(?:/(?:[A-Za-z0-9._~%?=&#+/-]{0,300}[A-Za-z0-9/])?)?"
)
def domain(m: re.Match[str], context: RuleContext) -> str | None:
    host = m[0].partition("/")[0]
    if not re.search(r"[a-z]", host) or host.count(".") + 1 > 7:
        return None
    return parts(m[0].rstrip("/").removeprefix("www."))


@rule(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,80}(?:\.[A-Za-z0-9_-]{1,20}){0,3}\.(?:"
    + _FILES.replace(" ", "|")
    + r")\b(?!\.\w)"
)
def file_name(m: re.Match[str], context: RuleContext) -> str | None:
    # "stop.so we left": a word glued to the next sentence is not a file.
    if m[0].endswith((".so", ".go")) and "_" not in m[0]:
        return None
    return parts(m[0], dashes="-" in m[0] or "_" in m[0])


@rule(
    r"(?<![A-Za-z0-9])(?:~|\.{1,2})?/(?:[A-Za-z0-9_.-]{1,60}/){1,12}"
    r"(?:[A-Za-z0-9_-]{1,60}(?:\.[A-Za-z0-9]{1,8})?)?"
)
def path(m: re.Match[str], context: RuleContext) -> str | None:
    return parts(m[0].rstrip("/"))


@rule(r"@([A-Za-z0-9_]{1,60}(?:\.[A-Za-z0-9_]{1,30})?)")
def handle(m: re.Match[str], context: RuleContext) -> str | None:
    return "at " + camel(m[1])


@rule(r"#([A-Za-z][A-Za-z0-9_]{0,99})")
def hashtag(m: re.Match[str], context: RuleContext) -> str | None:
    return "hashtag " + camel(m[1])


def camel(text: str) -> str:
    """ "NoMoreWar2024" → "No More War twenty twenty four"."""
    said = []
    for part in _CAMEL.findall(text)[:_MAX_PARTS]:
        if part[0].isdecimal():
            year = len(part) == 4 and 1100 <= int(part) <= 2099
            said.append(numbers.year(part) if year else numbers.number(part))
        elif part.isupper() and 1 < len(part) <= 4:
            said.append("^" + part)
        else:
            said.append(part if len(part) > 1 and part.isupper() is False else part.lower())
    return " ".join(said)


ADDRESS_RULES: tuple[Rule, ...] = (url, email, domain, file_name)
SYMBOL_RULES: tuple[Rule, ...] = (path, handle, hashtag)
