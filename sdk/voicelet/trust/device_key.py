"""The device's own Ed25519 key: it signs consent records, revocations and the audit log.

It is made on first use and kept in the system's keystore or a file (:mod:`.keystore`).  A small
file beside it says where, and its public half: a keystore that is locked today must not lead to a
second key.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.errors import SealError
from voicelet.trust import keystore
from voicelet.trust.seal import new_signing_key, signing_key_from_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_NAME = "device"


def device_key() -> Ed25519PrivateKey:
    """This device's signing key, made on first use.

    Raises:
        SealError: it is in a keystore that is locked, or damaged, or can't be written.
    """
    return _load(keystore.keys_folder())


def device_public_key() -> bytes:
    """Its public half, 32 bytes; read without opening the keystore once the key exists.

    Raises:
        SealError: as :func:`device_key`.
    """
    told = _read_marker(keystore.keys_folder())
    return told[1] if told else device_key().public_key().public_bytes_raw()


@lru_cache(maxsize=4)
def _load(folder: Path) -> Ed25519PrivateKey:
    with _locked(folder):
        told = _read_marker(folder)
        if told is None:
            return _make(folder)
    where, public = told
    secret = keystore.read(_name(public), where, folder)
    if secret is None:
        raise SealError(
            f"this device's key is gone from the {where}; restore it from a backup, or remove"
            f" {_marker(folder)} for a new one (what the old one signed stays valid)"
        )
    key = signing_key_from_bytes(secret)
    if key.public_key().public_bytes_raw() != public:
        raise SealError(f"this device's key in the {where} isn't the one it was; restore a backup")
    return key


def _make(folder: Path) -> Ed25519PrivateKey:
    key = new_signing_key()
    public = key.public_key().public_bytes_raw()
    where = keystore.write(_name(public), key.private_bytes_raw(), folder)
    # The secret first: killed between the two, a new key is made and the first was never used.
    marker = {"where": where, "public_key": public.hex()}
    keystore.write_file(_marker(folder), json.dumps(marker).encode())
    return key


def _name(public: bytes) -> str:
    # By key: one keystore may serve several data folders.
    return f"{_NAME}-{public[:8].hex()}"


def _marker(folder: Path) -> Path:
    return folder / f"{_NAME}.json"


def _read_marker(folder: Path) -> tuple[str, bytes] | None:
    raw = keystore.read_file(_marker(folder))
    if raw is None:
        return None
    try:
        told = json.loads(raw)
        where, public = str(told["where"]), bytes.fromhex(told["public_key"])
        if len(public) != 32 or where not in (keystore.KEYSTORE, keystore.FILE):
            raise ValueError("impossible values")
        return where, public
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SealError(f"{_marker(folder)} is damaged; restore it from a backup") from None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process makes the key; the others wait and find it."""
    try:
        import fcntl
    except ImportError:  # Windows: two first uses in one moment would make two keys
        yield
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open(folder / f".{_NAME}.lock", "ab")  # noqa: SIM115
    except OSError as error:
        raise SealError(f"{folder}: can't be written ({error.strerror or error})") from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
