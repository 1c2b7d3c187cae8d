"""The index of an encrypted vault: the newest generation of each profile, and which there are.

The index detects an older file that was put back.  It is a file in the vault, encrypted under the
vault's key, with a counter that only rises.  Two small files in the folder of keys, outside the
vault, belong to it:

    vault-ID.count      the counter, so that an older copy of the whole vault is detected as well
    vault-ID.profiles   the files that the key opens, so that it isn't destroyed while one of them
                        is away, whatever became of the index

Putting back the vault and the counter together, or removing the counter, isn't detected.

The index also holds the state of the device's list of withdrawn consents, and the ids on it, so
that a voice stays withdrawn whatever becomes of that list.

    "VCLX" or "VCLC" · version uint8 · key id [8] · nonce [12] · ChaCha20-Poly1305 of JSON
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ProfileError, SealError
from voicelet.profiles.vault.disk import Disk, subkey
from voicelet.profiles.vault.keys import KeyRing
from voicelet.profiles.vault.lock import Lock
from voicelet.trust.consent.chain import Anchor
from voicelet.trust.keys import keystore

FILE_NAME = "index"
_INDEX, _COUNT = b"VCLX\x01", b"VCLC\x01"
_PURPOSE = b"voicelet vault key: index 1"
_NONCE, _ID = 12, 8
_MOST_BYTES = 1 << 22
_REMEDY = (
    "if you put it back yourself (from a backup, say): voicelet profiles restore --accept-older"
)
_log = logging.getLogger(__name__)


class UnknownKeyError(ProfileError):
    """Encrypted under a key that isn't the vault's, or isn't any more."""


@dataclass(frozen=True)
class IndexEntry:
    """The newest file of a profile: its generation and its SHA-256; or that it was erased.

    Attributes:
        consents: ids of earlier consent records of the same speaker that the file held; whoever
            withdraws the present one withdraws them.
    """

    generation: int
    sha256: str
    erased: bool = False
    consents: tuple[str, ...] = ()


@dataclass
class Index:
    """Entries by file name.

    Attributes:
        revocations: the state of the list of withdrawn consents when it was last compared; None
            while nothing was withdrawn.
        revoked: the newest ids on it.
    """

    counter: int = 0
    entries: dict[str, IndexEntry] = field(default_factory=dict)
    revocations: Anchor | None = None
    revoked: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As it is stored; what says nothing is left out, which is the form of older versions."""
        fields = asdict(self)
        for entry in fields["entries"].values():
            if not entry["consents"]:
                del entry["consents"]
        if self.revocations is None:
            del fields["revocations"], fields["revoked"]
        return fields


class IndexFile:
    """The index of one vault on the disk."""

    def __init__(self, disk: Disk, lock: Lock, ring: KeyRing) -> None:
        self._disk, self._lock, self._ring = disk, lock, ring
        self._count_path = ring.folder / f"vault-{lock.vault}.count"
        self._holdings_path = ring.folder / f"vault-{lock.vault}.profiles"

    def read(self, accept_older: bool = False, hurried: bool = False) -> Index:
        """Read the index, or its copy if it is damaged.

        Args:
            accept_older: take what is there, even if it is older than it was, or nothing.
            hurried: another process may be changing the key right now; then the lock must be read
                again, and a key that isn't in it doesn't mean damage yet.

        Raises:
            ProfileError: it is damaged, gone or older than it was.
            UnknownKeyError: the lock must be read again.
        """
        least = self._read_count(hurried)
        index, problem = None, ""
        for copy in (False, True):
            data = self._disk.read(FILE_NAME, copy)
            if data is None:
                problem = problem or "is gone"
                continue
            try:
                index = from_mapping(Index, self._open(data, _INDEX))
                break
            except (ProfileError, ConfigError) as error:
                if hurried and isinstance(error, UnknownKeyError):
                    raise
                problem = "was changed or damaged"
        if accept_older:
            index = index or Index()
            index.counter = max(index.counter, least or 0)
            for file in self.holdings() or ():  # an older one doesn't know them all
                index.entries.setdefault(file, IndexEntry(0, ""))
            return index
        if index is None and (least or problem != "is gone"):
            raise ProfileError(f"the index of the profiles {problem}; {_REMEDY}")
        index = index or Index()
        if problem and index.counter:
            _log.warning("the index of the profiles %s; its copy is used", problem)
        if index.counter < (least or 0):
            raise ProfileError(f"the folder of profiles is older than it was; {_REMEDY}")
        return index

    def key_ids(self) -> set[str]:
        """Of the keys that open the index and its copy."""
        ids = set()
        for copy in (False, True):
            data = self._disk.read_sound(FILE_NAME, copy)
            with contextlib.suppress(ProfileError):
                self._open(data or b"", _INDEX)
                ids.add((data or b"")[len(_INDEX) :][:_ID].hex())
        return ids

    def write(self, index: Index) -> None:
        """Write the index with its counter raised, then the counter, then what the key opens.

        Raises:
            OSError, SealError: one of them can't be written.
        """
        index.counter += 1
        self._disk.write(FILE_NAME, self._seal(index.to_dict(), _INDEX))
        keystore.write_file(self._count_path, self._seal({"counter": index.counter}, _COUNT))
        held = self.holdings()
        erased = {file for file, entry in index.entries.items() if entry.erased}
        files = ((held or set()) | set(index.entries)) - erased
        if files != held:
            self._hold(files)

    def holdings(self) -> set[str] | None:
        """The files that the key opens, here or elsewhere; None if that isn't known.

        They are stated in the folder of keys, and can be read while the vault is locked.  A file
        may be on the list that was never written; none is missing.
        """
        try:
            files = json.loads(keystore.read_file(self._holdings_path, _MOST_BYTES) or b"null")
        except (SealError, ValueError, RecursionError) as error:
            _log.warning("%s can't be read (%s)", self._holdings_path, type(error).__name__)
            return None
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
            return None
        return set(files)

    def expect(self, file: str) -> None:
        """State that the key opens a file, before that is written.

        Raises:
            SealError: it can't be stated.
        """
        held = self.holdings()
        if held is not None and file not in held:
            self._hold(held | {file})

    def _hold(self, files: set[str]) -> None:
        keystore.write_file(self._holdings_path, json.dumps(sorted(files)).encode())

    def remove(self) -> None:
        """For a vault that isn't encrypted any more."""
        keystore.shred(self._count_path)  # first: a counter without an index is an alarm
        keystore.shred(self._holdings_path)
        self._disk.remove(FILE_NAME)

    def _read_count(self, hurried: bool) -> int | None:
        try:
            data = keystore.read_file(self._count_path)
            return None if data is None else int(self._open(data, _COUNT)["counter"])
        except (SealError, ProfileError, KeyError, TypeError, ValueError) as error:
            if hurried and isinstance(error, UnknownKeyError):
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
        return start + nonce + cipher.encrypt(nonce, text, self._associated_data(start))

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
            raise UnknownKeyError(
                "the index is under a key that isn't this vault's; restore a backup"
            )
        cipher = ChaCha20Poly1305(subkey(self._ring.key(self._lock, slot), _PURPOSE))
        try:
            return json.loads(cipher.decrypt(nonce, box, self._associated_data(start)))
        except (InvalidTag, ValueError):
            raise ProfileError("changed or damaged") from None

    def _associated_data(self, start: bytes) -> bytes:
        return start + bytes.fromhex(self._lock.vault)
