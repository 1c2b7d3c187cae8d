"""Whose voice is it already?  Refuses voices of other people on the device, and protected ones.

A new profile's voice is compared with every profile that the vault holds: a match is refused unless
both consents name the same speaker, or it is the same profile enrolled again.  It is compared with
every list of protected voices on the device as well (`profiles/protected.py`).  The error rates
are in `docs/reference/verification.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy.typing as npt

from voicelet.errors import VoiceProtectedError
from voicelet.profiles.profile import Profile, check_encoder
from voicelet.profiles.protected import ProtectedVoices
from voicelet.speaker.voice_match import VoiceScale, voice_scale


@dataclass(frozen=True)
class GuardConfig:
    """When two voices are taken for one.

    Attributes:
        min_log_likelihood_ratio: of another profile's voice.  Higher than for verification, since
            a profile is compared with all others and a false match turns an honest person away.
    """

    min_log_likelihood_ratio: float = 4.0


DEFAULT_GUARD = GuardConfig()


@dataclass(frozen=True)
class Duplicate:
    """A profile whose voice another one already has.

    Attributes:
        name: of the profile that was there first.
        log_likelihood_ratio: of `voice_match`.
    """

    name: str
    log_likelihood_ratio: float


def guard_voice(
    profile: Profile,
    others: Iterable[Profile],
    *,
    lists: Iterable[ProtectedVoices] | None = None,
    config: GuardConfig = DEFAULT_GUARD,
    d_vector: npt.ArrayLike | None = None,
) -> None:
    """Refuse a voice that belongs to somebody else.

        guard_voice(profile, Vault().list())

    Args:
        profile: that is about to be stored.
        others: profiles on the device.
        lists: of protected voices; None for all that were loaded on this device.
        d_vector: what is looked for in the lists; the profile's own if None.

    Raises:
        VoiceProtectedError: it is another person's; the message names the profile or the list.
        ProfileError: a list can't be read; or an unknown speaker encoder made the profile, so that
            it can be compared with nothing.
    """
    check_encoder(profile)
    for duplicate in find_duplicates(profile, others, config=config):
        raise VoiceProtectedError(
            f"this voice is already enrolled as {duplicate.name!r} by another person; if it is the"
            " same person, give the same speaker's name in the consent"
        )
    if lists is None:
        from voicelet.profiles.protected import (
            device_lists,
        )  # imported here: it needs the vault's folder

        lists = device_lists()
    for voices in lists:
        listed = voices.find(profile.d_vector if d_vector is None else d_vector)
        if listed is not None:
            raise VoiceProtectedError(
                f"this voice is on the list of protected voices {voices.name!r}; if it is your own,"
                " ask whoever keeps the list to take it off"
            )


def find_duplicates(
    profile: Profile,
    others: Iterable[Profile],
    *,
    config: GuardConfig = DEFAULT_GUARD,
    scale: VoiceScale | None = None,
) -> list[Duplicate]:
    """Profiles of other people that have this profile's voice, the most similar first.

    Profiles of another speaker encoder can't be compared and are left out.

    Args:
        scale: the packaged one if None.
    """
    used_scale = scale or voice_scale()
    duplicates = []
    for other in others:
        if other.encoder_id != profile.encoder_id or same_owner(profile, other):
            continue
        shorter_s = min(profile.speech_s, other.speech_s)
        ratio = used_scale.match(profile.d_vector, other.d_vector, shorter_s).log_likelihood_ratio
        if ratio >= config.min_log_likelihood_ratio:
            duplicates.append(Duplicate(other.name, ratio))
    return sorted(duplicates, key=lambda d: -d.log_likelihood_ratio)


def same_owner(first: Profile, second: Profile) -> bool:
    """Whether two profiles are one person's, by their own words: one name, or one speaker."""
    if first.name == second.name:
        return True  # enrolled again; whether it may be replaced is the vault's question
    names = [p.consent.speaker if p.consent is not None else None for p in (first, second)]
    if names[0] is None or names[1] is None:
        return False
    normalized = [" ".join(name.split()).casefold() for name in names if name is not None]
    return normalized[0] == normalized[1]
