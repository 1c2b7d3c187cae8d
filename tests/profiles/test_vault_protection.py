"""The vault against changed, swapped and older files, wrong passphrases, and its own logs."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import secrets
import shutil
import stat
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.profiles.test_vault import profile, record
from tests.trust.test_keys import Ring
from voicelet.errors import ConfigError, ProfileError, ProfileLockedError, ProfileNotFoundError
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault import disk as vault_file
from voicelet.profiles.vault import keys as vault_keys
from voicelet.profiles.vault.disk import Disk
from voicelet.profiles.vault.index import Index, IndexEntry, IndexFile
from voicelet.profiles.vault.keys import KeyRing
from voicelet.profiles.vault.lock import Lock, Slot, read_lock, write_lock
from voicelet.profiles.vault.vault import SUFFIX, Vault
from voicelet.trust.audit.device_log import default_log
from voicelet.trust.keys import keystore
from voicelet.trust.keys.passphrase import Stretch

KEY = bytes(range(32))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """Of two people, its key in a file."""
    vault = Vault(tmp_path / "v")
    vault.save(profile("ana", 1.0))
    vault.save(profile("ben", 2.0))
    return vault


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least that scrypt may be told to do."""
    quick = functools.partial(Stretch, n=1 << 14, p=1)
    monkeypatch.setattr(vault_keys, "new_stretch", lambda: quick(secrets.token_hex(16)))


def key_files() -> set[str]:
    return {p.name for p in keystore.keys_folder().glob("vault-*.key")}


def files(vault: Vault, name: str) -> tuple[Path, Path]:
    """The file of a profile and its copy."""
    return vault.path / f"{name}{SUFFIX}", vault.path / "backup" / f"{name}{SUFFIX}"


def test_nothing_of_the_voice_can_be_read_from_the_disk(vault: Vault) -> None:
    plain = profile("ana", 1.0).to_bytes()
    for path in vault.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert plain[-200:-100] not in data and b"d_vector" not in data
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        else:
            assert stat.S_IMODE(path.stat().st_mode) == 0o700
    folder = keystore.keys_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
    assert vault.protection == "file" and len(key_files()) == 1


PLAIN = b"the voice of ana" * 20
PACKED = vault_file.pack(PLAIN, KEY, "ab" * 8, "cd" * 8, "ana", 3)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_change_of_a_file_is_found(data: st.DataObject) -> None:
    changed = bytearray(PACKED)
    at = data.draw(st.integers(0, len(PACKED) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "grow", "move", "noise"]))
    if how == "flip":
        changed[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del changed[at:]
    elif how == "grow":
        changed[at:at] = data.draw(st.binary(min_size=1, max_size=40))
    elif how == "move":
        changed = changed[at:] + changed[:at]
    else:
        changed = bytearray(vault_file.MAGIC + data.draw(st.binary(max_size=200)))
    if bytes(changed) == PACKED:
        return
    with pytest.raises(ProfileError):
        vault_file.unpack(bytes(changed), KEY)


def test_what_a_header_binds() -> None:
    assert vault_file.unpack(PACKED, KEY) == PLAIN
    other = vault_file.pack(PLAIN, KEY, "ab" * 8, "cd" * 8, "ben", 4)
    _, mine = vault_file.read_header(PACKED)
    _, theirs = vault_file.read_header(other)
    for swapped in (PACKED[:mine] + other[theirs:], other[:theirs] + PACKED[mine:]):
        with pytest.raises(ProfileError, match="header is another"):
            vault_file.unpack(swapped, KEY)
    with pytest.raises(ProfileError):
        vault_file.unpack(PACKED, bytes(32))
    newer = bytearray(PACKED)
    newer[4] = 9
    with pytest.raises(ProfileError, match="update voicelet"):
        vault_file.unpack(bytes(newer), KEY)


@pytest.mark.parametrize("place", ["magic", "header", "wrapped", "body", "tag"])
def test_a_damaged_file_is_named_and_its_copy_brings_it_back(vault: Vault, place: str) -> None:
    main, _ = files(vault, "ana")
    data = bytearray(main.read_bytes())
    _, start = vault_file.read_header(bytes(data))
    at = {"magic": 1, "header": 30, "wrapped": start - 10, "body": start + 40, "tag": -1}[place]
    data[at] ^= 1
    main.write_bytes(data)
    with pytest.raises(ProfileError, match=r"ana\.vclp.*voicelet profiles restore"):
        vault.load("ana")
    assert [p.name for p in vault.damaged()] == [f"ana{SUFFIX}"]
    assert [p.name for p in vault.list()] == ["ben"]
    assert vault.restorable() == ["ana"]
    vault.restore("ana")
    assert vault.load("ana") == profile("ana", 1.0)
    assert vault.damaged() == {}


def test_a_lost_file_is_named_and_its_copy_brings_it_back(vault: Vault) -> None:
    main, copy = files(vault, "ana")
    main.unlink()
    assert "ana" in vault and vault.names() == ["ana", "ben"]
    with pytest.raises(ProfileError, match="there is a copy"):
        vault.load("ana")
    vault.restore("ana")
    assert vault.load("ana") == profile("ana", 1.0)
    for path in (main, copy):
        path.write_bytes(b"rot")
    with pytest.raises(ProfileError, match="neither"):
        vault.restore("ana")
    with pytest.raises(ProfileNotFoundError):
        vault.restore("cy")


def test_swapped_files_are_found(vault: Vault) -> None:
    (ana, _), (ben, _) = files(vault, "ana"), files(vault, "ben")
    first, second = ana.read_bytes(), ben.read_bytes()
    ana.write_bytes(second)
    ben.write_bytes(first)
    for name in ("ana", "ben"):
        with pytest.raises(ProfileError, match="another profile"):
            vault.load(name)


def test_an_older_file_is_found(vault: Vault) -> None:
    main, copy = files(vault, "ana")
    old = main.read_bytes()
    vault.save(profile("ana", 9.0))
    main.write_bytes(old)
    with pytest.raises(ProfileError, match="older file was put back"):
        vault.load("ana")
    vault.restore("ana")
    assert vault.load("ana").speech_s == 9.0
    main.write_bytes(old)
    copy.write_bytes(old)
    with pytest.raises(ProfileError, match="--accept-older"):
        vault.restore("ana")
    vault.restore("ana", accept_older=True)
    assert vault.load("ana").speech_s == 1.0


def test_an_older_folder_is_found(vault: Vault, tmp_path: Path) -> None:
    shutil.copytree(vault.path, tmp_path / "old")
    vault.save(profile("ana", 9.0))
    shutil.rmtree(vault.path)
    (tmp_path / "old").rename(vault.path)
    with pytest.raises(ProfileError, match="older than it was"):
        vault.load("ana")
    with pytest.raises(ProfileError, match="older than it was"):
        vault.save(profile("cy"))
    for name in vault.names():
        vault.restore(name, accept_older=True)
    assert vault.load("ana").speech_s == 1.0
    assert vault.load("ben").speech_s == 2.0


def test_an_unprotected_file_can_not_take_a_protected_one_s_place(vault: Vault) -> None:
    main, _ = files(vault, "ana")
    main.write_bytes(profile("ana", 66.0).to_bytes())
    with pytest.raises(ProfileError, match="unprotected"):
        vault.load("ana")
    vault.restore("ana")
    assert vault.load("ana").speech_s == 1.0


def test_a_damaged_index_is_replaced_by_its_copy_and_missing_both_is_an_alarm(
    vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    index, copy = vault.path / "index", vault.path / "backup" / "index"
    good = index.read_bytes()
    for at in (0, 8, 20, len(good) - 1):
        index.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert vault.load("ana").speech_s == 1.0
        assert "its copy is used" in caplog.text
    index.unlink()
    copy.unlink()
    with pytest.raises(ProfileError, match="index of the profiles is gone"):
        vault.load("ana")
    vault.restore("ana", accept_older=True)
    assert vault.load("ana").speech_s == 1.0
    assert vault.load("ben").speech_s == 2.0
    (count,) = keystore.keys_folder().glob("*.count")
    count.write_bytes(b"rot")
    assert vault.load("ben").speech_s == 2.0


@pytest.fixture(scope="module")
def lock_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lock")
    disk = Disk(path)
    disk.make()
    slot = Slot("ab" * 8, "passphrase", Stretch("cd" * 16), "a2V5")
    write_lock(disk, Lock("ef" * 8, (slot,)))
    return path / "vault.json"


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 10_000), change=st.integers(1, 255), cut=st.booleans())
def test_any_change_of_the_lock_is_found(lock_file: Path, at: int, change: int, cut: bool) -> None:
    copy = lock_file.parent / "backup" / "vault.json"
    good = Lock("ef" * 8, (Slot("ab" * 8, "passphrase", Stretch("cd" * 16), "a2V5"),))
    text = json.dumps(json.loads(copy.read_bytes()), indent=1, sort_keys=True).encode() + b"\n"
    at %= len(text) - 1  # the last is a line end
    bad = text[:at] if cut else text[:at] + bytes([text[at] ^ change]) + text[at + 1 :]
    lock_file.write_bytes(bad)
    assert read_lock(Disk(lock_file.parent)) == good
    copy.write_bytes(bad)
    try:
        with pytest.raises(ProfileError):
            read_lock(Disk(lock_file.parent))
    finally:
        copy.write_bytes(text)


@pytest.fixture(scope="module")
def index_file(tmp_path_factory: pytest.TempPathFactory) -> IndexFile:
    path = tmp_path_factory.mktemp("index")
    disk, ring = Disk(path / "v"), KeyRing(folder=path / "keys")
    disk.make()
    lock = Lock("ef" * 8, (ring.make("ef" * 8, "file"),))
    index = IndexFile(disk, lock, ring)
    index.write(Index(4, {"ana.vclp": IndexEntry(3, "00" * 32)}))
    return index


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 10_000), change=st.integers(1, 255), how=st.sampled_from("fcg"))
def test_any_change_of_the_index_is_found(
    index_file: IndexFile, at: int, change: int, how: str
) -> None:
    main = index_file._disk.path / "index"
    copy = index_file._disk.copies / "index"
    good = copy.read_bytes()
    at %= len(good)
    if how == "f":
        bad = good[:at] + bytes([good[at] ^ change]) + good[at + 1 :]
    else:
        bad = good[:at] if how == "c" else good[:at] + bytes([change]) + good[at:]
    main.write_bytes(bad)
    assert index_file.read().entries == {"ana.vclp": IndexEntry(3, "00" * 32)}
    copy.write_bytes(bad)
    try:
        with pytest.raises(ProfileError, match="changed or damaged"):
            index_file.read()
    finally:
        copy.write_bytes(good)


def test_without_its_lock_a_vault_isn_t_begun_anew(vault: Vault) -> None:
    for folder in (vault.path, vault.path / "backup"):
        (folder / "vault.json").unlink()
    for act in (lambda: vault.load("ana"), lambda: vault.save(profile("cy"))):
        with pytest.raises(ProfileError, match=r"vault\.json is gone"):
            act()


def test_a_lost_key_is_told(vault: Vault) -> None:
    (key,) = key_files()
    path = keystore.keys_folder() / key
    path.write_bytes(b"rot")  # there is a copy
    assert Vault(vault.path).load("ana").speech_s == 1.0
    for file in keystore.keys_folder().glob(f"{key}*"):
        file.unlink()
    lost = Vault(vault.path)
    for act in (lambda: lost.load("ana"), lambda: lost.save(profile("cy")), lost.rotate_key):
        with pytest.raises(ProfileLockedError, match="gone"):
            act()
    assert lost.names() == ["ana", "ben"]
    lost.erase("ana")
    lost.erase("ben")
    lost.save(profile("cy"))  # once nothing is left, a new beginning
    assert lost.load("cy") == profile("cy")


def test_passphrases(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(tmp_path, passphrase="correct horse")
    vault.save(profile())
    assert vault.protection == "passphrase" and key_files() == set()
    assert Vault(tmp_path, passphrase=lambda: "correct horse").load("ana") == profile()
    with pytest.raises(ProfileLockedError, match="wrong passphrase"):
        Vault(tmp_path, passphrase="battery staple").load("ana")
    with pytest.raises(ProfileLockedError, match="wrong passphrase"):
        Vault(tmp_path, passphrase="battery staple").save(profile())
    with pytest.raises(ProfileLockedError, match="VOICELET_PASSPHRASE"):
        Vault(tmp_path).list()
    assert Vault(tmp_path).names() == ["ana"]
    monkeypatch.setenv("VOICELET_PASSPHRASE", "correct horse")
    vault = Vault(tmp_path)
    assert vault.load("ana") == profile()
    vault.rotate_key(passphrase="Gr\u00fc\u00dfe, ihr")
    monkeypatch.delenv("VOICELET_PASSPHRASE")
    assert Vault(tmp_path, passphrase="Gru\u0308\u00dfe, ihr").load("ana") == profile()
    with pytest.raises(ProfileLockedError, match="wrong"):
        Vault(tmp_path, passphrase="correct horse").load("ana")
    with pytest.raises(ConfigError, match="8 characters"):
        Vault(tmp_path / "new", passphrase="short").save(profile())
    with pytest.raises(ConfigError, match="rotate-key"):
        Vault(tmp_path, passphrase="Gr\u00fc\u00dfe, ihr", protection="file").save(profile())


def test_a_changed_lock_can_t_ask_for_all_memory_or_for_minutes() -> None:
    impossible = [(1 << 30, 8, 1), (3, 8, 1), (1 << 15, 64, 1), (1 << 15, 8, 1000)]
    expensive = [(1 << 18, 8, 1), (1 << 17, 8, 5), (1 << 15, 8, 17)]
    for n, r, p in impossible + expensive:
        with pytest.raises(ValueError, match="scrypt"):
            Stretch("00" * 16, n, r, p)


def test_the_key_moves_anywhere_and_back(
    vault: Vault, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = Ring()
    real = keystore._keyring
    monkeypatch.setattr(keystore, "_keyring", lambda: ring)
    seen = set()
    steps = ["keystore", "passphrase", "plain", "file", "plain", "passphrase", "keystore", "file"]
    for step in steps:
        vault = Vault(vault.path, passphrase="correct horse")
        vault.rotate_key(step, "correct horse" if step == "passphrase" else None)
        assert vault.protection == step
        assert len(key_files()) == (step == "file")
        assert len([k for k in ring.kept if "vault" in k[1]]) == (step == "keystore")
        data = files(vault, "ana")[0].read_bytes()
        assert data.startswith(b"VCLP" if step == "plain" else b"VCLV")
        assert step == "plain" or data not in seen
        seen.add(data)
        for name, speech_s in (("ana", 1.0), ("ben", 2.0)):
            fresh = Vault(vault.path, passphrase="correct horse")
            assert fresh.load(name) == profile(name, speech_s)
    assert [p.name for p in vault.path.glob("**/*.part")] == []
    monkeypatch.setattr(keystore, "_keyring", real)
    with pytest.raises(ProfileLockedError, match="no keystore"):
        vault.rotate_key("keystore")
    assert vault.load("ana") == profile("ana", 1.0)


def test_a_damaged_profile_keeps_the_old_key(
    vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    for path in files(vault, "ben"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ProfileError, match=r"ben\.vclp can't be read"):
        vault.rotate_key()
    assert len(key_files()) == 2
    assert Vault(vault.path).load("ana").speech_s == 1.0
    assert "isn't changed yet" in caplog.text
    vault.erase("ben")
    assert len(key_files()) == 1
    assert vault.load("ana").speech_s == 1.0


def test_erased_means_that_no_backup_opens_any_more(vault: Vault, tmp_path: Path) -> None:
    shutil.copytree(vault.path, tmp_path / "stolen")
    main, copy = files(vault, "ana")
    old = main.read_bytes()
    before = key_files()
    vault.erase("ana")
    assert "ana" not in vault and not main.exists() and not copy.exists()
    assert vault.load("ben").speech_s == 2.0
    assert len(key_files()) == 1 and not before & key_files()
    main.write_bytes(old)
    with pytest.raises(ProfileError, match="key that this vault hasn't"):
        vault.load("ana")
    main.unlink()
    with pytest.raises(ProfileLockedError, match="gone"):
        Vault(tmp_path / "stolen").load("ana")
    (erased,) = [r for r in default_log().records() if r.event == "erase"]
    assert "ana" not in str(erased)
    with pytest.raises(ProfileNotFoundError):
        vault.erase("ana")


def test_a_locked_vault_can_be_erased_from(
    tmp_path: Path, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    vault = Vault(tmp_path, passphrase="correct horse")
    vault.save(profile("ana"))
    vault.save(profile("ben"))
    lock = read_lock(Disk(tmp_path))
    assert lock is not None
    Vault(tmp_path).erase("ana")
    assert "next unlocked" in caplog.text
    assert Vault(tmp_path).names() == ["ben"]
    assert vault.load("ben") == profile("ben")
    after = read_lock(Disk(tmp_path))
    assert after is not None and not after.rotate and after.slots != lock.slots


def test_profiles_of_before_there_was_encryption(tmp_path: Path) -> None:
    record.cache_clear()  # they are this device's own
    for name in ("ana", "ben"):
        (tmp_path / f"{name}{SUFFIX}").write_bytes(profile(name).to_bytes())
    vault = Vault(tmp_path)
    assert vault.names() == ["ana", "ben"] and vault.protection is None
    assert vault.load("ana") == profile("ana")
    assert vault.protection == "file"
    for path in files(vault, "ana"):
        assert vault_file.is_encrypted(path.read_bytes())
    assert [p.name for p in vault.list()] == ["ana", "ben"]
    assert vault_file.is_encrypted(files(vault, "ben")[0].read_bytes())
    assert vault.load("ben") == profile("ben")


def test_plain_files_only_on_demand(tmp_path: Path) -> None:
    vault = Vault(tmp_path, protection="plain")
    path = vault.save(profile())
    assert Profile.from_bytes(path.read_bytes()) == profile()
    assert Vault(tmp_path).load("ana") == profile()
    path.write_bytes(b"rot")
    with pytest.raises(ProfileError, match="restore"):
        vault.load("ana")
    vault.restore("ana")
    assert vault.load("ana") == profile()
    vault.erase("ana")
    assert list(tmp_path.rglob(f"*{SUFFIX}")) == []
    with pytest.raises(ConfigError, match="no protection"):
        Vault(tmp_path / "v", protection="rot13").save(profile())


def test_readers_don_t_notice_a_rotation(vault: Vault) -> None:
    done = threading.Event()
    wrong: list[BaseException] = []

    def read() -> None:
        while not done.is_set():
            try:
                assert Vault(vault.path).load("ana").speech_s == 1.0
            except BaseException as error:
                wrong.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(6):
        vault.rotate_key()
    done.set()
    reader.join()
    assert wrong == []


def voiceprint(name: str) -> Profile:
    """A profile whose numbers would be recognized."""
    rng = np.random.default_rng(3)
    d = rng.normal(size=256).astype(np.float32)
    d /= np.linalg.norm(d)
    bare = dataclasses.replace(profile(name), d_vector=d, consent=None)
    return dataclasses.replace(bare, consent=record(bare.voice_sha256))


def leaks(text: str, who: Profile) -> list[str]:
    """What of a voiceprint a text holds, in any usual spelling."""
    raw = who.d_vector.astype("<f4").tobytes()
    spellings = {"repr": repr(raw[:12])[2:-1], "hex": raw[:6].hex()}
    for i in (0, 5, 255):
        spellings[f"number {i}"] = f"{abs(float(who.d_vector[i])):.5f}"
    return [kind for kind, s in spellings.items() if s in text]


def test_no_voiceprint_in_logs_errors_reprs_or_crash_reports(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    who = voiceprint("ana")
    assert leaks(str(who.d_vector.tolist()), who) and leaks(str(who.to_bytes()), who)
    caplog.set_level(logging.DEBUG)
    told = [repr(who), str(who)]
    vault = Vault(tmp_path / "v")
    vault.save(who)
    session_files = files(vault, "ana")
    good = session_files[0].read_bytes()

    def newer(data: bytes) -> bytes:
        """A profile from the future, rightly encrypted: what fails is reading the plain text."""
        lock = read_lock(Disk(vault.path))
        assert lock is not None
        slot = lock.slots[0]
        key = keystore.read(f"vault-{slot.id}", keystore.FILE)
        assert key is not None
        plain = bytearray(who.to_bytes())
        plain[4] = 99
        return vault_file.pack(bytes(plain), key, slot.id, lock.vault, "ana", 50)

    wreck: list[Callable[[bytes], bytes]] = [
        lambda d: d[:-1],
        lambda d: d[:60] + b"?" + d[61:],
        lambda d: who.to_bytes(),
        newer,
    ]
    for change in wreck:
        session_files[0].write_bytes(change(good))
        for act in (lambda: vault.load("ana"), vault.list, vault.damaged):
            try:
                told.append(repr(act()))
            except ProfileError as error:
                # Without this test's own frame, which holds it all.
                error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
                report = traceback.TracebackException.from_exception(error, capture_locals=True)
                told.append("".join(report.format()))
    assert any("update voicelet" in t for t in told)
    found = [leaks(text, who) for text in (*told, caplog.text)]
    assert not any(found), found
