"""The consent check that every way to speech passes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicelet.errors import ProfileError
from voicelet.trust.consent.record import check_purpose

if TYPE_CHECKING:
    from voicelet.profiles.profile import Profile


def check_consent(profile: Profile | None, purpose: str) -> None:
    """Raise unless the profile's owner agreed to this use; presets need no consent.

    Takes some 10 µs, and Ed25519's fifth of a millisecond the first time a profile speaks.

    Raises:
        ProfileError: it isn't a profile.
        ConsentError, ConsentEndedError: see `Profile.check_consent`.
    """
    check_purpose(purpose)
    if profile is None:
        return
    # Imported here, for it needs all of enrolment; callers with a profile have that loaded.
    from voicelet.profiles.profile import Profile

    if not isinstance(profile, Profile):
        raise ProfileError(
            f"a profile is needed, not {type(profile).__name__}; make one with enrol()"
        )
    Profile.check_consent(profile, purpose)  # not a subclass's override
