"""Small secrets of this device: in the system's keystore where there is one, else in a file.

The keystore (Keychain, Credential Locker, Secret Service, KWallet) is reached through `keyring`,
if that is installed (`pip install "voicelet[keyring]"`).  Without it, or where no keystore runs (a
Raspberry Pi without a desktop), a secret is a file of mode 0600 in `$XDG_DATA_HOME/voicelet/keys`,
with a checksum and a second copy (a flipped bit in a key would cost all that it opens).  Whoever
can read the owner's files can read it; disk encryption is what protects it at rest.
`VOICELET_KEYSTORE=file` never asks the keystore.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import logging
import os
import re
import stat
from pathlib import Path
from typing import Any

from voicelet.errors import SealError
from voicelet.files import atomic_file, data_dir, make_private, open_own, sync_folder

SERVICE = "voicelet"
KEYSTORE, FILE = "keystore", "file"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MAX_BYTES = 4096
_CHECKSUM = 8
_log = logging.getLogger(__name__)


def keys_folder() -> Path:
    """`$XDG_DATA_HOME/voicelet/keys`."""
    return data_dir() / "keys"


def write(name: str, secret: bytes, folder: Path | None = None, where: str | None = None) -> str:
    """Keep a secret under `name`; returns where: `KEYSTORE` or `FILE`.

    Args:
        folder: of the file, if it becomes one; by default :func:`keys_folder`.
        where: nowhere else; by default a file where the keystore doesn't take it.

    Raises:
        SealError: it can't be kept there.
    """
    ring = None if where == FILE else _keyring()
    if ring is not None:
        text = base64.b64encode(secret).decode()
        try:
            ring.set_password(SERVICE, _checked(name), text)
            # Some keystores lose it at once (a session that is about to end), so it is read back.
            if ring.get_password(SERVICE, name) == text:
                return KEYSTORE
        except Exception as error:  # backends raise errors of any class
            _log.info("the keystore doesn't take %s (%s)", name, type(error).__name__)
    if where == KEYSTORE:
        raise SealError(
            "no keystore takes a key here: log in to the desktop session and unlock it (and see"
            ' that `pip install "voicelet[keyring]"` was done), or keep it in a file'
        )
    path = _path(name, folder)
    write_file(path, secret + _checksum(secret))
    write_file(_copy(path), secret + _checksum(secret))
    return FILE


def read(name: str, where: str, folder: Path | None = None) -> bytes | None:
    """The secret kept at `where` (as :func:`write` returned), None if there is none.

    Raises:
        SealError: the keystore is locked or gone, or the file can't be read.
    """
    if where == FILE:
        return _read_either(_path(name, folder))
    ring = _keyring()
    if ring is None:
        raise SealError(
            "the key is in the system's keystore, which can't be reached: log in to the desktop"
            ' session and unlock it (and see that `pip install "voicelet[keyring]"` was done)'
        )
    try:
        text = ring.get_password(SERVICE, _checked(name))
        return None if text is None else base64.b64decode(text, validate=True)
    except Exception as error:  # see above; a locked keystore is one of many
        raise SealError(
            f"the system's keystore doesn't give the key ({type(error).__name__}); unlock it"
        ) from None


def delete(name: str, where: str, folder: Path | None = None) -> None:
    """Forget a secret; nothing happens if there is none.

    Raises:
        SealError: it is still there.
    """
    if where == FILE:
        shred(_copy(_path(name, folder)))
        shred(_path(name, folder))
        return
    ring = _keyring()
    if ring is None:
        raise SealError("the system's keystore can't be reached; the key in it is still there")
    try:
        if ring.get_password(SERVICE, _checked(name)) is not None:
            ring.delete_password(SERVICE, name)
    except Exception as error:
        raise SealError(f"the keystore keeps the key ({type(error).__name__}); unlock it") from None


def write_file(path: Path, secret: bytes) -> None:
    """Write a secret to a file of mode 0600 in a folder of mode 0700, whole or not at all.

    Raises:
        SealError: it can't be written.
    """
    try:
        make_private(path.parent)
        with atomic_file(path, 0o600, follow=False) as file:
            file.write(secret)
    except OSError as error:
        raise SealError(
            f"{path}: the key can't be written ({error.strerror or error}); check the folder's"
            " permissions and free space"
        ) from None


def read_file(path: Path, most_bytes: int = _MAX_BYTES) -> bytes | None:
    """A secret that :func:`write_file` wrote, None if there is none; no more than `most_bytes`.

    A file that others can read is made private again, with a warning.

    Raises:
        SealError: it can't be read.
    """
    try:
        with open(open_own(path, os.O_RDONLY), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a file; remove it")
            if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                _log.warning("%s was readable by others; it is private now", path)
                os.fchmod(file.fileno(), 0o600)
            return file.read(most_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SealError(f"{path}: the key can't be read ({error.strerror or error})") from None


def shred(path: Path) -> None:
    """Overwrite and remove a file; nothing happens if there is none.

    Flash and copy-on-write file systems may keep the old blocks for a while.

    Raises:
        SealError: it can't be removed.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            with open(open_own(path, os.O_RDWR), "r+b") as file:
                file.write(os.urandom(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync_folder(path.parent)
    except OSError as error:
        raise SealError(f"{path}: can't be removed ({error.strerror or error})") from None


def _read_either(path: Path) -> bytes | None:
    """The secret in a file, or in its copy if that is damaged or gone."""
    problem = False
    for place in (path, _copy(path)):
        data = read_file(place)
        secret = (data or b"")[:-_CHECKSUM]
        if data is not None and _checksum(secret) == data[-_CHECKSUM:]:
            if problem:
                _log.warning("%s is damaged; its copy is used", path)
            return secret
        problem = problem or data is not None
    if problem:
        raise SealError(f"{path} is damaged, and so is its copy; restore it from a backup")
    return None


def _copy(path: Path) -> Path:
    return path.with_name(path.name + ".copy")


def _checksum(secret: bytes) -> bytes:
    return hashlib.sha256(b"voicelet key file\n" + secret).digest()[:_CHECKSUM]


def _keyring() -> Any:
    """The `keyring` module with a backend that keeps things, or None."""
    if os.environ.get("VOICELET_KEYSTORE", "") == FILE:
        return None
    try:
        import keyring
        from keyring.backends import fail, null
    except ImportError:
        return None
    try:
        backend = keyring.get_keyring()
    except Exception as error:  # a broken keyring configuration
        _log.info("no keystore: %s", type(error).__name__)
        return None
    return None if isinstance(backend, fail.Keyring | null.Keyring) else keyring


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SealError(f"{name!r} can't be the name of a key")
    return name


def _path(name: str, folder: Path | None) -> Path:
    return (folder or keys_folder()) / f"{_checked(name)}.key"
