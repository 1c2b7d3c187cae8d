from __future__ import annotations

import datetime
import http.server
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from voicelet_federated.deploy import certificates
from voicelet_federated.deploy import certificates as issuing
from voicelet_federated.deploy.address import Address, DeploymentError, is_healthy
from voicelet_federated.deploy.certificates import (
    CertificateError,
    Certificates,
    make_certificates,
    open_certificates,
)
from voicelet_federated.deploy.node_keys import node_key


class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(files: Certificates) -> Iterator[Address]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    server = http.server.HTTPServer(("127.0.0.1", 0), Health)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Address("127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_clients_verify_the_server_by_its_address(tmp_path: Path) -> None:
    files = make_certificates(tmp_path / "a", ["127.0.0.1", "localhost"])
    stranger = make_certificates(tmp_path / "b")
    with serving(files) as address:
        assert is_healthy(address, files.ca)
        assert is_healthy(Address("localhost", address.port), files.ca)
        with pytest.raises(DeploymentError, match="doesn't vouch"):
            is_healthy(address, stranger.ca)
    assert not is_healthy(address, files.ca), "nobody listens any more"


def test_a_certificate_for_another_address_is_refused_by_clients(tmp_path: Path) -> None:
    files = make_certificates(tmp_path, ["10.1.2.3"])
    with serving(files) as address, pytest.raises(DeploymentError, match="doesn't vouch"):
        is_healthy(address, files.ca)


def test_private_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    make_certificates(tmp_path / "tls")
    private, public = node_key(tmp_path / "node")
    assert mode(tmp_path / "tls") == 0o700
    assert [mode(tmp_path / "tls" / n) for n in ("ca.key", "server.key")] == [0o600] * 2
    assert mode(private) == 0o600
    assert b"PRIVATE" not in public.read_bytes()


def test_renewal_keeps_the_ca_that_devices_hold(tmp_path: Path) -> None:
    first = make_certificates(tmp_path)
    before = first.ca.read_bytes(), first.certificate.read_bytes()
    again = make_certificates(tmp_path, ["127.0.0.1", "voice.example"])
    assert again.ca.read_bytes() == before[0]
    assert again.certificate.read_bytes() != before[1]
    open_certificates(tmp_path, "voice.example")


def test_what_doesnt_fit_is_found_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_certificates(tmp_path / "a")
    make_certificates(tmp_path / "b")
    with pytest.raises(CertificateError, match="isn't for 10.0.0.1"):
        open_certificates(tmp_path / "a", "10.0.0.1")
    with pytest.raises(CertificateError, match="no certificate"):
        open_certificates(tmp_path / "none", "127.0.0.1")
    (tmp_path / "b" / "ca.pem").write_bytes((tmp_path / "a" / "ca.pem").read_bytes())
    with pytest.raises(CertificateError, match="wasn't issued by"):
        open_certificates(tmp_path / "b", "127.0.0.1")
    with pytest.raises(CertificateError, match="isn't the key of"):
        make_certificates(tmp_path / "b")
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=366)
    for module in (certificates, issuing):
        monkeypatch.setattr(module, "now", lambda: later)
    with pytest.raises(CertificateError, match="renew it, or set the clock"):
        open_certificates(tmp_path / "a", "127.0.0.1")
    make_certificates(tmp_path / "a")
    open_certificates(tmp_path / "a", "127.0.0.1")


def test_the_server_cant_sign_other_certificates(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    server = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    constraints = server.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical and not constraints.value.ca
    assert not server.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_a_device_keeps_its_node_key(tmp_path: Path) -> None:
    private, public = node_key(tmp_path)
    first = private.read_bytes(), public.read_bytes()
    assert node_key(tmp_path) == (private, public)
    assert (private.read_bytes(), public.read_bytes()) == first
    key = serialization.load_ssh_public_key(first[1])
    assert isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp384r1"
    private.write_bytes(first[0][:80])
    with pytest.raises(CertificateError, match="no node key"):
        node_key(tmp_path)
    assert private.read_bytes() == first[0][:80], "a broken key is kept for its owner to look at"
