"""What is signed or hashed has one spelling: another one for the same values doesn't open.

So no byte of such a file can change unseen, not even one that changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.consenting import someone
from voicelet.bundle import integrity
from voicelet.errors import ConfigError, VoiceletError
from voicelet.profiles import protected as protected_file
from voicelet.profiles.profile import Profile
from voicelet.profiles.protected import BITS, ProtectedVoices
from voicelet.profiles.vault import lock as vault_lock
from voicelet.profiles.vault.disk import Disk
from voicelet.profiles.vault.lock import Lock, Slot
from voicelet.trust.audit import export as audit_export
from voicelet.trust.audit.log import AuditLog
from voicelet.trust.audit.record import GENESIS, Head, Record
from voicelet.trust.consent.statement import Consent, ConsentRecord, Revocations, make_record
from voicelet.trust.keys import device_key, keystore, seal
from voicelet.trust.keys.passphrase import Stretch

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MANIFEST = b'{"name": "ana"}'
SEALING = seal.new_sealing_key()

Opens = Callable[[bytes, Path], object]


def revocations(data: bytes, folder: Path) -> object:
    path = folder / "revoked.jsonl"
    path.write_bytes(data)
    return Revocations(path).entries()


def written_marker(folder: Path) -> bytes:
    device_key.device_public_key()
    return (keystore.keys_folder() / "device.json").read_bytes()


def marker(data: bytes, folder: Path) -> object:
    for name in ("device.json", "device.json.copy"):
        (keystore.keys_folder() / name).write_bytes(data)
    return device_key.device_public_key()


def lock(data: bytes, folder: Path) -> object:
    (folder / vault_lock.FILE_NAME).write_bytes(data)
    return vault_lock.read_lock(Disk(folder))


def audit_log(data: bytes, folder: Path) -> object:
    log = AuditLog(folder / "log", KEY)
    log.append("use", {"seconds": 1.0})
    (folder / "log" / "audit-000001.jsonl").write_bytes(data)
    return log.verify()


def exported_log(data: bytes, folder: Path) -> object:
    sealed = seal.seal(SEALING.public, data, info=audit_export.INFO)
    return audit_export.open_export(sealed, SEALING, folder / "opened").verify()


def written_revocations(folder: Path) -> bytes:
    path = folder / "written.jsonl"
    for number in (1, 2):
        Revocations(path).add(f"{number:032x}", "no longer")
    return path.read_bytes()


def written_lock(folder: Path) -> bytes:
    disk = Disk(folder / "written")
    disk.make()
    slot = Slot("ab" * 8, "passphrase", Stretch("cd" * 16), "a2V5")
    vault_lock.write_lock(disk, Lock("ef" * 8, (slot,)))
    return (disk.path / vault_lock.FILE_NAME).read_bytes()


def written_export(folder: Path) -> bytes:
    log = AuditLog(folder / "exported", KEY)
    log.append("use", {"seconds": 1.0})
    return seal.open_sealed(
        SEALING, audit_export.export_log(log, SEALING.public), info=audit_export.INFO
    )


def listed() -> ProtectedVoices:
    templates = np.arange(2 * BITS).reshape(2, BITS) % 3 == 0
    return ProtectedVoices("choir", bytes(range(16)), ("Ana", "Žofie"), templates, "encoder")


def signed_head() -> bytes:
    return Head(0, GENESIS, 1, 0, KEY.public_key().public_bytes_raw().hex()).signed(KEY).to_bytes()


def signed_record() -> bytes:
    time = "2026-11-23T09:30:00.000Z"
    return Record(1, time, "use", {"seconds": 1.5}, GENESIS).signed(KEY).line()


FORMATS: dict[str, tuple[Callable[[Path], bytes], Opens]] = {
    "manifest.sig": (
        lambda folder: integrity.sign(MANIFEST, KEY),
        lambda data, folder: integrity.verify_signature(MANIFEST, data),
    ),
    "protected voices": (
        lambda folder: protected_file.encode_list(listed(), KEY),
        lambda data, folder: protected_file.decode_list(data),
    ),
    "revocations": (written_revocations, revocations),
    "consent record": (
        lambda folder: make_record(Consent.scripted("Ana", "in writing"), "ab" * 32).to_bytes(),
        lambda data, folder: ConsentRecord.from_bytes(data),
    ),
    "audit record": (lambda folder: signed_record(), lambda data, folder: Record.parse(data)),
    "audit head": (lambda folder: signed_head(), lambda data, folder: Head.parse(data)),
    "audit export": (written_export, exported_log),
    "device key": (written_marker, marker),
    "vault lock": (written_lock, lock),
}


def in_capitals(data: bytes) -> bytes:
    """The last long hexadecimal number of the file, its letters in capitals."""
    at = max(data.rfind(b'"%s"' % key) for key in (b"signature", b"sig", b"public_key", b"sha256"))
    start = data.index(b'"', data.index(b":", at)) + 1
    end = data.index(b'"', start)
    return data[:start] + data[start:end].upper() + data[end:]


def with_spaces(data: bytes) -> bytes:
    """The same number with a space, as `bytes.fromhex` takes it."""
    at = max(data.rfind(b'"%s"' % key) for key in (b"signature", b"sig", b"public_key", b"sha256"))
    start = data.index(b'"', data.index(b":", at)) + 1
    return data[: start + 2] + b" " + data[start + 2 :]


def with_a_key_twice(data: bytes) -> bytes:
    """The last one counts, in Python's reader."""
    key = data[data.index(b'"') : data.index(b":")]
    return data.replace(b"{", b"{" + key + b":0,", 1)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "capitals": in_capitals,
    "spaces in a number": with_spaces,
    "a key twice": with_a_key_twice,
    "a space after a colon": lambda data: data.replace(b":", b":  ", 1),
    "a space before": lambda data: b" " + data,
    "a space behind": lambda data: data + b" ",
    "a line behind": lambda data: data + b"\n",
    "a carriage return behind": lambda data: data + b"\r",
    "carriage returns": lambda data: data.replace(b"\n", b"\r\n"),
    "carriage returns alone": lambda data: data.replace(b"\n", b"\r"),
}


ONE_LINE = ("consent record", "audit record", "device key")  # without its end


@pytest.mark.parametrize(
    "form, change",
    [(f, c) for f in FORMATS for c in CHANGES if not (f in ONE_LINE and "returns" in c)],
)
def test_another_spelling_is_refused(tmp_path: Path, form: str, change: str) -> None:
    write, opens = FORMATS[form]
    data = write(tmp_path)
    changed = CHANGES[change](data)
    assert changed != data
    with pytest.raises((VoiceletError, ValueError)):
        opens(changed, tmp_path)


@pytest.mark.parametrize("form", FORMATS)
def test_the_one_spelling_opens(tmp_path: Path, form: str) -> None:
    write, opens = FORMATS[form]
    assert opens(write(tmp_path), tmp_path)


def test_lines_of_a_log_end_in_one_way(tmp_path: Path) -> None:
    whole = AuditLog(tmp_path / "whole", KEY)
    whole.append("use", {"seconds": 1.0})
    data = (tmp_path / "whole" / "audit-000001.jsonl").read_bytes()
    for changed in (data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"), in_capitals(data)):
        (tmp_path / "whole" / "audit-000001.jsonl").write_bytes(changed)
        with pytest.raises(VoiceletError, match="isn't intact"):
            whole.verify()


def test_a_profiles_header_holds_a_key_once() -> None:
    data = someone("ana").to_bytes()
    size = int.from_bytes(data[8:12], "little")
    header = b'{"name":"eve",' + data[17 : 16 + size]
    again = data[:8] + len(header).to_bytes(4, "little") + data[12:16] + header
    again += data[16 + size : -32]
    with pytest.raises(VoiceletError, match="header is damaged"):
        Profile.from_bytes(again + hashlib.sha256(again).digest())


def test_what_was_written_before_still_opens() -> None:
    """Files of 0.1.0 before other spellings were refused."""
    public = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    value = "d85df8e3c46b24337008712c2817c003accc0eb90d046326fcfb504d9600beab"
    value += "31037f7f9986a2246be2cf176fbafcb61df7b85a71455e5ea7019b1a37d16902"
    signature = f"""{{
  "algorithm": "Ed25519",
  "public_key": "{public}",
  "signature": "{value}"
}}
"""
    assert integrity.verify_signature(MANIFEST, signature.encode()) == public
    data = protected_file.encode_list(listed(), KEY)
    assert (
        hashlib.sha256(data).hexdigest()
        == "7d0768286247b5614cc7a66b835431c20bc2db65fde20d40c139c9e079f63d2d"
    )
    assert json.loads(data)["name"] == protected_file.decode_list(data).name


@pytest.mark.parametrize(
    "key", ["", "00", "0" * 63, "0" * 65, "g" * 64, "0" * 31 + "  " + "0" * 31]
)
def test_a_trusted_key_that_cant_be_one_is_named(key: str) -> None:
    signature = integrity.sign(MANIFEST, KEY)
    with pytest.raises(ConfigError, match="can't be a trusted key"):
        integrity.verify_signature(MANIFEST, signature, trusted_keys=[key])


def test_a_trusted_key_may_be_typed_in_capitals() -> None:
    public = KEY.public_key().public_bytes_raw().hex()
    signature = integrity.sign(MANIFEST, KEY)
    for typed in (public, public.upper(), f" {public}\n"):
        assert integrity.verify_signature(MANIFEST, signature, trusted_keys=[typed]) == public
