"""Sealing to a recipient, and signing; voicelet does both only here.

A sealed message is

    "VLSB" · version uint8 · suite uint16 (big-endian, IANA's number of the KEM) · HPKE message

(see :mod:`voicelet.trust.keys.hpke`).  What comes before the HPKE message, the caller's `info` and
its `aad` are all bound to it.  Signatures are Ed25519 (RFC 8032) of the context, a newline and the
data; a context names one purpose, so that what was signed for one is worth nothing for another.
"""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voicelet.errors import SealError

if TYPE_CHECKING:  # cryptography takes 15-20 ms to import, so it is imported where it is used
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_MAGIC, _VERSION = b"VLSB", 1
_HEADER = struct.Struct(">4sBH")
_LABEL = b"voicelet sealed box 1\n"
_CONTEXT = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_ARMOUR = re.compile(
    r"\s*-----BEGIN (VOICELET [A-Z ]+)-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END \1-----\s*"
)
_PUBLIC, _PRIVATE = "VOICELET SEALING PUBLIC KEY", "VOICELET SEALING PRIVATE KEY"
_MAX_TEXT = 1 << 14


@dataclass(frozen=True)
class SealingKey:
    """A private key that opens what was sealed for it.

    Attributes:
        private: 32 bytes (X25519) or 96 (ML-KEM-768 and X25519).

    Raises:
        SealError: it isn't a key, or this machine's `cryptography` is too old for it.
    """

    private: bytes = field(repr=False)
    public: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from voicelet.trust.keys import hpke

        object.__setattr__(self, "public", hpke.public_of(self.private))

    def to_text(self) -> str:
        """The private key as text, for a file of mode 0600."""
        return _armour(_PRIVATE, self.private)

    @classmethod
    def from_text(cls, text: str) -> SealingKey:
        """Inverse of :meth:`to_text`.

        Raises:
            SealError: it isn't one.
        """
        return cls(_unarmour(_PRIVATE, text))


def new_sealing_key(hybrid: bool | None = None) -> SealingKey:
    """A new sealing key; with ML-KEM-768 if `hybrid`, by default where it can be had.

    Raises:
        SealError: the hybrid was asked for and can't be had.
    """
    from voicelet.trust.keys import hpke

    return SealingKey(hpke.new_private(hybrid))


def public_to_text(public: bytes) -> str:
    """A public sealing key as text, to be handed to others."""
    return _armour(_PUBLIC, public)


def public_from_text(text: str) -> bytes:
    """Inverse of :func:`public_to_text`.

    Raises:
        SealError: it isn't one (a private key is refused by name).
    """
    from voicelet.trust.keys import hpke

    public = _unarmour(_PUBLIC, text)
    hpke.suite_of(public)
    return public


def seal(public_key: bytes, data: bytes, *, info: bytes, aad: bytes = b"") -> bytes:
    """Encrypt `data` so that only the owner of `public_key` can read it.

    Args:
        public_key: 32 or 1,216 bytes, see :class:`SealingKey`.
        info: what the message is for; the same is needed to open it.
        aad: more that is bound to the message, but not in it.

    Raises:
        SealError: the key is broken or this machine's `cryptography` is too old for it.
    """
    from voicelet.trust.keys import hpke

    header = _HEADER.pack(_MAGIC, _VERSION, hpke.suite_of(public_key))
    return header + hpke.encrypt(public_key, data, _associated_data(header, info, aad))


def open_sealed(private_key: SealingKey, data: bytes, *, info: bytes, aad: bytes = b"") -> bytes:
    """Inverse of :func:`seal`.

    Raises:
        SealError: not a sealed message, for another key or purpose, cut or changed.
    """
    from voicelet.trust.keys import hpke

    if len(data) < _HEADER.size or not data.startswith(_MAGIC):
        raise SealError("this is no sealed message; fetch it again")
    header = data[: _HEADER.size]
    _, version, suite = _HEADER.unpack(header)
    if version != _VERSION or suite not in (hpke.CLASSIC, hpke.HYBRID):
        raise SealError(
            f"sealed in a way (version {version}, suite {suite:#x}) that this voicelet doesn't"
            " know; update voicelet, or fetch the message again"
        )
    if suite != hpke.suite_of(private_key.public):
        raise SealError("sealed for a key of another kind; open it with the key it was made for")
    return hpke.decrypt(
        private_key.private, data[_HEADER.size :], _associated_data(header, info, aad)
    )


def new_signing_key() -> Ed25519PrivateKey:
    """A new Ed25519 key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


def signing_key_from_bytes(private: bytes) -> Ed25519PrivateKey:
    """An Ed25519 key of its 32 bytes (`key.private_bytes_raw()`).

    Raises:
        SealError: it hasn't 32 bytes.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if len(private) != 32:
        raise SealError(f"a signing key has 32 bytes, not {len(private)}")
    return Ed25519PrivateKey.from_private_bytes(private)


def sign(key: Ed25519PrivateKey, context: str, data: bytes) -> bytes:
    """The signature (64 bytes) of `data` for one purpose.

    Args:
        context: names the purpose and its version ("voicelet-consent-1"): a-z, 0-9, dash, dot.

    Raises:
        SealError: the context isn't of that form.
    """
    return key.sign(_message(context, data))


def verify(public_key: bytes, context: str, data: bytes, signature: bytes) -> None:
    """Check a signature of :func:`sign`.

    Args:
        public_key: 32 bytes.

    Raises:
        SealError: it isn't this key's, not of this data, or not for this purpose.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    message = _message(context, data)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SealError(
            f"the signature ({context}) doesn't hold: the data or the signature was changed, or"
            " another key signed"
        ) from None


def from_hex(text: object, size: int) -> bytes:
    """Inverse of `bytes.hex()`, and of nothing else: no capitals, no spaces.

    What stands outside of what is signed, the signature itself above all, has one spelling only,
    so that no byte of a file can change unseen.

    Args:
        size: bytes that it must be.

    Raises:
        ValueError: it isn't so many bytes in lower-case hexadecimal digits.
    """
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text):
        raise ValueError(f"not {2 * size} lower-case hexadecimal digits")
    return bytes.fromhex(text)


def _message(context: str, data: bytes) -> bytes:
    if not _CONTEXT.fullmatch(context):
        raise SealError(f"{context!r} is no context of a signature; use a-z, 0-9, dash and dot")
    return context.encode() + b"\n" + data


def _associated_data(header: bytes, info: bytes, aad: bytes) -> bytes:
    # Lengths first, so that no two pairs of info and aad come out the same.
    lengths = struct.pack(">II", len(info), len(aad))
    return _LABEL + header + lengths + info + aad


def _armour(kind: str, data: bytes) -> str:
    text = base64.b64encode(data).decode()
    lines = [text[i : i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def _unarmour(kind: str, text: str) -> bytes:
    match = _ARMOUR.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if match is None or match[1] != kind:
        what = f"a {match[1].lower()}" if match else "something else"
        raise SealError(f"this is {what}; a {kind.lower()} is wanted")
    try:
        return base64.b64decode("".join(match[2].split()), validate=True)
    except ValueError:
        raise SealError(f"the {kind.lower()} is damaged; ask for it again") from None
