"""Reading and writing the files of a vault, whatever state it is in, and changing its key.

After a change of key the old key is destroyed, so that old copies can't be opened any more.

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
from collections.abc import Iterable, Iterator

from voicelet.errors import (
    ConsentError,
    ProfileError,
    ProfileLockedError,
    ProfileNotFoundError,
    SealError,
    VoiceProtectedError,
)
from voicelet.profiles.guard import guard_voice
from voicelet.profiles.names import file_stem, name_of_file
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault.disk import SUFFIX, Disk
from voicelet.profiles.vault.keys import (
    FILE,
    KEYSTORE,
    PLAIN,
    WRAPPED,
    KeyRing,
    Lock,
    Slot,
    encrypted_part,
    is_pending,
    read_lock,
    write_lock,
)
from voicelet.profiles.vault.keys import FILE_NAME as LOCK_NAME
from voicelet.profiles.vault.session import (
    IndexFile,
    Opened,
    Session,
    UnknownKeyError,
    open_or_make,
    refuse_orphans,
    withdrawn,
)
from voicelet.trust.consent.chain import EMPTY
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.signers import is_own

_UNKNOWN_CHANGE = (
    f"{LOCK_NAME} states a change of key that this device didn't begin, so it isn't carried out; if"
    " you didn't change the key on another device either, somebody else wrote that file. To change"
    " it now: voicelet profiles rotate-key"
)
_log = logging.getLogger(__name__)


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


def _carry_out(disk: Disk, lock: Lock, ring: KeyRing) -> Lock:
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
    lock = _carry_out(disk, lock, ring)
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
    with contextlib.suppress(ProfileError):
        if Session(disk, part, ring).missing():  # any of the keys may be what opens them
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


def _rewrap(disk: Disk, lock: Lock, ring: KeyRing) -> None:
    part = encrypted_part(lock)
    assert part is not None
    session = Session(disk, part, ring)
    damaged = []
    was_plain = _is_plain(disk, lock, ring)
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
        elif main is not None and (name := _plain_name(file, main)) is not None:
            if was_plain or (problem := _not_admitted(session, main)) is None:
                session.store(name, main, index=False)
            else:
                _log.warning("%s stays as it is: %s", file, problem)
    if damaged:
        raise ProfileError(_needed(damaged))
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
                    raise ProfileError(_needed([file]))
                data = data if newest is None else newest.plain
            elif (problem := _not_admitted(session, data)) is not None:
                raise ProfileError(f"{file}: {problem}")
            disk.write(file, data)
            continue
        newest = session.newest(file)
        if newest is None:
            raise ProfileError(_needed([file]))
        disk.write(file, newest.plain)
    session.remove_index()


def _needed(files: list[str]) -> str:
    """What to do where only the old key could ever open files that are damaged or away."""
    names = ", ".join(shlex.quote(name_of_file(file)) for file in files)
    return (
        f"{', '.join(files)} can't be read, or isn't there, and only the old key could ever open"
        " that again: put it back or bring back its copy (voicelet profiles restore"
        f" {names}); or, if it is lost for good, say so: voicelet erase {names}"
    )


def _is_plain(disk: Disk, lock: Lock, ring: KeyRing) -> bool:
    """Whether a vault whose lock is believed is plain, or was, because somebody chose it here."""
    if lock.plain and len(lock.slots) > 1:
        return True  # a change that was begun here
    plain = [slot for slot in lock.slots if slot.where == PLAIN]
    chosen = dataclasses.replace(lock, slots=tuple(plain[:1])) if plain else lock
    return bool(plain) and ring.chose_plain(disk.path, chosen)


def _not_admitted(session: Session | None, data: bytes) -> str | None:
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


def _wants_a_key(data: bytes | None) -> bool:
    return data is not None and vault_file.is_encrypted(data)


def _plain_name(file: str, data: bytes) -> str | None:
    """The name of an unencrypted profile, None if it is damaged or under another's name."""
    try:
        name = Profile.from_bytes(data).name
    except ProfileError:
        return None
    return name if file_stem(name) + SUFFIX == file else None


_TRIES = 3
_MOST_REVOKED = 4096  # ids that an index holds, some 150 kB


class Access:
    """What :class:`voicelet.profiles.vault.vault.Vault` does with files, one at a time.

    Args:
        protection: of a new vault; see `KeyRing.make`.
    """

    def __init__(self, disk: Disk, ring: KeyRing, protection: str) -> None:
        self._disk, self._ring, self._protection = disk, ring, protection

    def load(self, file: str) -> Profile:
        """The profile in a file.

        Raises:
            ProfileNotFoundError: there is no such file.
            ProfileLockedError, ProfileError: as :meth:`Vault.load`.
        """
        plain = self.read(file)
        problem = ""
        try:
            return Profile.from_bytes(plain)
        except ProfileError as error:
            problem = str(error)
        del plain  # not in the traceback: crash reporters send what frames hold
        raise ProfileError(problem)

    def read(self, file: str) -> bytes:
        """The profile in a file, as bytes.

        Raises:
            ProfileNotFoundError: there is no such file.
            ProfileLockedError, ProfileError: as :meth:`Vault.load`.
        """
        for attempt in range(_TRIES):
            hurried = attempt < _TRIES - 1
            with self._disk.explained(f"can't read {file!r}"):
                lock = read_lock(self._disk)
                if lock is not None and is_pending(lock):
                    lock = self._try_to_settle(lock)
                lock = believed(lock, self._ring) if lock else None
                part = encrypted_part(lock) if lock else None
                try:
                    # The index is read before the file; writers write the file first.
                    session = (
                        Session(self._disk, part, self._ring, hurried=hurried) if part else None
                    )
                    data = self._disk.read(file)
                    if data is None:
                        raise ProfileNotFoundError(f"there is no {file!r}")
                    if vault_file.is_encrypted(data):
                        if session is None:
                            refuse_orphans(self._disk)
                            raise ProfileError("it is encrypted, and this vault isn't")
                        opened = session.open(file, data)
                        self._compare_revocations(session, file, opened)
                        return opened.plain
                    if session is not None and lock is not None and not lock.plain:
                        session.check_plain(file, data)
                    is_plain = lock is not None and _is_plain(self._disk, lock, self._ring)
                    problem = None if is_plain else _not_admitted(session, data)
                    if problem is not None:
                        raise ProfileError(problem)
                except UnknownKeyError as error:
                    if hurried:
                        continue  # its key was changed between two reads
                    raise self._named(file, error) from None
                except (ProfileNotFoundError, ProfileLockedError):
                    raise
                except ProfileError as error:
                    raise self._named(file, error) from None
                if lock is None or not lock.plain:
                    self._upgrade(file, data)
                return data
        raise AssertionError("unreachable")

    def _compare_revocations(self, session: Session, file: str, opened: Opened) -> None:
        """Have the list of withdrawn consents compared with what the index and the profile know of
        it, and bring both up to the list; on failure they stay as they are.
        """
        revocations, index = device_revocations(), session.index
        marks = [opened.revoked] if opened.revoked else []
        if index.revocations is not None or marks:
            revocations.expect(index.revocations, [*index.revoked, *marks])
        self._withdraw_earlier(session, file, opened)
        present = revocations.present()
        if present is None:
            return
        is_marked = not present[1] or withdrawn(opened.plain, opened.revoked) == opened.revoked
        if is_marked and present[0] == (index.revocations or EMPTY):
            return
        try:
            with self._disk.writing():
                lock = read_lock(self._disk)
                lock = believed(lock, self._ring) if lock else None
                if lock is None or lock.plain or self._ring.began_change(lock):
                    return
                session = Session(self._disk, lock, self._ring)
                session.index.revocations = present[0]
                session.index.revoked = tuple(present[1][-_MOST_REVOKED:])
                newest = None if is_marked else session.newest(file)
                if newest is not None:
                    session.store(newest.name, newest.plain)  # which marks it
                else:
                    session.write_index()
        except (ProfileError, SealError, OSError) as error:
            _log.warning("the profiles don't know yet which consents were withdrawn: %s", error)

    @staticmethod
    def _withdraw_earlier(session: Session, file: str, opened: Opened) -> None:
        """Withdraw the earlier consent records of a profile whose present one is withdrawn."""
        entry, revocations = session.index.entries.get(file), device_revocations()
        if entry is None or not entry.consents or not withdrawn(opened.plain, opened.revoked):
            return
        try:
            for record_id in entry.consents:
                if record_id not in revocations:
                    revocations.add(record_id, "withdrawn with a later record of the same consent")
        except (ConsentError, SealError) as error:
            _log.warning("earlier consents of %s aren't withdrawn yet: %s", file, error)

    def _named(self, file: str, error: ProfileError) -> ProfileError:
        remedy = "enrol the voice again, or import it"
        if (self._disk.copies / file).exists():
            remedy = "bring back its copy: voicelet profiles restore"
        return ProfileError(f"{file!r}: {error}; {remedy}")

    def _upgrade(self, file: str, data: bytes) -> None:
        """Encrypt a profile that an older version stored in plain; on failure it stays as it is."""
        try:
            name = Profile.from_bytes(data).name
        except ProfileError:
            return  # the caller raises this error itself
        if file_stem(name) + SUFFIX != file:
            return
        try:
            with self._disk.writing():
                lock = self.settled()
                if not lock.plain and self._disk.read(file) == data:
                    self.store(lock, name, data)
        except (ProfileError, OSError) as error:
            _log.warning("%s stays unencrypted: %s", file, error)

    def store(self, lock: Lock, name: str, data: bytes) -> None:
        """Write a profile's bytes; the caller holds `disk.writing()`.

        Raises:
            OSError: it can't be written.
            ProfileError: one of that name was erased, and that couldn't be finished.
        """
        if file_stem(name) + SUFFIX in lock.erased and self._ring.began_change(lock):
            raise ProfileError(
                f"{name!r} was erased, and that isn't finished yet (see the log); make room on the"
                " disk and try again"
            )
        part = encrypted_part(lock)
        if lock.plain or part is None:
            self._disk.write(file_stem(name) + SUFFIX, data)
        else:
            Session(self._disk, part, self._ring).store(name, data)

    def settled(self) -> Lock:
        """The vault's lock, made if need be, with nothing pending; the caller holds `writing`."""
        lock = open_or_make(self._disk, self._ring, self._protection)
        lock = believed(settle(self._disk, lock, self._ring), self._ring)
        check_plain_is_wanted(self._disk, lock, self._ring)
        return lock

    def _try_to_settle(self, lock: Lock) -> Lock:
        try:
            with self._disk.writing():
                return settle(self._disk, read_lock(self._disk) or lock, self._ring)
        except OSError as error:
            _log.warning("the key of the profiles isn't changed yet: %s", error.strerror)
            return lock

    def missing(self) -> list[str]:
        """Files that the index knows and that aren't there; none if the index can't be read."""
        with contextlib.suppress(ProfileError, OSError):
            lock = read_lock(self._disk)
            part = encrypted_part(believed(lock, self._ring)) if lock else None
            if part is not None:
                lost = Session(self._disk, part, self._ring).missing()
                return [file for file in lost if lock is None or file not in lock.erased]
        return []

    def keys_of(self, lock: Lock, file: str) -> list[Slot]:
        """The keys outside the vault that open a file or its copy; nobody is asked for any."""
        found = []
        kept = [slot for slot in lock.slots if slot.where in (KEYSTORE, FILE)]
        for data in (self._disk.read_sound(file, copy) for copy in (False, True)):
            for slot in kept:
                with contextlib.suppress(ProfileError):
                    header, _ = vault_file.read_header(data or b"")
                    if (header.vault, header.key) == (lock.vault, slot.id):
                        vault_file.unpack(data or b"", self._ring.key(lock, slot))
                        found.append(slot)
        return found

    def forget(self, lock: Lock, file: str, keys: Iterable[Slot] = ()) -> None:
        """Note in the index that a profile was erased, then change the key.

        Args:
            keys: that opened it, see :meth:`keys_of`; destroyed if nothing is left in the vault,
                even if that can't be noted.
        """
        part = encrypted_part(lock)
        if part is None:
            return
        session = None
        try:
            session = Session(self._disk, part, self._ring)
            if self._ring.began_change(lock):
                lock = _carry_out(self._disk, lock, self._ring)
            else:
                session.note_erased([file])
            settle(self._disk, lock, self._ring)
        except (ProfileError, SealError, OSError) as error:
            away = session.missing() if session is not None else []
            if not self._disk.profiles() and not away:
                # Nothing is left to lock: without this, a lost key would be in the way for ever.
                for slot in keys:
                    with contextlib.suppress(ProfileLockedError):
                        self._ring.forget(slot)
                IndexFile(self._disk, part, self._ring).remove()
                self._disk.remove(LOCK_NAME)
                self._ring.end_change(lock)
                _log.warning(
                    "nothing is left in the vault, and it was locked: the next profile begins a"
                    " new one, protected in the default way"
                )
                return
            _log.warning(
                "the files are gone; the key that opens copies of them elsewhere will go when the"
                " vault is next unlocked (%s)",
                error,
            )

    def sound_plain(self, file: str) -> bytes:
        """An unencrypted file, or its copy if it is damaged.

        Raises:
            ProfileError: both are.
        """
        for copy in (False, True):
            data = self._disk.read(file, copy)
            if data is not None:
                with contextlib.suppress(ProfileError):
                    Profile.from_bytes(data)
                    return data
        raise ProfileError(f"neither {file!r} nor its copy is sound; enrol or import it again")
