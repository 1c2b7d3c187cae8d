"""The list of withdrawn consents: it only grows, and shows every touch."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voicelet.errors import ConsentEndedError, ConsentError
from voicelet.trust.consent.revocations import default_file, device_revocations
from voicelet.trust.consent.statement import Consent, ConsentRecord, Revocations, make_record

IDS = [f"{n:032x}" for n in range(1, 4)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "consent" / "revoked.jsonl"


@pytest.fixture
def three(path: Path) -> Path:
    revocations = Revocations(path)
    for number, record_id in enumerate(IDS):
        revocations.add(record_id, f"reason {number}")
    return path


def record() -> ConsentRecord:
    return make_record(Consent.scripted("Ana", "in writing"), "ab" * 32)


def test_a_withdrawn_consent_has_ended(path: Path) -> None:
    ana, ben = record(), record()
    revocations = Revocations(path)
    revocations.check(ana)
    entry = revocations.add(ana.id, "no longer needed")
    with pytest.raises(ConsentEndedError, match="Ana withdrew"):
        revocations.check(ana)
    revocations.check(ben)
    assert ana.id in revocations and ben.id not in revocations and 7 not in revocations
    assert revocations.entries() == [entry] == Revocations(path).entries()
    assert revocations.add(ana.id, "again") == entry  # once is enough
    assert len(revocations.entries()) == 1
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_others_see_it_at_once(path: Path) -> None:
    here, there = Revocations(path), Revocations(path)
    assert IDS[0] not in there
    here.add(IDS[0])
    assert IDS[0] in there
    here.add(IDS[1])
    assert IDS[1] in there


def test_writers_do_not_lose_each_others_lines(path: Path) -> None:
    ids = [f"{n:032x}" for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: Revocations(path).add(i), ids))
    assert sorted(e.id for e in Revocations(path).entries()) == ids


def test_the_device_has_one_list() -> None:
    assert device_revocations() is device_revocations()
    assert device_revocations().path == default_file()
    assert default_file().parts[-3:] == ("voicelet", "consent", "revoked.jsonl")


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_changed_byte_is_named(three: Path, data: st.DataObject) -> None:
    raw = bytearray(three.read_bytes())
    changed = bytearray(raw)
    at = data.draw(st.integers(0, len(raw) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    try:
        three.write_bytes(changed)
        with pytest.raises(ConsentError, match=r"line \d|cut short"):
            Revocations(three).entries()
        # No voice of whom nobody knows speaks; those that are named still have ended.
        with pytest.raises(ConsentError, match="repair"):
            Revocations(three).check(record())
        assert all(i in Revocations(three) for i in IDS)
    finally:
        three.write_bytes(raw)


def test_removed_and_moved_lines_are_named(three: Path) -> None:
    a, b, c = three.read_bytes().splitlines(keepends=True)
    for lines, at in [((b, c), 1), ((a, c), 2), ((b, a, c), 1), ((a, a, b, c), 2)]:
        three.write_bytes(b"".join(lines))
        with pytest.raises(ConsentError, match=f"line {at}"):
            Revocations(three).entries()
    three.write_bytes(a + b + c[:-1])
    with pytest.raises(ConsentError, match="cut short"):
        Revocations(three).entries()


def test_a_damaged_list_still_revokes_and_does_not_grow(three: Path) -> None:
    raw = three.read_bytes()
    three.write_bytes(raw.replace(b"reason 1", b"reason 9"))
    revocations = Revocations(three)
    assert all(i in revocations for i in IDS)
    with pytest.raises(ConsentError, match="line 2.*repair"):
        revocations.check(record())
    with pytest.raises(ConsentError, match=r"line 2.*repair.*NOT revoked"):
        revocations.add("f" * 32)
    three.write_bytes(raw)  # restored: goes on by itself
    revocations.check(record())
    revocations.add("f" * 32)
    assert "f" * 32 in revocations


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_garbage_is_no_list(path: Path, raw: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)
    if not raw:
        return Revocations(path).check(record())
    for look in (Revocations(path).entries, lambda: Revocations(path).check(record())):
        with pytest.raises(ConsentError, match="repair"):
            look()


def test_wrong_ids_and_places(tmp_path: Path) -> None:
    for wrong in ("", "x" * 32, "A" * 32, "../../etc"):
        with pytest.raises(ConsentError, match="no id"):
            Revocations(tmp_path / "list").add(wrong)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConsentError, match="NOT revoked"):
        Revocations(tmp_path / "file" / "list").add(IDS[0])
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ConsentError):
        Revocations(folder).entries()
    with pytest.raises(ConsentError, match="repair"):
        Revocations(folder).check(record())
