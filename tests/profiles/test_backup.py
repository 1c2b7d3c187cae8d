"""A profile in one file, under a passphrase, for any device of its owner."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import secrets
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.consenting import draft, scripted, someone
from voicelet.errors import (
    ConfigError,
    ConsentEndedError,
    ConsentError,
    OutputError,
    ProfileError,
    ProfileLockedError,
    ProfileNotFoundError,
)
from voicelet.profiles import backup as module
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.backup import backup_profile, backups_of, open_backup, restore_profile
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import default_log
from voicelet.trust.consent import revocations
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.statement import make_record
from voicelet.trust.keys import device_key, keystore
from voicelet.trust.keys.passphrase import Stretch

WORDS = "kettle marble seven harbour"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that scrypt may be told to do."""
    monkeypatch.setattr(
        module, "new_stretch", lambda: Stretch(secrets.token_hex(16), n=1 << 14, p=1)
    )


@pytest.fixture
def ana() -> Profile:
    ana = someone()
    Vault().save(ana)
    return ana


@pytest.fixture
def file(tmp_path: Path, quick: None, ana: Profile) -> Path:
    return backup_profile(Vault(), "ana", tmp_path / "ana.backup", WORDS)


def move_to_another_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this one is there: no vault, no key, no log."""
    for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "elsewhere" / variable))
    device_key._load.cache_clear()


def test_it_takes_the_care_that_a_file_for_strangers_needs(tmp_path: Path, ana: Profile) -> None:
    """Once with the real settings: 128 MiB."""
    path = backup_profile(Vault(), "ana", tmp_path / "ana.backup", WORDS)
    data = path.read_bytes()
    header = json.loads(data[16 : 16 + int.from_bytes(data[8:12], "little")])
    assert header["stretch"]["n"] == 1 << 17 and set(header) == {"created", "stretch", "wrapped"}
    assert restore_profile(Vault(tmp_path / "v"), path, WORDS) == ana


def test_another_device_of_the_owner_opens_it(
    tmp_path: Path, file: Path, ana: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = file.read_bytes()
    assert b"ana" not in data and ana.d_vector.tobytes()[:32] not in data
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    move_to_another_device(tmp_path, monkeypatch)
    sealed, key = open_backup(data, WORDS)
    from voicelet.profiles.transfer import INFO
    from voicelet.trust.keys.seal import open_sealed

    arrived = Profile.from_bytes(open_sealed(key, sealed, info=INFO))
    assert arrived == ana and arrived.consent == ana.consent
    with pytest.raises(ProfileLockedError, match="wrong passphrase"):
        restore_profile(Vault(), file, WORDS + " ")
    assert Vault().names() == []


def test_there_and_back_after_the_disk_was_lost(tmp_path: Path, file: Path, ana: Profile) -> None:
    for folder in (Vault().path, Vault().path.parent / "audit"):
        os.rename(folder, tmp_path / folder.name)
    vault = Vault(tmp_path / "new")
    assert restore_profile(vault, file, WORDS) == ana == vault.load("ana")
    with pytest.raises(ProfileError, match="already"):
        restore_profile(vault, file, WORDS)
    again = restore_profile(vault, file, WORDS, name="Ana at home", replace=True)
    assert again.consent == ana.consent and vault.names() == ["ana", "Ana at home"]


def test_what_was_adapted_is_in_it(tmp_path: Path, quick: None) -> None:
    adaptation = Adaptation("ab" * 32, np.linspace(-1.0, 1.0, 17, dtype=np.float32))
    bare = dataclasses.replace(draft(), adaptation=adaptation)
    record = make_record(scripted(), bare.voice_sha256)
    adapted = dataclasses.replace(bare, consent=record)
    Vault().save(adapted)
    path = backup_profile(Vault(), "ana", tmp_path / "f", WORDS)
    sealed, key = open_backup(path.read_bytes(), WORDS)
    from voicelet.profiles.transfer import INFO
    from voicelet.trust.keys.seal import open_sealed

    back = Profile.from_bytes(open_sealed(key, sealed, info=INFO))
    assert back == adapted and back.adaptation is not None


def test_a_file_that_is_there_stays_unless_asked(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(OutputError, match="--force"):
        backup_profile(Vault(), "ana", file, WORDS)
    assert file.read_bytes() == before
    backup_profile(Vault(), "ana", file, WORDS, replace=True)
    assert file.read_bytes() != before
    with pytest.raises(OutputError, match="no backup was made"):
        backup_profile(Vault(), "ana", file.parent / "nowhere" / "f", WORDS)
    assert sorted(p.name for p in file.parent.iterdir()) == ["ana.backup"]


def test_weak_passphrases_and_unknown_names(tmp_path: Path, ana: Profile) -> None:
    for weak in ("12345678", "password1", "short", "aaaaaaaaaa"):
        with pytest.raises(ConfigError, match="passphrase"):
            backup_profile(Vault(), "ana", tmp_path / "f", weak)
    with pytest.raises(ProfileNotFoundError):
        backup_profile(Vault(), "nobody", tmp_path / "f", WORDS)
    assert not (tmp_path / "f").exists()


def test_a_withdrawn_consent_neither_leaves_nor_comes_back(file: Path, ana: Profile) -> None:
    assert ana.consent is not None
    device_revocations().add(ana.consent.id)
    with pytest.raises(ConsentEndedError):
        backup_profile(Vault(), "ana", file, WORDS, replace=True)
    Vault().erase("ana")
    with pytest.raises(ConsentEndedError):
        restore_profile(Vault(), file, WORDS, accept_erased=True)
    revocations.default_file().unlink()
    for path in keystore.keys_folder().glob("revocations*"):
        path.unlink()
    revocations._shared.cache_clear()
    with pytest.raises(ConsentEndedError):  # the audit log knows
        restore_profile(Vault(), file, WORDS, accept_erased=True)
    assert Vault().names() == []


def test_an_erased_profile_comes_back_only_on_purpose(file: Path, ana: Profile) -> None:
    assert len(backups_of("ana")) == 1 and backups_of("ben") == []
    Vault().erase("ana")
    for name in (None, "under another name"):
        with pytest.raises(ProfileError, match=r"was erased here .*--accept-erased"):
            restore_profile(Vault(), file, WORDS, name=name)
    assert restore_profile(Vault(), file, WORDS, accept_erased=True) == ana
    events = [r.event for r in default_log().records()]
    assert {"backup", "export", "erase", "import"} <= set(events)


def test_one_that_was_erased_under_another_name_comes_back_only_on_purpose(file: Path) -> None:
    restore_profile(Vault(), file, WORDS, name="ana2")
    Vault().erase("ana2")
    for name in ("ana2", "ana3", None):
        with pytest.raises(ProfileError, match="was erased here"):
            restore_profile(Vault(), file, WORDS, name=name, replace=True)


def test_hostile_settings_cost_nothing(file: Path) -> None:
    data = file.read_bytes()
    size = int.from_bytes(data[8:12], "little")
    for change in ({"n": 1 << 30}, {"p": 10_000}, {"r": 1 << 20}, {"salt": "00"}):
        header = json.loads(data[16 : 16 + size])
        header["stretch"].update(change)
        text = json.dumps(header, sort_keys=True).encode()
        length = len(text).to_bytes(4, "little")
        new = data[:8] + length + data[12:16] + text + data[16 + size : -32]
        with pytest.raises(ProfileError, match="header is damaged"):
            open_backup(new + hashlib.sha256(new).digest(), WORDS)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 1 << 20), change=st.integers(1, 255), mended=st.booleans())
def test_any_changed_byte_is_an_error(file: Path, at: int, change: int, mended: bool) -> None:
    data = bytearray(file.read_bytes())
    data[at % (len(data) - 32 * mended)] ^= change
    if mended:  # somebody who makes the checksum fit again
        data[-32:] = hashlib.sha256(data[:-32]).digest()
    with pytest.raises(ProfileError):
        open_backup(bytes(data), WORDS)


@given(st.binary(max_size=400))
def test_garbage_is_no_backup(data: bytes) -> None:
    for raw in (data, module.MAGIC + data):
        with pytest.raises(ProfileError):
            open_backup(raw, WORDS)


def test_the_body_of_another_backup_does_not_fit(tmp_path: Path, file: Path) -> None:
    Vault().save(someone("ben", f0_hz=120.0))
    other = backup_profile(Vault(), "ben", tmp_path / "ben.backup", WORDS).read_bytes()
    data = file.read_bytes()
    sizes = [int.from_bytes(d[8:12], "little") for d in (data, other)]
    assert sizes[0] == sizes[1]
    mixed = data[:12] + other[12:16] + data[16 : 16 + sizes[0]] + other[16 + sizes[0] : -32]
    with pytest.raises(ProfileLockedError):
        open_backup(mixed + hashlib.sha256(mixed).digest(), WORDS)


def test_the_device_before_this_one_has_to_be_known(
    tmp_path: Path, file: Path, ana: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is gone with it; a backup passes by the same gate as an import."""
    assert ana.consent is not None
    move_to_another_device(tmp_path, monkeypatch)
    with pytest.raises(ConsentError, match="trust"):
        restore_profile(Vault(), file, WORDS)
    assert Vault().names() == []
    old_device = ana.consent.device
    assert restore_profile(Vault(), file, WORDS, trusted_signers=[old_device]) == ana
    Vault().load("ana").check_consent()
