"""TLS 1.3, and certificates known beforehand by a hash of their public key (as in RFC 7469)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ssl
from collections.abc import Collection

from voicelet.errors import SealError

_PREFIX = "sha256/"


def client_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A context for clients: TLS 1.3, certificate and host name checked.

    Args:
        ca_file: trust only these certificates (PEM); by default the system's.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def spki_pin(certificate_der: bytes) -> str:
    """The pin of a certificate: "sha256/" and the base64 of its public key's hash (SPKI, DER).

    It stays the same when the certificate is renewed with the same key.

    Raises:
        SealError: it isn't a certificate.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        key = x509.load_der_x509_certificate(certificate_der).public_key()
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SealError(f"not a certificate ({error})") from None
    return _PREFIX + base64.b64encode(hashlib.sha256(spki).digest()).decode()


def check_pin(connection: ssl.SSLSocket, pins: Collection[str]) -> str:
    """Compare the peer of a finished handshake with the pins; returns the one it has.

    Call it before anything is sent.  Give at least two pins, one of a key kept in reserve.

    Raises:
        SealError: it has none of them, or sent no certificate.
    """
    certificate = connection.getpeercert(binary_form=True)
    if certificate is None:
        raise SealError("the server sent no certificate; nothing was sent to it")
    pin = spki_pin(certificate)
    if not any(hmac.compare_digest(pin.encode(), p.encode()) for p in pins):
        raise SealError(
            f"the server's key ({pin}) isn't one of those known; nothing was sent to it. Its"
            " owner may have changed it: get the new pin by a way you trust"
        )
    return pin
