"""Changing the key of a vault, so that old copies of what was erased can't be opened any more.

The order of the steps makes it safe to be killed at any moment: the new key is in `vault.json`
before anything is written under it; every profile is written again, with its copy; the index
follows; only then is the old key destroyed and removed from `vault.json`.  Until then everything
can be read, and the next writer continues where this one stopped.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shlex

from voicelet.errors import ProfileError, ProfileLockedError, SealError
from voicelet.profiles.names import name_of_file
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault.admission import is_plain, not_admitted, plain_name
from voicelet.profiles.vault.disk import Disk
from voicelet.profiles.vault.index import IndexFile
from voicelet.profiles.vault.keys import KeyRing
from voicelet.profiles.vault.lock import FILE_NAME as LOCK_NAME
from voicelet.profiles.vault.lock import (
    WRAPPED,
    Lock,
    Slot,
    encrypted_part,
    is_pending,
    read_lock,
    write_lock,
)
from voicelet.profiles.vault.session import Session

_UNKNOWN_CHANGE = (
    f"{LOCK_NAME} states a change of key that this device didn't begin, so it isn't carried out; if"
    " you didn't change the key on another device either, somebody else wrote that file. To change"
    " it now: voicelet profiles rotate-key"
)
_log = logging.getLogger(__name__)


def settle(disk: Disk, lock: Lock, ring: KeyRing) -> Lock:
    """Finish what is pending, if it can be; the caller holds `disk.writing()`.

    Where that isn't possible now (a damaged profile, whose owner may restore it with the old key),
    a warning is logged.
    """
    if not is_pending(lock):
        return lock
    try:
        slot = None
        if not ring.began_change(lock):
            raise ProfileError(_UNKNOWN_CHANGE)
        if len(lock.slots) == 1:
            slot = ring.make(lock.vault, lock.slots[0].where, in_use=True)
        return rotate(disk, lock, ring, slot)
    except ProfileLockedError:
        raise
    except ProfileError as error:
        _log.warning(
            "the key of the profiles isn't changed yet, so whoever has it can still open copies of"
            " what was erased: %s",
            error,
        )
        return read_lock(disk) or lock


def rotate(disk: Disk, lock: Lock, ring: KeyRing, slot: Slot | None) -> Lock:
    """Bring everything under a new key and destroy the old ones.

    Args:
        slot: the new key, just made; None to go on with a rotation that was stopped.

    Raises:
        ProfileError: this device didn't begin the one that was stopped; or a profile is damaged, or
            its file is gone, so that the old key is still needed.
        ProfileLockedError: an old key is missing, or can't be destroyed.
        OSError: something can't be written.  Everything can still be read.
    """
    if slot is None and not ring.began_change(lock):
        raise ProfileError(_UNKNOWN_CHANGE)
    lock = carry_out(disk, lock, ring)
    if slot is not None:
        both = dataclasses.replace(lock, slots=(slot, *lock.slots))
        old_slots = [ring.carry(both, old, slot) for old in lock.slots]
        lock = dataclasses.replace(lock, slots=(slot, *old_slots), rotate=False)
        ring.begin_change(lock)
        write_lock(disk, lock)
    if lock.plain:
        _lay_open(disk, lock, ring, resumed=slot is None)
        ring.note_plain(disk.path, lock)
    else:
        _rewrap(disk, lock, ring)
    for old in lock.slots[1:]:
        ring.forget(old)
    lock = dataclasses.replace(lock, slots=lock.slots[:1], rotate=False)
    write_lock(disk, lock)
    if not lock.plain:
        ring.note_plain(disk.path, lock)
    ring.end_change(lock)
    return lock


def in_use(disk: Disk, lock: Lock, ring: KeyRing) -> Lock:
    """A lock less the keys that open nothing in the vault: they may be another vault's.

    For an owner who changes the key although `vault.json` states a change that this device didn't
    begin.

    Raises:
        ProfileLockedError: no key can be had.
    """
    lock = dataclasses.replace(lock, erased=())
    part = encrypted_part(lock)
    if part is None:
        return dataclasses.replace(lock, slots=lock.slots[:1], rotate=False)
    known, problem = [], None
    for slot in part.slots:
        try:
            ring.key(part, slot)
            known.append(slot)
        except ProfileLockedError as error:
            problem = problem or error
    if problem is not None and not known:
        raise problem
    part = dataclasses.replace(part, slots=tuple(known)) if known[0].where != WRAPPED else part
    held = IndexFile(disk, part, ring).holdings() or set()
    away = bool(held.difference(disk.profiles()))
    with contextlib.suppress(ProfileError):
        away = bool(Session(disk, part, ring).missing())
    if away:  # any of the keys may be what opens them
        return dataclasses.replace(lock, slots=tuple(known), rotate=False)
    opening = IndexFile(disk, part, ring).key_ids()
    for data in (disk.read_sound(f, copy) for f in disk.profiles() for copy in (False, True)):
        with contextlib.suppress(ProfileError):
            header, _ = vault_file.read_header(data or b"")
            for slot in known:
                if slot.id == header.key and header.vault == lock.vault:
                    vault_file.unpack(data or b"", ring.key(part, slot))
                    opening.add(slot.id)
    used = tuple(slot for slot in known if slot.id in opening)
    return dataclasses.replace(lock, slots=used or tuple(known[:1]), rotate=False)


def carry_out(disk: Disk, lock: Lock, ring: KeyRing) -> Lock:
    """Have the index know what was erased while the vault was locked."""
    part = encrypted_part(lock)
    if not lock.erased or part is None:
        return lock
    for file in lock.erased:
        disk.remove(file)  # if we were stopped before
    try:
        Session(disk, part, ring).note_erased(lock.erased)
    except (SealError, OSError) as error:
        raise ProfileError(f"the index can't be written: {error}") from None
    lock = dataclasses.replace(lock, erased=())
    ring.begin_change(lock)
    write_lock(disk, lock)
    return lock


def _rewrap(disk: Disk, lock: Lock, ring: KeyRing) -> None:
    part = encrypted_part(lock)
    assert part is not None
    session = Session(disk, part, ring)
    damaged = []
    was_plain = is_plain(disk, lock, ring)
    for file in session.files():
        main, copy = disk.read_sound(file), disk.read_sound(file, copy=True)
        entry, newest = session.index.entries.get(file), session.newest(file)
        if newest is not None:
            if newest.key != lock.slots[0].id or main is None or main != copy:
                session.store(newest.name, newest.plain, index=False)
        elif entry is not None and entry.erased:
            disk.remove(file)  # the erasing was stopped
        elif entry is not None or _wants_a_key(main) or _wants_a_key(copy):
            damaged.append(file)
        elif main is not None and (name := plain_name(file, main)) is not None:
            if was_plain or (problem := not_admitted(session, main)) is None:
                session.store(name, main, index=False)
            else:
                _log.warning("%s stays as it is: %s", file, problem)
    if damaged:
        raise ProfileError(needed(damaged))
    entries = session.index.entries
    session.index.entries = {f: e for f, e in entries.items() if not e.erased}
    session.write_index()


def _lay_open(disk: Disk, lock: Lock, ring: KeyRing, resumed: bool) -> None:
    """Decrypt everything: the new protection is "plain"."""
    part = encrypted_part(lock)
    if part is None:
        return
    session = Session(disk, part, ring)
    for file in session.files():
        data = disk.read_sound(file)
        if data is not None and not vault_file.is_encrypted(data):
            if file in session.index.entries:
                # Laid open before we were stopped; else it was put in the place of a profile.
                newest = session.newest(file)
                if newest is None and not resumed:
                    raise ProfileError(needed([file]))
                data = data if newest is None else newest.plain
            elif (problem := not_admitted(session, data)) is not None:
                raise ProfileError(f"{file}: {problem}")
            disk.write(file, data)
            continue
        newest = session.newest(file)
        if newest is None:
            raise ProfileError(needed([file]))
        disk.write(file, newest.plain)
    session.remove_index()


def needed(files: list[str]) -> str:
    """What to do where only the old key could ever open files that are damaged or away."""
    names = ", ".join(shlex.quote(name_of_file(file)) for file in files)
    return (
        f"{', '.join(files)} can't be read, or isn't there, and only the old key could ever open"
        " that again: put it back or bring back its copy (voicelet profiles restore"
        f" {names}); or, if it is lost for good, say so: voicelet erase {names}"
    )


def _wants_a_key(data: bytes | None) -> bool:
    return data is not None and vault_file.is_encrypted(data)
