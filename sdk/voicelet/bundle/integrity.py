"""Whether a bundle is what its makers made: SHA-256 of every file, Ed25519 over the manifest.

The manifest holds the hash of every other file, so a signature of the manifest covers the bundle.
`manifest.sig` is a JSON object with the algorithm, the public key and the signature (RFC 8032) of
`b"voicelet-bundle-1\\n"` + the bytes of `manifest.json` as they are stored.  It has one spelling:
keys in order, two spaces, lower-case hexadecimal digits, a newline at the end.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from voicelet.bundle.manifest import SIGNATURE_NAME, BundleFile
from voicelet.errors import (
    BundleError,
    BundleTamperedError,
    BundleTruncatedError,
    BundleUnsignedError,
    ConfigError,
    SealError,
)
from voicelet.files import read_regular
from voicelet.trust.keys.seal import from_hex
from voicelet.trust.keys.seal import sign as sign_data
from voicelet.trust.keys.seal import verify as verify_data

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_CONTEXT = "voicelet-bundle-1"
_ALGORITHM = "Ed25519"
_MAX_SIGNATURE_BYTES = 4096


def verify_file(root: Path, listed: BundleFile) -> None:
    """Compare a file with its entry in the manifest.

    Raises:
        BundleTruncatedError: it is shorter than listed.
        BundleTamperedError: its length or its hash differs.
        BundleError: it is missing or can't be read.
    """
    path = root / listed.file
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BundleError(f"{path}: not a regular file; fetch or export the bundle again")
        check_length(listed, status.st_size, str(path))
        digest = hashlib.sha256()
        buffer = memoryview(bytearray(1 << 18))
        with open(path, "rb", buffering=0) as file:
            while n := file.readinto(buffer):
                digest.update(buffer[:n])
    except OSError as error:
        raise BundleError(
            f"{path}: {error.strerror or error}; fetch or export the bundle again"
        ) from None
    check_hash(listed, digest.hexdigest(), str(path))


def check_length(listed: BundleFile, length: int, where: str) -> None:
    """Raise where a file's length isn't the listed one (see :func:`verify_file`)."""
    if length < listed.bytes:
        raise BundleTruncatedError(
            f"{where}: truncated, {length} of {listed.bytes} bytes; fetch the bundle again"
        )
    if length > listed.bytes:
        raise BundleTamperedError(
            f"{where}: {length} bytes where the manifest lists {listed.bytes}; "
            "the file was changed, fetch the bundle again"
        )


def check_hash(listed: BundleFile, digest: str, where: str) -> None:
    """Raise where a file's SHA-256 isn't the listed one (see :func:`verify_file`)."""
    if digest != listed.sha256:
        raise BundleTamperedError(
            f"{where}: SHA-256 differs from the manifest's; the file was changed, "
            "fetch the bundle again from its makers"
        )


def sign(manifest_bytes: bytes, key: Ed25519PrivateKey, context: str = _CONTEXT) -> bytes:
    """Return the contents of `manifest.sig` for `manifest_bytes`.

    Args:
        context: what the manifest is of; a signature of one kind is none of another.
    """
    public = key.public_key().public_bytes_raw()
    return _spelled(public, sign_data(key, context, manifest_bytes))


def _spelled(public_key: bytes, signature: bytes) -> bytes:
    record = {
        "algorithm": _ALGORITHM,
        "public_key": public_key.hex(),
        "signature": signature.hex(),
    }
    return (json.dumps(record, indent=2, sort_keys=True) + "\n").encode()


def verify_signature(
    manifest_bytes: bytes,
    signature: bytes | None,
    *,
    trusted_keys: Iterable[str] = (),
    require_signature: bool = False,
    where: str = SIGNATURE_NAME,
    context: str = _CONTEXT,
) -> str | None:
    """Check a manifest's signature.

    Args:
        signature: contents of `manifest.sig`, None if there is none.
        trusted_keys: Ed25519 public keys (64 hexadecimal digits, in capitals or not).  Where any
            are given, the bundle must be signed by one of them.
        require_signature: refuse an unsigned bundle.  Without `trusted_keys` any signer will do,
            which tells a damaged manifest from a sound one but says nothing of who made it.
        context: as in :func:`sign`.

    Returns:
        The signer's public key (hexadecimal), None for an unsigned bundle.

    Raises:
        BundleUnsignedError: no signature where one is required.
        BundleTamperedError: the signature is damaged, doesn't match or is by an unknown key.
        ConfigError: one of `trusted_keys` can't be a key.
    """
    trusted = {checked_key(key) for key in trusted_keys}
    if signature is None:
        if trusted or require_signature:
            raise BundleUnsignedError(
                f"{where}: the bundle isn't signed and a signature is required; get a signed one, "
                "or open it without requiring a signature if you trust where it came from"
            )
        return None
    public, value = _parse_signature(signature, where)
    try:
        verify_data(public, context, manifest_bytes, value)
    except SealError:
        raise BundleTamperedError(
            f"{where}: the signature doesn't match the manifest; one of them was changed, "
            "fetch the bundle again from its makers"
        ) from None
    if trusted and public.hex() not in trusted:
        raise BundleTamperedError(
            f"{where}: signed by {public.hex()}, which isn't a trusted key; "
            "add that key if you trust its owner"
        )
    return public.hex()


def checked_key(key: str) -> str:
    """A public key as people type it, spelled as in signatures.

    Raises:
        ConfigError: it can't be a key.
    """
    text = key.strip().lower()
    try:
        from_hex(text, 32)
    except ValueError as error:
        raise ConfigError(
            f"{key[:80]!r} can't be a trusted key ({error}); ask the bundle's makers for theirs"
        ) from None
    return text


def _parse_signature(raw: bytes, where: str) -> tuple[bytes, bytes]:
    try:
        if len(raw) > _MAX_SIGNATURE_BYTES:
            raise ValueError("too long")
        record = json.loads(raw.decode("utf-8"))
        if record["algorithm"] != _ALGORITHM:
            raise ValueError(f"unknown algorithm {record['algorithm']!r}")
        public, value = from_hex(record["public_key"], 32), from_hex(record["signature"], 64)
        if _spelled(public, value) != raw:
            raise ValueError("not spelled as signatures are")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleTamperedError(
            f"{where}: not a signature ({error}); fetch the bundle again"
        ) from None
    return public, value


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Read an unencrypted Ed25519 private key in PEM form (PKCS #8).

    Raises:
        BundleError: the file isn't such a key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(read_regular(path, 1 << 16), password=None)
    except (ValueError, TypeError) as error:
        raise BundleError(f"{path}: not an unencrypted PEM private key ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BundleError(
            f"{path}: not an Ed25519 key; make one with openssl genpkey -algorithm ed25519"
        )
    return key
