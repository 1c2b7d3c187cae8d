"""Of make_profiles_golden.py: sealed exports and backups, whole and tampered with."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.golden.profile_cases import KEY, adaptation, person, record
from tests.golden.trust_seeds import b64, failure
from voicelet.profiles.backup import backup_profile, open_backup
from voicelet.profiles.profile import Profile
from voicelet.profiles.transfer import INFO, export_profile, read_record
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.consent.record import BY_STATEMENT
from voicelet.trust.consent.signers import device_signers
from voicelet.trust.keys.seal import SealingKey, public_to_text, seal

PASSPHRASE = "zwölf Boxkämpfer jagen"
CLASSIC = SealingKey(bytes(range(1, 33)))
HYBRID = SealingKey(bytes(range(96)))


def make_sealed() -> dict[str, Any]:
    """Keys, exports and backups, and what is refused of them."""
    with tempfile.TemporaryDirectory() as folder:
        vault = Vault(Path(folder) / "v", keys=Path(folder) / "k", protection="file")
        vault.save(person("ana"))
        device_signers().trust(KEY.public_key().public_bytes_raw().hex(), "Ana", BY_STATEMENT)
        adapted = replace(person("bea"), consent=None, adaptation=adaptation())
        vault.save(replace(adapted, consent=record(adapted.voice_sha256)))
        exports, tampered = [], []
        for kind, key in (("classic", CLASSIC), ("hybrid", HYBRID)):
            for name in ("ana", "bea"):
                data = export_profile(vault, name, key.public)
                exports.append({"key": kind, "name": name, "file": b64(data)})
            tampered += list(_exports(kind, key, export_profile(vault, "ana", key.public)))
        backup_profile(vault, "ana", Path(folder) / "ana.backup", PASSPHRASE)
        backup = (Path(folder) / "ana.backup").read_bytes()
    keys = {
        kind: {"private": key.to_text(), "public": public_to_text(key.public)}
        for kind, key in (("classic", CLASSIC), ("hybrid", HYBRID))
    }
    return {
        "keys": keys,
        "exports": exports,
        "tampered": tampered,
        "texts": list(_texts()),
        "passphrase": PASSPHRASE,
        "backup": b64(backup),
        "backups": list(_backups(backup)),
        "profile": b64(person("ana").to_bytes()),
    }


def _row(what: str, data: bytes, action: Callable[[], object], **more: str) -> dict[str, Any]:
    return {"what": what, "file": b64(data), "error": failure(action), **more}


def _flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _exports(kind: str, key: SealingKey, data: bytes) -> Iterator[dict[str, Any]]:
    places = (0, 4, 5, 6, 7, 40, 1000, 1100, 1120, len(data) - 1)
    cases = [(f"byte {p}", _flipped(data, p)) for p in places if p < len(data)]
    cases += [(f"cut to {n}", data[:n]) for n in (0, 3, 7, 20, 60, 1130, len(data) - 1)]
    ana, stranger = person("ana"), SealingKey(bytes(len(key.private) - 1) + b"\1")
    unsaid = replace(ana, consent=None).to_bytes()
    other_kind = CLASSIC if key is HYBRID else HYBRID
    zeros = data[:7] + bytes(1120 if kind == "hybrid" else 32) + data[39:]
    cases += [
        ("sound", data),
        ("longer", data + b"\0"),
        ("no point", zeros),
        ("for another purpose", seal(key.public, ana.to_bytes(), info=b"else")),
        ("not a profile", seal(key.public, b"VCLP", info=INFO)),
        ("for a key of another kind", seal(other_kind.public, b"", info=INFO)),
        ("for another key", seal(stranger.public, b"", info=INFO)),
        ("not sealed", ana.to_bytes()),
        ("changed, not sealed", _flipped(ana.to_bytes(), 99)),
        ("without consent", seal(key.public, unsaid, info=INFO)),
        ("signature changed", seal(key.public, _unsigned(), info=INFO)),
    ]
    for what, file in cases:
        yield _row(what, file, functools.partial(read_record, file, key), key=kind)


def _unsigned() -> bytes:
    profile = person("ana")
    assert profile.consent is not None
    return replace(profile, consent=replace(profile.consent, signature="ab" * 64)).to_bytes()


def _texts() -> Iterator[dict[str, Any]]:
    sound = CLASSIC.to_text()
    own, shorter = (base64.b64encode(k).decode() for k in (CLASSIC.private, bytes(31)))
    changes = [
        sound,
        sound.replace("\n", "\r\n"),
        f"  {sound}\n\n",
        public_to_text(CLASSIC.public),
        sound.replace("PRIVATE", "SECRET"),
        sound.replace("-----END", "----END"),
        sound.replace("=", ""),
        sound[:40],
        "",
        sound + sound,
        sound + " " * (1 << 15),
        sound.replace(own, shorter),
    ]
    for text in changes:
        yield {"text": text, "error": failure(functools.partial(SealingKey.from_text, text))}


def _backups(data: bytes) -> Iterator[dict[str, Any]]:
    size = struct.unpack_from("<I", data, 8)[0]
    header, body = json.loads(data[16 : 16 + size]), data[16 + size : -32]
    stretch = header["stretch"]
    for place in (0, 4, 6, 8, 12, 30, 16 + size + 50, len(data) - 1):
        yield _opened(f"byte {place}", _flipped(data, place))
    for length in (0, 3, 15, 40, len(data) - 1):
        yield _opened(f"cut to {length}", data[:length])
    yield _opened("longer", data + b"\0")
    cheap = {**stretch, "n": 1 << 14}
    for what, changed in (
        ("another time", {**header, "created": "2020-01-01T00:00:00Z"}),
        ("another salt", {**header, "stretch": {**cheap, "salt": "00" * 16}}),
        ("a short salt", {**header, "stretch": {**cheap, "salt": "00" * 15}}),
        ("cost of a gibibyte", {**header, "stretch": {**stretch, "n": 1 << 20}}),
        ("cost of nothing", {**header, "stretch": {**stretch, "n": 1 << 10}}),
        ("a cost that is no power of two", {**header, "stretch": {**stretch, "n": 100_000}}),
        ("passes without end", {**header, "stretch": {**stretch, "p": 1 << 30}}),
        ("no passes", {**header, "stretch": {**stretch, "p": 0}}),
        ("large blocks", {**header, "stretch": {**stretch, "r": 1024}}),
        ("no stretch", {**header, "stretch": None}),
        ("a key more", {**header, "later": 1}),
        ("no base64", {**header, "stretch": cheap, "wrapped": "?"}),
        ("a short box", {**header, "stretch": cheap, "wrapped": "AAAA"}),
        ("a list", [header]),
    ):
        yield _opened(what, _backup(json.dumps(changed, sort_keys=True).encode(), body))
    text = json.dumps(header, sort_keys=True).encode()
    yield _opened("a space more", _backup(text.replace(b": ", b":  ", 1), body))
    yield _opened("a header beyond all", _backup(b" " * 5000 + text, body))
    cheaper = json.dumps({**header, "stretch": cheap}, sort_keys=True).encode()
    yield _opened("another body", _backup(cheaper, _flipped(body, 99)))


def _opened(what: str, data: bytes) -> dict[str, Any]:
    def action() -> Profile:
        body, key = open_backup(data, PASSPHRASE, accept_erased=True)
        read_record(body, key)
        raise AssertionError(f"{what}: nothing was refused")

    return _row(what, data, action)


def _backup(text: bytes, body: bytes) -> bytes:
    data = struct.pack("<4sHHII", b"VCLB", 1, 0, len(text), len(body)) + text + body
    return data + hashlib.sha256(data).digest()
