"""Any text at all: it ends, stays within the alphabet, and points into what was written."""

from __future__ import annotations

import sys
import unicodedata
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicelet.errors import VoiceletError
from voicelet.text.front_end import clauses
from voicelet.text.words import MARKS, Clause, Word

WRITTEN = """
    $ £5 1/2 3:45pm a.m. Dr. St. No. 5 V XIV [[ ]] [[həlˈO]] 10- -3 1e9 2^8 ½ ² °C 5km % # @me
    #x http://a.b/c a@b.co x.pdf ... … — – - ' ’ " ( ) ? ! , ; : & + = / * ~ ^ _ | FBI CDs I A
    I'm 'tis 2024-12-25 12/25/24 555-0123 +44 v1.2.3 0 00 999999999 1,000 1.5 😂 👍🏽 🇺🇸 你 ש é π
    \u200d \ud800 <speak> </speak> <p> &amp; </
"""
INVISIBLE = [
    "\n",
    "\n\n",
    "\r\n",
    "\t",
    "\x00",
    "\u2029",
    "\u202e",
    " ",
    "\u0301",
    "\u20e3",
    "\ufe0f",
]
SNIPPETS = st.sampled_from([*WRITTEN.split(), *INVISIBLE])
TEXTS = st.one_of(
    st.text(max_size=200),
    st.lists(SNIPPETS, max_size=40).map("".join),
    st.lists(SNIPPETS, max_size=40).map(" ".join),
    st.text(alphabet=" .,-/:'$0123456789aApmMs%°", max_size=80),
)


def check(text: str, found: list[Clause]) -> None:
    starts = [0]
    for clause in found:
        for token in clause.tokens:
            if isinstance(token, Word):
                assert token.phones or token.text
                assert all(c.isalpha() or c == "'" for c in token.text), token
                assert len(token.text) <= 120
                assert 0 <= token.span[0] < token.span[1] <= len(text), (token, len(text))
                starts.append(token.span[0])
            else:
                assert token.text in MARKS and token.text not in "…—"
        assert 0 <= clause.pause_after_ms <= 10_000
        assert (
            any(isinstance(t, Word) for t in clause.tokens) or clause.pause_after_ms or clause.marks
        )
    assert starts == sorted(starts)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_any_text(text: str) -> None:
    try:
        found = list(clauses(text))
    except VoiceletError:
        return
    check(text, found)


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_text_alone_never_fails(text: str) -> None:
    check(text, list(clauses(text, ssml=False, inline_phones=False)))


HUGE = {
    "no punctuation": "word " * 20_000,
    "no space": "a" * 100_000,
    "capitals": "ABCD " * 20_000,
    "digits": "7" * 100_000,
    "digit groups": "1," * 50_000,
    "hyphens": "1-" * 50_000,
    "dots": "1." * 50_000,
    "full stops": "." * 100_000,
    "quotes": "\"'" * 50_000,
    "brackets": "[[" * 50_000,
    "spaces": " " * 100_000,
    "newlines": "\n" * 100_000,
    "emoji": "😂🎉" * 50_000,
    "joined emoji": "👨\u200d" * 50_000,
    "zalgo": "a" + "\u0301" * 100_000,
    "nulls": "\x00" * 100_000,
    "surrogates": "\ud83d" * 100_000,
    "right to left": "שלום עולם\u202e " * 10_000,
    "Chinese": "你好" * 50_000,
    "at signs": "a@" * 50_000,
    "domains": "a." * 50_000,
    "slashes": "/a" * 50_000,
    "dollars": "$1" * 50_000,
    "Roman": "Henry " + "XVI" * 30_000,
    "apostrophes": "a'" * 50_000,
    "operators": "a+=<>" * 20_000,
    "mixed": "Dr. X paid $3.50 on 3/4/21 at 5:30pm (see a.com); " * 2_000,
}


@pytest.mark.parametrize("name", HUGE)
def test_a_hundred_thousand_characters(name: str) -> None:
    text = HUGE[name]
    # The rest is more of the same; `test_work_is_linear` reads all of a text.
    for clause in islice(clauses(text), 20):
        check(text, [clause])


def work(text: str) -> int:
    """Lines of Python run while reading `text`: time without a clock."""
    lines = 0

    def trace(frame: object, event: str, arg: object) -> object:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        for _ in clauses(text):
            pass
    finally:
        sys.settrace(before)
    return lines


@pytest.mark.parametrize("name", ["no punctuation", "digits", "mixed", "no space", "spaces"])
def test_work_is_linear(name: str) -> None:
    text = HUGE[name]
    work(text[:1500])  # caches and lazy imports
    small, large = work(text[:1500]), work(text[:6000])
    assert large <= 6 * small + 5000


def test_a_number_of_5000_digits_is_read_digit_by_digit() -> None:
    words = [t for c in clauses("1234567890" * 500) for t in c.tokens if isinstance(t, Word)]
    assert len(words) == 5000
    assert [w.text for w in words[-3:]] == ["eight", "nine", "zero"]


def test_right_to_left_marks_vanish() -> None:
    text = "\u202eHello\u202c \u2067world\u2069"
    assert [t.text for c in clauses(text) for t in c.tokens] == ["Hello", "world", "."]


def test_every_character_of_unicode_alone() -> None:
    planes = [
        *range(0x500),
        *range(0x1E00, 0x3000),
        *range(0xA000, 0xA100),
        *range(0xD7F0, 0xE010),
        *range(0xFB00, 0x10010),
    ]
    codes = [*planes, *range(0x1F000, 0x1FB00), 0xE0001, 0x10FFFF]
    for i in range(0, len(codes), 128):
        text = " a ".join(map(chr, codes[i : i + 128]))
        check(text, list(clauses(text, ssml=False, inline_phones=False)))


def test_emoji_are_spoken_by_name() -> None:
    for char in "😂🎉🚀🐈":
        found = list(clauses(char))
        assert len(found) == 1, unicodedata.name(char)
        check(char, found)
