"""The words of a consent: purposes, times and texts, checked in one place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone

from voicelet.config import did_you_mean
from voicelet.errors import ConsentError

PURPOSES = ("own-use", "assistive", "publishing", "research", "federation")
"""What a voice may be used for.

- `own-use`: by the speaker, for themselves.
- `assistive`: a communication aid speaks for the speaker; others may operate it.
- `publishing`: the speech is meant for the public or for customers.
- `research`: the speech is made for a study.
- `federation`: the voice takes part in federated learning.
"""

_GRANTED_BY = {"own-use": {"own-use", "assistive"}, "assistive": {"own-use", "assistive"}}
"""An aid *is* its owner's own use: it mustn't fall silent for being called by the other's name."""

_TIME = "%Y-%m-%dT%H:%M:%SZ"
MAX_TEXT = 500


def check_purpose(purpose: str) -> str:
    """Return the purpose, if it is one.

    Raises:
        ConsentError: it isn't; the nearest is named.
    """
    if purpose not in PURPOSES:
        hint = did_you_mean(purpose, PURPOSES) if isinstance(purpose, str) else ""
        raise ConsentError(f"no purpose {purpose!r}{hint}; there are {', '.join(PURPOSES)}")
    return purpose


def check_purposes(purposes: str | Iterable[str]) -> tuple[str, ...]:
    """Return purposes without repetitions, in the order of `PURPOSES`.

    Raises:
        ConsentError: there is none, or one that doesn't exist.
    """
    if not isinstance(purposes, Iterable):
        raise ConsentError("purposes must be a list of words")
    given = {check_purpose(p) for p in ([purposes] if isinstance(purposes, str) else purposes)}
    if not given:
        raise ConsentError(f"a consent needs a purpose; there are {', '.join(PURPOSES)}")
    return tuple(p for p in PURPOSES if p in given)


def covers(granted: Iterable[str], purpose: str) -> bool:
    """Whether a consent to the purposes `granted` covers the use `purpose`."""
    return not _GRANTED_BY.get(purpose, {purpose}).isdisjoint(granted)


def check_text(what: str, text: str, *, empty: bool = False) -> str:
    """Return a text of a record, in Unicode's composed form.

    Raises:
        ConsentError: no text, empty (unless `empty`), too long, or invisible characters in it.
    """
    if not isinstance(text, str):
        raise ConsentError(f"{what} of a consent must be text, not {type(text).__name__}")
    composed = unicodedata.normalize("NFC", text)
    if not empty and not composed.strip():
        raise ConsentError(f"{what} of a consent is empty; say it")
    if len(composed) > MAX_TEXT:
        raise ConsentError(f"{what} of a consent is longer than {MAX_TEXT} characters")
    # Zero-width joiners are part of the spelling of some scripts.
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    if any(c not in "\u200c\u200d" and unicodedata.category(c) in hidden for c in composed):
        raise ConsentError(f"{what} of a consent holds an invisible or unassigned character")
    return composed


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(timezone.utc)


def to_iso(moment: datetime) -> str:
    """`2027-01-31T23:59:59Z`, to the second; a time without a zone counts as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).strftime(_TIME)


def from_iso(what: str, text: str) -> datetime:
    """Inverse of :func:`to_iso`; nothing but its exact form is taken.

    Raises:
        ConsentError: it isn't of that form.
    """
    try:
        moment = datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc)
    except (ValueError, TypeError, OverflowError):
        raise ConsentError(f"{what} of a consent is no time: {str(text)[:40]!r}") from None
    if to_iso(moment) != text:
        raise ConsentError(f"{what} of a consent is no time: {text[:40]!r}")
    return moment


def check_expiry(expires: str | date | datetime | None, now: datetime | None = None) -> str | None:
    """Return when a consent ends, as :func:`to_iso` writes it; None for one that doesn't.

    Args:
        expires: a moment, or a day, whose end in UTC is meant; ISO 8601 if it is text.

    Raises:
        ConsentError: it is neither, or lies in the past.
    """
    if expires is None:
        return None
    moment = _moment(expires)
    if moment <= (now or utc_now()):
        raise ConsentError(f"a consent can't end in the past ({to_iso(moment)})")
    return to_iso(moment)


def _moment(expires: str | date | datetime) -> datetime:
    try:
        if isinstance(expires, str):
            whole_day = len(expires) == len("2027-01-31")
            text = expires.removesuffix("Z")
            parsed = datetime.fromisoformat(text)
            expires = parsed.date() if whole_day else parsed
        if isinstance(expires, datetime):
            aware = expires if expires.tzinfo else expires.replace(tzinfo=timezone.utc)
            return aware.astimezone(timezone.utc)
        if isinstance(expires, date):
            day = datetime(expires.year, expires.month, expires.day, tzinfo=timezone.utc)
            return day + timedelta(days=1, seconds=-1)
    except (ValueError, OverflowError):
        pass
    raise ConsentError(f"{expires!r} is no day or time; write 2027-01-31 or 2027-01-31T12:00:00Z")
