"""Pinned keys over a real TLS 1.3 connection."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from voicelet.errors import SealError
from voicelet.trust.keys.tls import check_pin, client_context, spki_pin

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(folder: Path, serial: int = 1) -> Path:
    """A self-signed certificate of `KEY` for localhost, with the key, as one PEM file."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    pem, nothing = serialization.Encoding.PEM, serialization.NoEncryption()
    private = KEY.private_bytes(pem, serialization.PrivateFormat.PKCS8, nothing)
    path = folder / f"{serial}.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


def der(path: Path) -> bytes:
    made = x509.load_pem_x509_certificate(path.read_bytes())
    return made.public_bytes(serialization.Encoding.DER)


def test_a_pin_outlives_a_renewal(tmp_path: Path) -> None:
    first, second = certificate(tmp_path, 1), certificate(tmp_path, 2)
    assert der(first) != der(second)
    assert spki_pin(der(first)) == spki_pin(der(second))
    assert spki_pin(der(first)).startswith("sha256/") and len(spki_pin(der(first))) == 51
    with pytest.raises(SealError, match="not a certificate"):
        spki_pin(b"nonsense")


def test_the_peer_must_have_a_known_key(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    ours, theirs = socket.socketpair()
    accepting = threading.Thread(
        target=lambda: server.wrap_socket(theirs, server_side=True).close(), daemon=True
    )
    accepting.start()
    with client_context(str(path)).wrap_socket(ours, server_hostname="localhost") as connection:
        assert connection.version() == "TLSv1.3"
        pin = spki_pin(der(path))
        assert check_pin(connection, ["sha256/reserve", pin]) == pin
        with pytest.raises(SealError, match="isn't one of those known"):
            check_pin(connection, ["sha256/other"])
    accepting.join(10)
    theirs.close()
