"""SSML say-as: the values of W3C's note of 2005 on its attributes, and durations."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from voicelet.text.front_end import clauses
from voicelet.text.words import Word


def said(interpret: str, form: str, text: str) -> str:
    element = f"<say-as interpret-as='{interpret}' format='{form}'>{escape(text)}</say-as>"
    found = clauses(f"<speak>{element}</speak>")
    return " ".join(t.text for c in found for t in c.tokens if isinstance(t, Word))


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("hms12", "9:00am", "nine AM"),
        ("hms12", "09:00:00am", "nine AM"),
        ("hms12", "2:30", "two thirty"),
        ("hms12", "2:30:01 p.m.", "two thirty and one second PM"),
        ("hms12", "7 30 pm", "seven thirty PM"),
        ("", "5pm", "five PM"),
        ("hms24", "14:05:09", "fourteen oh five and nine seconds"),
        ("hms24", "14:00", "fourteen hundred"),
        ("hms24", "14:00:30", "fourteen hundred and thirty seconds"),
        ("hms24", "0:00", "midnight"),
        ("", "9.30", "nine thirty"),
    ],
)
def test_times(form: str, text: str, expected: str) -> None:
    assert said("time", form, text) == expected


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("hms", "1:30:05", "one hour thirty minutes five seconds"),
        ("ms", "2:05", "two minutes five seconds"),
        ("hm", "2:05", "two hours five minutes"),
        ("", "02:05", "two minutes five seconds"),
        ("", "0:01", "one second"),
        ("", "0:00", "zero seconds"),
        ("", "PT1H30M", "one hour thirty minutes"),
        ("", "P1DT2H", "one day two hours"),
        ("", "90s", "ninety seconds"),
        ("", "2h30m", "two hours thirty minutes"),
        ("", "1 hour 30 min", "one hour thirty minutes"),
        ("", "1'21\"", "one minute twenty one seconds"),
        ("", "1.5s", "one point five seconds"),
        ("", "a while", "a while"),
    ],
)
def test_durations(form: str, text: str, expected: str) -> None:
    assert said("duration", form, text) == expected


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("", "(781) 771-7777", "seven eight one seven seven one seven seven seven seven"),
        ("1", "(781) 771-7777", "seven eight one seven seven one seven seven seven seven"),
        ("", "+1 781 771 7777", "plus one seven eight one seven seven one seven seven seven seven"),
        ("", "555 0123 x45", "five five five zero one two three extension four five"),
        ("", "555-0123 ext. 7", "five five five zero one two three extension seven"),
        ("", "1-800-FLOWERS", "one eight hundred flowers"),
        ("", "*67#", "star six seven pound"),
    ],
)
def test_telephone_numbers(form: str, text: str, expected: str) -> None:
    assert said("telephone", form, text) == expected


@pytest.mark.parametrize(
    ("interpret", "text", "expected"),
    [
        ("characters", "WX 7", "W X seven"),
        ("characters", "a.b-c", "A dot B dash C"),
        ("characters", "NASA", "N A S A"),
        ("spell-out", "10%", "one zero percent"),
        ("ordinal", "VIII", "eighth"),
        ("cardinal", "XIV", "fourteen"),
        ("ordinal", "3rd", "third"),
        ("cardinal", "1,234.5", "one thousand two hundred thirty four point five"),
    ],
)
def test_characters_and_numbers(interpret: str, text: str, expected: str) -> None:
    assert said(interpret, "", text) == expected


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("mdy", "2/1/1999", "February first nineteen ninety nine"),
        ("dmy", "2/1/1999", "January second nineteen ninety nine"),
        ("ymd", "1999-01-02", "January second nineteen ninety nine"),
        ("md", "2/1", "February first"),
        ("dm", "2.1.", "January second"),
        ("ym", "1999-02", "February nineteen ninety nine"),
        ("my", "2/1999", "February nineteen ninety nine"),
        ("y", "1999", "nineteen ninety nine"),
        ("m", "2", "February"),
    ],
)
def test_dates(form: str, text: str, expected: str) -> None:
    assert said("date", form, text) == expected


@pytest.mark.parametrize("joined", ["time:hms12", "vxml:time"])
def test_a_format_may_stand_behind_a_colon(joined: str) -> None:
    """Older documents write the format so, or have VoiceXML's prefix."""
    assert said(joined, "", "7 30 pm") == "seven thirty PM"
    assert said("duration:hm", "", "2:05") == "two hours five minutes"
