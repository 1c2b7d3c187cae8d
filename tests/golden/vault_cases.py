"""Of make_profiles_golden.py: vaults, whole and tampered with."""

from __future__ import annotations

import functools
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from tests.golden.profile_cases import person
from tests.golden.trust_seeds import b64, failure
from voicelet.errors import ProfileError
from voicelet.profiles.vault import keys as vault_keys
from voicelet.profiles.vault import rotation
from voicelet.profiles.vault.lock import read_lock
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.keys.passphrase import Stretch, check_strength

PASSPHRASE = "zwölf Boxkämpfer jagen"
NAMES = ("ana", "Zoe\u0308")
"""Of one person: two others with voices at random would be taken for each other."""
PASSPHRASES = (
    PASSPHRASE, "", "short", "password1", "P@55w0rd!", "abcdefghij", "qwertyuiop", "12345678901234",
    "91827364509182", "1982736450", "aaaaaaaaaaaa", "abababababab", "correct horse battery",
    "Straße 12 Zürich", "iloveyouiloveyou", "ILOVEYOU!!", "aabbccddaabbccdd", "zxcvbnm,./",
    "xkvqzjwp", "abcabcabc1", "ββββγγγγδδ", "ßßßßßßßß", "\u0130stanbul 1",
)  # fmt: skip


def make_vaults() -> dict[str, Any]:
    """Vaults with the folder of keys, what is in them, and which changes to them are refused."""
    quick = functools.partial(Stretch, n=1 << 14, p=1)
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(vault_keys, "new_stretch", lambda: quick(secrets.token_hex(16))),
    ):
        made = dict(_vaults(Path(folder)))
        cases = list(_tampered(Path(folder)))
    strength = [
        {"passphrase": p, "error": failure(functools.partial(check_strength, p))}
        for p in PASSPHRASES
    ]
    return {"passphrase": PASSPHRASE, "vaults": made, "tampered": cases, "strength": strength}


def _filled(folder: Path, **options: Any) -> Vault:
    vault = Vault(folder / "vault", keys=folder / "keys", **options)
    for name in NAMES:
        vault.save(person(name))
    return vault


def _vaults(folder: Path) -> Iterator[tuple[str, Any]]:
    _filled(folder / "file", protection="file")
    yield "file", _files(folder / "file")
    secret = {"protection": "passphrase", "passphrase": PASSPHRASE}
    vault = _filled(folder / "passphrase", **secret)
    yield "passphrase", _files(folder / "passphrase")
    vault.save(person("ben"))
    vault.erase("ben")
    yield "erased", _files(folder / "passphrase")
    # Killed in the middle of a change of key: one profile is under the new one, one under the old.
    with mock.patch.object(rotation, "_rewrap", side_effect=ProfileError("killed")):
        failure(vault.rotate_key)
    lock = read_lock(vault._disk)
    assert lock is not None
    assert [slot.where for slot in lock.slots] == ["passphrase", "wrapped"]
    yield "changing", _files(folder / "passphrase")


def _files(folder: Path) -> dict[str, str]:
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ".lock")
    return {str(p.relative_to(folder)): b64(p.read_bytes()) for p in paths}


def _tampered(base: Path) -> Iterator[dict[str, Any]]:
    """Each change to the vault with its key in a file, as what it changes, and what comes of it."""
    sound = base / "file"
    old = base / "old"
    shutil.copytree(sound, old)
    Vault(sound / "vault", keys=sound / "keys", protection="file").save(person("ana"))
    yield {"what": "all", "files": _files(sound), "error": None}
    for number, (what, change) in enumerate(_changes(sound, old)):
        copy = base / f"case{number}"
        shutil.copytree(sound, copy)
        change(copy)
        vault = Vault(copy / "vault", keys=copy / "keys", protection="file")
        error = failure(functools.partial(vault.load, "ana"))
        shutil.rmtree(copy)
        shutil.copytree(sound, copy)
        change(copy)
        changed = _difference(_files(sound), _files(copy))
        yield {"what": what, "files": changed, "error": error}


def _difference(before: dict[str, str], after: dict[str, str]) -> dict[str, str | None]:
    names = sorted({*before, *after})
    return {name: after.get(name) for name in names if before.get(name) != after.get(name)}


def _changes(sound: Path, old: Path) -> Iterator[tuple[str, Callable[[Path], object]]]:
    ana = (sound / "vault/ana.vclp").read_bytes()
    for place in (0, 4, 6, 8, 12, 20, 60, len(ana) // 2, len(ana) - 1):
        changed = ana[:place] + bytes([ana[place] ^ 1]) + ana[place + 1 :]
        yield f"byte {place}", _writes({"vault/ana.vclp": changed})
    yield "cut", _writes({"vault/ana.vclp": ana[:-1]})
    yield "empty", _writes({"vault/ana.vclp": b""})
    yield "too large", _writes({"vault/ana.vclp": ana + bytes(1 << 21)})
    yield "longer", _writes({"vault/ana.vclp": ana + b"\0"})
    yield "in plain", _writes({"vault/ana.vclp": person("ana").to_bytes()})
    yield "older", _writes({"vault/ana.vclp": (old / "vault/ana.vclp").read_bytes()})
    zoe = next((sound / "vault").glob("Zo*"))
    yield "another's", _writes({"vault/ana.vclp": zoe.read_bytes()})
    yield "gone, with a copy", _removes("vault/ana.vclp")
    yield "gone", _removes("vault/ana.vclp", "vault/backup/ana.vclp")
    yield "index gone", _removes("vault/index")
    yield "index and copy gone", _removes("vault/index", "vault/backup/index")
    yield "index damaged", _writes({"vault/index": b"VCLX\x01"})
    yield "both damaged", _writes({"vault/index": b"VCLX\x01", "vault/backup/index": b""})
    earlier = ("index", "backup/index", "ana.vclp", "backup/ana.vclp")
    yield "all older", _writes({f"vault/{p}": (old / "vault" / p).read_bytes() for p in earlier})
    yield "lock gone", _removes("vault/vault.json")
    yield "both locks gone", _removes("vault/vault.json", "vault/backup/vault.json")
    lock = (sound / "vault/vault.json").read_bytes()
    key_id = json.loads(lock)["lock"]["slots"][0]["id"].encode()
    yield "lock damaged", _writes({"vault/vault.json": lock[:-2]})
    both = ("vault/vault.json", "vault/backup/vault.json")
    for what, data in (
        ("cut", lock[:40]),
        ("a space more", lock.replace(b'": ', b'":  ', 1)),
        ("another key", lock.replace(key_id, b"0" * 16)),
        ("a list", b"[]"),
        ("deep", b"[" * 100_000),
    ):
        yield f"locks: {what}", _writes(dict.fromkeys(both, data))
    key = next((sound / "keys").glob("vault-*.key"))
    name, copy = f"keys/{key.name}", f"keys/{key.name}.copy"
    yield "key gone, with a copy", _removes(name)
    yield "key gone", _removes(name, copy)
    yield "key damaged", _writes({name: key.read_bytes()[:-1] + b"\0", copy: b"\0" * 40})
    counter = next((sound / "keys").glob("*.count"))
    yield "counter gone", _removes(f"keys/{counter.name}")


def _writes(files: dict[str, bytes]) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).write_bytes(data) for name, data in files.items()]


def _removes(*names: str) -> Callable[[Path], object]:
    def remove(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return remove
