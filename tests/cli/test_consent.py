"""`voicelet consent`; and `voicelet enrol` on a terminal, in two steps, in writing."""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Cli
from tests.consenting import agreed, draft, foreign, someone
from voicelet.cli import challenge
from voicelet.cli.consent_options import parse_expiry
from voicelet.enrolment import enrolment
from voicelet.errors import ConfigError, ConsentEndedError, ConsentError
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.consent.record import to_iso
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.statement import Consent, make_record
from voicelet.trust.keys.device_key import device_key


def now() -> datetime:
    return datetime.now(timezone.utc)


YES = ("--scripted-consent", "signed form 118")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, recordings: Path) -> list[Consent]:
    """Replace the gate and the encoder; the consents that enrolment was handed are returned."""
    found: list[Consent] = []

    def enrol(files: list[str], *, consent: Consent, name: str, **options: Any) -> Profile:
        found.append(consent)
        options["progress"](1.0)
        return agreed(draft(name))

    monkeypatch.setattr(enrolment, "enrol", enrol)
    return found


def old(name: str = "ana") -> None:
    """Put a profile where voicelet 0.1 left it, without a consent record."""
    Vault().path.mkdir(parents=True, exist_ok=True)
    (Vault().path / f"{name}.vclp").write_bytes(draft(name).to_bytes())


def test_without_a_terminal_every_remedy_is_named(cli: Cli, given: list[Consent]) -> None:
    code, out, err = cli("enrol", "ana", "a.wav")
    assert code == 61 and out == "" and given == []
    for remedy in ("--sentence", "--spoken-consent", "--scripted-consent"):
        assert remedy in err
    assert cli("enrol", "ana", *YES)[0] == 2  # no recordings
    assert Vault().names() == []


def test_recordings_are_looked_for_before_anybody_is_asked_to_read(
    cli: Cli, given: list[Consent]
) -> None:
    code, out, err = cli("enrol", "ana", "a.wav", "monday.wav")
    assert code == 20 and out == "" and given == []
    assert "no recording 'monday.wav'" in err and "consent" not in err


def test_in_writing(cli: Cli, given: list[Consent]) -> None:
    before = now()
    options = ["--speaker", "Ana Silva", "--given-by", "Rui Silva", "--purpose", "publishing"]
    options += ["--purpose", "assistive", "--scope", "on her tablet", "--expires", "90d"]
    assert cli("enrol", "ana", "a.wav", *YES, *options)[0] == 0
    (consent,) = given
    assert (consent.speaker, consent.given_by) == ("Ana Silva", "Rui Silva")
    assert (consent.reason, consent.scope) == ("signed form 118", "on her tablet")
    assert consent.purposes == ("assistive", "publishing")
    ends = {(at + timedelta(days=90)).date().isoformat() for at in (before, now())}
    assert str(consent.expires)[:10] in ends  # it may be midnight
    wrong = {"--purpose": "publish", "--expires": "2001-01-01", "--speaker": "a\nb"}
    for option, value in wrong.items():
        assert cli("enrol", "ben", "b.wav", *YES, option, value)[0] == 61
    assert len(given) == 1


def test_in_two_steps(cli: Cli, given: list[Consent], tmp_path: Path) -> None:
    recording = tmp_path / "read.wav"
    recording.write_bytes(b"RIFF")
    spoken = ("enrol", "ana", "a.wav", "--spoken-consent", str(recording))
    code, _, err = cli(*spoken)
    assert code == 61 and "--sentence" in err  # nobody has asked yet
    code, out, err = cli("enrol", "ana", "--sentence")
    assert code == 0 and "Voicelet" in out and "UTC" in err
    assert any(str((now() - timedelta(hours=h)).year) in out for h in (0, 1))
    assert cli(*spoken)[0] == 0
    (consent,) = given
    assert consent.spoken is not None
    assert consent.spoken.sentence.text == out.strip()
    assert consent.spoken.recording == str(recording)
    code, _, err = cli(*spoken, "--replace")
    assert code == 61 and "no sentence was asked" in err  # it was read once


def test_sentences_are_private_and_expire(cli: Cli) -> None:
    sentence, expires = challenge.draw_sentence("Ana/".strip("/"))
    assert challenge.pending_sentence("Ana") == sentence
    assert timedelta(minutes=13) < expires - now() < timedelta(minutes=16)
    with pytest.raises(ConsentError, match="was to be read by"):
        challenge.pending_sentence("Ana", expires + timedelta(seconds=1))
    again, _ = challenge.draw_sentence("Ana")
    assert again.text != sentence.text and challenge.pending_sentence("Ana") == again
    (path,) = Path(os.environ["XDG_STATE_HOME"], "voicelet", "consent").iterdir()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for damage in (b"", b"{", b"[]", b"\xff", b'{"text": 1}', b"[" * 9999):
        path.write_bytes(damage)
        with pytest.raises(ConsentError, match="damaged"):
            challenge.pending_sentence("Ana")
    challenge.forget_sentence("Ana")
    challenge.forget_sentence("Ana")
    with pytest.raises(ConsentError, match="no sentence was asked"):
        challenge.pending_sentence("Ana")


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals")
@pytest.mark.parametrize("microphone", [True, False])
def test_on_a_terminal_it_is_one_command(
    cli: Cli,
    given: list[Consent],
    microphone: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import pty

    heard = (np.arange(48000) % 1000).astype("<i2")
    (tmp_path / "heard.raw").write_bytes(heard.tobytes())
    programs = tmp_path / "bin"
    programs.mkdir()
    if microphone:
        recorder = programs / "arecord"
        recorder.write_text(
            f"#!/bin/sh\ncat '{tmp_path}/heard.raw'\n: > '{programs}/done'\nexec sleep 3600\n"
        )
        recorder.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs) + (":/usr/bin:/bin" if microphone else ""))
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def answer() -> None:
        """Press Enter when asked to, and again when it listens; or name a file."""
        read = 0
        while True:
            try:
                shown.append(os.read(ours, 4096))
            except OSError:
                return
            if not shown[-1]:
                return
            text = b"".join(shown)[read:]
            if b"Press Enter" in text or (b"Listening" in text and b"press Enter" in text):
                read += len(text)
                if b"Listening" in text:
                    while microphone and not (programs / "done").exists():
                        time.sleep(0.01)  # until the recorder has heard it all
                os.write(ours, b"\n")
            elif b"type the file" in text:
                read += len(text)
                os.write(ours, b"mine.wav\n")

    reader = threading.Thread(target=answer, daemon=True)
    reader.start()
    with (
        open(theirs, encoding="utf-8", closefd=False) as stdin,
        open(theirs, "w", encoding="utf-8") as stderr,
    ):
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stderr", stderr)
        from voicelet.cli.main import main

        code = main(["enrol", "ana", "a.wav"])
    reader.join(300.0)  # `theirs` is closed, which ends it
    os.close(ours)
    assert code == 0
    (consent,) = given
    assert consent.spoken is not None
    assert consent.spoken.sentence.text in b"".join(shown).decode().replace("\r\n", "\n")
    recording = consent.spoken.recording
    if microphone:
        assert isinstance(recording, tuple) and recording[1] == 24000
        np.testing.assert_array_equal(np.asarray(recording[0]), heard)
        assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["heard.raw"]
    else:
        assert recording == "mine.wav"


def test_show_and_verify(cli: Cli, tmp_path: Path) -> None:
    assert "no profiles yet" in cli("consent", "show")[1]
    ana = someone("ana", purposes=("own-use", "publishing"), scope="on her tablet")
    Vault().save(ana)
    Vault().save(someone("ben", expires=now() + timedelta(days=12, hours=1)))
    code, out, _ = cli("consent", "show", "ana")
    assert code == 0 and ana.consent is not None
    for text in (
        "Ana Silva",
        "own-use, publishing",
        "on her tablet",
        "scripted",
        "never",
        "stands",
    ):
        assert text in out
    code, out, _ = cli("consent", "show")
    assert code == 0 and "ends in 12 days; voicelet consent renew" in out
    rows = json.loads(cli("consent", "show", "--json")[1])["consents"]
    assert [r["profile"] for r in rows] == ["ana", "ben"]
    told = json.loads(cli("consent", "show", "ana", "--json")[1])
    assert told["status"] == "stands here for own-use" and told["record"] == ana.consent.to_dict()
    assert cli("consent", "verify")[0] == 0

    file = tmp_path / "ana.consent"
    assert cli("consent", "show", "ana", "--record", str(file))[0] == 0
    code, out, err = cli("consent", "verify", "--record", str(file))
    assert code == 0 and "genuine: Ana Silva agreed" in out and "this device" in err
    raw = file.read_bytes()
    file.write_bytes(raw.replace(b"publishing", b"federation"))
    assert cli("consent", "verify", "--record", str(file))[0] == 61
    assert cli("consent", "verify", "--record", str(tmp_path))[0] == 61
    assert cli("consent", "show", "--record", str(file))[0] == 61
    assert cli("consent", "show", "anna")[0] == 41


def test_profiles_without_consent_can_be_given_one(cli: Cli, tmp_path: Path) -> None:
    old()
    assert "none: it can't speak" in cli("consent", "show", "ana")[1]
    code, out, err = cli("consent", "verify")
    assert code == 61 and "ana" in out and "voicelet consent add ana" in err
    assert cli("consent", "renew", "ana", *YES)[0] == 61  # nothing to renew
    assert cli("consent", "add", "ana")[0] == 61  # no terminal, nobody agreed
    assert cli("consent", "add", "ana", *YES, "--purpose", "assistive")[0] == 0
    assert Vault().load("ana").consent is not None
    assert Vault().load("ana").d_vector.tobytes() == draft("ana").d_vector.tobytes()
    code, _, err = cli("consent", "add", "ana", *YES)
    assert code == 61 and "already" in err
    assert cli("consent", "verify", "ana")[0] == 0
    code, out, _ = cli("consent", "add", "ana", "--sentence")
    assert code == 0 and challenge.pending_sentence("ana").text == out.strip()


def test_renewing_takes_over_what_was_agreed(cli: Cli) -> None:
    made = someone(purposes="assistive", scope="hers", expires=now() + timedelta(days=2))
    Vault().save(made)
    assert cli("consent", "renew", "ana", *YES, "--expires", "1y")[0] == 0
    renewed = Vault().load("ana").consent
    assert renewed is not None and made.consent is not None
    assert (renewed.speaker, renewed.purposes, renewed.scope) == (
        "Ana Silva",
        ("assistive",),
        "hers",
    )
    assert renewed.id != made.consent.id and 360 < (renewed.days_left() or 0.0) < 367
    made.check_consent()  # whoever still holds the old one isn't silenced


def test_renewing_for_less_says_what_no_longer_counts(cli: Cli) -> None:
    Vault().save(someone(purposes=("own-use", "assistive")))
    code, _, err = cli("consent", "renew", "ana", *YES, "--purpose", "own-use")
    assert code == 0 and "no longer to assistive" in err
    assert "own-use, assistive -> own-use" in err
    code, _, err = cli("consent", "renew", "ana", *YES)
    assert code == 0 and "no longer" not in err and "->" not in err


def test_a_renewed_consent_lasts_as_long_as_the_one_before(cli: Cli) -> None:
    Vault().save(someone(expires=now() + timedelta(days=30)))
    code, _, err = cli("consent", "renew", "ana", *YES)
    record = Vault().load("ana").check_record()
    assert code == 0 and 29.9 < (record.days_left() or 0.0) <= 30.0
    assert "for 30 days" in err and str(record.expires)[:10] in err and "--expires" in err
    code, out, err = cli("consent", "renew", "ana", *YES, "--expires", "never")
    assert code == 0 and "until it is revoked" in out and "as before" not in err
    assert Vault().load("ana").check_record().expires is None
    code, out, err = cli("consent", "renew", "ana", *YES)
    assert code == 0 and "until it is revoked" in out and "as before" not in err


def test_nor_does_one_that_ended_come_back_for_ever(cli: Cli) -> None:
    made = draft()
    begun = now() - timedelta(days=40)
    record = make_record(Consent.scripted("Ana", "in writing"), made.voice_sha256)
    times = {"created": to_iso(begun), "expires": to_iso(begun + timedelta(days=10))}
    record = dataclasses.replace(record, **times).signed_by(device_key())  # type: ignore[arg-type]
    Vault().save(dataclasses.replace(made, consent=record))
    assert cli("consent", "renew", "ana", *YES)[0] == 0
    assert 9.9 < (Vault().load("ana").check_record().days_left() or 0.0) <= 10.0
    far = dataclasses.replace(
        made,
        consent=make_record(
            Consent.scripted("Ana", "in writing", expires="9999-12-30"), made.voice_sha256
        ),
    )
    Vault().save(far)
    assert cli("consent", "renew", "ana", *YES)[0] == 0
    assert str(Vault().load("ana").check_record().expires)[:4] == "9999"


def test_revoking(cli: Cli) -> None:
    ana, ben = someone("ana"), someone("ben", f0_hz=120.0)
    for profile in (ana, ben):
        Vault().save(profile)
    code, out, _ = cli("consent", "revoke", "ana", "--reason", "moved on")
    assert code == 0 and "no longer speaks" in out
    with pytest.raises(ConsentEndedError):
        ana.check_consent()
    ben.check_consent()
    code, out, err = cli("consent", "verify")
    assert code == 62 and "revoked" in out and "withdrew" in err
    assert "revoked" in cli("consent", "show", "ana")[1]
    assert cli("consent", "add", "ana", *YES)[0] == 0  # a new consent, a new record
    Vault().load("ana").check_consent()
    assert ben.consent is not None
    assert cli("consent", "revoke", "--id", ben.consent.id)[0] == 0
    assert [e.reason for e in device_revocations().entries()] == ["moved on", ""]
    for wrong in ((), ("ana", "--id", "0" * 32), ("--id", "x")):
        assert cli("consent", "revoke", *wrong)[0] == 61
    assert cli("consent", "revoke", "nobody")[0] == 41


def test_a_list_that_was_touched_is_named(cli: Cli) -> None:
    Vault().save(someone())
    path = device_revocations().path
    device_revocations().add("f" * 32)
    path.write_bytes(path.read_bytes().replace(b"f" * 32, b"e" * 32))
    code, _, err = cli("consent", "verify")
    assert code == 61 and "line 1" in err


def test_a_forged_record_is_named(cli: Cli) -> None:
    ana = someone()
    assert ana.consent is not None
    forged = dataclasses.replace(ana.consent, given_by="Eve")
    Vault().path.mkdir(parents=True)
    data = dataclasses.replace(ana, consent=forged).to_bytes()
    (Vault().path / "ana.vclp").write_bytes(data)
    code, out, err = cli("consent", "verify")
    assert code == 40 and "ana" not in out and "changed since it was signed" in err
    (Vault().path / "ana.vclp").unlink()
    Vault(protection="plain").save(ana)  # in a plain one nothing keeps it out
    (Vault().path / "ana.vclp").write_bytes(data)
    code, out, err = cli("consent", "verify")
    assert code == 61 and "NOT GENUINE" in out and "changed since it was signed" in err


def test_times_from_now() -> None:
    now = datetime(2026, 11, 23, tzinfo=timezone.utc)
    assert parse_expiry(None) is None and parse_expiry("never") is None
    assert parse_expiry("90d", now) == "2027-02-21"
    assert parse_expiry("2w", now) == "2026-12-07"
    assert parse_expiry("2027-01-31", now) == "2027-01-31"
    with pytest.raises(ConfigError, match="too far"):
        parse_expiry("99999y", now)


def test_a_lost_list_stops_voices_until_it_is_repaired(cli: Cli) -> None:
    for profile in (someone("ana"), someone("ben", f0_hz=120.0)):
        Vault().save(profile)
    assert cli("consent", "revoke", "ana")[0] == 0
    path = device_revocations().path
    path.unlink()
    code, _, err = cli("consent", "verify", "ben")
    assert code == 61 and "missing or empty" in err and "voicelet consent repair" in err
    out = cli("consent", "show")[1]
    assert "revoked" in out and "unknown" in out
    code, out, _ = cli("consent", "repair")
    assert code == 0 and "1 withdrawn consents kept, 0 found again" in out
    assert cli("consent", "verify", "ben")[0] == 0
    assert cli("consent", "verify", "ana")[0] == 62
    for lost in (path, *path.parent.parent.glob("keys/revocations*")):
        lost.unlink()
    audit_files = Path(os.environ["XDG_STATE_HOME"]).rglob("audit-*.jsonl")
    for lost in audit_files:
        lost.unlink()
    code, _, err = cli("consent", "verify", "ben")  # the vault alone still knows
    assert code == 61 and "voicelet consent repair" in err
    code, out, _ = cli("consent", "repair")
    assert code == 0 and "0 withdrawn consents kept, 1 found again" in out
    assert cli("consent", "verify", "ben")[0] == 0
    assert cli("consent", "verify", "ana")[0] == 62


def elsewhere(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """Move to another device; returns where this one was."""
    here = os.environ["XDG_DATA_HOME"]
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    return here


def test_a_signer_is_trusted_and_no_longer(cli: Cli, tmp_path: Path) -> None:
    stranger, key = foreign(draft("ana"), given_by="Rui Silva")
    Vault().save(stranger)
    assert "doesn't count here" in cli("consent", "show", "ana")[1]
    code, _, err = cli("consent", "verify")
    assert code == 61 and "voicelet consent trust ana" in err
    code, out, err = cli("consent", "trust", "ana")
    assert code == 2 and "Rui Silva" in out and key in err  # nobody to ask
    assert cli("consent", "verify")[0] == 61
    assert cli("consent", "trust", "ana", "--yes")[0] == 0
    assert cli("consent", "verify")[0] == 0
    told = json.loads(cli("consent", "signers", "--json")[1])
    assert [(s["key"], s["name"]) for s in told["signers"]] == [(key, "Rui Silva")]
    assert told["signers"][0]["purposes"] == ["own-use", "assistive"]
    assert told["device"] != key and told["device"] in cli("consent", "signers")[1]
    assert (
        cli("consent", "trust", key.upper(), "--purpose", "publishing", "--name", "tablet")[0] == 0
    )
    told = json.loads(cli("consent", "signers", "--json")[1])
    assert told["signers"][0]["purposes"] == ["own-use", "assistive", "publishing"]
    assert cli("consent", "untrust", key)[0] == 0
    assert cli("consent", "verify")[0] == 61
    assert cli("consent", "untrust", key)[0] == 61
    assert cli("consent", "trust", "f" * 63)[0] in (41, 61)
    assert cli("consent", "trust", key, "--purpose", "publish")[0] == 61


def test_a_clinic_countersigns(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Vault().save(someone("ana", purposes=("own-use", "publishing")))
    record, signed = str(tmp_path / "ana.consent"), str(tmp_path / "ana.signed")
    assert cli("consent", "show", "ana", "--record", record)[0] == 0
    assert cli("consent", "countersign", record, "-o", signed, "--yes")[0] == 61  # by itself
    assert cli("consent", "attach", "ana", record)[0] == 61  # nobody did
    here = elsewhere(monkeypatch, tmp_path / "clinic")
    clinic = json.loads(cli("consent", "signers", "--json")[1])["device"]
    code, out, _ = cli("consent", "countersign", record, "-o", signed)
    assert code == 2 and "Ana Silva" in out and not Path(signed).exists()
    assert cli("consent", "countersign", record, "-o", signed, "--yes")[0] == 0
    monkeypatch.setenv("XDG_DATA_HOME", here)
    assert cli("consent", "attach", "ana", signed)[0] == 0
    ana = Vault().load("ana")
    assert ana.check_record().countersigner == clinic
    with pytest.raises(ConsentError, match="isn't trusted with publishing"):
        ana.check_consent("publishing")
    assert cli("consent", "trust", clinic, "--purpose", "publishing")[0] == 0
    ana.check_consent("publishing")
    assert "stands" in cli("consent", "show", "ana")[1]
    assert cli("consent", "renew", "ana", *YES)[0] == 0
    assert cli("consent", "attach", "ana", signed)[0] == 61  # of the record before
