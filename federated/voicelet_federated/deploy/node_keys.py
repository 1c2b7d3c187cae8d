"""The keys that devices prove themselves with, and public keys for others."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from voicelet.files import make_private, read_own
from voicelet_federated.deploy.certificates import CertificateError, write_file


def node_key(folder: Path) -> tuple[Path, Path]:
    """The key that a device's SuperNode signs its calls with, made if there is none.

    It is another key than the identity that signs masks, so that neither signs for the other.

    Returns:
        private (OpenSSH format, mode 0600) and public file; the operator registers the latter.

    Raises:
        CertificateError: the file there holds no such key.
    """
    private, public = folder / "node.key", folder / "node.key.pub"
    if not private.exists():
        make_private(folder)
        write_file(
            private,
            ec.generate_private_key(ec.SECP384R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            ),
            0o600,
        )
    try:
        key = serialization.load_ssh_private_key(read_own(private, follow=True), password=None)
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"{private}: no node key ({error}); remove it for a new one"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{private}: not an elliptic-curve key; remove it for a new one")
    formats = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    write_file(public, key.public_key().public_bytes(*formats) + b"\n", 0o644)
    return private, public


def write_public(key: ec.EllipticCurvePublicKey, file: Path) -> Path:
    """Write a public key (PEM) for others to verify by; returns its file."""
    formats = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_file(file, key.public_bytes(*formats), 0o644)
    return file
