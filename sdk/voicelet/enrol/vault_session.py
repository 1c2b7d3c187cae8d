"""A vault that is open: its keys and its index are at hand."""

from __future__ import annotations

import hashlib
import logging
import secrets
from typing import NamedTuple

from voicelet.enrol import vault_file
from voicelet.enrol.names import file_stem
from voicelet.enrol.profile import MAGIC, MAX_BYTES
from voicelet.enrol.vault_disk import LIMIT_BYTES, SUFFIX, Disk
from voicelet.enrol.vault_index import Entry, Index, IndexFile, UnknownKey
from voicelet.enrol.vault_keys import KeyRing
from voicelet.enrol.vault_lock import AUTO, Lock, read_lock, write_lock
from voicelet.errors import ConfigError, ProfileError, ProfileLocked, SealError

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """A file, decrypted and proven to be the vault's own."""

    plain: bytes
    name: str
    generation: int
    key: str

    def __repr__(self) -> str:  # a voiceprint has no place in logs
        return f"Opened({self.name!r}, generation {self.generation})"


class Session:
    """Reads and writes profiles of an encrypted vault.

    Args:
        lock: as `vault.json` says, less `plain` slots.
        accept_older: don't refuse an older index.
        hurried: see `IndexFile.read`.

    Raises:
        ProfileLocked: a key is missing.
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
        ring.key(lock, lock.slots[0])  # a wrong passphrase is told before all else
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
            UnknownKey: under a key that isn't the vault's.
        """
        if len(data) > LIMIT_BYTES:
            raise ProfileError("far too large for a profile; remove it")
        header, _ = vault_file.read_header(data)
        slot = next((s for s in self.lock.slots if s.id == header.key), None)
        if slot is None or header.vault != self.lock.vault:
            raise UnknownKey("encrypted under a key that this vault hasn't: changed, or another's")
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
        return Opened(plain, header.name, header.generation, header.key)

    def newest(self, file: str, accept_older: bool = False) -> Opened | None:
        """The newest sound one of a file and its copy, None if neither is."""
        found: list[Opened] = []
        for copy in (False, True):
            data = self.disk.read_sound(file, copy)
            try:
                if data is not None and vault_file.is_encrypted(data):
                    found.append(self.open(file, data, accept_older))
            except ProfileLocked:
                raise
            except ProfileError:
                continue
        return max(found, key=lambda o: o.generation, default=None)

    def store(self, name: str, plain: bytes, index: bool = True) -> None:
        """Encrypt a profile as a new generation and write it, its copy and the index.

        Args:
            index: False leaves the index for later, which is no harm: a newer file than it says is
                no older one put back.

        Raises:
            OSError: it can't be written; what was there is intact.
        """
        if len(plain) > MAX_BYTES:
            raise ProfileError("far too large for a profile")
        file = file_stem(name) + SUFFIX
        entry, there = self.index.entries.get(file), self.newest(file, accept_older=True)
        last = max(entry.generation if entry else 0, there.generation if there else 0)
        slot = self.lock.slots[0]
        key = self.ring.key(self.lock, slot)
        data = vault_file.pack(plain, key, slot.id, self.lock.vault, name, last + 1)
        self.disk.write(file, data)
        self.index.entries[file] = Entry(last + 1, hashlib.sha256(data).hexdigest())
        try:
            if index:
                self.write_index()
        except (OSError, SealError) as error:  # no error: see above
            _log.warning("the index of the profiles can't be written: %s", error)

    def write_index(self) -> None:
        """Write the index.

        Raises:
            OSError, SealError: it can't be written.
        """
        self._file.write(self.index)

    def remove_index(self) -> None:
        """For a vault that isn't encrypted any more."""
        self._file.remove()


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
        return lock
    refuse_orphans(disk)
    vault = secrets.token_hex(8)
    lock = Lock(vault, (ring.make(vault, protection),))
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
                    f"{str(disk.path)!r} holds encrypted profiles, but vault.json is gone: restore"
                    " it from a backup, or move the folder away to begin anew"
                )
