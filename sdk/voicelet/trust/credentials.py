"""Content credentials (C2PA) for exported files: who made it, with what, when, signed.

Needs the extra `pip install "voicelet[c2pa]"`.  The manifest follows C2PA 2.x: one `c2pa.created`
action with IPTC's source type for generated media, and the label as a custom assertion.  It is
embedded in WAV, FLAC and MP3 files; Ogg has no place for it.

Without a certificate of their own, users sign with this device's key under a certificate that the
device issues for itself: readers then show that nothing was changed since it was signed, and an
unknown signer.  For a name that others recognize, give a certificate of an authority on the C2PA
trust list.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.errors import BundleError, ConfigError, TrustError
from voicelet.files import atomic_file, read_regular
from voicelet.trust.labels import SOURCE_TYPE, Label

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MIME_TYPES = {".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg"}
ASSERTION = "org.voicelet.synthetic-speech"
_DAYS = 365
_ORGANIZATION = "voicelet device"


@dataclass(frozen=True)
class FileSigner:
    """Who signs content credentials.

    Attributes:
        certificates: PEM, the signer's first, then those that issued it.
        algorithm: a name of C2PA: "ed25519", "es256", "es384", "ps256", …
        sign: bytes → signature, as that algorithm lays it out.
    """

    certificates: str
    algorithm: str
    sign: Callable[[bytes], bytes]


def check_available() -> None:
    """Refuse early where the extra isn't installed.

    Raises:
        ConfigError: it isn't, with the remedy.
    """
    _c2pa()


def device_signer(key: Ed25519PrivateKey | None = None) -> FileSigner:
    """Sign with this device's own key, which no authority vouches for.

    Raises:
        SealError: the device's key can't be had.
    """
    from voicelet.trust.keys.device_key import device_key

    key = key or device_key()
    return FileSigner(_device_certificates(key), "ed25519", key.sign)


def file_signer(certificates: str | os.PathLike[str], key: str | os.PathLike[str]) -> FileSigner:
    """Sign with a certificate and its key from files.

    Args:
        certificates: PEM chain, the signer's first.
        key: unencrypted PEM private key: Ed25519, or ECDSA on P-256 or P-384.

    Raises:
        ConfigError: a file can't be read, or isn't what it should be.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    try:
        chain = read_regular(Path(certificates), 1 << 18)
        private = load_pem_private_key(read_regular(Path(key), 1 << 16), password=None)
        leaf = x509.load_pem_x509_certificates(chain)[0]
    except (OSError, ValueError, TypeError, BundleError) as error:
        raise ConfigError(f"{os.fspath(certificates)!r}, {os.fspath(key)!r}: {error}") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise ConfigError(f"{os.fspath(key)!r} isn't the key of the first certificate")
    algorithm, sign = _signing(private)
    return FileSigner(chain.decode("ascii"), algorithm, sign)


def sign_file(path: str | os.PathLike[str], label: Label, signer: FileSigner) -> None:
    """Embed signed credentials in a finished file, which is replaced, all or nothing.

    Raises:
        ConfigError: the format can't hold them, or the extra isn't installed.
        TrustError: the signer's certificate isn't fit for C2PA.
        OSError: the file can't be read or written.
    """
    target = Path(path)
    kind = mime_type(target)
    c2pa = _c2pa()
    algorithm = getattr(c2pa.C2paSigningAlg, signer.algorithm.upper(), None)
    if algorithm is None:
        raise ConfigError(f"C2PA knows no algorithm {signer.algorithm!r}")
    try:
        with (
            target.open("rb") as source,
            atomic_file(target) as signed,
            _offline(c2pa) as context,
            c2pa.Signer.from_callback(signer.sign, algorithm, signer.certificates) as by,
            c2pa.Builder(manifest(label, target.name), context) as builder,
        ):
            builder.sign(by, kind, source, signed)
    except c2pa.C2paError as error:
        raise TrustError(
            f"{target.name}: content credentials can't be made ({error}); is the certificate one"
            " for C2PA, and the key the certificate's?"
        ) from None


def read_credentials(path: str | os.PathLike[str]) -> dict[str, object] | None:
    """What a file's credentials say, and whether they hold; None where it has none.

    Returns:
        `valid` (nothing was changed since it was signed), `trusted` (the signer is on a trust list
        that this machine knows), `signer` (the issuer's name), `claim_generator`, `label` (what
        :meth:`Label.facts` gave), `problems` (C2PA's codes).

    Raises:
        ConfigError: the format can't hold them, or the extra isn't installed.
        OSError: the file can't be read.
    """
    target = Path(path)
    kind = mime_type(target)
    c2pa = _c2pa()
    try:
        with (
            target.open("rb") as data,
            _offline(c2pa) as context,
            c2pa.Reader(kind, data, context=context) as reader,
        ):
            store = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return None
    except c2pa.C2paError as error:
        return {"valid": False, "trusted": False, "problems": [str(error)[:200]]}
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    problems = [str(p.get("code")) for p in store.get("validation_status", [])]
    assertions = {a.get("label"): a.get("data") for a in active.get("assertions", [])}
    generator = (active.get("claim_generator_info") or [{}])[0]
    return {
        "valid": all(p == "signingCredential.untrusted" for p in problems),
        "trusted": store.get("validation_state") == "Trusted",
        "signer": active.get("signature_info", {}).get("issuer", ""),
        "claim_generator": f"{generator.get('name', '')} {generator.get('version', '')}".strip(),
        "label": assertions.get(ASSERTION),
        "problems": problems,
    }


def mime_type(path: Path) -> str:
    """The MIME type of a file that can hold credentials.

    Raises:
        ConfigError: it can't.
    """
    try:
        return MIME_TYPES[path.suffix.lower()]
    except KeyError:
        suffixes = ", ".join(MIME_TYPES)
        raise ConfigError(
            f"{path.name!r} can't hold content credentials; write one of {suffixes}"
        ) from None


def manifest(label: Label, title: str) -> dict[str, Any]:
    """The C2PA manifest of a file, before it is signed."""
    action = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPE,
        "when": label.created,
        "softwareAgent": {"name": label.system, "version": label.version},
    }
    return {
        "claim_generator_info": [{"name": label.system, "version": label.version}],
        "title": title,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": ASSERTION, "data": label.facts()},
        ],
    }


def _c2pa() -> Any:
    try:
        import c2pa
    except (ImportError, OSError) as error:  # OSError: its shared library doesn't load
        raise ConfigError(
            f'content credentials need an extra: pip install "voicelet[c2pa]" ({error})'
        ) from None
    return c2pa


def _offline(c2pa: Any) -> Any:
    # Remote manifests and certificate status servers are never contacted.
    settings = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def _signing(private: Any) -> tuple[str, Callable[[bytes], bytes]]:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519", private.sign
    curves: dict[str, tuple[str, Any]] = {
        "secp256r1": ("es256", hashes.SHA256()),
        "secp384r1": ("es384", hashes.SHA384()),
    }
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in curves:
        algorithm, digest = curves[private.curve.name]
        size = (private.curve.key_size + 7) // 8

        def sign(data: bytes) -> bytes:
            r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")  # as COSE lays it out

        return algorithm, sign
    raise ConfigError("a key for content credentials is Ed25519, or ECDSA on P-256 or P-384")


def _device_certificates(key: Ed25519PrivateKey) -> str:
    """A certificate for the device's key, issued by an authority made for this call only.

    C2PA refuses self-signed certificates, so the device signs as an authority of its own.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    from voicelet.trust.keys.seal import new_signing_key

    public = key.public_key()
    short = public.public_bytes_raw()[:8].hex()
    authority = new_signing_key()
    now = datetime.datetime.now(datetime.timezone.utc)

    def name(what: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{what} {short}"),
            ]
        )

    def usage(signs: bool, issues: bool) -> x509.KeyUsage:
        return x509.KeyUsage(signs, False, False, False, False, issues, False, False, False)

    def certificate(subject: x509.Name, subject_key: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(name("self-issued authority"))
            .public_key(subject_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=_DAYS))
        )

    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    root = (
        certificate(name("self-issued authority"), authority.public_key())
        .add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(usage(False, True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(authority, None)
    )
    by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    leaf = (
        certificate(name("speech of"), public)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage(True, False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(by, critical=False)
        .sign(authority, None)
    )
    return (leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)).decode("ascii")
