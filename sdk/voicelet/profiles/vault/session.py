"""A vault that is open: its keys and its index, and the profiles that they open."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from voicelet.errors import ConfigError, ConsentError, ProfileError, ProfileLockedError, SealError
from voicelet.profiles.names import file_stem
from voicelet.profiles.profile import MAGIC, MAX_BYTES, Profile
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault.disk import LIMIT_BYTES, SUFFIX, Disk
from voicelet.profiles.vault.index import Index, IndexEntry, IndexFile, UnknownKeyError
from voicelet.profiles.vault.keys import AUTO, KeyRing
from voicelet.profiles.vault.lock import PLAIN, Lock, read_lock, write_lock
from voicelet.trust.consent.linked import same_person
from voicelet.trust.consent.record import MOST_REPLACED, ConsentRecord
from voicelet.trust.consent.revocations import device_revocations

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """A file, decrypted and proven to be the vault's own."""

    plain: bytes
    name: str
    generation: int
    key: str
    revoked: str = ""

    def __repr__(self) -> str:  # a voiceprint has no place in logs
        return f"Opened({self.name!r}, generation {self.generation})"


class Session:
    """Reads and writes profiles of an encrypted vault.

    Args:
        lock: as `vault.json` says, less `plain` slots.
        accept_older: don't refuse an older index.
        hurried: see `IndexFile.read`.

    Raises:
        ProfileLockedError: a key is missing.
        ProfileError: the index is damaged or older than it was.
    """

    def __init__(
        self,
        disk: Disk,
        lock: Lock,
        ring: KeyRing,
        accept_older: bool = False,
        hurried: bool = False,
    ) -> None:
        self.disk, self.lock, self.ring = disk, lock, ring
        ring.key(lock, lock.slots[0])  # reports a wrong passphrase first
        self._file = IndexFile(disk, lock, ring)
        self.index: Index = self._file.read(accept_older, hurried)

    def check_plain(self, file: str, data: bytes) -> None:
        """Whether what isn't encrypted may stand in `file`: an old profile, not yet encrypted.

        Raises:
            ProfileError: there was an encrypted one.
        """
        if file in self.index.entries:
            what = "replaced by an unprotected file" if data.startswith(MAGIC) else "damaged"
            raise ProfileError(f"the profile was {what}")

    def open(self, file: str, data: bytes, accept_older: bool = False) -> Opened:
        """Decrypt the contents of a file and check that it is the newest.

        Args:
            accept_older: don't refuse an older generation.

        Raises:
            ProfileError: changed, damaged, another profile's, or older than it was.
            UnknownKeyError: under a key that isn't the vault's.
        """
        if len(data) > LIMIT_BYTES:
            raise ProfileError("far too large for a profile; remove it")
        header, _ = vault_file.read_header(data)
        slot = next((s for s in self.lock.slots if s.id == header.key), None)
        if slot is None or header.vault != self.lock.vault:
            raise UnknownKeyError(
                "encrypted under a key that this vault hasn't: changed, or another's"
            )
        plain = vault_file.unpack(data, self.ring.key(self.lock, slot))
        if file_stem(header.name) + SUFFIX != file:
            raise ProfileError(f"it holds another profile ({header.name!r})")
        entry = self.index.entries.get(file)
        if entry is not None and not accept_older:
            if entry.erased and header.generation <= entry.generation:
                raise ProfileError("an erased profile was put back")
            if header.generation < entry.generation or (
                header.generation == entry.generation
                and hashlib.sha256(data).hexdigest() != entry.sha256
            ):
                raise ProfileError(
                    f"an older file was put back (generation {header.generation}, and the newest"
                    f" was {entry.generation})"
                )
        return Opened(plain, header.name, header.generation, header.key, header.revoked)

    def newest(self, file: str, accept_older: bool = False) -> Opened | None:
        """The newest sound one of a file and its copy, None if neither is."""
        opened: list[Opened] = []
        for copy in (False, True):
            data = self.disk.read_sound(file, copy)
            try:
                if data is not None and vault_file.is_encrypted(data):
                    opened.append(self.open(file, data, accept_older))
            except ProfileLockedError:
                raise
            except ProfileError:
                continue
        return max(opened, key=lambda o: o.generation, default=None)

    def store(self, name: str, plain: bytes, index: bool = True) -> None:
        """Encrypt a profile as a new generation and write it, its copy and the index.

        Args:
            index: False leaves the index for later, which is safe: a file newer than the index says
                isn't an older one put back.

        Raises:
            OSError, ProfileError: it can't be written; what was there is intact.
        """
        if len(plain) > MAX_BYTES:
            raise ProfileError("far too large for a profile")
        file = file_stem(name) + SUFFIX
        entry, newest = self.index.entries.get(file), self.newest(file, accept_older=True)
        last = max(entry.generation if entry else 0, newest.generation if newest else 0)
        slot = self.lock.slots[0]
        key = self.ring.key(self.lock, slot)
        revoked = withdrawn(plain, newest.revoked if newest else "")
        data = vault_file.pack(plain, key, slot.id, self.lock.vault, name, last + 1, revoked)
        try:
            self._file.expect(file)
        except SealError as error:
            raise ProfileError(f"it isn't written: {error}") from None
        self.disk.write(file, data)
        before = (entry.consents if entry else (), newest.plain if newest else None)
        consents = earlier_consents(plain, *before)
        digest = hashlib.sha256(data).hexdigest()
        self.index.entries[file] = IndexEntry(last + 1, digest, consents=consents)
        try:
            if index:
                self.write_index()
        except (OSError, SealError) as error:  # no error: see above
            _log.warning("the index of the profiles can't be written: %s", error)

    def files(self) -> list[str]:
        """Files that are, or should be, profiles; those that the index alone knows, too."""
        live = {file for file, entry in self.index.entries.items() if not entry.erased}
        return sorted({*self.disk.profiles(), *live})

    def missing(self) -> list[str]:
        """Files that the index knows and that aren't there, nor their copies."""
        there = set(self.disk.profiles())
        return [file for file in self.files() if file not in there]

    def note_erased(self, files: Iterable[str]) -> None:
        """Have the index say that profiles were erased.

        Raises:
            OSError, SealError: it can't be written.
        """
        for file in files:
            entry = self.index.entries.get(file)
            self.index.entries[file] = IndexEntry(entry.generation if entry else 1, "", erased=True)
        self.write_index()

    def write_index(self) -> None:
        """Write the index.

        Raises:
            OSError, SealError: it can't be written.
        """
        self._file.write(self.index)

    def remove_index(self) -> None:
        """For a vault that isn't encrypted any more."""
        self._file.remove()


def withdrawn(plain: bytes, before: str = "") -> str:
    """The id of a profile's consent record if it is withdrawn, else "".

    Args:
        before: what the file said; once withdrawn, a record stays withdrawn.
    """
    try:
        record = Profile.from_bytes(plain).consent
        if record is None or (record.id != before and record.id not in device_revocations()):
            return ""
    except (ProfileError, ConsentError):  # the list isn't what it was
        return ""
    return record.id


def earlier_consents(plain: bytes, known: tuple[str, ...], before: bytes | None) -> tuple[str, ...]:
    """Ids of the consent records that a profile had before; none of another speaker's.

    Args:
        plain: the profile as it will be.
        known: what is known of it already.
        before: the profile that it takes the place of.
    """
    now, old = (_record(data) for data in (plain, before))
    if now is None or old is None:
        return known
    if same_person(now.speaker) != same_person(old.speaker):
        return ()
    ids = dict.fromkeys((*known, *old.replaces, old.id))
    return tuple(i for i in ids if i != now.id)[-MOST_REPLACED:]


def _record(plain: bytes | None) -> ConsentRecord | None:
    try:
        return None if plain is None else Profile.from_bytes(plain).consent
    except ProfileError:
        return None


def open_or_make(disk: Disk, ring: KeyRing, protection: str) -> Lock:
    """The lock of a vault; a new one, if there is none yet.  The caller holds `disk.writing()`.

    Raises:
        ProfileError: there are encrypted profiles without one.
        ConfigError: `protection` is another one than the vault's.
    """
    lock = read_lock(disk)
    if lock is not None:
        if protection not in (AUTO, lock.slots[0].where):
            raise ConfigError(
                f"these profiles are protected by {lock.slots[0].where!r}, not {protection!r};"
                f" change that with: voicelet profiles rotate-key --protect {protection}"
            )
        if protection == PLAIN and len(lock.slots) == 1 and not ring.was_encrypted(lock):
            refuse_orphans(disk)
            if not ring.chose_plain(disk.path, lock):
                ring.note_plain(disk.path, lock)
        return lock
    refuse_orphans(disk)
    vault = secrets.token_hex(8)
    lock = Lock(vault, (ring.make(vault, protection),))
    if lock.plain:
        ring.note_plain(disk.path, lock)
    write_lock(disk, lock)
    return lock


def refuse_orphans(disk: Disk) -> None:
    """A new key would shut out the profiles that are encrypted under the old one.

    Raises:
        ProfileError: there are encrypted profiles.
    """
    for file in disk.profiles():
        for copy in (False, True):
            data = disk.read_sound(file, copy)
            if data is not None and vault_file.is_encrypted(data):
                raise ProfileError(
                    f"{str(disk.path)!r} holds encrypted profiles, but vault.json is gone or"
                    " another one: restore it from a backup, or move the folder away to begin anew"
                )
