"""The device's own keys: one that signs, one that others seal to.

The first (Ed25519) signs consent records, revocations and the audit log; the second opens profiles
that were exported for this device.  Each is made on first use and kept in the system's keystore or
a file (:mod:`.keystore`).  A small file beside it says where, and its public half: a keystore that
is locked today must not lead to a second key.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.errors import SealError
from voicelet.files import file_lock, make_private
from voicelet.trust.keys import keystore
from voicelet.trust.keys.seal import (
    SealingKey,
    new_sealing_key,
    new_signing_key,
    signing_key_from_bytes,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_SIGNING, _SEALING = "device", "sealing"


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
    marker = _read_marker(keystore.keys_folder(), _SIGNING)
    return marker[1] if marker else device_key().public_key().public_bytes_raw()


def signing_key_place() -> str | None:
    """Where the signing key is, "keystore" or "file"; None before there is one.

    Raises:
        SealError: what says so is damaged.
    """
    marker = _read_marker(keystore.keys_folder(), _SIGNING)
    return marker[0] if marker else None


def existing_public_key() -> bytes | None:
    """Its public half if there is a key; none is made, and the keystore stays shut.

    Raises:
        SealError: the note of where the key is, is damaged.
    """
    folder = keystore.keys_folder()
    try:
        status = os.stat(_marker(folder, _SIGNING))
    except OSError:
        return None if _read_marker(folder, _SIGNING) is None else device_public_key()
    return _public_as_of(folder, (status.st_ino, status.st_size, status.st_mtime_ns))


@lru_cache(maxsize=4)
def _public_as_of(folder: Path, state: tuple[int, int, int]) -> bytes | None:
    """The public half, by a file of that date: it is asked for at every utterance."""
    marker = _read_marker(folder, _SIGNING)
    return marker[1] if marker else None


def device_sealing_key() -> SealingKey:
    """The key that others seal to for this device, made on first use.

    Raises:
        SealError: as :func:`device_key`.
    """
    return SealingKey(_secret(keystore.keys_folder(), _SEALING))


def device_sealing_public_key() -> bytes:
    """Its public half; read without opening the keystore once the key exists.

    Raises:
        SealError: as :func:`device_key`.
    """
    marker = _read_marker(keystore.keys_folder(), _SEALING)
    return marker[1] if marker else device_sealing_key().public


@lru_cache(maxsize=4)
def _load(folder: Path) -> Ed25519PrivateKey:
    return signing_key_from_bytes(_secret(folder, _SIGNING))


def _secret(folder: Path, kind: str) -> bytes:
    with _locked(folder, kind):
        marker = _read_marker(folder, kind)
        if marker is None:
            return _make(folder, kind)
    where, public = marker
    secret = keystore.read(_name(kind, public), where, folder)
    if secret is None:
        raise SealError(
            f"this device's {kind} key is gone from the {where}; restore it from a backup, or"
            f" remove {_marker(folder, kind)} for a new one (what the old one signed then needs"
            " `voicelet consent trust NAME`, what was sealed for it stays shut)"
        )
    if _public(kind, secret) != public:
        raise SealError(
            f"this device's {kind} key in the {where} isn't the one it was; restore a backup"
        )
    return secret


def _make(folder: Path, kind: str) -> bytes:
    if kind == _SIGNING:
        secret = new_signing_key().private_bytes_raw()
    else:
        secret = new_sealing_key().private
    public = _public(kind, secret)
    where = keystore.write(_name(kind, public), secret, folder)
    # The secret first: killed between the two, a new key is made and the first was never used.
    marker = _spelled(where, public)
    for copy in (True, False):
        keystore.write_file(_marker(folder, kind, copy), marker)
    return secret


def _public(kind: str, secret: bytes) -> bytes:
    if kind == _SIGNING:
        return signing_key_from_bytes(secret).public_key().public_bytes_raw()
    return SealingKey(secret).public


def _name(kind: str, public: bytes) -> str:
    # By key: one keystore may serve several data folders.
    return f"{kind}-{public[:8].hex()}"


def _marker(folder: Path, kind: str, copy: bool = False) -> Path:
    return folder / f"{kind}.json{'.copy' if copy else ''}"


def _read_marker(folder: Path, kind: str) -> tuple[str, bytes] | None:
    """Where a key is, and its public half; by the copy, if the file is damaged."""
    damaged = False
    for copy in (False, True):
        raw = keystore.read_file(_marker(folder, kind, copy))
        try:
            if raw is not None:
                return _parse_marker(raw, kind)
        except (ValueError, KeyError, TypeError, RecursionError):
            damaged = True
        if not damaged:
            return None  # the file was removed, for a new key
    raise SealError(f"{_marker(folder, kind)} is damaged; restore it from a backup")


def _spelled(where: str, public: bytes) -> bytes:
    return json.dumps({"where": where, "public_key": public.hex()}).encode()


def _parse_marker(raw: bytes, kind: str) -> tuple[str, bytes]:
    fields = json.loads(raw)
    where, public = str(fields["where"]), bytes.fromhex(fields["public_key"])
    if _spelled(where, public) != raw:
        raise ValueError("not spelled as it was written")
    lengths = (32,) if kind == _SIGNING else (32, 1216)
    if len(public) not in lengths or where not in (keystore.KEYSTORE, keystore.FILE):
        raise ValueError("impossible values")
    return where, public


@contextlib.contextmanager
def _locked(folder: Path, kind: str) -> Iterator[None]:
    """One process makes the key; the others wait and find it."""
    try:
        make_private(folder)
        with file_lock(folder / f".{kind}.lock"):
            yield
    except OSError as error:
        raise SealError(f"{folder}: can't be written ({error.strerror or error})") from None
