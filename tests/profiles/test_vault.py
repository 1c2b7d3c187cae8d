"""The vault: private, atomic, and hard to lead astray."""

from __future__ import annotations

import dataclasses
import functools
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import ProfileError, ProfileNotFoundError
from voicelet.profiles.names import MAX_FILE_BYTES, check_name, file_stem
from voicelet.profiles.profile import Profile, QualitySummary
from voicelet.profiles.vault.disk import Disk
from voicelet.profiles.vault.lock import is_pending, read_lock
from voicelet.profiles.vault.vault import SUFFIX, Vault
from voicelet.speaker.vector import KNOWN_ENCODERS, SpeakerStatistics
from voicelet.trust.consent.statement import Consent, ConsentRecord, make_record
from voicelet.trust.keys.keystore import keys_folder


def profile(name: str = "ana", speech_s: float = 30.0) -> Profile:
    vector = np.zeros(256, np.float32)
    vector[3] = 1.0
    made = Profile(
        name=name,
        created="2026-01-02T03:04:05Z",
        d_vector=vector,
        statistics=SpeakerStatistics(5.1, 0.2, np.zeros(70, np.float32)),
        encoder_id=KNOWN_ENCODERS[0],
        speech_s=speech_s,
        quality=QualitySummary(40.0, 31.5, 35.0, 0.0, -24.0, 11000.0),
        app_version="0.1.0",
    )
    return dataclasses.replace(made, consent=record(made.voice_sha256))


@functools.lru_cache
def record(voice_sha256: str) -> ConsentRecord:
    return make_record(Consent.scripted("Ana", "made up for a test"), voice_sha256)


def test_save_load_list_delete(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "a" / "profiles")
    assert vault.names() == []
    for name in ("Zoë", "ana", "李雷", "Ana", "o'brien the 2nd"):
        vault.save(profile(name))
    assert sorted(vault.names()) == ["Ana", "Zoë", "ana", "o'brien the 2nd", "李雷"]
    assert vault.load("Zoë") == profile("Zoë")
    assert vault.load("Zoe\u0308") == profile("Zoë")  # composed or not, it is one name
    assert "ana" in vault
    assert "bob" not in vault
    vault.save(profile("ana", 99.0))
    assert vault.load("ana").speech_s == 99.0
    vault.delete("ana")
    assert "ana" not in vault
    with pytest.raises(ProfileNotFoundError, match="did you mean 'Ana'"):
        vault.load("Anna")
    with pytest.raises(ProfileNotFoundError):
        vault.delete("ana")


def test_replacing_can_be_refused(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.save(profile(speech_s=1.0))
    with pytest.raises(ProfileError, match="already"):
        vault.save(profile(speech_s=2.0), replace=False)
    assert vault.load("ana").speech_s == 1.0


@pytest.mark.skipif(os.name != "posix", reason="permissions")
def test_only_the_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    folder.mkdir(mode=0o777)
    previous = os.umask(0)
    try:
        file = Vault(folder).save(profile())
    finally:
        os.umask(previous)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_folder_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Vault().path == tmp_path / "voicelet" / "profiles"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # to be ignored, says the specification
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    if sys.platform.startswith("linux"):
        assert Vault().path == tmp_path / "home" / ".local" / "share" / "voicelet" / "profiles"


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "..", ".", "../ana", "a/b", "a\\b", "/etc/passwd", "C:ana", "a\0b", "a\nb", ".ana",
        "-rf", "ana.", " ana", "ana ", "\u202eana", "a\ud800", "x" * 65, "con", "NUL.txt", "a*",
        "\ufeffana", "a\u2028b",
    ],
)  # fmt: skip
def test_names_that_are_refused(name: str, tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v")
    with pytest.raises(ProfileError):
        check_name(name)
    with pytest.raises(ProfileError):
        vault.load(name)
    with pytest.raises(ProfileError):
        vault.delete(name)
    with pytest.raises(ProfileError):
        dataclasses.replace(profile(), name=name)
    assert name not in vault
    assert not (tmp_path / "v").exists()


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=70))
def test_any_name_is_refused_or_safe(name: str) -> None:
    try:
        stem = file_stem(name)
    except ProfileError:
        return
    assert "/" not in stem and "\\" not in stem and "\0" not in stem
    assert not stem.startswith(".")
    assert len(stem.encode()) <= MAX_FILE_BYTES
    assert file_stem(check_name(name)) == stem


@settings(deadline=None, max_examples=200)
@given(st.text("aAbBäÄ", min_size=1, max_size=4), st.text("aAbBäÄ", min_size=1, max_size=4))
def test_names_that_differ_get_files_that_differ_even_without_case(a: str, b: str) -> None:
    if check_name(a) != check_name(b):
        assert file_stem(a).lower() != file_stem(b).lower()


def test_damaged_files_are_named_and_hide_no_others(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.save(profile("good"))
    data = vault.save(profile("bad")).read_bytes()
    (tmp_path / f"bad{SUFFIX}").write_bytes(data[:-1])
    (tmp_path / f"empty{SUFFIX}").write_bytes(b"")
    (tmp_path / f"large{SUFFIX}").write_bytes(bytes(2 << 20))
    (tmp_path / f"folder{SUFFIX}").mkdir()
    (tmp_path / f"other{SUFFIX}").write_bytes(data)  # a file under another name
    assert vault.names() == ["bad", "good"]
    names = {file.stem for file in vault.damaged()}
    assert names == {"bad", "empty", "large", "folder", "other"}
    with pytest.raises(ProfileError):
        vault.load("bad")
    with pytest.raises(ProfileError, match="another"):
        vault.load("other")
    vault.delete("bad")
    assert "bad" not in vault


def die_at_a_file_operation(number: int, operations: tuple[str, ...]) -> None:
    """Have this process killed just before its n-th operation of a kind on a file."""
    left = number

    def count(event: str, _: object) -> None:
        nonlocal left
        left -= event in operations
        if left == 0 and event != "os.kill":  # which is an event, too
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("protection", ["file", "plain"])
def test_kill_in_mid_write_loses_nothing(protection: str, tmp_path: Path) -> None:
    """Writers killed at random moments: what was confirmed is there, whole.

    `VOICELET_VAULT_KILLS=1000` for the figure of docs/reference/profiles.md.
    """
    vault = Vault(tmp_path / "v", protection=protection)
    vault.save(profile("ben", 7.0))
    vault.save(profile("ana", 0.0))
    rng = random.Random(5)
    cheap = "20" if protection == "file" else "6"
    kills = int(os.environ.get("VOICELET_VAULT_KILLS", cheap))
    in_mid_write = in_mid_rotation = 0
    for turn in range(kills):
        before = vault.load("ana").speech_s
        number, seconds = rng.randrange(1, 150), rng.uniform(0.001, 0.2)
        receive, send = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                if turn % 4 == 0:  # with a file written, and not yet in its place
                    die_at_a_file_operation(1 + turn // 4, ("os.rename",))
                elif turn % 4 == 2:
                    die_at_a_file_operation(number, ("open", "os.rename", "os.remove"))
                for i in range(1, 100_000):
                    vault.save(profile("ana", float(i)))
                    os.write(send, f"{i}\n".encode())
                    if (i + turn) % 3 == 0:
                        vault.rotate_key()
                    elif (i + turn) % 3 == 1 or "cy" not in vault:
                        vault.save(profile("cy"))
                    else:
                        vault.erase("cy")
            except BaseException:
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(1)
        os.close(send)
        if turn % 2:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, "the writer failed"
        with os.fdopen(receive) as pipe:
            confirmed = [float(line) for line in pipe.read().split()]
        leftovers = list(vault.path.glob("**/.*.part"))
        in_mid_write += bool(leftovers)
        for file in leftovers:
            file.unlink()
        lock = read_lock(Disk(vault.path))
        assert lock is not None
        in_mid_rotation += is_pending(lock)
        after = Vault(vault.path).load("ana").speech_s
        assert after in ((confirmed[-1], confirmed[-1] + 1) if confirmed else (before, 1.0))
        assert vault.load("ben") == profile("ben", 7.0)
        assert vault.damaged() == {}
        assert set(vault.names()) <= {"ana", "ben", "cy"}
    if protection == "file":  # some did die between opening and renaming, and so on
        assert in_mid_write > 0 and in_mid_rotation > 0
    vault.save(profile("ana", 1.0))
    held = {p.name for p in keys_folder().glob("vault-*.key")}
    lock = read_lock(Disk(vault.path))
    assert lock is not None and len(lock.slots) == 1
    # A key that was made and never came into use may be left over from a kill: it opens nothing.
    assert protection == "plain" or f"vault-{lock.slots[0].id}.key" in held
    print(f"{kills} kills, {in_mid_write} in mid-write, {in_mid_rotation} in mid-rotation")


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    old, young = tmp_path / ".0123.part", tmp_path / ".4567.part"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (time.time() - 7200,) * 2)
    Vault(tmp_path).save(profile())
    assert not old.exists()
    assert young.exists()


def test_a_full_disk_keeps_the_old_profile(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v")
    vault.save(profile("ana", 1.0))
    helper = tmp_path / "test_vault_helper.py"
    helper.write_text(Path(__file__).read_text(encoding="utf-8").split("\ndef test_save")[0])
    code = (
        f"import signal, sys\nsys.path[:0] = {[str(tmp_path), *sys.path]!r}\n"
        "from test_vault_helper import profile\n"
        "from voicelet.profiles.vault.vault import Vault\n"
        "from voicelet.errors import ProfileError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n    Vault(sys.argv[1]).save(profile('ana', 2.0))\n"
        "except ProfileError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-B", "-c", code, str(vault.path)],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
    )
    assert "can't save" in run.stdout
    assert "free space" in run.stdout
    assert vault.load("ana").speech_s == 1.0
    assert not list(vault.path.glob("**/*.part"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ProfileError, match="permissions"):
        Vault(tmp_path / "v").save(profile())


def test_a_file_in_the_folder_s_place(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"")
    with pytest.raises(ProfileError):
        Vault(tmp_path / "v").save(profile())
