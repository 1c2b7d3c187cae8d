"""An encrypted profile as the contents of a file.

    "VCLV" · version uint16 · flags uint16 · header length uint32 · body length uint32
    header (UTF-8 JSON) · nonce [12] · ChaCha20-Poly1305 of the profile (RFC 8439)

in little-endian order.  Everything before the nonce is the cipher's associated data.  The header
names the vault, its key, the profile and its generation, and holds the file's own data key, random
and used once, encrypted under the vault's key and bound to these four.  Without the vault's key
(see :mod:`.vault_keys`) a file is noise, wherever copies of it may be.
"""

from __future__ import annotations

import base64
import json
import secrets
import struct
from dataclasses import asdict, dataclass

from voicelet.config import from_mapping
from voicelet.enrol.vault_disk import Hidden
from voicelet.errors import ConfigError, ProfileError

MAGIC = b"VCLV"
VERSION = 1
_PREFIX = struct.Struct("<4sHHII")
_NONCE, _TAG, _KEY = 12, 16, 32
_MAX_HEADER = 4096
_MAX_GENERATION = 1 << 53
_WRAP, _DATA = b"voicelet data key 1", b"voicelet vault key: wrap data keys 1"


@dataclass(frozen=True)
class Header:
    """What a file says in clear.

    Attributes:
        vault: which vault it belongs to.
        key: which of the vault's keys wraps its data key.
        name: of the profile.
        generation: higher than that of any file this one replaced.
        wrapped: the wrapped data key, base64.
    """

    vault: str
    key: str
    name: str
    generation: int
    wrapped: str

    def __post_init__(self) -> None:
        if not 0 < self.generation < _MAX_GENERATION:
            raise ValueError("an impossible generation")


def pack(plain: bytes, key: bytes, key_id: str, vault: str, name: str, generation: int) -> bytes:
    """Encrypt a profile under the vault's key (32 bytes)."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    data_key = ChaCha20Poly1305.generate_key()
    nonce = secrets.token_bytes(_NONCE)
    place = _place(vault, key_id, name, generation)
    wrapped = nonce + ChaCha20Poly1305(subkey(key, _DATA)).encrypt(nonce, data_key, place)
    header = Header(vault, key_id, name, generation, base64.b64encode(wrapped).decode())
    text = json.dumps(asdict(header), sort_keys=True).encode()
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


def read_header(data: bytes) -> tuple[Header, int]:
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
        header = from_mapping(Header, json.loads(text))
        if json.dumps(asdict(header), sort_keys=True).encode() != text:
            raise ValueError("not in our spelling")
    except (ValueError, RecursionError, ConfigError):
        # Not "from": what a parser says of a damaged file may quote it.
        raise ProfileError("the profile's header is damaged") from None
    return header, start


def subkey(key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, of the vault's: HKDF-SHA256 (RFC 5869), 32 bytes."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), _KEY, salt=None, info=purpose).derive(key)


def _place(vault: str, key_id: str, name: str, generation: int) -> bytes:
    return _WRAP + json.dumps([vault, key_id, name, generation]).encode()
