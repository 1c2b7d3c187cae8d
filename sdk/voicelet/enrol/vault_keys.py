"""Getting, making and destroying the keys of a vault (see :mod:`.vault_lock`)."""

from __future__ import annotations

import base64
import json
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from voicelet.enrol.vault_file import subkey
from voicelet.enrol.vault_lock import (
    AUTO,
    FILE,
    KEYSTORE,
    PASSPHRASE,
    PLAIN,
    PROTECTIONS,
    WRAPPED,
    Lock,
    Slot,
    Stretch,
)
from voicelet.errors import ConfigError, ProfileLocked, SealError
from voicelet.trust import keystore
from voicelet.trust import passphrase as passphrases

LEAST_CHARACTERS = 8
Passphrase = str | Callable[[], str] | None
_KEY, _NONCE = 32, 12
_PURPOSE = b"voicelet vault key: wrap keys 1"


class KeyRing:
    """Gets, makes and destroys the keys of vaults; keeps them in memory once they were got.

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
            ProfileLocked: it is gone or locked away, or the passphrase is wrong or missing.
        """
        if slot.id not in self._keys:
            self._keys[slot.id] = self._get(lock, slot)
        return self._keys[slot.id]

    def make(self, vault: str, protection: str, passphrase: str | None = None) -> Slot:
        """Make a key and keep it.

        Args:
            protection: one of `PROTECTIONS`, or "auto": a passphrase if there is one, else the
                keystore if there is one, else a file.
            passphrase: a new one; by default the one in use.

        Raises:
            ProfileLocked: it can't be kept there.
            ConfigError: no such protection, or a passphrase of fewer than 8 characters.
        """
        if protection == AUTO:
            given = passphrase or (isinstance(self._passphrase, str) and self._passphrase)
            if given or passphrases.protects_new():
                protection = PASSPHRASE
        if protection not in (*PROTECTIONS, AUTO):
            raise ConfigError(f"no protection {protection!r}; there are {', '.join(PROTECTIONS)}")
        key, key_id = secrets.token_bytes(_KEY), secrets.token_hex(8)
        if protection == PLAIN:
            return Slot(key_id, PLAIN)
        if protection == PASSPHRASE:
            slot = self._wrap(vault, key_id, key, passphrase)
        else:
            wanted = None if protection == AUTO else protection
            try:
                where = keystore.write(_entry(key_id), key, self._folder, wanted)
            except SealError as error:
                raise ProfileLocked(str(error)) from None
            slot = Slot(key_id, where)
        self._keys[key_id] = key
        return slot

    def carry(self, lock: Lock, slot: Slot, under: Slot) -> Slot:
        """The slot of an earlier passphrase, so that the key `under` opens it; others as they are.

        Who stops a change of passphrase in the middle then needs the new one only.

        Raises:
            ProfileLocked: the key is missing.
        """
        if slot.where != PASSPHRASE or under.where == PLAIN:
            return slot
        box = _encrypt(self.key(lock, under), self.key(lock, slot), _place(lock.vault, slot.id))
        return Slot(slot.id, WRAPPED, wrapped=box)

    def forget(self, slot: Slot) -> None:
        """Destroy a key; a passphrase's goes with `vault.json`.

        Raises:
            ProfileLocked: it is still there.
        """
        self._keys.pop(slot.id, None)
        if slot.where in (KEYSTORE, FILE):
            try:
                keystore.delete(_entry(slot.id), slot.where, self._folder)
            except SealError as error:
                raise ProfileLocked(str(error)) from None

    def _get(self, lock: Lock, slot: Slot) -> bytes:
        if slot.where == PASSPHRASE:
            return self._unwrap(lock.vault, slot)
        if slot.where == WRAPPED:
            outer = self.key(lock, lock.slots[0])
            try:
                return _decrypt(outer, slot.wrapped, _place(lock.vault, slot.id))
            except ValueError:
                raise ProfileLocked("an earlier key of the profiles is damaged") from None
        try:
            key = keystore.read(_entry(slot.id), slot.where, self._folder)
        except SealError as error:
            raise ProfileLocked(str(error)) from None
        if key is None or len(key) != _KEY:
            raise ProfileLocked(
                f"the key of the profiles is {'gone' if key is None else 'damaged'}"
                f" ({slot.where}, vault-{slot.id}): restore it from a backup; without it they"
                " can't be opened by anybody, and have to be enrolled or imported again"
            )
        return key

    def _wrap(self, vault: str, key_id: str, key: bytes, passphrase: str | None) -> Slot:
        if passphrase is None and self._stretched is not None:
            stretch, stretched = self._stretched
        else:
            words = passphrase if passphrase is not None else self._ask()
            if len(words) < LEAST_CHARACTERS:
                raise ConfigError(f"a passphrase needs {LEAST_CHARACTERS} characters at least")
            stretch = Stretch(secrets.token_hex(16))
            stretched = _stretched(words, stretch)
            self._stretched = stretch, stretched
        wrapped = _encrypt(stretched, key, _place(vault, key_id, stretch))
        return Slot(key_id, PASSPHRASE, stretch, wrapped)

    def _unwrap(self, vault: str, slot: Slot) -> bytes:
        assert slot.stretch is not None
        if self._stretched is None or self._stretched[0] != slot.stretch:
            self._stretched = slot.stretch, _stretched(self._ask(), slot.stretch)
        try:
            place = _place(vault, slot.id, slot.stretch)
            return _decrypt(self._stretched[1], slot.wrapped, place)
        except ValueError:
            self._stretched = None
            raise ProfileLocked("wrong passphrase; the profiles stay locked") from None

    def _ask(self) -> str:
        given = self._passphrase
        words = given() if callable(given) else given or passphrases.default()
        if not words:
            raise ProfileLocked(
                f"the profiles are protected by a passphrase: set {passphrases.VARIABLE}, or use"
                " --passphrase-file (in Python: Vault(passphrase=…))"
            )
        return words


def _stretched(passphrase: str, stretch: Stretch) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    words = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    salt = bytes.fromhex(stretch.salt)
    return Scrypt(salt=salt, length=_KEY, n=stretch.n, r=stretch.r, p=stretch.p).derive(words)


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
    bound = [vault, key_id, asdict(stretch) if stretch else None]
    return json.dumps(["voicelet vault key 1", *bound]).encode()


def _entry(key_id: str) -> str:
    return f"vault-{key_id}"
