"""Reading and writing the files of a vault, one at a time, whatever state it is in."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable

from voicelet.errors import (
    ConsentError,
    ProfileError,
    ProfileLockedError,
    ProfileNotFoundError,
    SealError,
)
from voicelet.profiles.names import file_stem
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault.admission import (
    believed,
    check_plain_is_wanted,
    is_plain,
    not_admitted,
)
from voicelet.profiles.vault.disk import SUFFIX, Disk
from voicelet.profiles.vault.index import IndexFile, UnknownKeyError
from voicelet.profiles.vault.keys import KeyRing
from voicelet.profiles.vault.lock import (
    FILE,
    KEYSTORE,
    Lock,
    Slot,
    encrypted_part,
    is_pending,
    read_lock,
)
from voicelet.profiles.vault.lock import FILE_NAME as LOCK_NAME
from voicelet.profiles.vault.rotation import carry_out, needed, settle
from voicelet.profiles.vault.session import Opened, Session, open_or_make, refuse_orphans, withdrawn
from voicelet.trust.consent.chain import EMPTY
from voicelet.trust.consent.revocations import device_revocations

_log = logging.getLogger(__name__)
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
                    allowed = lock is not None and is_plain(self._disk, lock, self._ring)
                    problem = None if allowed else not_admitted(session, data)
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
        """Files of profiles that aren't there; as the index says, or if it can't be read, as the
        folder of keys does.
        """
        with contextlib.suppress(ProfileError, OSError):
            lock = read_lock(self._disk)
            part = encrypted_part(believed(lock, self._ring)) if lock else None
            if lock is None or part is None:
                return []
            erased = lock.erased if self._ring.began_change(lock) else ()
            try:
                lost = Session(self._disk, part, self._ring).missing()
            except ProfileError:
                lost = self._away(part, erased) or []
            return [file for file in lost if file not in erased]
        return []

    def _away(self, lock: Lock, erased: Iterable[str]) -> list[str] | None:
        """Files that the key opens, as the folder of keys says, and that aren't here, nor erased;
        None if that isn't known.
        """
        held = IndexFile(self._disk, lock, self._ring).holdings()
        return None if held is None else sorted(held - {*self._disk.profiles(), *erased})

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
                lock = carry_out(self._disk, lock, self._ring)
            else:
                session.note_erased([file])
            settle(self._disk, lock, self._ring)
        except (ProfileError, SealError, OSError) as error:
            away = self._away(part, (file, *lock.erased))
            if session is not None:
                away = sorted({*(away or ()), *session.missing()} - {file})
            if self._disk.profiles() or (away is None and not self._is_keyless(part)):
                _log.warning(
                    "the files are gone; the key that opens copies of them elsewhere will go when"
                    " the vault is next unlocked (%s)",
                    error,
                )
            elif away:
                _log.warning("the key stays: %s", needed(away))
            else:
                self._begin_anew(lock, part, keys)

    def _begin_anew(self, lock: Lock, part: Lock, keys: Iterable[Slot]) -> None:
        """Nothing is left to lock: without this, a lost key would be in the way for ever."""
        for slot in keys:
            with contextlib.suppress(ProfileLockedError):
                self._ring.forget(slot)
        IndexFile(self._disk, part, self._ring).remove()
        self._disk.remove(LOCK_NAME)
        self._ring.end_change(lock)
        _log.warning(
            "nothing is left in the vault, and it was locked: the next profile begins a new one,"
            " protected in the default way"
        )

    def _is_keyless(self, lock: Lock) -> bool:
        """Whether all keys of a vault are gone for good, so that nobody can open any profile."""
        try:
            return all(self._ring.is_gone(slot) for slot in lock.slots)
        except ProfileLockedError:
            return False

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
