"""What the Java core writes, Python opens: keys, consents, signers, revocations and the audit log.

`android_bridge/core` leaves the files of a device in its `target` folder when its tests are run.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from voicelet.errors import AuditError, ConsentEndedError, ConsentError
from voicelet.trust.audit.device_log import pseudonym
from voicelet.trust.audit.log import AuditLog
from voicelet.trust.audit.record import Head
from voicelet.trust.consent.record import ConsentRecord
from voicelet.trust.consent.revocations import Revocations
from voicelet.trust.consent.signers import TrustedSigners, check_authority, is_own
from voicelet.trust.keys.device_key import device_key, signing_key_place

WRITTEN = Path(__file__).parents[2] / "android_bridge" / "core" / "target" / "trust-written"
VOICE = "ab" * 32

pytestmark = pytest.mark.skipif(
    not (WRITTEN / "records" / "pseudonym.txt").is_file(),
    reason="the Java core's tests were not run here (mvn -f android_bridge/pom.xml -pl core test)",
)


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the device's folder, as this user's data folder."""
    home = tmp_path / "written"
    shutil.copytree(WRITTEN, home)
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    monkeypatch.setenv("VOICELET_AUDIT", "off")  # its log is looked at as it was left
    return home


def _record(home: Path, name: str) -> ConsentRecord:
    return ConsentRecord.from_bytes((home / "records" / f"{name}.json").read_bytes())


def test_the_device_key_is_found_and_is_the_signer_of_its_records(device: Path) -> None:
    record = _record(device, "ana")
    assert signing_key_place() == "file"
    assert record.device == device_key().public_key().public_bytes_raw().hex()
    assert is_own(record)


def test_its_consents_hold_and_say_what_they_said(device: Path) -> None:
    record = _record(device, "ana")
    record.verify(VOICE)
    record.check("own-use")
    check_authority(record, "own-use")
    assert (record.speaker, record.scope) == ("Ana Sílva 😀", "on Ana’s tablet only")
    assert record.purposes == ("own-use", "publishing")
    days = record.days_left()
    assert days is not None and 390 < days < 401
    with pytest.raises(ConsentError, match="another voice"):
        record.verify("cd" * 32)
    with pytest.raises(ConsentError, match="countersign"):
        record.check("publishing")


def test_a_countersignature_counts_for_what_the_clinic_is_trusted_with(device: Path) -> None:
    record = _record(device, "countersigned")
    record.verify(VOICE)
    record.check("publishing")
    check_authority(record, "publishing")
    TrustedSigners().untrust(record.countersigner)
    with pytest.raises(ConsentError, match="countersigner"):
        check_authority(record, "publishing")


def test_a_record_that_the_clinic_renewed_needs_the_clinic(device: Path) -> None:
    record = _record(device, "renewed")
    record.verify(VOICE)
    assert record.id == _record(device, "ana").id
    assert record.earlier_signers == (_record(device, "ana").device,)
    check_authority(record, "own-use")
    assert [s.name for s in TrustedSigners().entries()] == ["the clinic"]
    TrustedSigners().untrust(record.device)
    with pytest.raises(ConsentError, match="isn't known here"):
        check_authority(record, "own-use")


def test_what_it_withdrew_stays_withdrawn_and_a_cut_list_is_noticed(device: Path) -> None:
    revocations = Revocations()
    withdrawn, other = _record(device, "withdrawn"), _record(device, "ana")
    with pytest.raises(ConsentEndedError):
        revocations.check(withdrawn)
    revocations.check(other)
    assert [e.reason for e in revocations.entries()] == ["no longer wanted, says niña"]
    revocations.path.write_bytes(b"")
    with pytest.raises(ConsentError, match="held 1 withdrawn"):
        Revocations().check(other)


def test_a_withdrawal_here_is_chained_to_those_of_the_device(device: Path) -> None:
    Revocations().add(_record(device, "ana").id)
    assert len(Revocations().entries()) == 2
    with pytest.raises(ConsentEndedError):
        Revocations().check(_record(device, "ana"))


def test_its_audit_log_is_intact_and_can_be_continued(device: Path) -> None:
    log = AuditLog(device / "voicelet" / "audit", device_key())
    report = log.verify(Head.parse((device / "records" / "head.json").read_bytes()))
    assert (report.records, report.files, report.unfinished_bytes) == (5, 2, 0)
    events = [record.event for record in log.records()]
    assert events == ["use", "use", "use", "revocation", "export"]
    uses = [record.fields for record in log.records() if record.event == "use"]
    assert [use["seconds"] for use in uses] == [0.0, 1.25, 2.5]
    hashed = (device / "records" / "pseudonym.txt").read_text()
    assert {use["profile"] for use in uses} == {hashed} == {pseudonym("ana")}
    log.append("use", {"seconds": 3.0})
    assert log.verify().records == 6


def test_a_byte_changed_in_its_log_is_found(device: Path) -> None:
    path = device / "voicelet" / "audit" / "audit-000001.jsonl"
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"seconds":1.25', b'"seconds":9.25'))
    with pytest.raises(AuditError, match="record 2 was changed"):
        AuditLog(path.parent, device_key()).verify()
