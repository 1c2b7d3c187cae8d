"""`voicelet audit`: the log through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voicelet.cli.main import main
from voicelet.errors import AuditError, SealError
from voicelet.trust.audit import device_log as audit
from voicelet.trust.audit.export import export_log, open_export
from voicelet.trust.audit.record import log_file
from voicelet.trust.keys.seal import new_sealing_key, public_to_text, seal


@pytest.fixture
def noted() -> None:
    audit.note("enrol", profile="ana", speech_s=31.0)
    for text in ("Hello.", "Good night.", "Hello."):
        audit.note("use", profile="ana", seconds=0.8, text=text)
    audit.note("use", profile="ben", seconds=2.5, text="Hello.")
    audit.flush()


def out(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def shown(capsys: pytest.CaptureFixture[str], *options: str) -> list[int]:
    assert main(["audit", "show", "--json", *options]) == 0
    return [r["seq"] for r in json.loads(out(capsys))["records"]]


@pytest.mark.usefixtures("noted")
def test_show_finds_records_by_what_only_the_device_knows(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown(capsys) == [1, 2, 3, 4, 5]
    assert shown(capsys, "--last", "2") == [4, 5]
    assert shown(capsys, "--event", "enrol") == [1]
    assert shown(capsys, "--profile", "ben") == [5]
    assert shown(capsys, "--said", "Hello.", "--profile", "ana") == [2, 4]
    assert shown(capsys, "--said", "Hello") == []
    assert main(["audit", "show"]) == 0
    table = out(capsys)
    assert "seconds=0.8" in table and "ana" not in table and "Hello" not in table


def test_an_empty_log_is_intact(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify"]) == 0
    assert out(capsys) == "intact: 0 records in 0 files\n"
    assert main(["audit", "show"]) == 0
    assert out(capsys) == "nothing was noted yet\n"


@pytest.mark.usefixtures("noted")
def test_verify_names_what_was_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify"]) == 0
    assert out(capsys).startswith("intact: 5 records in 1 file, 20")
    path = log_file(audit.default_log().path, 1)
    path.write_bytes(path.read_bytes().replace(b"2.5", b"0.5"))
    assert main(["audit", "verify"]) == AuditError.exit_code == 66
    said = capsys.readouterr()
    assert said.out.startswith("not intact: 5 records")
    assert "record 5" in said.err
    assert main(["audit", "verify", "--json"]) == 66
    report = json.loads(out(capsys))
    assert not report["intact"] and {p["kind"] for p in report["problems"]} == {
        "edited",
        "signature",
    }


@pytest.mark.usefixtures("noted")
def test_a_checkpoint_is_held(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = str(tmp_path / "head")
    assert main(["audit", "checkpoint", checkpoint]) == 0
    audit.note("erase", profile="ana")
    assert main(["audit", "rotate"]) == 0
    audit.note("erase", profile="ben")
    assert main(["audit", "verify", "--since", checkpoint]) == 0
    assert "7 records in 2 files" in out(capsys)
    (tmp_path / "head").write_bytes(b"{}")
    assert main(["audit", "verify", "--since", checkpoint]) == 66


@pytest.mark.usefixtures("noted")
def test_the_recipient_of_an_export_can_verify_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = new_sealing_key()
    (tmp_path / "public").write_text(public_to_text(key.public))
    (tmp_path / "private").write_text(key.to_text())
    sealed, folder = str(tmp_path / "log.sealed"), str(tmp_path / "theirs")
    device = audit.default_log().public_key.hex()
    assert main(["audit", "export", sealed, "--to", str(tmp_path / "public")]) == 0
    assert device in out(capsys)
    assert b"seconds" not in Path(sealed).read_bytes()
    options = ["audit", "open", sealed, "--key", str(tmp_path / "private"), "-o", folder]
    assert main(options) == 0
    assert out(capsys).splitlines()[0] == f"of the device {device}"
    assert main(["audit", "verify", "--folder", folder, "--public-key", device]) == 0
    assert "intact: 5 records" in out(capsys)
    assert shown(capsys, "--folder", folder, "--public-key", device) == [1, 2, 3, 4, 5]
    assert main(["audit", "show", "--folder", folder, "--public-key", device, "--said", "x"]) == 2
    assert main(["audit", "verify", "--folder", folder, "--public-key", "00" * 32]) == 66
    assert main(options) == 66  # not over what is there
    assert "isn't empty" in capsys.readouterr().err
    assert shown(capsys, "--event", "export") == [6]  # here it was noted


@pytest.mark.usefixtures("noted")
def test_what_isnt_an_export_isnt_opened(tmp_path: Path) -> None:
    key = new_sealing_key(hybrid=False)
    data = export_log(audit.default_log(), key.public)
    for broken in (data[:-1], data[:40], data[:100] + b"\x00" + data[101:], b""):
        with pytest.raises(SealError):
            open_export(broken, key, tmp_path / "a")
    header = (
        '{"format":"voicelet-audit-export-1","public_key":"' + "ab" * 32 + '","files":[["%s",1]]}'
    )
    for body in (
        b"",
        b"[]\n",
        b"[" * 100_000,
        (header % "../out").encode() + b"\nx",
        (header % "head.json").encode() + b"\nxx",
    ):
        with pytest.raises(AuditError, match="no exported audit log"):
            open_export(
                seal(key.public, body, info=b"voicelet-audit-export-1"), key, tmp_path / "a"
            )
    assert not (tmp_path / "a").exists() and not (tmp_path / "out").exists()


@pytest.mark.usefixtures("noted")
def test_a_device_opens_what_was_sealed_for_it(tmp_path: Path) -> None:
    public, sealed = str(tmp_path / "public"), str(tmp_path / "log")
    assert main(["profiles", "key", "-o", public]) == 0
    assert main(["audit", "export", sealed, "--to", public]) == 0
    assert main(["audit", "open", sealed, "-o", str(tmp_path / "opened")]) == 0


def test_bad_options_are_named(tmp_path: Path) -> None:
    assert main(["audit", "verify", "--folder", str(tmp_path)]) == 2
    assert main(["audit", "verify", "--folder", str(tmp_path), "--public-key", "xyz"]) == 2
    assert main(["audit", "show", "--last", "0"]) == 2
    assert main(["audit", "export", str(tmp_path / "x"), "--to", str(tmp_path / "none")]) == 2
    assert main(["audit", "rotate", "--keep", "0"]) == 2
    assert main(["audit", "checkpoint", str(tmp_path / "x")]) == 66  # there is no log yet
