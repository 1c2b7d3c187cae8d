"""A vault that is open: its keys, and the index that knows the newest generation of each profile.

The index detects an older file that was put back.  It is a file in the vault, encrypted under the
vault's key, with a counter that only rises.  A second small file, in the folder of keys outside the
vault, holds the counter too, so that an older copy of the whole vault is detected as well.  Putting
back both, or removing the second, isn't detected.

The index also holds the state of the device's list of withdrawn consents, and the ids on it, so
that a voice stays withdrawn whatever becomes of that list.

    "VCLX" or "VCLC" · version uint8 · key id [8] · nonce [12] · ChaCha20-Poly1305 of JSON
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ConsentError, ProfileError, ProfileLockedError, SealError
from voicelet.profiles.names import file_stem
from voicelet.profiles.profile import MAGIC, MAX_BYTES, Profile
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault.disk import LIMIT_BYTES, SUFFIX, Disk, subkey
from voicelet.profiles.vault.keys import AUTO, PLAIN, KeyRing, Lock, read_lock, write_lock
from voicelet.trust.consent.chain import Anchor
from voicelet.trust.consent.linked import same_person
from voicelet.trust.consent.record import MOST_REPLACED, ConsentRecord
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.keys import keystore

FILE_NAME = "index"
_INDEX, _COUNT = b"VCLX\x01", b"VCLC\x01"
_PURPOSE = b"voicelet vault key: index 1"
_NONCE, _ID = 12, 8
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
        """Write the index with its counter raised, then the counter.

        Raises:
            OSError, SealError: one of them can't be written.
        """
        index.counter += 1
        self._disk.write(FILE_NAME, self._seal(index.to_dict(), _INDEX))
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
            OSError: it can't be written; what was there is intact.
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
