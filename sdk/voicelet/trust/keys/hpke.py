"""Hybrid public key encryption (RFC 9180, base mode, single shot): the suites supported here.

`cryptography` 47 and later bring HPKE, with the hybrid of ML-KEM-768 and X25519 (X-Wing,
draft-connolly-cfrg-xwing-kem) where their OpenSSL has ML-KEM.  For 42 to 46 the key schedule of
the X25519 suite is put together here from their X25519 and ChaCha20-Poly1305, word for word as
RFC 9180 has it (sections 4, 5.1 and 7.1.1): the messages are the same.

A public key is 32 bytes (X25519) or 1,216 (ML-KEM-768, then X25519); the length tells the suite.
A private key is 32 bytes or 96 (ML-KEM's seed of 64, then X25519).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from voicelet.errors import SealError

CLASSIC, HYBRID = 0x0020, 0x647A
"""The key encapsulations, by their numbers in IANA's registry of HPKE."""

_KDF_ID, _AEAD_ID = 0x0001, 0x0003  # HKDF-SHA256, ChaCha20-Poly1305
_X25519_BYTES = 32
_MLKEM_PUBLIC_BYTES, _MLKEM_SEED_BYTES = 1184, 64
_SUITES = {_X25519_BYTES: CLASSIC, _MLKEM_PUBLIC_BYTES + _X25519_BYTES: HYBRID}
_PRIVATE = {_X25519_BYTES: CLASSIC, _MLKEM_SEED_BYTES + _X25519_BYTES: HYBRID}
_UPDATE = "update it: pip install -U cryptography"


def suite_of(public: bytes) -> int:
    """`CLASSIC` or `HYBRID`, by a public key's length.

    Raises:
        SealError: no suite has keys of that length.
    """
    if len(public) not in _SUITES:
        raise SealError(f"no sealing key has {len(public)} bytes; ask for the public key again")
    return _SUITES[len(public)]


def have_hybrid() -> bool:
    """Whether this machine's `cryptography` can do ML-KEM-768 with X25519."""
    try:
        _hybrid_key(b"\x01" * _MLKEM_SEED_BYTES + b"\x02" * _X25519_BYTES)
    except SealError:
        return False
    return True


def new_private(hybrid: bool | None = None) -> bytes:
    """A new private key; with ML-KEM if `hybrid`, by default where it can be had.

    Raises:
        SealError: the hybrid was asked for and can't be had.
    """
    short = X25519PrivateKey.generate().private_bytes_raw()
    if hybrid is False or (hybrid is None and not have_hybrid()):
        return short
    try:
        from cryptography.hazmat.primitives.asymmetric import mlkem

        return bytes(mlkem.MLKEM768PrivateKey.generate().private_bytes_raw()) + short
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise SealError(f"this cryptography lacks ML-KEM-768; {_UPDATE}") from None


def public_of(private: bytes) -> bytes:
    """The public key of a private one.

    Raises:
        SealError: it isn't one, or this machine lacks its suite.
    """
    if _private_suite(private) == CLASSIC:
        return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    try:
        from cryptography.hazmat.primitives.asymmetric import mlkem

        long = mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED_BYTES])
        return bytes(long.public_key().public_bytes_raw()) + public_of(private[_MLKEM_SEED_BYTES:])
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise SealError(f"this cryptography lacks ML-KEM-768; {_UPDATE}") from None


def encrypt(public: bytes, data: bytes, info: bytes) -> bytes:
    """Encrypt for a public key: encapsulated key, then ciphertext with its tag.

    Args:
        info: bound to the message; the same is needed to open it.

    Raises:
        SealError: the key is broken, or this machine lacks its suite.
    """
    try:
        if suite_of(public) == HYBRID:
            return bytes(_suite(HYBRID).encrypt(data, _hybrid_public(public), info))
        key = X25519PublicKey.from_public_bytes(public)
        try:
            return bytes(_suite(CLASSIC).encrypt(data, key, info))
        except _NoHpke:
            return _encrypt_x25519(key, data, info)
    except ValueError as error:
        raise SealError(f"the recipient's key is broken ({error}); ask for it again") from None


def decrypt(private: bytes, box: bytes, info: bytes) -> bytes:
    """Inverse of :func:`encrypt`.

    Raises:
        SealError: for another key, with another `info`, or changed.
    """
    try:
        if _private_suite(private) == HYBRID:
            return bytes(_suite(HYBRID).decrypt(box, _hybrid_key(private), info))
        key = X25519PrivateKey.from_private_bytes(private)
        try:
            return bytes(_suite(CLASSIC).decrypt(box, key, info))
        except _NoHpke:
            return _decrypt_x25519(key, box, info)
    except (InvalidTag, ValueError):
        raise SealError("can't be opened: sealed for another key, or changed") from None


class _NoHpke(SealError):
    """This `cryptography` has no HPKE of its own."""


def _suite(number: int) -> Any:
    try:
        from cryptography.hazmat.primitives import hpke
    except ImportError:
        raise _NoHpke(f"this cryptography lacks HPKE; {_UPDATE}") from None
    kem = hpke.KEM.X25519 if number == CLASSIC else getattr(hpke.KEM, "MLKEM768_X25519", None)
    if kem is None:
        raise SealError(f"this cryptography lacks ML-KEM-768; {_UPDATE}")
    return hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


def _private_suite(private: bytes) -> int:
    if len(private) not in _PRIVATE:
        raise SealError(f"no private sealing key has {len(private)} bytes")
    return _PRIVATE[len(private)]


def _hybrid_key(private: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives import hpke
        from cryptography.hazmat.primitives.asymmetric import mlkem

        return hpke.MLKEM768X25519PrivateKey(
            mlkem.MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED_BYTES]),
            X25519PrivateKey.from_private_bytes(private[_MLKEM_SEED_BYTES:]),
        )
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise SealError(f"this cryptography lacks ML-KEM-768; {_UPDATE}") from None


def _hybrid_public(public: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives import hpke
        from cryptography.hazmat.primitives.asymmetric import mlkem

        return hpke.MLKEM768X25519PublicKey(
            mlkem.MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_BYTES:]),
        )
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise SealError(f"this cryptography lacks ML-KEM-768; {_UPDATE}") from None


def _encrypt_x25519(public: X25519PublicKey, data: bytes, info: bytes) -> bytes:
    mine = X25519PrivateKey.generate()
    enc = mine.public_key().public_bytes_raw()
    key, nonce = _schedule(mine.exchange(public), enc + public.public_bytes_raw(), info)
    return enc + ChaCha20Poly1305(key).encrypt(nonce, data, b"")


def _decrypt_x25519(private: X25519PrivateKey, box: bytes, info: bytes) -> bytes:
    enc = box[:_X25519_BYTES]
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    key, nonce = _schedule(shared, enc + private.public_key().public_bytes_raw(), info)
    return ChaCha20Poly1305(key).decrypt(nonce, box[_X25519_BYTES:], b"")


def _schedule(shared: bytes, kem_context: bytes, info: bytes) -> tuple[bytes, bytes]:
    """RFC 9180: ExtractAndExpand of section 4.1, then KeySchedule of 5.1 (base mode)."""
    kem = b"KEM" + CLASSIC.to_bytes(2, "big")
    suite = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (CLASSIC, _KDF_ID, _AEAD_ID))
    secret = _expand(kem, _extract(kem, b"", b"eae_prk", shared), b"shared_secret", kem_context, 32)
    context = b"\x00" + _extract(suite, b"", b"psk_id_hash", b"")
    context += _extract(suite, b"", b"info_hash", info)
    prk = _extract(suite, secret, b"secret", b"")
    return _expand(suite, prk, b"key", context, 32), _expand(suite, prk, b"base_nonce", context, 12)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, hashlib.sha256)


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    # At most one block of HKDF-Expand: nothing here is longer than SHA-256's 32 bytes.
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(prk, labelled + b"\x01", hashlib.sha256)[:size]
