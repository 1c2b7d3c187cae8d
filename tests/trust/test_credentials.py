"""Content credentials: embedded, read back, and broken by any change of the sound."""

from __future__ import annotations

import contextlib
import datetime
import sys
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.audio.io import read_audio
from voicelet.audio.writer import write_wav
from voicelet.errors import AudioError, ConfigError, TrustError
from voicelet.trust import credentials
from voicelet.trust.labels import Label, read_label

NOISE = np.random.default_rng(0).uniform(-0.3, 0.3, 24000).astype(np.float32)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    pytest.importorskip("c2pa")
    path, label = tmp_path_factory.mktemp("signed") / "a.wav", Label()
    write_wav(path, NOISE, 24000, tags=label.tags())
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    credentials.sign_file(path, label, credentials.device_signer(key))
    return path.read_bytes()


def test_who_lacks_the_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(ConfigError, match=r'pip install "voicelet\[c2pa\]"'):
        credentials.check_available()


def test_ogg_cant_hold_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.wav, \.flac, \.mp3"):
        credentials.mime_type(tmp_path / "a.opus")


def test_the_manifest_says_what_the_label_says() -> None:
    label = Label("us-ca", "Acme")
    told = credentials.manifest(label, "a.wav")
    (action,) = told["assertions"][0]["data"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert told["assertions"][1]["data"] == label.facts()


@pytest.mark.parametrize("suffix", credentials.MIME_TYPES)
def test_a_file_is_signed_and_any_change_shows(suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    path, label = tmp_path / f"a{suffix}", Label("cn", "Acme")
    write_wav(path, NOISE, 24000, tags=label.tags())
    before = read_audio(path).samples
    assert credentials.read_credentials(path) is None
    credentials.sign_file(path, label, credentials.device_signer())
    told = credentials.read_credentials(path)
    assert told is not None and told["valid"] and not told["trusted"]
    assert told["label"] == label.facts() == read_label(path)
    assert told["signer"] == "voicelet device"
    np.testing.assert_array_equal(read_audio(path).samples, before)

    whole = bytearray(path.read_bytes())
    start = whole.rfind(b"data", 0, 600) + 3000 if suffix == ".wav" else len(whole) - 400
    whole[start] ^= 1
    path.write_bytes(whole)
    changed = credentials.read_credentials(path)
    assert changed is not None and not changed["valid"]
    assert "assertion.dataHash.mismatch" in changed["problems"]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_damaged_file_is_told_apart_or_has_none(
    signed: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(signed) - 1))
    cut = data.draw(st.sampled_from([0, 0, 1, 40, 4000]))
    path = tmp_path_factory.mktemp("f") / "a.wav"
    path.write_bytes(
        signed[:at] + bytes([signed[at] ^ 255]) * (not cut) + signed[at + (cut or 1) :]
    )
    told = credentials.read_credentials(path)
    assert told is None or not told["valid"] or told["label"] is not None
    sound = signed.find(b"data") + 8
    if not cut and sound <= at < sound + 2 * len(NOISE) and told is not None:
        assert not told["valid"]  # whatever else: no sample changes unseen
    with contextlib.suppress(AudioError):
        read_label(path)


def test_a_certificate_of_ones_own(tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    certificates, key = _issued(tmp_path, "Example Speech Ltd")
    path, label = tmp_path / "a.flac", Label("eu")
    write_wav(path, NOISE, 24000, tags=label.tags())
    credentials.sign_file(path, label, credentials.file_signer(certificates, key))
    told = credentials.read_credentials(path)
    assert told is not None and told["valid"] and told["signer"] == "Example Speech Ltd"


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    certificates, _ = _issued(tmp_path / "1", "A")
    _, key = _issued(tmp_path / "2", "B")
    with pytest.raises(ConfigError, match="isn't the key"):
        credentials.file_signer(certificates, key)
    with pytest.raises(ConfigError):
        credentials.file_signer(key, key)
    with pytest.raises(ConfigError):
        credentials.file_signer(tmp_path / "none", key)


def test_a_certificate_unfit_for_c2pa_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    certificates, key = _issued(tmp_path, "A", for_mail=False)
    path = tmp_path / "a.wav"
    write_wav(path, NOISE, 24000)
    before = path.read_bytes()
    with pytest.raises(TrustError, match="certificate"):
        credentials.sign_file(path, Label(), credentials.file_signer(certificates, key))
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav", "chain.pem", "key.pem"]


def _issued(folder: Path, organization: str, for_mail: bool = True) -> tuple[Path, Path]:
    """A P-256 certificate and its key, issued by an authority made for it."""
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.datetime.now(datetime.timezone.utc)

    def build(name: str, public: ec.EllipticCurvePublicKey, is_authority: bool) -> x509.Certificate:
        subject, issuer = (
            x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, n)]) for n in (name, "Issuer")
        )
        use = x509.KeyUsage(
            not is_authority, False, False, False, False, is_authority, False, False, False
        )
        builder = x509.CertificateBuilder(
            issuer, subject, public, x509.random_serial_number(),
            now - datetime.timedelta(hours=1), now + datetime.timedelta(days=30),
        )  # fmt: skip
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        builder = builder.add_extension(use, critical=True)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False
        )
        if for_mail and not is_authority:
            mail = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(mail, False)
        return builder.sign(authority, hashes.SHA256())

    chain = [
        build(organization, key.public_key(), False),
        build("Issuer", authority.public_key(), True),
    ]
    (folder / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    (folder / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return folder / "chain.pem", folder / "key.pem"
