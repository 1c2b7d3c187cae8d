"""Changing the key of a vault, so that the old one can be destroyed and what it opened with it.

The order is what makes it safe to be killed: the new key is in `vault.json` before anything is
written under it; every profile is written anew, whole, twice; the index follows; only then is the
old key destroyed, and only then does `vault.json` forget it.  Until then everything can be read,
and whoever writes next goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import logging

from voicelet.enrol import vault_file
from voicelet.enrol.names import file_stem
from voicelet.enrol.profile import Profile
from voicelet.enrol.vault_disk import SUFFIX, Disk
from voicelet.enrol.vault_keys import KeyRing
from voicelet.enrol.vault_lock import Lock, Slot, encrypted_part, read_lock, write_lock
from voicelet.enrol.vault_session import Session
from voicelet.errors import ProfileError, ProfileLocked

_log = logging.getLogger(__name__)


def is_pending(lock: Lock) -> bool:
    """Whether a rotation was asked for, or stopped in the middle."""
    return lock.rotate or len(lock.slots) > 1


def settle(disk: Disk, lock: Lock, ring: KeyRing) -> Lock:
    """Finish what is pending, if it can be; the caller holds `disk.writing()`.

    What can't be finished now (a damaged profile, whose owner may bring it back with the old key)
    is only warned of.
    """
    if not is_pending(lock):
        return lock
    try:
        slot = None
        if len(lock.slots) == 1:
            slot = ring.make(lock.vault, lock.slots[0].where)
        return rotate(disk, lock, ring, slot)
    except ProfileLocked:
        raise
    except ProfileError as error:
        _log.warning("the key of the profiles isn't changed yet: %s", error)
        return read_lock(disk) or lock


def rotate(disk: Disk, lock: Lock, ring: KeyRing, slot: Slot | None) -> Lock:
    """Bring everything under a new key and destroy the old ones.

    Args:
        slot: the new key, just made; None to go on with a rotation that was stopped.

    Raises:
        ProfileError: a profile is damaged, so that the old key is still needed.
        ProfileLocked: an old key is missing, or can't be destroyed.
        OSError: something can't be written.  Everything can still be read.
    """
    if slot is not None:
        both = dataclasses.replace(lock, slots=(slot, *lock.slots))
        carried = [ring.carry(both, old, slot) for old in lock.slots]
        lock = dataclasses.replace(lock, slots=(slot, *carried), rotate=False)
        write_lock(disk, lock)
    if lock.plain:
        _lay_open(disk, lock, ring)
    else:
        _rewrap(disk, lock, ring)
    for old in lock.slots[1:]:
        ring.forget(old)
    lock = dataclasses.replace(lock, slots=lock.slots[:1], rotate=False)
    write_lock(disk, lock)
    return lock


def _rewrap(disk: Disk, lock: Lock, ring: KeyRing) -> None:
    part = encrypted_part(lock)
    assert part is not None
    session = Session(disk, part, ring)
    damaged = []
    for file in disk.profiles():
        main, copy = disk.read_sound(file), disk.read_sound(file, copy=True)
        entry, newest = session.index.entries.get(file), session.newest(file)
        if newest is not None:
            if newest.key != lock.slots[0].id or main is None or main != copy:
                session.store(newest.name, newest.plain, index=False)
        elif entry is not None and entry.erased:
            disk.remove(file)  # the erasing was stopped
        elif entry is not None or _wants_a_key(main) or _wants_a_key(copy):
            damaged.append(file)
        elif main is not None and (name := _plain_name(file, main)) is not None:
            session.store(name, main, index=False)
    if damaged:
        raise ProfileError(
            f"{', '.join(damaged)} can't be read, and only the old key could ever open them:"
            " restore or erase them first (voicelet profiles restore NAME, voicelet erase NAME)"
        )
    kept = session.index.entries
    session.index.entries = {f: e for f, e in kept.items() if not e.erased}
    session.write_index()


def _lay_open(disk: Disk, lock: Lock, ring: KeyRing) -> None:
    """Decrypt everything: the new "key" is none."""
    part = encrypted_part(lock)
    if part is None:
        return
    session = Session(disk, part, ring)
    for file in disk.profiles():
        data = disk.read_sound(file)
        if data is not None and not vault_file.is_encrypted(data):
            disk.write_copy(file, data)
            continue
        newest = session.newest(file)
        if newest is None:
            raise ProfileError(f"{file} can't be read; restore or erase it first")
        disk.write(file, newest.plain)
    session.remove_index()


def _wants_a_key(data: bytes | None) -> bool:
    return data is not None and vault_file.is_encrypted(data)


def _plain_name(file: str, data: bytes) -> str | None:
    """The name of an unencrypted profile, None if it is damaged or under another's name."""
    try:
        name = Profile.from_bytes(data).name
    except ProfileError:
        return None
    return name if file_stem(name) + SUFFIX == file else None
