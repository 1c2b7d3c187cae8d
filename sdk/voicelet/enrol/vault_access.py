"""Reading and writing the files of a vault, whatever state it is in."""

from __future__ import annotations

import contextlib
import logging

from voicelet.enrol import vault_file
from voicelet.enrol.names import file_stem
from voicelet.enrol.profile import Profile
from voicelet.enrol.vault_disk import SUFFIX, Disk
from voicelet.enrol.vault_index import Entry, IndexFile, UnknownKey
from voicelet.enrol.vault_keys import KeyRing
from voicelet.enrol.vault_lock import FILE_NAME as LOCK_NAME
from voicelet.enrol.vault_lock import Lock, encrypted_part, read_lock
from voicelet.enrol.vault_rotate import is_pending, settle
from voicelet.enrol.vault_session import Session, open_or_make, refuse_orphans
from voicelet.errors import ProfileError, ProfileLocked, ProfileNotFound, SealError

_TRIES = 3
_log = logging.getLogger(__name__)


class Access:
    """What :class:`voicelet.enrol.vault.Vault` does with files, one at a time.

    Args:
        protection: of a new vault; see `KeyRing.make`.
    """

    def __init__(self, disk: Disk, ring: KeyRing, protection: str) -> None:
        self._disk, self._ring, self._protection = disk, ring, protection

    def load(self, file: str) -> Profile:
        """The profile in a file.

        Raises:
            ProfileNotFound: there is no such file.
            ProfileLocked, ProfileError: as :meth:`Vault.load`.
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
            ProfileNotFound: there is no such file.
            ProfileLocked, ProfileError: as :meth:`Vault.load`.
        """
        for attempt in range(_TRIES):
            hurried = attempt < _TRIES - 1
            with self._disk.explained(f"can't read {file!r}"):
                lock = read_lock(self._disk)
                if lock is not None and is_pending(lock):
                    lock = self._try_to_settle(lock)
                part = encrypted_part(lock) if lock else None
                try:
                    # The index before the file: who writes does it the other way round.
                    session = (
                        Session(self._disk, part, self._ring, hurried=hurried) if part else None
                    )
                    data = self._disk.read(file)
                    if data is None:
                        raise ProfileNotFound(f"there is no {file!r}")
                    if vault_file.is_encrypted(data):
                        if session is None:
                            refuse_orphans(self._disk)
                            raise ProfileError("it is encrypted, and this vault isn't")
                        return session.open(file, data).plain
                    if session is not None and lock is not None and not lock.plain:
                        session.check_plain(file, data)
                except UnknownKey as error:
                    if hurried:
                        continue  # its key was changed between two reads
                    raise self._named(file, error) from None
                except (ProfileNotFound, ProfileLocked):
                    raise
                except ProfileError as error:
                    raise self._named(file, error) from None
                if lock is None or not lock.plain:
                    self._upgrade(file, data)
                return data
        raise AssertionError("unreachable")

    def _named(self, file: str, error: ProfileError) -> ProfileError:
        remedy = "enrol the voice again, or import it"
        if (self._disk.copies / file).exists():
            remedy = "bring back its copy: voicelet profiles restore"
        return ProfileError(f"{file!r}: {error}; {remedy}")

    def _upgrade(self, file: str, data: bytes) -> None:
        """Encrypt a profile of before there was encryption; it stays as it is where that fails."""
        try:
            name = Profile.from_bytes(data).name
        except ProfileError:
            return  # whoever asked for it is told
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
        """
        part = encrypted_part(lock)
        if lock.plain or part is None:
            self._disk.write(file_stem(name) + SUFFIX, data)
        else:
            Session(self._disk, part, self._ring).store(name, data)

    def settled(self) -> Lock:
        """The vault's lock, made if need be, with nothing pending; the caller holds `writing`."""
        lock = open_or_make(self._disk, self._ring, self._protection)
        return settle(self._disk, lock, self._ring)

    def _try_to_settle(self, lock: Lock) -> Lock:
        try:
            with self._disk.writing():
                return settle(self._disk, read_lock(self._disk) or lock, self._ring)
        except OSError as error:
            _log.warning("the key of the profiles isn't changed yet: %s", error.strerror)
            return lock

    def forget(self, lock: Lock, file: str) -> None:
        """Note in the index that a profile was erased, then change the key."""
        part = encrypted_part(lock)
        if part is None:
            return
        try:
            session = Session(self._disk, part, self._ring)
            entry = session.index.entries.get(file)
            last = entry.generation if entry else 1
            session.index.entries[file] = Entry(last, "", erased=True)
            session.write_index()
            settle(self._disk, lock, self._ring)
        except (ProfileError, SealError, OSError) as error:
            if not self._disk.profiles():
                # Nothing is left to lock: without this, a lost key would be in the way for ever.
                IndexFile(self._disk, part, self._ring).remove()
                self._disk.remove(LOCK_NAME)
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
