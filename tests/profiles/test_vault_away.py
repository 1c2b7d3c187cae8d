"""A profile whose file is away for a moment (a synchronized folder) isn't lost for good."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from pathlib import Path

import pytest

from tests.profiles.test_vault import profile
from tests.profiles.test_vault_protection import files, key_files
from voicelet.errors import ProfileError, ProfileLockedError, ProfileNotFoundError
from voicelet.profiles.vault.disk import Disk
from voicelet.profiles.vault.lock import is_pending, read_lock, write_lock
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.keys import keystore

WORDS = "correct horse"


def three(path: Path, **options: str) -> Vault:
    vault = Vault(path, **options)  # type: ignore[arg-type]
    for name, speech_s in (("ana", 1.0), ("ben", 2.0), ("Cleo", 3.0)):
        vault.save(profile(name, speech_s))
    return vault


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return three(tmp_path / "v")


def take_away(vault: Vault, aside: Path, file: str = "ben.vclp") -> None:
    for place in ("", "backup"):
        (aside / place).mkdir(parents=True, exist_ok=True)
        shutil.move(vault.path / place / file, aside / place / file)


def bring_back(vault: Vault, aside: Path) -> None:
    for path in aside.rglob("*.vclp"):
        shutil.move(path, vault.path / path.relative_to(aside))


def is_settled(vault: Vault) -> bool:
    lock = read_lock(Disk(vault.path))
    return lock is not None and not is_pending(lock)


def test_erasing_another_keeps_the_key_until_it_is_back(
    vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(vault.path, tmp_path / "stolen")
    before = key_files()
    ana = files(vault, "ana")[0].read_bytes()
    take_away(vault, tmp_path / "aside")
    vault.erase("ana")
    assert "can still open copies" in caplog.text and "voicelet erase ben" in caplog.text
    assert not any(path.exists() for path in files(vault, "ana"))
    files(vault, "ana")[0].write_bytes(ana)  # this vault takes no copy of it back
    with pytest.raises(ProfileNotFoundError):
        vault.load("ana")
    assert not files(vault, "ana")[0].exists()
    assert vault.load("Cleo").speech_s == 3.0 and before < key_files()
    bring_back(vault, tmp_path / "aside")
    assert vault.load("ben") == profile("ben", 2.0)
    assert is_settled(vault) and len(key_files()) == 1 and not before & key_files()
    with pytest.raises(ProfileLockedError, match="gone"):
        Vault(tmp_path / "stolen").load("ana")


def test_a_change_of_key_waits_for_it(vault: Vault, tmp_path: Path) -> None:
    take_away(vault, tmp_path / "aside")
    for _ in range(2):
        with pytest.raises(ProfileError, match=r"ben\.vclp .*isn't there.*voicelet erase ben"):
            vault.rotate_key()
    with pytest.raises(ProfileError, match="voicelet erase ben"):
        vault.rotate_key("plain")  # nor is it laid open without it
    assert vault.load("ana").speech_s == 1.0
    bring_back(vault, tmp_path / "aside")
    assert vault.load("ben") == profile("ben", 2.0) and is_settled(vault)
    assert len(key_files()) == 1


def test_laying_the_rest_open_waits_for_it(vault: Vault, tmp_path: Path) -> None:
    take_away(vault, tmp_path / "aside")
    with pytest.raises(ProfileError, match="voicelet erase ben"):
        vault.rotate_key("plain")
    bring_back(vault, tmp_path / "aside")
    assert vault.load("ben") == profile("ben", 2.0)


def test_what_is_away_is_shown_and_can_be_given_up(vault: Vault, tmp_path: Path) -> None:
    take_away(vault, tmp_path / "aside")
    with pytest.raises(ProfileError, match="is gone, and so is its copy"):
        vault.load("ben")
    assert list(vault.missing()) == ["ben"] and [p.name for p in vault.list()] == ["ana", "Cleo"]
    assert [p.name for p in vault.damaged()] == ["ben.vclp"]
    with pytest.raises(ProfileError):
        vault.rotate_key()
    vault.erase("ben")
    assert is_settled(vault) and len(key_files()) == 1 and not vault.missing()
    bring_back(vault, tmp_path / "aside")
    with pytest.raises(ProfileError, match="key that this vault hasn't"):
        vault.load("ben")
    with pytest.raises(ProfileNotFoundError):
        vault.erase("dan")


def test_the_last_one_that_is_there_takes_no_key_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the disk is full, where the key of an emptied vault goes at once."""
    vault = Vault(tmp_path / "v")
    vault.save(profile("ana", 1.0))
    vault.save(profile("ben", 2.0))
    take_away(vault, tmp_path / "aside")
    with monkeypatch.context() as full:
        full.setattr(
            "voicelet.profiles.vault.session.Session.note_erased",
            lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        )
        vault.erase("ana")
    bring_back(vault, tmp_path / "aside")
    assert Vault(tmp_path / "v").load("ben") == profile("ben", 2.0)


def test_what_was_erased_from_a_locked_vault_isnt_missed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vault = three(tmp_path / "v", passphrase=WORDS)
    Vault(vault.path).erase("ana")
    take_away(vault, tmp_path / "aside", "ben.vclp")
    assert [p.name for p in Vault(vault.path, passphrase=WORDS).list()] == ["Cleo"]
    assert "voicelet erase ben" in caplog.text and "voicelet erase ana" not in caplog.text
    bring_back(vault, tmp_path / "aside")
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert Vault(vault.path, passphrase=WORDS).load("ben") == profile("ben", 2.0)
    assert is_settled(vault) and not caplog.records
    vault = Vault(vault.path, passphrase=WORDS)
    vault.save(profile("ana", 4.0))  # a new one of that name is another one
    assert vault.load("ana").speech_s == 4.0


def test_nobody_else_says_what_was_erased(vault: Vault) -> None:
    lock = read_lock(Disk(vault.path))
    assert lock is not None
    for changes in ({"erased": ("ben.vclp",)}, {"erased": ("ben.vclp",), "rotate": True}):
        write_lock(Disk(vault.path), dataclasses.replace(lock, **changes))  # type: ignore[arg-type]
        assert Vault(vault.path).load("ben") == profile("ben", 2.0)
    vault.rotate_key()
    assert Vault(vault.path).load("ben") == profile("ben", 2.0) and is_settled(vault)


INDEX = ("index", "backup/index")


@pytest.mark.parametrize("protection", ["file", "passphrase"])
@pytest.mark.parametrize("index", ["whole", "gone", "damaged", "older"])
def test_the_key_stays_while_it_opens_a_profile_that_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protection: str, index: str
) -> None:
    def opened(words: str | None = WORDS) -> Vault:
        return Vault(tmp_path / "v", passphrase=words if protection == "passphrase" else None)

    opened().save(profile("ana", 1.0))
    older = {name: (tmp_path / "v" / name).read_bytes() for name in INDEX}
    opened().save(profile("ben", 2.0))
    newest = {name: (tmp_path / "v" / name).read_bytes() for name in INDEX}
    take_away(opened(), tmp_path / "aside")
    for name in INDEX:
        if index == "gone":
            (tmp_path / "v" / name).unlink()
        elif index == "damaged":
            (tmp_path / "v" / name).write_bytes(b"rot" * 20)
        elif index == "older":
            (tmp_path / "v" / name).write_bytes(older[name])
    opened(words=None).erase("ana")
    assert not any(path.exists() for path in files(opened(), "ana"))
    assert "voicelet erase ben" in caplog.text or index == "whole"
    assert opened(words=None).missing() == ["ben"]
    bring_back(opened(), tmp_path / "aside")
    if index != "whole":
        for name, data in newest.items():
            (tmp_path / "v" / name).write_bytes(data)
        opened().restore("ben", accept_older=True)
    assert opened().load("ben") == profile("ben", 2.0)
    opened().erase("ben")
    assert key_files() == set() or is_settled(opened())


def test_an_index_that_is_begun_anew_knows_what_is_away(vault: Vault, tmp_path: Path) -> None:
    take_away(vault, tmp_path / "aside")
    for name in INDEX:
        (vault.path / name).unlink()
    vault.restore("ana", accept_older=True)
    assert vault.missing() == ["ben"]
    with pytest.raises(ProfileError, match="only the old key"):
        vault.rotate_key()
    vault.erase("ana")
    vault.erase("Cleo")
    bring_back(vault, tmp_path / "aside")
    assert vault.load("ben") == profile("ben", 2.0)
    assert is_settled(vault)


def test_a_vault_of_before_keeps_its_key_where_nothing_says_what_it_opens(
    vault: Vault, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (held,) = keystore.keys_folder().glob("vault-*.profiles")
    held.unlink()
    take_away(vault, tmp_path / "aside")
    for name in INDEX:
        (vault.path / name).unlink()
    vault.erase("ana")
    vault.erase("Cleo")
    assert "next unlocked" in caplog.text
    bring_back(vault, tmp_path / "aside")
    vault.restore("ben", accept_older=True)
    assert vault.load("ben") == profile("ben", 2.0)


def test_a_profile_is_stated_before_it_is_written(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(disk: Disk, name: str, data: bytes) -> None:
        raise KeyboardInterrupt

    (held,) = keystore.keys_folder().glob("vault-*.profiles")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Disk, "write", killed)
        vault.save(profile("Dora", 4.0))
    assert any(file.startswith("Dora") for file in json.loads(held.read_text()))
    vault.erase("ana")
    assert "ana.vclp" not in json.loads(held.read_text())
