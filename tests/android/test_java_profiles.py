"""Python opens what the Java core's tests wrote: profiles, vaults, sealed exports and backups."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.golden.profile_cases import KEY, person
from tests.golden.seal_cases import PASSPHRASE
from voicelet.errors import ProfileError, ProfileLockedError, ProfileNotFoundError, SealError
from voicelet.profiles.backup import restore_profile
from voicelet.profiles.profile import Profile
from voicelet.profiles.transfer import import_profile, read_record
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.keys.seal import SealingKey, new_sealing_key

WRITTEN = Path(__file__).parents[2] / "android_bridge" / "core" / "target" / "written-by-java"
SIGNER = KEY.public_key().public_bytes_raw().hex()


def written(part: str) -> Path:
    """A folder that the Java tests wrote."""
    folder = WRITTEN / part
    if not folder.is_dir():
        pytest.skip(f"{folder} isn't there; mvn -f android_bridge/pom.xml -pl core test writes it")
    return folder


def java_vault(tmp_path: Path, protection: str) -> Vault:
    """A copy of a vault that Java wrote: opening it may change it."""
    shutil.copytree(written("vaults") / protection, tmp_path / "java")
    secret = PASSPHRASE if protection == "passphrase" else None
    return Vault(tmp_path / "java" / "vault", keys=tmp_path / "java" / "keys", passphrase=secret)


def test_profiles_have_the_same_bytes() -> None:
    files = sorted(written("profiles").glob("*.vclp"))
    assert len(files) == 7
    for file in files:
        profile = Profile.from_bytes(file.read_bytes())
        assert profile.to_bytes() == file.read_bytes()
    assert files[0].read_bytes() == person("ana").to_bytes()


@pytest.mark.parametrize("protection", ["file", "passphrase"])
def test_a_vault_is_read_and_written_on(tmp_path: Path, protection: str) -> None:
    vault = java_vault(tmp_path, protection)
    assert vault.protection == protection
    assert vault.names() == ["ana", "Zoë"]
    assert not vault.damaged()
    assert not vault.missing()
    assert vault.load("ana") == person("ana")
    vault.load("Zoë").check_record()
    with pytest.raises(ProfileNotFoundError):
        vault.load("ben")
    vault.save(person("ana", speech_s=99.0))
    assert vault.load("ana").speech_s == 99.0
    vault.erase("Zoë")
    vault.rotate_key()
    assert [p.name for p in vault.list()] == ["ana"]


@pytest.mark.parametrize("protection", ["file", "passphrase"])
def test_a_changed_byte_is_noticed(tmp_path: Path, protection: str) -> None:
    vault = java_vault(tmp_path, protection)
    file = vault.path / "ana.vclp"
    data = bytearray(file.read_bytes())
    for place in range(0, len(data), 97):
        data[place] ^= 1
        file.write_bytes(data)
        with pytest.raises(ProfileError):
            vault.load("ana")
        data[place] ^= 1
    file.write_bytes(data)
    vault.load("ana")


def test_a_vault_stays_locked_without_its_passphrase(tmp_path: Path) -> None:
    vault = java_vault(tmp_path, "passphrase")
    wrong = Vault(vault.path, keys=tmp_path / "java" / "keys", passphrase="four other words here")
    with pytest.raises(ProfileLockedError):
        wrong.load("ana")


def test_a_vault_put_back_is_noticed(tmp_path: Path) -> None:
    vault = java_vault(tmp_path, "file")
    older = tmp_path / "older"
    shutil.copytree(vault.path, older)
    vault.save(person("ana", speech_s=99.0))
    shutil.rmtree(vault.path)
    shutil.copytree(older, vault.path)
    with pytest.raises(ProfileError, match="older than it was"):
        vault.load("ana")


@pytest.mark.parametrize("kind", ["classic", "hybrid", "fresh"])
def test_exports_are_imported(tmp_path: Path, kind: str) -> None:
    folder = written("sealed")
    data = (folder / f"{kind}.sealed").read_bytes()
    key = SealingKey.from_text((folder / f"{kind}.key").read_text())
    assert read_record(data, key) == person("ana").consent
    vault = Vault(tmp_path / "v")
    profile = import_profile(vault, data, key, trusted_signers=[SIGNER])
    assert vault.load("ana") == profile == person("ana")
    with pytest.raises(SealError):
        read_record(data[:-1] + bytes([data[-1] ^ 1]), key)
    with pytest.raises(SealError):
        read_record(data, new_sealing_key(hybrid=kind != "classic"))


def test_a_backup_is_restored(tmp_path: Path) -> None:
    file = written("sealed") / "ana.backup"
    vault = Vault(tmp_path / "v")
    with pytest.raises(ProfileLockedError):
        restore_profile(vault, file, "four other words here")
    restore_profile(vault, file, PASSPHRASE, trusted_signers=[SIGNER])
    assert vault.load("ana") == person("ana")
