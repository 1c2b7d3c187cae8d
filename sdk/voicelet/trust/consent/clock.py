"""Is a consent record dated in the future?  And what if it is this device's clock that is wrong?

A record dated later than now is refused: nobody has agreed to it yet.  But small computers without
a battery for their clock start in 1970, or at the time of their last shutdown, and a voice must not
fall silent for that.  So a record is compared with the latest time that this device has seen, which
it keeps in a file whenever it signs or trusts a record; and a clock that shows a time before this
voicelet was made says nothing at all.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta, timezone
from pathlib import Path

from voicelet.errors import ConsentError
from voicelet.files import atomic_file, data_dir, file_lock, make_private, read_own
from voicelet.trust.consent.record import from_iso, to_iso, utc_now

TOLERANCE = timedelta(hours=24)
"""A clock that keeps local time, or runs ahead, on the device that signed."""
MADE = datetime(2026, 11, 1, tzinfo=timezone.utc)
"""No right clock shows an earlier time than this to this voicelet."""
_MAX_BYTES = 64
_log = logging.getLogger(__name__)


def default_file() -> Path:
    """`$XDG_DATA_HOME/voicelet/consent/latest-time`."""
    return data_dir() / "consent" / "latest-time"


def remember_time(now: datetime | None = None) -> None:
    """Keep the time, if it is later than any that was kept.

    A disk that can't be written is logged: it matters only once the clock is behind.
    """
    moment, path = now or utc_now(), default_file()
    try:
        make_private(path.parent)
        with file_lock(path.with_name(path.name + ".lock")):
            latest = latest_time()
            if latest is None or moment > latest:
                with atomic_file(path, 0o600, follow=False) as file:
                    file.write(to_iso(moment).encode())
    except OSError as error:
        _log.warning("%s: %s; the time isn't remembered", path, error.strerror or error)


def latest_time() -> datetime | None:
    """The latest time that was kept; None without one, or if the file is damaged."""
    path = default_file()
    try:
        return from_iso("the latest time", read_own(path, _MAX_BYTES).decode("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ConsentError) as error:
        _log.warning("%s can't be read (%s); it is made anew", path, type(error).__name__)
        return None


def check_not_ahead(created: str, now: datetime | None = None) -> None:
    """Refuse the date of a record that lies in the future.

    Args:
        created: as in the record.

    Raises:
        ConsentError: it does, by more than :data:`TOLERANCE`; the message says how to set it right.
    """
    made, present = from_iso("the date", created), now or utc_now()
    if made <= present + TOLERANCE:
        return
    if present < MADE:
        _log.warning(
            "the clock shows %s, which can't be: dates of consents aren't checked; set the clock",
            to_iso(present),
        )
        return
    latest = latest_time()
    if latest is not None and made <= latest + TOLERANCE:
        return
    raise ConsentError(
        f"the consent is dated {created}, and it is {to_iso(present)} by this device's clock; set"
        " the clock if it is wrong, otherwise ask for consent again: voicelet consent renew"
    )
