"""The form of the sentence that a speaker reads aloud, and the day that it names.

A record holds the sentence; the day has to be the record's own.  Drawing a sentence and checking
that it was read is `voicelet.enrolment.liveness`'s matter.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from voicelet.errors import ConsentError

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
FORM = re.compile(
    r"Today is (?P<month>[A-Z][a-z]+) (?P<day>[0-9]{1,2})[a-z]{2}, (?P<year>[0-9]{4}), and I let"
    r" Voicelet learn my voice: (?P<words>[a-z, ]+)\."
)

_EAST, _WEST = timedelta(hours=14), timedelta(hours=12)
"""How far local time may be ahead of UTC, and behind it."""
_GOOD_FOR = timedelta(hours=24)
"""How long after it was drawn a sentence may be read."""


def named_day(sentence: str) -> date:
    """The day that a consent sentence names.

    Raises:
        ConsentError: it isn't of the form that voicelet asks people to read, or no real day.
    """
    match = FORM.fullmatch(" ".join(sentence.split()))
    if match is None or match["month"] not in MONTHS:
        raise ConsentError(
            "the sentence of a spoken consent isn't one that voicelet asks people to read; ask for"
            " consent again"
        )
    try:
        return date(int(match["year"]), MONTHS.index(match["month"]) + 1, int(match["day"]))
    except ValueError:
        raise ConsentError(
            "the sentence of a spoken consent names no real day; ask for consent again"
        ) from None


def check_read_on(sentence: str, created: datetime) -> None:
    """Check that a sentence fits the moment its record was made, wherever on earth that was.

    Args:
        created: with a time zone.

    Raises:
        ConsentError: it is none of ours, or names another day.
    """
    day = named_day(sentence)
    try:
        begins = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
        fits = begins - _EAST <= created <= begins + timedelta(days=1) + _WEST + _GOOD_FOR
    except OverflowError:
        fits = False
    if not fits:
        raise ConsentError(
            f"the sentence of a spoken consent names {day.isoformat()}, and its record was made on"
            f" {created:%Y-%m-%d}; ask for consent again"
        )
