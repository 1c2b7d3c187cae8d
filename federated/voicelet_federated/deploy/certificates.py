"""TLS certificates of a federation's server."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from voicelet.files import atomic_file, make_private, read_own
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
        return x509.load_pem_x509_certificate(read_own(file, follow=True))
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
        with atomic_file(file, mode, follow=False) as stream:
            stream.write(data)
        os.chmod(file, mode)
    except OSError as error:
        raise CertificateError(f"{file}: can't be written ({error})") from None


LOOPBACK = ("127.0.0.1", "localhost")
_CA_DAYS = 3650


@dataclass(frozen=True)
class Certificates:
    """Files of a server's TLS; `ca` alone is handed to devices.

    Attributes:
        ca: certificate that devices verify the server by (PEM).
        certificate, key: of the server (PEM; the key is for its owner alone).
    """

    ca: Path
    certificate: Path
    key: Path


def make_certificates(
    folder: Path, hosts: Sequence[str] = LOOPBACK, days: int = 365
) -> Certificates:
    """A CA, made if the folder has none, and a fresh certificate of the server signed by it.

    Devices keep the CA's certificate when the server's is renewed.  `ca.key` is needed only for
    that and is best kept elsewhere in between.

    Args:
        folder: mode 0700 where it is made.
        hosts: names and IP addresses that devices call the server by; all go into the
            certificate as alternative names.
        days: that the server's certificate is good for.

    Raises:
        CertificateError: no host is given, or the CA there can't be read or has expired.
    """
    if not hosts or days < 1:
        raise CertificateError("a certificate needs a host and at least one day; name the server")
    make_private(folder)
    ca, ca_key = _authority(folder)
    key = ec.generate_private_key(ec.SECP384R1())
    until = min(now() + datetime.timedelta(days=days), ca.not_valid_after_utc)
    names = x509.SubjectAlternativeName([alternative_name(h) for h in hosts])
    certificate = (
        certificate_builder(common_name(hosts[0]), ca.subject, key.public_key(), until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(names, critical=False)
        .add_extension(key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            critical=False,
        )
        .sign(ca_key, hashes.SHA384())
    )
    write_key(folder / "server.key", key)
    write_file(folder / "server.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")


def open_certificates(folder: Path, host: str) -> Certificates:
    """The certificates of a folder, checked before anything is started with them.

    Raises:
        CertificateError: one is missing, expired, not of this CA, or not for `host`.
    """
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    ca, certificate = read_certificate(files.ca), read_certificate(files.certificate)
    if not files.key.is_file():
        raise CertificateError(f"{files.key} is missing; make the certificates again")
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateError(
            f"{files.certificate} wasn't issued by {files.ca}; make the certificates again"
        ) from None
    for file, one in ((files.ca, ca), (files.certificate, certificate)):
        if not one.not_valid_before_utc <= now() < one.not_valid_after_utc:
            raise CertificateError(
                f"{file} is valid from {one.not_valid_before_utc:%Y-%m-%d} to "
                f"{one.not_valid_after_utc:%Y-%m-%d}, not today; renew it, or set the clock"
            )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if alternative_name(host) not in list(names):
        raise CertificateError(f"{files.certificate} isn't for {host}; make one with this host")
    return files


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    file, key_file = folder / "ca.pem", folder / "ca.key"
    if file.exists():
        ca = read_certificate(file)
        try:
            key = serialization.load_pem_private_key(read_own(key_file, follow=True), password=None)
        except (OSError, ValueError) as error:
            raise CertificateError(
                f"{key_file} can't be read ({error}); bring it back to renew the certificate"
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != ca.public_key():
            raise CertificateError(f"{key_file} isn't the key of {file}; bring the right one back")
        if ca.not_valid_after_utc <= now():
            raise CertificateError(f"{file} has expired; make a new CA and hand it to all devices")
        return ca, key
    key = ec.generate_private_key(ec.SECP384R1())
    name = common_name("voicelet federation CA")
    ca = (
        certificate_builder(name, name, key.public_key(), now() + datetime.timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA384())
    )
    write_key(key_file, key)
    write_file(file, ca.public_bytes(serialization.Encoding.PEM), 0o644)
    return ca, key
