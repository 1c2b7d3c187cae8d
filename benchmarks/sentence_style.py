"""What a list of tokenised English sentences does its own way, undone before readings are compared.

The list is a sample of text that was cut into tokens ("( 2005 ) .") and said in one house style.
Nothing of this is a rule of the front end; every step is applied to both sides.
"""

from __future__ import annotations

import re

_BEFORE = re.compile(r" +(?=[,.;:!?%)\]])| (?='s(?![A-Za-z]))")
_AFTER = re.compile(r"(?<=[(\[#$£€]) +")
_QUOTES = re.compile(r"``|''")
_SINGLE = re.compile(r"(?<![^ (])' ([^']{1,80}?) '(?![^ ,.;:)])")
_DASH = re.compile(r"(?<=[0-9]) - (?=[0-9])|(?<=[A-Za-z0-9])- (?=[0-9])|(?<=[0-9]) -(?=[0-9])")

_ORDINAL = re.compile(
    r"(?:twenty|thirty)?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)"
    r"|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth"
)
_MONTHS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ]
)
_PLURAL = re.compile(r"^([a-z])'s$")
_TENS = frozenset({"twenty", "thirty"})

_SPELLING = (
    (re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|er|ers|es|ing|ation|ations|ational)$)"), "iz"),
    (re.compile(r"(?<=[a-z]{2})our(?=(?:s|ed|ing|ite|ites|able|al|ally|ful|hood|er|ers)?$)"), "or"),
    (re.compile(r"(?<=[a-z]{2}[bcdhtu])re(?=s?$)"), "er"),
    (re.compile(r"(?<=[a-z]{2})gramme(?=s?$)"), "gram"),
    (re.compile(r"(?<=[a-z]{2})ogue(?=s?$)"), "og"),
    (re.compile(r"(?<=[a-z]{2})ence(?=s?$)"), "ense"),
    (re.compile(r"(?<=[aeiou])ll(?=(?:ed|ing|er|ers)$)"), "l"),
)
"""British or rare spelling → the American one."""

_SAME = {
    "oh": "o",
    "zero": "o",
    "grey": "gray",
    "okay": "ok",
    "pages": "pp",
    "page": "p",
    "missus": "mrs",
    "miz": "ms",
    "mister": "mr",
}
"""Words that the list and the front end put in different ways."""

_LEFT_OUT = frozenset({"and"})


def untokenised(text: str) -> str:
    """`text` without the blanks of tokenisation: "( 1624 - 1713 ) ." is "(1624-1713)."."""
    text = _QUOTES.sub('"', text)
    text = _SINGLE.sub(r"'\1'", text)
    text = _BEFORE.sub("", text)
    return _DASH.sub("-", _AFTER.sub("", text))


def _american(word: str) -> str:
    for pattern, spelling in _SPELLING:
        word = pattern.sub(spelling, word)
    return _SAME.get(word, word)


def alike(words: list[str]) -> list[str]:
    """`words` (lower case, no marks) with one order of dates and one spelling, without "and"."""
    words = [part for word in words for part in _PLURAL.sub(r"\1 s", word).split()]
    words = [word for word in words if word not in _LEFT_OUT]
    out: list[str] = []
    i = 0
    while i < len(words):
        if words[i] == "the":  # the twenty third of May → May twenty third
            j = i + 2 if i + 1 < len(words) and words[i + 1] in _TENS else i + 1
            day, of, month = (words[j : j + 3] + ["", "", ""])[:3]
            if _ORDINAL.fullmatch(day) and of == "of" and month in _MONTHS:
                out += [month, *words[i + 1 : j + 1]]
                i = j + 3
                continue
        out.append(_american(words[i]))
        i += 1
    return out
