"""A vault on the disk: its folder, where every file is kept twice, and the files themselves.

Files are written whole or not at all, for their owner only; each holds one encrypted profile.

    "VCLV" · version uint16 · flags uint16 · header length uint32 · body length uint32
    header (UTF-8 JSON) · nonce [12] · ChaCha20-Poly1305 of the profile (RFC 8439)

in little-endian order.  Everything before the nonce is the cipher's associated data.  The header
names the vault, its key, the profile and its generation, says whether its consent was withdrawn
(left out, as older versions have it, where it wasn't), and holds the file's own data key, random
and used once, encrypted under the vault's key and bound to these four.  Without the vault's key
(see :mod:`.vault_keys`) a file is noise, wherever copies of it may be.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import secrets
import stat
import struct
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, ProfileError, SealError
from voicelet.files import atomic_file, file_lock, make_private, open_own, sync_folder
from voicelet.profiles.profile import MAX_BYTES
from voicelet.trust.keys.keystore import shred

SUFFIX = ".vclp"
COPIES = "backup"
LIMIT_BYTES = MAX_BYTES + (1 << 14)
_STALE_S = 3600.0  # a temporary file this old belongs to no living writer
_log = logging.getLogger(__name__)


class Hidden(bytes):
    """Bytes that crash reporters, which send what frames hold, can't show."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class Disk:
    """`path`, and `path`/backup with a second copy of each file.

    The copy is of the same generation, against worn flash memory and accidental deletion.
    Methods raise OSError; :meth:`explained` makes a ProfileError of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.copies = path / COPIES

    def read(self, name: str, copy: bool = False) -> bytes | None:
        """The contents of a file, None if there is none; at most a byte over the limit.

        Raises:
            ProfileError: it is a folder, a pipe, a symbolic link or the like.
        """
        path = (self.copies if copy else self.path) / name
        try:
            with open(open_own(path, os.O_RDONLY), "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return Hidden(file.read(LIMIT_BYTES + 1))
        except FileNotFoundError:
            return None
        except IsADirectoryError:
            pass
        except OSError as error:
            if not path.is_symlink():
                raise
            raise ProfileError(
                f"{name!r} is a symbolic link ({error.strerror}); only the folder may be one"
            ) from None
        raise ProfileError(f"{name!r} isn't a file; remove it")

    def write(self, name: str, data: bytes) -> Path:
        """Write a file, then its copy; if the copy can't be written, a warning is logged."""
        self._write(self.path / name, data)
        try:
            self.write_copy(name, data)
        except OSError as error:
            _log.warning("%s has no copy: %s", name, error.strerror or error)
        return self.path / name

    def write_copy(self, name: str, data: bytes) -> None:
        """Write the copy alone."""
        self._write(self.copies / name, data)

    def remove(self, name: str) -> None:
        """Overwrite and remove a file and its copy; stopped in between, the file is still whole.

        Raises:
            ProfileError: one of them is still there.
        """
        for path in (self.copies / name, self.path / name):
            if path.is_symlink():
                # It isn't ours: the link goes, what it points to is left alone.
                path.unlink(missing_ok=True)
                _log.warning("%s was a symbolic link; what it pointed to was left alone", path)
                continue
            aside = path.with_name(f".voicelet-{secrets.token_hex(8)}.part")
            try:
                path.rename(aside)  # at once: a file that is half overwritten would be damaged
                shred(aside)
            except FileNotFoundError:
                continue
            except KeyboardInterrupt:  # it has lost its name already
                aside.unlink(missing_ok=True)
                raise
            except SealError as error:
                raise ProfileError(str(error)) from None

    def read_sound(self, name: str, copy: bool = False) -> bytes | None:
        """As :meth:`read`, None for what isn't a file."""
        try:
            return self.read(name, copy)
        except ProfileError:
            return None

    def profiles(self) -> list[str]:
        """Names of all files that are, or should be, profiles, in order."""
        names: set[str] = set()
        for folder in (self.path, self.copies):
            with contextlib.suppress(FileNotFoundError):
                names |= {p.name for p in folder.iterdir() if p.suffix == SUFFIX}
        return sorted(name for name in names if not name.startswith("."))

    def make(self) -> None:
        """Make the folders, private, and remove temporary files of processes that were killed."""
        for folder in (self.path, self.copies):
            if not folder.exists():
                make_private(folder)
                sync_folder(folder.parent)
            if os.name == "posix" and folder.stat().st_mode & 0o077:
                folder.chmod(0o700)  # the umask, or an older folder, was more generous
            for file in folder.glob(".*.part"):
                with contextlib.suppress(OSError):
                    if time.time() - file.stat().st_mtime > _STALE_S:
                        file.unlink()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """The folders, made, with no other writer in them."""
        self.make()
        with file_lock(self.path / ".lock"):
            yield

    @contextlib.contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Say what an OSError means."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise ProfileError(
                f"{what} in {str(self.path)!r}: {reason}; check the folder's permissions and free"
                " space (earlier profiles are intact)"
            ) from error

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        with atomic_file(path, 0o600, follow=False) as file:
            file.write(data)


MAGIC = b"VCLV"
VERSION = 1
_PREFIX = struct.Struct("<4sHHII")
_NONCE, _TAG, _KEY = 12, 16, 32
_MAX_HEADER = 4096
_MAX_GENERATION = 1 << 53
_WRAP, _DATA = b"voicelet data key 1", b"voicelet vault key: wrap data keys 1"


@dataclass(frozen=True)
class VaultHeader:
    """What a file says in clear.

    Attributes:
        vault: which vault it belongs to.
        key: which of the vault's keys wraps its data key.
        name: of the profile.
        generation: higher than that of any file this one replaced.
        wrapped: the wrapped data key, base64.
        revoked: the id of the profile's consent record, if that was withdrawn on this device.
    """

    vault: str
    key: str
    name: str
    generation: int
    wrapped: str
    revoked: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.generation < _MAX_GENERATION:
            raise ValueError("an impossible generation")


def pack(
    plain: bytes,
    key: bytes,
    key_id: str,
    vault: str,
    name: str,
    generation: int,
    revoked: str = "",
) -> bytes:
    """Encrypt a profile under the vault's key (32 bytes)."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    data_key = ChaCha20Poly1305.generate_key()
    nonce = secrets.token_bytes(_NONCE)
    place = _place(vault, key_id, name, generation)
    wrapped = nonce + ChaCha20Poly1305(subkey(key, _DATA)).encrypt(nonce, data_key, place)
    wrapped_text = base64.b64encode(wrapped).decode()
    text = _spelled(VaultHeader(vault, key_id, name, generation, wrapped_text, revoked))
    body_size = _NONCE + len(plain) + _TAG
    start = _PREFIX.pack(MAGIC, VERSION, 0, len(text), body_size) + text
    nonce = secrets.token_bytes(_NONCE)
    return start + nonce + ChaCha20Poly1305(data_key).encrypt(nonce, plain, start)


def unpack(data: bytes, key: bytes) -> bytes:
    """Inverse of :func:`pack`.

    Raises:
        ProfileError: any byte of it was changed, or the key is another one.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    header, start = read_header(data)
    try:
        wrapped = base64.b64decode(header.wrapped, validate=True)
        place = _place(header.vault, header.key, header.name, header.generation)
        unwrap = ChaCha20Poly1305(subkey(key, _DATA))
        data_key = unwrap.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], place)
        nonce = data[start : start + _NONCE]
        cipher = ChaCha20Poly1305(data_key)
        return Hidden(cipher.decrypt(nonce, data[start + _NONCE :], data[:start]))
    except (InvalidTag, ValueError):
        raise ProfileError(
            "the profile was changed or damaged, or its header is another file's"
        ) from None


def is_encrypted(data: bytes) -> bool:
    """Whether this claims to be an encrypted profile."""
    return data.startswith(MAGIC)


def read_header(data: bytes) -> tuple[VaultHeader, int]:
    """The header and where the body begins; nothing of it is proven before :func:`unpack`.

    Raises:
        ProfileError: it isn't an encrypted profile, is cut short, or from a newer voicelet.
    """
    if len(data) < _PREFIX.size or not is_encrypted(data):
        raise ProfileError("this is no encrypted profile, or the beginning of one")
    _, version, flags, header_size, body_size = _PREFIX.unpack_from(data)
    if version != VERSION or flags:
        raise ProfileError(
            f"the file has version {version} with flags {flags:#x} and this voicelet reads"
            f" {VERSION}; update voicelet, or the file is damaged"
        )
    start = _PREFIX.size + header_size
    if header_size > _MAX_HEADER or body_size < _NONCE + _TAG or len(data) != start + body_size:
        raise ProfileError("the profile is cut short or has grown")
    text = data[_PREFIX.size : start]
    try:
        header = from_mapping(VaultHeader, json.loads(text))
        if _spelled(header) != text:
            raise ValueError("not in our spelling")
    except (ValueError, RecursionError, ConfigError):
        # Not "from": what a parser says of a damaged file may quote it.
        raise ProfileError("the profile's header is damaged") from None
    return header, start


def _spelled(header: VaultHeader) -> bytes:
    fields = asdict(header)
    if not header.revoked:
        del fields["revoked"]  # as older versions wrote it, and read it
    return json.dumps(fields, sort_keys=True).encode()


def subkey(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, of the vault's: HKDF-SHA256 (RFC 5869), 32 bytes."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), _KEY, salt=None, info=purpose).derive(key)


def _place(vault: str, key_id: str, name: str, generation: int) -> bytes:
    return _WRAP + json.dumps([vault, key_id, name, generation]).encode()
