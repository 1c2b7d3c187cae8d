"""What a vault takes for true and takes in: anybody may be able to write to its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from voicelet.errors import ConsentError, ProfileError, VoiceProtectedError
from voicelet.profiles.guard import guard_voice
from voicelet.profiles.names import file_stem
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.disk import SUFFIX, Disk
from voicelet.profiles.vault.keys import KeyRing
from voicelet.profiles.vault.lock import FILE_NAME as LOCK_NAME
from voicelet.profiles.vault.lock import PLAIN, Lock, encrypted_part, is_pending
from voicelet.profiles.vault.session import Session, refuse_orphans
from voicelet.trust.consent.signers import is_own


def believed(lock: Lock, ring: KeyRing) -> Lock:
    """The lock as far as it can be believed: anybody who can write to the vault can write it.

    Where it states a change of key that this device didn't begin, what is encrypted stays so, under
    the keys that there are.

    Raises:
        ProfileError: it says that nothing is encrypted, and the vault was.
    """
    if lock.plain and len(lock.slots) == 1 and ring.was_encrypted(lock):
        raise ProfileError(
            f"{LOCK_NAME} says that the profiles aren't encrypted, and they were: restore it from a"
            f" backup; if you want them so, remove vault-{lock.vault}.count in {str(ring.folder)!r}"
        )
    if not is_pending(lock) or ring.began_change(lock):
        return lock
    return encrypted_part(lock) or lock


def check_plain_is_wanted(disk: Disk, lock: Lock, ring: KeyRing) -> None:
    """Refuse to write into a vault that is plain by its `vault.json` alone.

    Raises:
        ProfileError: nobody chose that on this device, or there are encrypted profiles.
    """
    if not lock.plain or len(lock.slots) > 1:
        return
    refuse_orphans(disk)
    if not ring.chose_plain(disk.path, lock):
        raise ProfileError(
            f"{LOCK_NAME} says that the profiles in {str(disk.path)!r} aren't encrypted, and nobody"
            " chose that here: to encrypt them, voicelet profiles rotate-key --protect file; to"
            " have them plain all the same, voicelet profiles rotate-key --protect plain"
        )


def is_plain(disk: Disk, lock: Lock, ring: KeyRing) -> bool:
    """Whether a vault whose lock is believed is plain, or was, because somebody chose it here."""
    if lock.plain and len(lock.slots) > 1:
        return True  # a change that was begun here
    plain = [slot for slot in lock.slots if slot.where == PLAIN]
    chosen = dataclasses.replace(lock, slots=tuple(plain[:1])) if plain else lock
    return bool(plain) and ring.chose_plain(disk.path, chosen)


def not_admitted(session: Session | None, data: bytes) -> str | None:
    """Why an unencrypted file can't be taken into a vault that isn't plain; None if it can.

    One that this device signed was enrolled here, before there was encryption.  Any other was put
    into the folder by who knows whom, past all that an import asks.  What has no consent record
    can't speak before somebody gives it one.
    """
    try:
        profile = Profile.from_bytes(data)
        if profile.consent is None:
            return None
        if not is_own(profile.check_record()):
            return (
                "it isn't encrypted, and another device signed its consent; move it out of this"
                " folder and import it: voicelet profiles import FILE"
            )
        guard_voice(profile, [] if session is None else _encrypted(session))
    except (ProfileError, ConsentError, VoiceProtectedError) as error:
        return str(error)
    return None


def _encrypted(session: Session) -> Iterator[Profile]:
    """The profiles that a vault holds already."""
    for file in session.files():
        newest = session.newest(file)
        if newest is not None:
            yield Profile.from_bytes(newest.plain)


def plain_name(file: str, data: bytes) -> str | None:
    """The name of an unencrypted profile, None if it is damaged or under another's name."""
    try:
        name = Profile.from_bytes(data).name
    except ProfileError:
        return None
    return name if file_stem(name) + SUFFIX == file else None
