"""The consent check that every way to speech passes through."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from voicelet.trust.consent.record import check_purpose

if TYPE_CHECKING:
    from voicelet.profiles.profile import Profile


def check_consent(profile: Profile | None, purpose: str) -> Profile | None:
    """Raise unless the profile's owner agreed to this use; presets need no consent.

    A copy is checked, as a file would hold it (`voicelet.profiles.profile.stored_copy`).

    Returns:
        The copy, which is to speak; None for None.

    Raises:
        ProfileError: it isn't a profile, or a file couldn't hold it.
        ConsentError, ConsentEndedError: see `Profile.check_consent`.
    """
    check_purpose(purpose)
    if profile is None:
        return None
    # Imported here, for it needs all of enrolment; callers with a profile have that loaded.
    from voicelet.profiles.profile import Profile, stored_copy

    stored = stored_copy(profile)
    # Of what an object remembers, only what it has warned of is taken over.
    warned = [f.name for f in fields(Profile) if f.name.startswith("_warned")]
    for name in warned:
        object.__setattr__(stored, name, getattr(profile, name))
    stored.check_consent(purpose)
    _ = stored.agreed_adaptation  # it may warn, once for an object
    for name in warned:
        object.__setattr__(profile, name, getattr(stored, name))
    return stored
