"""A `vault.json` that somebody else wrote: it lays no profiles open and destroys no keys."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
from pathlib import Path

import pytest

from tests.profiles.test_vault import profile
from voicelet.errors import ProfileError
from voicelet.profiles.profile import MAGIC
from voicelet.profiles.vault import lock as vault_lock
from voicelet.profiles.vault.disk import Disk
from voicelet.profiles.vault.lock import FILE, PLAIN, WRAPPED, Lock, Slot, read_lock, write_lock
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.keys import keystore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a vault of one person, its key in a file."""
    Vault(tmp_path / "v").save(profile("ana", 1.0))
    return tmp_path / "v"


def key_files() -> set[str]:
    return {p.name for p in keystore.keys_folder().glob("vault-*.key")}


def lock_of(folder: Path) -> Lock:
    lock = read_lock(Disk(folder))
    assert lock is not None
    return lock


def plant(folder: Path, **changes: object) -> None:
    write_lock(Disk(folder), dataclasses.replace(lock_of(folder), **changes))  # type: ignore[arg-type]


def plain_files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*.vclp") if p.read_bytes().startswith(MAGIC)]


def test_no_vault_is_laid_open_by_who_can_only_write_its_folder(folder: Path) -> None:
    before = key_files()
    plant(folder, slots=(Slot(secrets.token_hex(8), PLAIN), *lock_of(folder).slots))
    assert Vault(folder).load("ana") == profile("ana", 1.0)  # nor is anybody locked out
    assert not plain_files(folder)
    Vault(folder).save(profile("ben", 2.0))
    assert not plain_files(folder) and key_files() == before
    Vault(folder).rotate_key()
    assert Vault(folder).names() == ["ana", "ben"] and not plain_files(folder)


def test_a_key_that_is_listed_as_its_own_successor_isnt_destroyed(folder: Path) -> None:
    before, good = key_files(), lock_of(folder)
    path = folder / "vault.json"
    sound = path.read_bytes()
    with pytest.raises(ValueError, match="twice"):
        dataclasses.replace(good, slots=(*good.slots, *good.slots))
    fields = {**dataclasses.asdict(good), "slots": [dataclasses.asdict(good.slots[0])] * 2}
    record = {"format": "voicelet vault", "version": 1, "lock": fields}
    data = vault_lock._spelled({**record, "sha256": vault_lock._digest(1, fields)})
    path.write_bytes(data)
    assert Vault(folder).load("ana") == profile("ana", 1.0)  # by the copy
    (folder / "backup" / "vault.json").write_bytes(data)
    with pytest.raises(ProfileError, match="damaged"):
        Vault(folder).load("ana")
    assert key_files() == before
    path.write_bytes(sound)
    assert Vault(folder).load("ana") == profile("ana", 1.0)


def test_no_other_vaults_key_is_destroyed(folder: Path, tmp_path: Path) -> None:
    Vault(tmp_path / "other").save(profile("ben", 2.0))
    plant(folder, slots=(*lock_of(folder).slots, *lock_of(tmp_path / "other").slots))
    assert Vault(folder).load("ana") == profile("ana", 1.0)
    Vault(folder).save(profile("cem", 3.0))
    Vault(folder).rotate_key()  # an owner may say so, and still loses nothing
    assert Vault(folder).names() == ["ana", "cem"]
    assert Vault(tmp_path / "other").load("ben") == profile("ben", 2.0)


def test_backups_arent_shut_by_a_change_of_key_that_nobody_asked_for(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(folder, tmp_path / "backup")
    plant(folder, rotate=True)
    assert Vault(folder).load("ana") == profile("ana", 1.0)
    assert "rotate-key" in caplog.text
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    assert Vault(folder).load("ana") == profile("ana", 1.0)


def test_an_encrypted_vault_isnt_taken_for_a_plain_one(folder: Path) -> None:
    plant(folder, slots=(Slot(secrets.token_hex(8), PLAIN),))
    with pytest.raises(ProfileError, match="aren't encrypted, and they were"):
        Vault(folder).save(profile("ben", 2.0))
    with pytest.raises(ProfileError, match="aren't encrypted, and they were"):
        Vault(folder).load("ana")
    assert not plain_files(folder)


def test_a_key_under_itself_is_damage() -> None:
    with pytest.raises(ValueError, match="under itself"):
        Lock("ab" * 8, (Slot("cd" * 8, WRAPPED, wrapped="a2V5"),))


def test_what_the_owner_wants_laid_open_is(folder: Path) -> None:
    Vault(folder).rotate_key(PLAIN)
    assert len(plain_files(folder)) == 2 and not key_files()
    Vault(folder).rotate_key(FILE)
    assert not plain_files(folder) and Vault(folder).load("ana") == profile("ana", 1.0)
    assert not list(keystore.keys_folder().glob("*.change"))
