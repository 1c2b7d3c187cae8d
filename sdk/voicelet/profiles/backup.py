"""A profile in one file, under a passphrase, that opens on any device of its owner.

    "VCLB" · version uint16 · flags uint16 · header length uint32 · body length uint32
    header (UTF-8 JSON) · body · SHA-256 of everything before it

in little-endian order.  The body is the profile as `voicelet.profiles.transfer` seals it, for a key
made for this one file; the header holds that key, encrypted (ChaCha20-Poly1305, RFC 8439) under one
stretched from the passphrase (scrypt, RFC 7914).  The cipher's associated data are the rest of the
header and the hash of the body, so that no byte can be exchanged for another file's.  No device's
key is needed to open it, and the file says neither whose voice it is nor what it is called.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import struct
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from voicelet.config import from_mapping, unique_keys
from voicelet.errors import ConfigError, OutputError, ProfileError, ProfileLockedError
from voicelet.files import atomic_file, open_own
from voicelet.profiles.as_spoken import SpeakingVoice
from voicelet.profiles.erased import check_not_erased, noted
from voicelet.profiles.profile import Profile, now_iso
from voicelet.profiles.transfer import INFO, export_profile, import_profile
from voicelet.profiles.transfer import MAX_BYTES as MAX_BODY_BYTES
from voicelet.profiles.vault.disk import Hidden, subkey
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import note
from voicelet.trust.keys.passphrase import Stretch, check_strength
from voicelet.trust.keys.seal import SealingKey, new_sealing_key, open_sealed

MAGIC = b"VCLB"
VERSION = 1
_PREFIX = struct.Struct("<4sHHII")
_MAX_HEADER, _DIGEST, _NONCE = 4096, 32, 12
MAX_BYTES = _PREFIX.size + _MAX_HEADER + MAX_BODY_BYTES + _DIGEST
_PURPOSE = b"voicelet backup: wrap keys 1"


@dataclass(frozen=True)
class _Header:
    """Attributes: `created` (UTC), how the passphrase is stretched, the wrapped key (base64)."""

    created: str
    stretch: Stretch
    wrapped: str


def backup_profile(
    vault: Vault,
    name: str,
    path: str | os.PathLike[str],
    passphrase: str,
    *,
    replace: bool = False,
) -> Path:
    """Write a profile, with its consent and what was adapted, to a file for its owner to keep.

        backup_profile(Vault(), "ana", "/media/stick/ana.backup", "four words of your own")

    The file is written whole or not at all, with mode 0600.

    Args:
        passphrase: opens it, on any device; nothing else does.
        replace: whether a file that is there already may be replaced.

    Raises:
        ConfigError: the passphrase is a weak one.
        ProfileNotFoundError, ProfileLockedError, ProfileError: as :meth:`Vault.load`.
        ConsentError: its owner's consent is missing, not genuine, or has ended.
        OutputError: there is a file already, or it can't be written.
    """
    target = Path(path)
    check_strength(passphrase)
    if not replace and os.path.lexists(target):
        raise OutputError(f"{target}: there is a file already; name another one, or use --force")
    key = new_sealing_key(hybrid=False)  # whatever `cryptography` the other device has
    data = _pack(key, export_profile(vault, name, key.public), passphrase)
    try:
        with atomic_file(target, 0o600) as file:
            file.write(data)
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror or error}; no backup was made") from None
    note("backup", profile=name, bytes=len(data))
    return target


def restore_profile(
    vault: Vault,
    path: str | os.PathLike[str],
    passphrase: str,
    *,
    name: str | None = None,
    replace: bool = False,
    accept_erased: bool = False,
    trusted_signers: Iterable[str] = (),
    voice: SpeakingVoice | None = None,
    agree_anew: Callable[[Profile], Profile] | None = None,
) -> Profile:
    """Open a backup and save its profile, as one that is imported (`import_profile`).

    Args:
        name: what to call it here; by default what it was called.
        replace: whether a profile of that name may be replaced.
        accept_erased: whether it may come back if it was erased here since the backup was made.
        trusted_signers, voice, agree_anew: as of `import_profile`: keys of the devices whose
            consent records shall count here, the device before this one for instance; what an
            adapted profile was adapted for; and what renews a consent that has ended.

    Raises:
        ProfileLockedError: the passphrase is another one.
        ProfileError: not a backup, damaged or of a newer voicelet; or erased here since; or as
            `import_profile`.
        ConsentError: its consent record is missing, not genuine, or has ended; revoked, for one.
    """
    sealed, key = open_backup(read_backup(path), passphrase, accept_erased=accept_erased)
    return import_profile(
        vault,
        sealed,
        key,
        name=name,
        replace=replace,
        trusted_signers=trusted_signers,
        voice=voice,
        agree_anew=agree_anew,
        accept_erased=True,  # asked above: the backup says when it was made
    )


def read_backup(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a backup file.

    Raises:
        ProfileError: it can't be read, or is far too large.
    """
    try:
        with open(open_own(os.path.realpath(path), os.O_RDONLY), "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ProfileError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if len(data) > MAX_BYTES:
        raise ProfileError(f"{path}: far too large for a backup; is it the right file?")
    return data


def is_backup(data: bytes) -> bool:
    """Whether this claims to be a backup."""
    return data.startswith(MAGIC)


def open_backup(
    data: bytes, passphrase: str, *, accept_erased: bool = False
) -> tuple[bytes, SealingKey]:
    """The sealed profile of a backup and the key that opens it, for `import_profile`.

    Raises:
        ProfileLockedError, ProfileError: as :func:`restore_profile`.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    header, body = _unpack(data)
    cipher = ChaCha20Poly1305(subkey(header.stretch.key(passphrase), _PURPOSE))
    try:
        box = base64.b64decode(header.wrapped, validate=True)
        private = Hidden(cipher.decrypt(box[:_NONCE], box[_NONCE:], _place(header, body)))
    except (InvalidTag, ValueError):
        raise ProfileLockedError(
            "wrong passphrase; the backup stays locked (it is the one given when the backup was"
            " made, not that of the profiles here)"
        ) from None
    key = SealingKey(private)
    if not accept_erased:
        _check_not_erased(body, key, header.created)
    return body, key


def backups_of(name: str) -> list[str]:
    """When this device made backups of a profile, as its audit log knows; ISO 8601, UTC."""
    return noted("backup", [name])


def _pack(key: SealingKey, body: bytes, passphrase: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    header = _Header(now_iso(), new_stretch(), "")
    cipher = ChaCha20Poly1305(subkey(header.stretch.key(passphrase), _PURPOSE))
    nonce = secrets.token_bytes(_NONCE)
    box = nonce + cipher.encrypt(nonce, key.private, _place(header, body))
    header = _Header(header.created, header.stretch, base64.b64encode(box).decode())
    text = _spelled(header)
    data = _PREFIX.pack(MAGIC, VERSION, 0, len(text), len(body)) + text + body
    return data + hashlib.sha256(data).digest()


def new_stretch() -> Stretch:
    """How a backup's passphrase is stretched: with 128 MiB, for the file may fall to anybody."""
    return Stretch(secrets.token_hex(16), n=1 << 17, p=1)


def _unpack(data: bytes) -> tuple[_Header, bytes]:
    remedy = "copy it again, or use another backup"
    if len(data) < _PREFIX.size or not is_backup(data):
        raise ProfileError("this is no backup of a profile; is it the right file?")
    _, version, flags, header_size, body_size = _PREFIX.unpack_from(data)
    if version != VERSION or flags:
        raise ProfileError(
            f"the backup has version {version} (flags {flags:#x}), and this voicelet reads"
            f" {VERSION}; update voicelet"
        )
    start = _PREFIX.size + header_size
    fits = header_size <= _MAX_HEADER and len(data) == start + body_size + _DIGEST
    if not fits or hashlib.sha256(data[:-_DIGEST]).digest() != data[-_DIGEST:]:
        raise ProfileError(f"the backup is damaged or cut short; {remedy}")
    text = data[_PREFIX.size : start]
    try:
        header = from_mapping(_Header, json.loads(text, object_pairs_hook=unique_keys))
        if _spelled(header) != text:
            raise ValueError("not in our spelling")
    except (ValueError, RecursionError, ConfigError):
        raise ProfileError(f"the backup's header is damaged; {remedy}") from None
    return header, data[start:-_DIGEST]


def _spelled(header: _Header) -> bytes:
    return json.dumps(asdict(header), sort_keys=True).encode()


def _place(header: _Header, body: bytes) -> bytes:
    fields = [VERSION, header.created, asdict(header.stretch), hashlib.sha256(body).hexdigest()]
    return json.dumps(["voicelet backup 1", *fields], sort_keys=True).encode()


def _check_not_erased(sealed: bytes, key: SealingKey, created: str) -> None:
    plain = Hidden(open_sealed(key, sealed, info=INFO))
    try:
        profile = Profile.from_bytes(plain)
    except ProfileError:
        return  # `import_profile` says what is wrong with it
    check_not_erased(profile, created, "this backup was made", [profile.name])
