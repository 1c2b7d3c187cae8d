"""The audit log: whatever is done to its files is found and named, and it never gets in the way."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicelet.errors import AuditError, ConfigError
from voicelet.trust.audit import device_log as audit
from voicelet.trust.audit.log import AuditLog, Event, timestamp
from voicelet.trust.audit.record import GENESIS, Head, Record, log_file

ROOT = Path(__file__).resolve().parents[2]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def events(count: int) -> list[Event]:
    return [Event("use", {"seconds": i / 8, "voice": f"v{i}"}, timestamp()) for i in range(count)]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve records in three files; never changed."""
    folder = tmp_path_factory.mktemp("log")
    log = AuditLog(folder, KEY)
    for _ in range(3):
        log.extend(events(3))
        log.append("consent", {"id": "abc"})
        log.rotate()
    log.verify()
    return folder


def kinds(log: AuditLog) -> set[str]:
    return {p.kind for p in log.check().problems}


def test_a_log_says_what_happened_in_order(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a", KEY)
    log.append("enrol", {"speech_s": 31.5})
    log.extend(events(4))
    records = list(log.records())
    assert [r.seq for r in records] == [1, 2, 3, 4, 5]
    assert records[0].event == "enrol" and records[0].fields == {"speech_s": 31.5}
    assert records[0].prev == GENESIS
    assert all(b.prev == a.hash() for a, b in itertools.pairwise(records))
    report = AuditLog(tmp_path / "a", log.public_key).verify()  # the public half is enough
    assert (report.records, report.files, report.problems) == (5, 1, ())
    assert report.first == records[0].time and report.last == records[-1].time
    if os.name == "posix":
        assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
        assert {p.stat().st_mode & 0o777 for p in (tmp_path / "a").iterdir()} == {0o600}


def test_the_chain_goes_on_across_files(master: Path) -> None:
    log = AuditLog(master, KEY)
    report = log.verify()
    assert (report.records, report.files) == (12, 3)
    firsts = [Record.parse(log_file(master, n).read_bytes().split(b"\n")[0]) for n in (1, 2, 3)]
    assert [r.seq for r in firsts] == [1, 5, 9]


@pytest.mark.parametrize(
    ("damage", "kind", "named"),
    [
        (lambda f: f.write_bytes(b"".join(_lines(f)[:1] + _lines(f)[2:])), "missing", "record 6"),
        (lambda f: f.write_bytes(b"".join(_swapped(_lines(f)))), "order", "record 5 stands"),
        (lambda f: f.write_bytes(f.read_bytes().replace(b'"v1"', b'"v9"')), "edited", "record 6"),
        (lambda f: f.unlink(), "missing", "records 5 to 8"),
        (lambda f: f.write_bytes(b"".join(_lines(f) + _lines(f)[-1:])), "order", "record 8 stands"),
    ],
    ids=["deleted", "reordered", "edited", "file deleted", "duplicated"],
)
def test_damage_in_the_middle_is_named(master: Path, tmp_path: Path, damage, kind, named) -> None:
    shutil.copytree(master, tmp_path / "c")
    damage(log_file(tmp_path / "c", 2))
    log = AuditLog(tmp_path / "c", KEY)
    problems = log.check().problems
    assert any(p.kind == kind and named in p.message for p in problems), problems
    with pytest.raises(AuditError, match="isn't intact"):
        log.verify()


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[1], lines[0], *lines[2:]]


def test_records_cut_from_the_end_are_missed(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "c", KEY)
    log.extend(events(10))
    log.extend(events(2))
    path = log_file(tmp_path / "c", 1)
    path.write_bytes(b"".join(_lines(path)[:10]))
    (cut,) = [p for p in log.check().problems if p.kind == "cut"]
    assert "records 11 to 12 are missing at the end" in cut.message
    log.append("use", {})  # going on doesn't hide it
    problems = [str(p) for p in log.check().problems]
    assert any("records 11 to 12 are missing" in p for p in problems), problems
    assert any("found broken before record 13: shorter" in p for p in problems), problems


def test_without_its_head_a_log_isnt_intact_and_stays_so(master: Path, tmp_path: Path) -> None:
    shutil.copytree(master, tmp_path / "c")
    (tmp_path / "c" / "head.json").unlink()
    log = AuditLog(tmp_path / "c", KEY)
    assert kinds(log) == {"head"}
    log.append("use", {})
    assert kinds(log) == {"break"}


def test_another_devices_head_or_records_arent_taken(master: Path, tmp_path: Path) -> None:
    shutil.copytree(master, tmp_path / "c")
    assert kinds(AuditLog(master, OTHER)) == {"head", "signature"}
    forged = AuditLog(tmp_path / "c", OTHER)
    forged.append("use", {})
    assert {"head", "signature"} <= kinds(AuditLog(tmp_path / "c", KEY))


def test_the_head_elsewhere_tells_of_a_removed_log(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "log", KEY, head_path=tmp_path / "elsewhere" / "head.json")
    log.extend(events(3))
    shutil.rmtree(tmp_path / "log")
    assert [str(p) for p in log.check().problems] == [
        "records 1 to 3 are missing at the end, says head.json"
    ]


def test_a_log_put_back_to_an_older_state_fails_a_later_checkpoint(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "log", KEY)
    log.extend(events(3))
    shutil.copytree(tmp_path / "log", tmp_path / "old")
    log.extend(events(3))
    checkpoint = Head.parse(log.head().to_bytes())
    log.append("use", {})
    log.verify(checkpoint)
    old = AuditLog(tmp_path / "old", KEY)
    old.verify()  # by itself it is consistent
    with pytest.raises(AuditError, match="records 4 to 6 are missing, says the checkpoint"):
        old.verify(checkpoint)
    old.extend(events(9))
    with pytest.raises(AuditError, match="record 6 isn't the one of the checkpoint"):
        old.verify(checkpoint)


def test_old_files_can_be_forgotten_openly(master: Path, tmp_path: Path) -> None:
    shutil.copytree(master, tmp_path / "c")
    log = AuditLog(tmp_path / "c", KEY)
    log.rotate(keep=2)
    report = log.verify()
    assert (report.pruned, report.files) == (8, 2)
    log_file(tmp_path / "c", 3).unlink()
    assert "missing" in kinds(log)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_change_of_any_byte_is_found(
    master: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("h") / "c"
    shutil.copytree(master, folder)
    name = data.draw(st.sampled_from(["head.json", *(log_file(folder, n).name for n in (1, 2, 3))]))
    path = folder / name
    before = path.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "insert", "delete", "truncate", "line"])):
        case "flip":
            after = bytearray(before)
            after[at] ^= 1 << data.draw(st.integers(0, 7))
        case "cut":
            after = before[:at] + before[at + data.draw(st.integers(1, 400)) :]
        case "insert":
            after = before[:at] + data.draw(st.binary(min_size=1, max_size=40)) + before[at:]
        case "delete":
            path.unlink()
            after = None
        case "truncate":
            after = before[:at]
        case _:
            lines = before.splitlines(keepends=True)
            after = b"".join(data.draw(st.permutations(lines)))
    if after is not None:
        if bytes(after) == before:
            return
        path.write_bytes(bytes(after))
    log = AuditLog(folder, KEY)
    report = log.check()
    assert report.problems or report.unfinished_bytes, "the change wasn't found"
    assert report.problems, "a committed byte changed, yet only an unfinished end is reported"
    log.append("use", {"seconds": 1.0})  # the log goes on, and what was done stays to be seen
    assert log.check().problems
    shutil.rmtree(folder)


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300), st.text(max_size=200).map(lambda s: s.encode("utf-8", "replace"))
    )
)
def test_the_parsers_know_one_error(raw: bytes) -> None:
    for parse in (Record.parse, Head.parse):
        with pytest.raises(AuditError):
            parse(raw)


def test_deep_or_huge_json_is_an_audit_error() -> None:
    for raw in (b"[" * 9000, b'{"seq":' + b"9" * 5000 + b"}", b"x" * 20000):
        with pytest.raises(AuditError):
            Record.parse(raw)


@pytest.mark.parametrize("torn", [b'{"seq":13,"ti', b"\x00" * 512, b"{}\n"])
def test_a_torn_end_is_repaired_and_said(master: Path, tmp_path: Path, torn: bytes) -> None:
    shutil.copytree(master, tmp_path / "c")
    path = log_file(tmp_path / "c", 4)
    path.write_bytes(torn)
    log = AuditLog(tmp_path / "c", KEY)
    report = log.verify()
    assert report.unfinished_bytes == len(torn)
    log.append("use", {})
    report = log.verify()
    assert (report.unfinished_bytes, report.repairs, report.records) == (0, 1, 14)
    assert [r.fields for r in log.records() if r.event == "repair"] == [{"torn_bytes": len(torn)}]


def test_a_batch_whose_head_was_lost_is_kept(master: Path, tmp_path: Path) -> None:
    shutil.copytree(master, tmp_path / "c")
    log = AuditLog(tmp_path / "c", KEY)
    head = log.head_path.read_bytes()
    log.extend(events(2))
    log.head_path.write_bytes(head)  # killed between the two writes
    assert log.verify().records == 14
    log.append("use", {})
    assert (log.verify().records, log.verify().repairs) == (15, 0)


def test_unsigned_records_added_at_the_end_arent_taken(master: Path, tmp_path: Path) -> None:
    shutil.copytree(master, tmp_path / "c")
    log = AuditLog(tmp_path / "c", KEY)
    last = list(log.records())[-1]
    forged = Record(13, timestamp(), "consent", {"id": "forged"}, last.hash())
    for record in (forged, forged.signed(OTHER)):
        log_file(tmp_path / "c", 4).write_bytes(record.line() + b"\n")
        report = log.verify()
        assert report.records == 12 and report.unfinished_bytes == len(record.line()) + 1
    log.append("use", {})
    assert "forged" not in log_file(tmp_path / "c", 4).read_text()


def test_what_isnt_a_short_fact_is_refused(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, KEY)
    for event, fields in [
        ("Use", {}),
        ("use", {"text": "x" * 257}),
        ("use", {"seconds": float("nan")}),
        ("use", {"n": 1 << 70}),
        ("use", {"Bad name": 1}),
        ("use", {"list": [1]}),
    ]:
        with pytest.raises(ConfigError):
            log.append(event, fields)
    assert list(log.records()) == []
    with pytest.raises(AuditError, match="read only"):
        AuditLog(tmp_path, log.public_key).append("use", {})


# ---------------------------------------------------------------- note()


def test_note_hides_names_and_texts() -> None:
    audit.note("use", profile="Ana Lovelace", seconds=1.25, text="the secret sentence")
    audit.note("use", profile="Ana Lovelace", seconds=0.5, text="another")
    audit.note("enrol", profile="Ana Lovelace", speech_s=33.0)
    log = audit.default_log()
    one, two, three = log.records()
    assert one.fields["profile"] == three.fields["profile"] == audit.pseudonym("Ana Lovelace")
    assert one.fields["text"] == audit.pseudonym("the secret sentence") != two.fields["text"]
    assert one.fields["seconds"] == 1.25
    assert audit.pseudonym("Ana Lovelace", OTHER) != one.fields["profile"]  # another device's
    stored = b"".join(p.read_bytes() for p in log.path.iterdir())
    assert b"Ana" not in stored and b"secret" not in stored
    log.verify()


def test_uses_are_written_soon_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    log = audit.default_log()
    written_by: list[int] = []
    extend = AuditLog.extend

    def noted(log: AuditLog, events: Sequence[Event]) -> None:
        written_by.append(threading.get_ident())
        extend(log, events)

    monkeypatch.setattr(AuditLog, "extend", noted)
    audit.note("use", seconds=1.0)
    deadline = time.monotonic() + 300.0
    while not list(log.records()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [r.event for r in log.records()] == ["use"]
    assert written_by != [threading.get_ident()]  # nobody who speaks waits for the disk


def test_flushing_waits_for_what_another_thread_is_writing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_writing, may_write, extend = threading.Event(), threading.Event(), AuditLog.extend

    def slow(log: AuditLog, events: Sequence[Event]) -> None:
        is_writing.set()
        assert may_write.wait(300)
        extend(log, events)

    monkeypatch.setattr(AuditLog, "extend", slow)
    recorder = audit.AuditRecorder()
    recorder._queue.append(Event("use", {"seconds": 1.0}, timestamp()))
    first, second = (threading.Thread(target=recorder.flush) for _ in range(2))
    first.start()
    assert is_writing.wait(300)
    second.start()
    second.join(0.2)
    assert second.is_alive()  # else it would say that all is written
    may_write.set()
    for thread in (first, second):
        thread.join(300)
    assert [r.event for r in audit.default_log().records()] == ["use"]


def run_python(code: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[:0] = [{str(ROOT / 'sdk')!r}]\n" + textwrap.dedent(code),
        ],
        env={**os.environ, "VOICELET_KEYSTORE": "file", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_uses_are_written_when_the_process_ends() -> None:
    done = run_python("from voicelet.trust.audit.device_log import note\nnote('use', seconds=2.0)")
    assert done.wait(600) == 0, done.stderr
    assert [r.fields for r in audit.default_log().records()] == [{"seconds": 2.0}]


def test_two_processes_may_write_at_once() -> None:
    audit.note("enrol", by="parent")  # the key is made
    code = """
        from voicelet.trust.audit.device_log import note
        for i in range(25): note("consent", n=i)
    """
    both = [run_python(code), run_python(code)]
    assert [p.wait(600) for p in both] == [0, 0]
    report = audit.default_log().verify()
    assert report.records == 51


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_writers_leave_an_intact_log() -> None:
    audit.note("enrol", by="parent")
    code = """
        from voicelet.trust.audit.device_log import note
        note("consent", n=0)
        print("go", flush=True)
        while True: note("consent", n=1)
    """
    for i in range(4):
        child = run_python(code)
        assert child.stdout is not None and child.stdout.readline() == "go\n"
        time.sleep(0.02 * (i + 1))
        child.kill()
        child.wait(600)
        audit.default_log().verify()
    audit.note("enrol", by="parent")
    report = audit.default_log().verify()
    assert report.records > 2 and report.unfinished_bytes == 0


def test_a_full_disk_stops_nothing_and_tears_nothing() -> None:
    audit.note("enrol", by="parent")
    code = """
        import logging, resource, signal
        logging.basicConfig(format="%(message)s")
        from voicelet.trust.audit import device_log as audit
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))  # no file may grow beyond this
        for i in range(5): audit.note("consent", n=i)
        audit.default_log().verify()
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        audit.note("consent", n=5)
    """
    child = run_python(code)
    _, err = child.communicate(timeout=600)
    assert child.returncode == 0, err
    assert err.count("the audit log can't be written (speech goes on)") == 1
    records = list(audit.default_log().records())
    assert [r.fields["n"] for r in records if r.event == "consent"] == [0, 1, 2, 3, 4, 5]
    audit.default_log().verify()


def test_nowhere_to_write_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VOICELET_AUDIT", str(tmp_path / "file"))
    monkeypatch.setattr(audit, "_RECORDER", audit.AuditRecorder())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            audit.note("consent", n=1)
        audit.note("Not an event")
    said = [r.getMessage() for r in caplog.records]
    assert sum("speech goes on" in line for line in said) == 1
    assert sum("misses an event" in line for line in said) == 1
    monkeypatch.setenv("VOICELET_AUDIT", str(tmp_path / "free"))
    audit.note("consent", n=2)
    assert [r.fields["n"] for r in audit.default_log().records()] == [1, 1, 1, 2]


def test_more_uses_than_fit_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(audit, "MOST_BUFFERED", 5)
    recorder = audit.AuditRecorder()
    monkeypatch.setenv("VOICELET_AUDIT", str(tmp_path / "file"))
    for event in events(9):
        recorder.add(event, False)
    monkeypatch.setenv("VOICELET_AUDIT", str(tmp_path / "free"))
    recorder.flush()
    records = list(audit.default_log().records())
    assert [r.event for r in records] == ["lost"] + ["use"] * 5
    assert records[0].fields == {"events": 4}
    assert [r.fields["voice"] for r in records[1:]] == ["v4", "v5", "v6", "v7", "v8"]


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICELET_AUDIT", "off")
    audit.note("enrol", n=1)
    monkeypatch.delenv("VOICELET_AUDIT")
    assert not audit.default_log().path.exists()
