"""The keys of a vault (32 random bytes each, see :mod:`.lock`): getting, making, destroying."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError, ProfileLockedError, SealError
from voicelet.profiles.vault.disk import subkey
from voicelet.profiles.vault.lock import (
    FILE,
    KEYSTORE,
    PASSPHRASE,
    PLAIN,
    PROTECTIONS,
    WRAPPED,
    Lock,
    Slot,
)
from voicelet.trust.keys import keystore
from voicelet.trust.keys import passphrase as passphrases
from voicelet.trust.keys.passphrase import Stretch

AUTO = "auto"
_MOST_CHANGES = 3
_log = logging.getLogger(__name__)

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

    def is_gone(self, slot: Slot) -> bool:
        """Whether a key outside the vault isn't there any more.

        Raises:
            ProfileLockedError: whoever keeps it can't be asked.
        """
        if slot.where not in (KEYSTORE, FILE):
            return False
        try:
            return keystore.read(_entry(slot.id), slot.where, self._folder) is None
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
