"""Files and folders of our own: private whatever the umask, and no symbolic link is followed."""

from __future__ import annotations

import ast
import contextlib
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.consenting import someone
from voicelet.cli.challenge import pending_sentence
from voicelet.enrolment.liveness.issued import issued_sentences
from voicelet.errors import AuditError, ConsentError, ProfileError, SealError
from voicelet.files import (
    atomic_file,
    data_dir,
    file_lock,
    make_private,
    open_own,
    read_own,
    state_dir,
)
from voicelet.profiles.protected import device_lists, lists_folder
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit import device_log as audit
from voicelet.trust.audit.export import export_log
from voicelet.trust.consent.clock import latest_time
from voicelet.trust.consent.revocations import Revocations, device_revocations
from voicelet.trust.keys import keystore
from voicelet.trust.keys.device_key import device_key
from voicelet.trust.keys.seal import new_sealing_key

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes and links as POSIX has them")


@pytest.fixture(params=[0, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    old = os.umask(request.param)
    yield request.param
    os.umask(old)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(p.stat().st_mode) for p in (folder, *folder.rglob("*")) if p.is_dir()}


def test_folders_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    make_private(tmp_path / "a" / "b" / "c")
    make_private(tmp_path / "a" / "b" / "c")  # doing it twice changes nothing
    assert modes(tmp_path / "a") == {0o700}
    (tmp_path / "shared").mkdir(mode=0o755)
    os.chmod(tmp_path / "shared", 0o755)
    make_private(tmp_path / "shared" / "mine")
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o755  # it was there
    with atomic_file(tmp_path / "a" / "file", 0o600) as file:
        file.write(b"x")
    with pytest.raises(OSError, match="exists"):
        make_private(tmp_path / "a" / "file")


@pytest.mark.parametrize("umask", [0, 0o022], indirect=True)
def test_every_folder_that_a_device_makes_is_private(umask: int) -> None:
    ana = someone()
    Vault().save(ana)
    assert ana.consent is not None
    device_revocations().add(ana.consent.id)
    audit.note("export", what="test")
    audit.flush()
    data, state = Path(os.environ["XDG_DATA_HOME"]), Path(os.environ["XDG_STATE_HOME"])
    assert (data / "voicelet" / "keys").is_dir() and (state / "voicelet" / "audit").is_dir()
    assert modes(data) == modes(state) == {0o700}


def test_no_module_makes_folders_in_another_way() -> None:
    """What makes folders for more than their owner is named here, with why."""
    others = {
        "sdk/voicelet/files.py",  # the one place
        "sdk/voicelet/bundle/archive.py",  # bundles hold nothing of anybody, and may be shared
        "sdk/voicelet/bundle/store.py",
        "sdk/voicelet/bundle/writer.py",
        "sdk/voicelet/packs/bundled.py",  # as bundles
        "sdk/voicelet/packs/installed.py",
        "sdk/voicelet/engine/onnx.py",  # TensorRT's cache
    }
    found = set()
    for base in ("sdk", "federated"):
        for path in (ROOT / base).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in ("mkdir", "makedirs"):
                    found.add(path.relative_to(ROOT).as_posix())
    assert found <= others


def test_links_are_refused_where_files_of_our_own_belong(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"precious")
    os.chmod(theirs, 0o644)
    link = tmp_path / "link"
    link.symlink_to(theirs)
    with pytest.raises(OSError, match="symbolic link"):
        open_own(link, os.O_RDONLY)
    with pytest.raises(OSError, match="symbolic link"), atomic_file(link, follow=False):
        pass
    with pytest.raises(OSError, match="symbolic link"), file_lock(link):
        pass
    with atomic_file(link) as file:  # a file that somebody named
        file.write(b"new")
    assert link.is_symlink() and theirs.read_bytes() == b"new"


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_bytes(b"precious" * 100)
    os.chmod(path, 0o644)
    return path


def untouched(victim: Path) -> bool:
    mode = stat.S_IMODE(victim.stat().st_mode)
    return victim.read_bytes() == b"precious" * 100 and mode == 0o644


@pytest.mark.parametrize("name", ["ana.vclp", "backup/ana.vclp", "vault.json", "index"])
def test_saving_follows_no_link(tmp_path: Path, victim: Path, name: str) -> None:
    vault = Vault(tmp_path / "v")
    vault.save(someone("ben", f0_hz=120.0))
    place = vault.path / name
    place.unlink(missing_ok=True)
    place.symlink_to(victim)
    with contextlib.suppress(ProfileError, AuditError):
        vault.save(someone())
    assert untouched(victim)


@pytest.mark.parametrize("name", ["ana.vclp", "backup/ana.vclp"])
def test_erasing_removes_the_link_and_not_what_it_points_to(
    tmp_path: Path, victim: Path, name: str
) -> None:
    vault = Vault(tmp_path / "v")
    vault.save(someone())
    (vault.path / name).unlink()
    (vault.path / name).symlink_to(victim)
    vault.erase("ana")
    assert untouched(victim) and vault.names() == []
    assert not (vault.path / name).is_symlink()


def test_rotating_follows_no_link(tmp_path: Path, victim: Path) -> None:
    vault = Vault(tmp_path / "v")
    vault.save(someone())
    (vault.path / "backup" / "ana.vclp").unlink()
    (vault.path / "backup" / "ana.vclp").symlink_to(victim)
    with contextlib.suppress(ProfileError, AuditError):
        vault.rotate_key()
    assert untouched(victim)
    (vault.path / "backup" / "ana.vclp").unlink()
    vault.rotate_key()
    assert vault.load("ana").name == "ana"


def test_key_files_follow_no_link(victim: Path) -> None:
    folder = keystore.keys_folder()
    make_private(folder)
    (folder / "x.key").symlink_to(victim)
    with pytest.raises(SealError, match="symbolic link"):
        keystore.write("x", b"secret", where=keystore.FILE)
    with pytest.raises(SealError, match="symbolic link"):
        keystore.read("x", keystore.FILE)
    with pytest.raises(SealError, match="symbolic link"):
        keystore.delete("x", keystore.FILE)
    assert untouched(victim)


def test_the_audit_log_follows_no_link(tmp_path: Path, victim: Path) -> None:
    log = audit.AuditLog(tmp_path / "log", device_key())
    log.append("export")
    (head,) = (tmp_path / "log").glob("head.json")
    head.unlink()
    head.symlink_to(victim)
    with pytest.raises(AuditError):
        log.append("export")
    assert untouched(victim)
    head.unlink()
    log.append("export")
    for file in (tmp_path / "log").glob("audit-*.jsonl"):
        file.unlink()
        file.symlink_to(victim)
    with contextlib.suppress(ProfileError, AuditError):
        log.append("export")
    assert untouched(victim)


@pytest.fixture
def impatient() -> Iterator[None]:
    """Who waits for a pipe is woken."""

    def wake(*_: object) -> None:
        raise AssertionError("it waited for a pipe")

    before = signal.signal(signal.SIGALRM, wake)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def put_a_pipe(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    return path


def test_a_file_of_our_own_is_read_whole_or_refused(tmp_path: Path, impatient: None) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    (tmp_path / "link").symlink_to(path)
    assert read_own(path, 5) == b"12345" == read_own(tmp_path / "link", 5, follow=True)
    for bad, follow in ((tmp_path / "link", False), (tmp_path, False), (tmp_path, True)):
        with pytest.raises(OSError):
            read_own(bad, 5, follow=follow)
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_own(path, 4)
    with pytest.raises(FileNotFoundError):
        read_own(tmp_path / "missing", 5)
    pipe = put_a_pipe(tmp_path / "pipe")
    writer = os.open(pipe, os.O_RDWR)  # neither one without a writer, nor one with
    for _ in range(2):
        for follow in (False, True):
            with pytest.raises(OSError, match="not a file"):
                read_own(pipe, 5, follow=follow)
        with contextlib.suppress(OSError):
            os.close(writer)


def test_nothing_of_the_device_s_waits_for_a_pipe(impatient: None) -> None:
    with pytest.raises(ProfileError, match="not a file"):
        put_a_pipe(lists_folder() / "x.protected.json")
        device_lists()
    with pytest.raises(ProfileError, match="not a file"):
        Vault().save(someone())
    (lists_folder() / "x.protected.json").unlink()
    issued = issued_sentences()
    put_a_pipe(issued.path)
    for attempt in (issued.add, issued.check, issued.use):
        with pytest.raises(ConsentError, match="not a file"):
            attempt("some words")
    put_a_pipe(state_dir() / "consent" / "ana.json")
    with pytest.raises(ConsentError, match="damaged"):
        pending_sentence("ana")
    put_a_pipe(data_dir() / "consent" / "latest-time")
    assert latest_time() is None
    with pytest.raises(SealError, match="not a file"):
        keystore.read_file(put_a_pipe(keystore.keys_folder() / "x.key"))
    device_revocations().add("a" * 32)
    for copy in keystore.keys_folder().glob("revocations*.jsonl"):
        put_a_pipe(copy)
    assert "a" * 32 in Revocations(device_revocations().path)


def test_an_audit_log_isnt_exported_from_a_pipe(impatient: None) -> None:
    audit.note("enrol", profile="ana")
    log = audit.default_log()
    put_a_pipe(audit.audit_folder() / "log-000002.jsonl")
    names = [p.name for p in audit.audit_folder().iterdir() if p.suffix == ".jsonl"]
    last = sorted(names)[0]
    put_a_pipe(audit.audit_folder() / last)
    with pytest.raises(AuditError):
        export_log(log, new_sealing_key().public)


READ_WHOLE = {
    "voicelet/audio/vad.py", "voicelet/speaker/voice_match.py",
    "voicelet/speaker/synthetic_speech.py", "voicelet/enrolment/reading/prompts.py",
    "voicelet/enrolment/liveness/sentence.py",  # what the package itself brings
    "voicelet/text/lexicon.py",  # `Lexicon.open`: a file that somebody named
    "voicelet_federated/deploy/processes.py", "voicelet_federated/app/power.py",
    "voicelet_federated/deploy/flower.py", "voicelet_federated/cli/demo.py",
    "voicelet_federated/app/devices.py", "voicelet_federated/app/export.py",
}  # fmt: skip
"""Modules that read other files than those of the device's own state, whatever they are."""


def test_no_other_module_reads_whatever_stands_there() -> None:
    """`Path.read_bytes` waits for a pipe, follows links and reads without an end."""
    found = set()
    for folder in ("sdk", "federated"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in ("read_bytes", "read_text"):
                    found.add(path.relative_to(ROOT / folder).as_posix())
    assert found <= READ_WHOLE
