"""What was erased here comes back only if its owner says so; the audit log is what knows."""

from __future__ import annotations

from collections.abc import Iterable

from voicelet.errors import ProfileError, TrustError
from voicelet.profiles.profile import Profile
from voicelet.trust.audit.device_log import default_log, pseudonym
from voicelet.trust.consent.linked import linked_consents


def check_not_erased(profile: Profile, since: str, what: str, names: Iterable[str] = ()) -> None:
    """Refuse a profile that was erased here, unless what holds it is younger than that.

    Profiles that had its consent record here count, and those of the given names.  Where the log is
    off or can't be read, nothing is known.

    Args:
        since: when what holds it was made, or could have been made first; ISO 8601, UTC.
        what: to call that, in the message.
        names: of profiles.

    Raises:
        ProfileError: it was erased at that time or later.
    """
    record = profile.consent
    consents = {record.id, *linked_consents(record, [profile.name])} if record is not None else ()
    erased = [t for t in noted("erase", names, consents) if t[:19] >= since[:19]]
    if erased:
        raise ProfileError(
            f"the profile {profile.name!r} was erased here on {erased[-1][:10]}, after {what}; if"
            " its owner wants it back: --accept-erased"
        )


def noted(event: str, names: Iterable[str], consents: Iterable[str] = ()) -> list[str]:
    """Times of an event of profiles in the audit log; none where it is off or can't be read.

    Args:
        consents: ids of records; profiles of any name that had one of them count as well.
    """
    times: dict[object, list[str]] = {}
    known = set(consents)
    try:
        whose: set[object] = {pseudonym(name) for name in names}
        for record in default_log().records():
            profile = record.fields.get("profile")
            if profile is not None and record.fields.get("consent") in known:
                whose.add(profile)
            if record.event == event:
                times.setdefault(profile, []).append(record.time)
    except TrustError:
        return []
    return sorted(time for profile in whose for time in times.get(profile, []))
