"""TLS certificates of a federation's server, and the keys that devices prove themselves with."""

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

from voicelet.audio.atomic import atomic_file
from voicelet_federated.errors import FederationError

LOOPBACK = ("127.0.0.1", "localhost")
_CA_DAYS = 3650
_SKEW = datetime.timedelta(hours=1)


class CertificateError(FederationError):
    """A certificate or node key is missing, broken or out of date."""

    exit_code = 68


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
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca, ca_key = _authority(folder)
    key = ec.generate_private_key(ec.SECP384R1())
    until = min(_now() + datetime.timedelta(days=days), ca.not_valid_after_utc)
    certificate = (
        _builder(_name(hosts[0]), ca.subject, key.public_key(), until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            critical=False,
        )
        .sign(ca_key, hashes.SHA384())
    )
    _write_key(folder / "server.key", key)
    _write(folder / "server.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")


def open_certificates(folder: Path, host: str) -> Certificates:
    """The certificates of a folder, checked before anything is started with them.

    Raises:
        CertificateError: one is missing, expired, not of this CA, or not for `host`.
    """
    files = Certificates(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    ca, certificate = _read(files.ca), _read(files.certificate)
    if not files.key.is_file():
        raise CertificateError(f"{files.key} is missing; make the certificates again")
    try:
        certificate.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        raise CertificateError(
            f"{files.certificate} wasn't issued by {files.ca}; make the certificates again"
        ) from None
    for file, one in ((files.ca, ca), (files.certificate, certificate)):
        if not one.not_valid_before_utc <= _now() < one.not_valid_after_utc:
            raise CertificateError(
                f"{file} is valid from {one.not_valid_before_utc:%Y-%m-%d} to "
                f"{one.not_valid_after_utc:%Y-%m-%d}, not today; renew it, or set the clock"
            )
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    if _host(host) not in list(names):
        raise CertificateError(f"{files.certificate} isn't for {host}; make one with this host")
    return files


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
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(
            private,
            ec.generate_private_key(ec.SECP384R1()).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            ),
            0o600,
        )
    try:
        key = serialization.load_ssh_private_key(private.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise CertificateError(
            f"{private}: no node key ({error}); remove it for a new one"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateError(f"{private}: not an elliptic-curve key; remove it for a new one")
    formats = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    _write(public, key.public_key().public_bytes(*formats) + b"\n", 0o644)
    return private, public


def write_public(key: ec.EllipticCurvePublicKey, file: Path) -> Path:
    """Write a public key (PEM) for others to verify by; returns its file."""
    formats = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write(file, key.public_bytes(*formats), 0o644)
    return file


def _authority(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    file, key_file = folder / "ca.pem", folder / "ca.key"
    if file.exists():
        ca = _read(file)
        try:
            key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise CertificateError(
                f"{key_file} can't be read ({error}); bring it back to renew the certificate"
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != ca.public_key():
            raise CertificateError(f"{key_file} isn't the key of {file}; bring the right one back")
        if ca.not_valid_after_utc <= _now():
            raise CertificateError(f"{file} has expired; make a new CA and hand it to all devices")
        return ca, key
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name("voicelet federation CA")
    ca = (
        _builder(name, name, key.public_key(), _now() + datetime.timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA384())
    )
    _write_key(key_file, key)
    _write(file, ca.public_bytes(serialization.Encoding.PEM), 0o644)
    return ca, key


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    until: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - _SKEW)  # devices' clocks may be a little behind
        .not_valid_after(until)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
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


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def _read(file: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{file}: no certificate ({error}); make it again") from None


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    _write(file, key.private_bytes(*formats, serialization.NoEncryption()), 0o600)


def _write(file: Path, data: bytes, mode: int) -> None:
    try:
        with atomic_file(file, mode) as out:
            out.write(data)
        os.chmod(file, mode)
    except OSError as error:
        raise CertificateError(f"{file}: can't be written ({error})") from None
