"""Which generation of each profile is the newest: so that an old file put back is noticed.

The index is a file in the vault, encrypted under the vault's key, with a counter that only rises.
A second small file, in the folder of keys outside the vault, holds the counter too: an older copy
of the whole vault doesn't fit it.  Whoever puts back both, or removes the second, isn't noticed.

    "VCLX" or "VCLC" · version uint8 · key id [8] · nonce [12] · ChaCha20-Poly1305 of JSON
"""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from voicelet.config import from_mapping
from voicelet.enrol.vault_disk import Disk
from voicelet.enrol.vault_file import subkey
from voicelet.enrol.vault_keys import KeyRing
from voicelet.enrol.vault_lock import Lock
from voicelet.errors import ConfigError, ProfileError, SealError
from voicelet.trust import keystore

FILE_NAME = "index"
_INDEX, _COUNT = b"VCLX\x01", b"VCLC\x01"
_PURPOSE = b"voicelet vault key: index 1"
_NONCE, _ID = 12, 8
_REMEDY = (
    "if you put it back yourself (from a backup, say): voicelet profiles restore --accept-older"
)
_log = logging.getLogger(__name__)


class UnknownKey(ProfileError):
    """Encrypted under a key that isn't the vault's, or isn't any more."""


@dataclass(frozen=True)
class Entry:
    """The newest file of a profile: its generation and its SHA-256; or that it was erased."""

    generation: int
    sha256: str
    erased: bool = False


@dataclass
class Index:
    """Entries by file name."""

    counter: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)


class IndexFile:
    """The index of one vault on the disk."""

    def __init__(self, disk: Disk, lock: Lock, ring: KeyRing) -> None:
        self._disk, self._lock, self._ring = disk, lock, ring
        self._count_path = ring.folder / f"vault-{lock.vault}.count"

    def read(self, accept_older: bool = False, hurried: bool = False) -> Index:
        """Read the index, or its copy if it is damaged.

        Args:
            accept_older: take what is there, even if it is older than it was, or nothing.
            hurried: another process may be changing the key right now; then the lock must be read
                again, and a key that isn't in it is no damage yet.

        Raises:
            ProfileError: it is damaged, gone or older than it was.
            UnknownKey: the lock must be read again.
        """
        least = self._read_count(hurried)
        found, damaged = None, ""
        for copy in (False, True):
            data = self._disk.read(FILE_NAME, copy)
            if data is None:
                damaged = damaged or "is gone"
                continue
            try:
                found = from_mapping(Index, self._open(data, _INDEX))
                break
            except (ProfileError, ConfigError) as error:
                if hurried and isinstance(error, UnknownKey):
                    raise
                damaged = "was changed or damaged"
        if accept_older:
            found = found or Index()
            found.counter = max(found.counter, least or 0)
            return found
        if found is None and (least or damaged != "is gone"):
            raise ProfileError(f"the index of the profiles {damaged}; {_REMEDY}")
        found = found or Index()
        if damaged and found.counter:
            _log.warning("the index of the profiles %s; its copy is used", damaged)
        if found.counter < (least or 0):
            raise ProfileError(f"the folder of profiles is older than it was; {_REMEDY}")
        return found

    def write(self, index: Index) -> None:
        """Write the index with its counter raised, then the counter.

        Raises:
            OSError, SealError: one of them can't be written.
        """
        index.counter += 1
        self._disk.write(FILE_NAME, self._seal(asdict(index), _INDEX))
        keystore.write_file(self._count_path, self._seal({"counter": index.counter}, _COUNT))

    def remove(self) -> None:
        """For a vault that isn't encrypted any more."""
        keystore.shred(self._count_path)  # first: a counter without an index is an alarm
        self._disk.remove(FILE_NAME)

    def _read_count(self, hurried: bool) -> int | None:
        try:
            data = keystore.read_file(self._count_path)
            return None if data is None else int(self._open(data, _COUNT)["counter"])
        except (SealError, ProfileError, KeyError, TypeError, ValueError) as error:
            if hurried and isinstance(error, UnknownKey):
                raise
            _log.warning("%s is damaged; it is made anew", self._count_path)
            return None

    def _seal(self, value: Any, magic: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        slot = self._lock.slots[0]
        start = magic + bytes.fromhex(slot.id)
        nonce = secrets.token_bytes(_NONCE)
        cipher = ChaCha20Poly1305(subkey(self._ring.key(self._lock, slot), _PURPOSE))
        text = json.dumps(value, sort_keys=True).encode()
        return start + nonce + cipher.encrypt(nonce, text, self._bound(start))

    def _open(self, data: bytes, magic: bytes) -> Any:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        head = len(magic) + _ID
        start, nonce, box = data[:head], data[head : head + _NONCE], data[head + _NONCE :]
        if not data.startswith(magic) or len(start) != head:
            raise ProfileError("not an index")
        key_id = start[-_ID:].hex()
        slot = next((s for s in self._lock.slots if s.id == key_id), None)
        if slot is None:
            raise UnknownKey("the index is under a key that isn't this vault's; restore a backup")
        cipher = ChaCha20Poly1305(subkey(self._ring.key(self._lock, slot), _PURPOSE))
        try:
            return json.loads(cipher.decrypt(nonce, box, self._bound(start)))
        except (InvalidTag, ValueError):
            raise ProfileError("changed or damaged") from None

    def _bound(self, start: bytes) -> bytes:
        return start + bytes.fromhex(self._lock.vault)
