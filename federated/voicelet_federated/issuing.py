"""The pieces that certificates are made of."""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from voicelet.files import atomic_file
from voicelet_federated.errors import FederationError

_SKEW = datetime.timedelta(days=2)


class CertificateError(FederationError):
    """A certificate or node key is missing, broken or out of date."""

    exit_code = 78


def certificate_builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    until: datetime.datetime,
) -> x509.CertificateBuilder:
    """What all certificates here have in common."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - _SKEW)  # devices' clocks may be behind, by a time zone too
        .not_valid_after(until)
    )


def key_usage(signs_certificates: bool) -> x509.KeyUsage:
    """Of a CA, or of a server."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def common_name(common: str) -> x509.Name:
    """A name of nothing but a common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def alternative_name(host: str) -> x509.GeneralName:
    """An IP address or a DNS name, as certificates have it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def now() -> datetime.datetime:
    """In UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def read_certificate(file: Path) -> x509.Certificate:
    """Read a certificate (PEM).

    Raises:
        CertificateError: there is none.
    """
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{file}: no certificate ({error}); make it again") from None


def write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a private key for its owner alone."""
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    write_file(file, key.private_bytes(*formats, serialization.NoEncryption()), 0o600)


def write_file(file: Path, data: bytes, mode: int) -> None:
    """Write a file, whole or not at all.

    Raises:
        CertificateError: it can't be written.
    """
    try:
        with atomic_file(file, mode) as out:
            out.write(data)
        os.chmod(file, mode)
    except OSError as error:
        raise CertificateError(f"{file}: can't be written ({error})") from None
