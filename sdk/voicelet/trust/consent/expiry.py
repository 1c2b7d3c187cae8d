"""When a consent is to end, as people say it."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from voicelet.errors import ConsentError
from voicelet.trust.consent.record import to_iso, utc_now


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
