"""The keys of a vault: which there are, where each is kept, and how to get it.

`vault.json` lists them: the first encrypts what is written; others are there only while a rotation
is under way.  A key (32 random bytes) is kept

- `keystore`: by the system, through `keyring`;
- `file`: in a file of mode 0600 outside the vault, `$XDG_DATA_HOME/voicelet/keys`;
- `passphrase`: in `vault.json` itself, encrypted under a key stretched from the passphrase by
  scrypt (RFC 7914);
- `plain`: there is none, profiles are not encrypted;
- `wrapped`: in `vault.json`, under the key in use: the key of an earlier passphrase, while
  a rotation is under way.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ProfileError, ProfileLockedError, SealError
from voicelet.profiles.vault.disk import Disk, subkey
from voicelet.trust.keys import keystore
from voicelet.trust.keys import passphrase as passphrases
from voicelet.trust.keys.passphrase import Stretch

FILE_NAME = "vault.json"
AUTO, PASSPHRASE, PLAIN, WRAPPED = "auto", "passphrase", "plain", "wrapped"
KEYSTORE, FILE = keystore.KEYSTORE, keystore.FILE
PROTECTIONS = (KEYSTORE, FILE, PASSPHRASE, PLAIN)
_FORMAT, _VERSION = "voicelet vault", 1
_RECORD_KEYS = 4
_MOST_CHANGES = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """One key of a vault.

    Attributes:
        id: 16 hexadecimal digits.
        where: one of `PROTECTIONS`, or "wrapped".
        stretch: how a passphrase is stretched.
        wrapped: the key, encrypted under the passphrase's or another key; base64.
    """

    id: str
    where: str
    stretch: Stretch | None = None
    wrapped: str = ""

    def __post_init__(self) -> None:
        if self.where not in (*PROTECTIONS, WRAPPED) or len(bytes.fromhex(self.id)) != 8:
            raise ValueError("a key that can't be")
        if (self.stretch is None) == (self.where == PASSPHRASE):
            raise ValueError("a passphrase needs its settings")


@dataclass(frozen=True)
class Lock:
    """What `vault.json` holds.

    Attributes:
        vault: 16 hexadecimal digits.
        slots: the keys, the one in use first.
        rotate: the key must be changed as soon as it can be: a profile was erased.
        erased: files that were erased without the index saying so yet: the vault was locked.
    """

    vault: str
    slots: tuple[Slot, ...]
    rotate: bool = False
    erased: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.slots or len(bytes.fromhex(self.vault)) != 8:
            raise ValueError("a vault without keys")
        # The same key as the new one and as the old one would be destroyed as the old one.
        if len({slot.id for slot in self.slots}) != len(self.slots):
            raise ValueError("a key that is listed twice")
        if self.slots[0].where == WRAPPED:
            raise ValueError("a key that is under itself")

    @property
    def plain(self) -> bool:
        """Whether what is written isn't encrypted."""
        return self.slots[0].where == PLAIN


def read_lock(disk: Disk) -> Lock | None:
    """The lock of a vault, None if it has none yet; the copy's, if the file is damaged.

    Raises:
        ProfileError: both are damaged.
    """
    problem = ""
    for copy in (False, True):
        try:
            data = disk.read(FILE_NAME, copy)
        except ProfileError as error:  # a folder, a pipe, a link: the copy may be sound
            problem = str(error)
            continue
        if data is None:
            continue
        try:
            lock = _parse(data)
        except (ValueError, KeyError, TypeError, RecursionError, ConfigError):
            problem = f"{FILE_NAME} is damaged"
            continue
        if problem:
            _log.warning("%s in %s; its copy is used", problem, disk.path)
        return lock
    if problem:
        raise ProfileError(
            f"{problem}, and so is its copy, in {str(disk.path)!r}: restore it from a backup"
        )
    return None


def is_pending(lock: Lock) -> bool:
    """Whether a change of key was asked for, or stopped in the middle."""
    return lock.rotate or bool(lock.erased) or len(lock.slots) > 1


def write_lock(disk: Disk, lock: Lock) -> None:
    """Write `vault.json` and its copy, both for certain.

    Raises:
        OSError: one of them can't be written.
    """
    fields = _fields(lock)
    record = {
        "format": _FORMAT,
        "version": _VERSION,
        "lock": fields,
        "sha256": _digest(_VERSION, fields),
    }
    data = _spelled(record)
    disk.write(FILE_NAME, data)
    disk.write_copy(FILE_NAME, data)


def _fields(lock: Lock) -> dict[str, Any]:
    """As it is stored; while nothing is to be erased, in the form of older versions."""
    fields = asdict(lock)
    if not lock.erased:
        del fields["erased"]
    return fields


def encrypted_part(lock: Lock) -> Lock | None:
    """The lock less its `plain` slots; None if nothing is left."""
    slots = tuple(s for s in lock.slots if s.where != PLAIN)
    return dataclasses.replace(lock, slots=slots) if slots else None


def _digest(version: int, fields: object) -> str:
    # Distinguishes damage from a wrong passphrase; protection against attackers is the ciphers'.
    return hashlib.sha256(json.dumps([version, fields], sort_keys=True).encode()).hexdigest()


def _spelled(record: object) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()


def _parse(data: bytes) -> Lock:
    record = json.loads(data)
    version, fields = record["version"], record["lock"]
    if record["format"] != _FORMAT or record["sha256"] != _digest(version, fields):
        raise ValueError("changed")  # a damaged version, too: the copy may be sound
    if version > _VERSION:
        raise ProfileError("the profiles were written by a newer voicelet; update this one")
    if _spelled(record) != data or len(record) != _RECORD_KEYS:
        raise ValueError("not spelled as it was written")
    return from_mapping(Lock, fields)


Passphrase = str | Callable[[], str] | None
_KEY, _NONCE = 32, 12
_PURPOSE = b"voicelet vault key: wrap keys 1"


class KeyRing:
    """Gets, makes and destroys the keys of vaults; keeps them in memory afterwards.

    Args:
        passphrase: or a function that asks for it; by default what `VOICELET_PASSPHRASE` says.
        folder: of key files.
    """

    def __init__(self, passphrase: Passphrase = None, folder: Path | None = None) -> None:
        self._passphrase = passphrase
        self._folder = folder
        self._keys: dict[str, bytes] = {}
        self._stretched: tuple[Stretch, bytes] | None = None

    @property
    def folder(self) -> Path:
        """Of key files and of counters; outside the vault."""
        return self._folder or keystore.keys_folder()

    def key(self, lock: Lock, slot: Slot) -> bytes:
        """The key of one of a lock's slots.

        Raises:
            ProfileLockedError: it is gone or locked away, or the passphrase is wrong or missing.
        """
        if slot.id not in self._keys:
            self._keys[slot.id] = self._get(lock, slot)
        return self._keys[slot.id]

    def make(
        self, vault: str, protection: str, passphrase: str | None = None, in_use: bool = False
    ) -> Slot:
        """Make a key and keep it.

        Args:
            protection: one of `PROTECTIONS`, or "auto": a passphrase if there is one, else the
                keystore if there is one, else a file.
            passphrase: a new one; by default the one in use.
            in_use: whether the vault has that passphrase already: a weak one of old still serves.

        Raises:
            ProfileLockedError: it can't be kept there.
            ConfigError: no such protection, or a new passphrase that is weak.
        """
        if protection == AUTO:
            has_passphrase = passphrase or (isinstance(self._passphrase, str) and self._passphrase)
            if has_passphrase or passphrases.protects_new():
                protection = PASSPHRASE
        if protection not in (*PROTECTIONS, AUTO):
            raise ConfigError(f"no protection {protection!r}; there are {', '.join(PROTECTIONS)}")
        key, key_id = secrets.token_bytes(_KEY), secrets.token_hex(8)
        if protection == PLAIN:
            return Slot(key_id, PLAIN)
        if protection == PASSPHRASE:
            slot = self._wrap(vault, key_id, key, passphrase, in_use)
        else:
            place = None if protection == AUTO else protection
            try:
                where = keystore.write(_entry(key_id), key, self._folder, place)
            except SealError as error:
                raise ProfileLockedError(str(error)) from None
            slot = Slot(key_id, where)
        self._keys[key_id] = key
        return slot

    def carry(self, lock: Lock, slot: Slot, under: Slot) -> Slot:
        """The slot of an earlier passphrase, so that the key `under` opens it; others as they are.

        If a change of passphrase is interrupted, only the new one is needed afterwards.

        Raises:
            ProfileLockedError: the key is missing.
        """
        if slot.where not in (PASSPHRASE, WRAPPED) or under.where == PLAIN:
            return slot
        box = _encrypt(self.key(lock, under), self.key(lock, slot), _place(lock.vault, slot.id))
        return Slot(slot.id, WRAPPED, wrapped=box)

    def forget(self, slot: Slot) -> None:
        """Destroy a key; a passphrase's goes with `vault.json`.

        Raises:
            ProfileLockedError: it is still there.
        """
        self._keys.pop(slot.id, None)
        if slot.where in (KEYSTORE, FILE):
            try:
                keystore.delete(_entry(slot.id), slot.where, self._folder)
            except SealError as error:
                raise ProfileLockedError(str(error)) from None

    def begin_change(self, lock: Lock) -> None:
        """Note outside the vault that this device wants the change of key that a lock states.

        Called before the lock is written.  Whoever can write to the vault alone could otherwise
        have it laid open, or a key destroyed, by a `vault.json` of their own.

        Raises:
            ProfileLockedError: it can't be noted.
        """
        # The one before stands in `vault.json` until the new one does.
        states = [*self._begun(lock.vault), _change(lock)][-_MOST_CHANGES:]
        try:
            keystore.write_file(self._change_path(lock.vault), json.dumps(states).encode())
        except SealError as error:
            raise ProfileLockedError(str(error)) from None

    def began_change(self, lock: Lock) -> bool:
        """Whether this device began the change of key that a lock states."""
        return _change(lock) in self._begun(lock.vault)

    def end_change(self, lock: Lock) -> None:
        """Forget the note: the change is done."""
        try:
            keystore.shred(self._change_path(lock.vault))
        except SealError as error:  # harmless: what it speaks of is done
            _log.info("%s", error)

    def was_encrypted(self, lock: Lock) -> bool:
        """Whether the folder of keys knows a vault as an encrypted one."""
        return os.path.lexists(self.folder / f"vault-{lock.vault}.count")

    def note_plain(self, folder: Path, lock: Lock) -> None:
        """Note outside the vault what this device's owner chose: whether that folder is plain.

        Whoever can write to the vault alone could otherwise write a `vault.json` by which the next
        profile isn't encrypted.

        Raises:
            ProfileLockedError: it can't be noted.
        """
        path = self._plain_path(folder)
        try:
            if lock.plain:
                keystore.write_file(path, lock.vault.encode())
            else:
                keystore.shred(path)
        except SealError as error:
            raise ProfileLockedError(str(error)) from None

    def chose_plain(self, folder: Path, lock: Lock) -> bool:
        """Whether it was chosen here that the vault in that folder isn't encrypted."""
        try:
            return lock.plain and keystore.read_file(self._plain_path(folder)) == (
                lock.vault.encode()
            )
        except SealError as error:
            _log.warning("%s", error)
            return False

    def _plain_path(self, folder: Path) -> Path:
        place = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:16]
        return self.folder / f"vault-{place}.plain"

    def _begun(self, vault: str) -> list[Any]:
        try:
            states = json.loads(keystore.read_file(self._change_path(vault)) or b"[]")
        except (SealError, ValueError, RecursionError) as error:
            _log.warning("%s can't be read (%s)", self._change_path(vault), type(error).__name__)
            return []
        return states if isinstance(states, list) else []

    def _change_path(self, vault: str) -> Path:
        return self.folder / f"vault-{vault}.change"

    def _get(self, lock: Lock, slot: Slot) -> bytes:
        if slot.where == PASSPHRASE:
            return self._unwrap(lock.vault, slot)
        if slot.where == WRAPPED:
            outer = self.key(lock, lock.slots[0])
            try:
                return _decrypt(outer, slot.wrapped, _place(lock.vault, slot.id))
            except ValueError:
                raise ProfileLockedError("an earlier key of the profiles is damaged") from None
        try:
            key = keystore.read(_entry(slot.id), slot.where, self._folder)
        except SealError as error:
            raise ProfileLockedError(str(error)) from None
        if key is None or len(key) != _KEY:
            raise ProfileLockedError(
                f"the key of the profiles is {'gone' if key is None else 'damaged'}"
                f" ({slot.where}, vault-{slot.id}): restore it from a backup; without it they"
                " can't be opened by anybody, and have to be enrolled or imported again"
            )
        return key

    def _wrap(
        self, vault: str, key_id: str, key: bytes, passphrase: str | None, in_use: bool
    ) -> Slot:
        if passphrase is None and self._stretched is not None:
            stretch, stretched = self._stretched
        else:
            new_passphrase = passphrase if passphrase is not None else self._get_passphrase()
            if not in_use:
                passphrases.check_strength(new_passphrase)
            stretch = new_stretch()
            stretched = stretch.key(new_passphrase)
            self._stretched = stretch, stretched
        wrapped = _encrypt(stretched, key, _place(vault, key_id, stretch))
        return Slot(key_id, PASSPHRASE, stretch, wrapped)

    def _unwrap(self, vault: str, slot: Slot) -> bytes:
        assert slot.stretch is not None
        if self._stretched is None or self._stretched[0] != slot.stretch:
            self._stretched = slot.stretch, slot.stretch.key(self._get_passphrase())
        try:
            place = _place(vault, slot.id, slot.stretch)
            return _decrypt(self._stretched[1], slot.wrapped, place)
        except ValueError:
            self._stretched = None
            raise ProfileLockedError("wrong passphrase; the profiles stay locked") from None

    def _get_passphrase(self) -> str:
        source = self._passphrase
        passphrase = source() if callable(source) else source or passphrases.default()
        if not passphrase:
            raise ProfileLockedError(
                f"the profiles are protected by a passphrase: set {passphrases.VARIABLE}, or use"
                " --passphrase-file (in Python: Vault(passphrase=…))"
            )
        return passphrase


def new_stretch() -> Stretch:
    """How a new passphrase is stretched: at today's cost, with a salt of its own."""
    return Stretch(secrets.token_hex(16))


def _encrypt(key: bytes, data: bytes, place: bytes) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    nonce = secrets.token_bytes(_NONCE)
    box = nonce + ChaCha20Poly1305(subkey(key, _PURPOSE)).encrypt(nonce, data, place)
    return base64.b64encode(box).decode()


def _decrypt(key: bytes, wrapped: str, place: bytes) -> bytes:
    """Inverse of :func:`_encrypt`; ValueError if it can't be."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    box = base64.b64decode(wrapped, validate=True)
    try:
        return ChaCha20Poly1305(subkey(key, _PURPOSE)).decrypt(box[:_NONCE], box[_NONCE:], place)
    except InvalidTag:
        raise ValueError("another key, or changed") from None


def _place(vault: str, key_id: str, stretch: Stretch | None = None) -> bytes:
    fields = [vault, key_id, asdict(stretch) if stretch else None]
    return json.dumps(["voicelet vault key 1", *fields]).encode()


def _change(lock: Lock) -> list[Any]:
    erased = [["erased", *lock.erased]] if lock.erased else []
    return [lock.rotate, *[[slot.id, slot.where] for slot in lock.slots], *erased]


def _entry(key_id: str) -> str:
    return f"vault-{key_id}"
