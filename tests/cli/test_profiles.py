"""`voicelet enrol`, `profiles`, `voices`: from files to a voice that `say` finds."""

from __future__ import annotations

import dataclasses
import functools
import getpass
import io
import json
import os
import secrets
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.fakes import FakeVoice
from tests.consenting import draft, scripted, someone
from tests.tiny import tiny_bundle
from voicelet.cli import unlock
from voicelet.enrolment import enrolment
from voicelet.errors import RecordingRejectedError
from voicelet.profiles.profile import Profile, QualitySummary
from voicelet.profiles.vault import keys as vault_keys
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.consent.statement import ConsentRecord, make_record
from voicelet.trust.keys.passphrase import Stretch

QUALITY = QualitySummary(
    total_s=40.0,
    speech_s=31.4,
    snr_db=27.0,
    clipped_fraction=0.0012,
    level_dbfs=-26.0,
    bandwidth_hz=7800.0,
    speaker_consistency=0.83,
    pitch_low_hz=90.0,
    pitch_median_hz=120.0,
    pitch_high_hz=180.0,
    warnings=("a quieter room would help",),
)

YES = ("--scripted-consent", "in writing")


def profile(name: str) -> Profile:
    made = dataclasses.replace(draft(name), speech_s=31.4, quality=QUALITY)
    return dataclasses.replace(made, consent=record(made.voice_sha256))


@functools.lru_cache
def record(voice_sha256: str) -> ConsentRecord:
    """Signed by another device than this test's, the same in all calls."""
    consent, now = scripted(), datetime(2026, 1, 2, tzinfo=timezone.utc)
    return make_record(consent, voice_sha256, now)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, recordings: Path) -> list[dict[str, Any]]:
    """Replace the gate and the encoder; what the command asks of them is returned."""
    calls: list[dict[str, Any]] = []

    def enrol(files: list[str], **options: Any) -> Profile:
        options.pop("progress")(0.5)
        calls.append({"files": files, **options})
        if "noise.wav" in files:
            raise RecordingRejectedError(["too noisy; move closer", "under 3 s; say more"])
        found = profile(options["name"])
        if options["text"]:
            found = dataclasses.replace(
                found, quality=dataclasses.replace(QUALITY, phonetic_coverage=0.9)
            )
        return found

    monkeypatch.setattr(enrolment, "enrol", enrol)
    return calls


def test_enrol_reports_and_saves(cli: Cli, asked: list[dict[str, Any]]) -> None:
    code, out, err = cli("enrol", "ana", "a.wav", "b.flac", "--text", "read aloud", *YES)
    assert (code, err) == (0, "")
    (call,) = asked
    consent = call.pop("consent")
    assert call == {
        "files": ["a.wav", "b.flac"], "name": "ana", "text": "read aloud", "bundle": None,
    }  # fmt: skip
    assert (consent.speaker, consent.given_by, consent.reason) == ("ana", "ana", "in writing")
    for line in ("31.4 s of 40.0 s", "27 dB", "0.12 %", "90 to 180 Hz", "90 %", "a quieter room"):
        assert line in out
    assert Vault().load("ana") == dataclasses.replace(
        profile("ana"), quality=dataclasses.replace(QUALITY, phonetic_coverage=0.9)
    )


def test_enrol_as_json(cli: Cli, asked: list[dict[str, Any]]) -> None:
    code, out, _ = cli("enroll", "ana", "a.wav", "--json", *YES)
    report = json.loads(out)
    assert code == 0 and report["name"] == "ana"
    assert report["speech_s"] == 31.4 and report["phonetic_coverage"] is None


def test_a_profile_is_replaced_only_when_asked(cli: Cli, asked: list[dict[str, Any]]) -> None:
    assert cli("enrol", "ana", "a.wav", *YES)[0] == 0
    code, _, err = cli("enrol", "ana", "b.wav", *YES)
    assert code == 40 and "--replace" in err
    assert len(asked) == 1  # refused before the work
    assert cli("enrol", "ana", "b.wav", "--replace", *YES)[0] == 0


def test_refused_recordings_give_every_reason(cli: Cli, asked: list[dict[str, Any]]) -> None:
    code, out, err = cli("enrol", "ana", "noise.wav", *YES)
    assert code == 21 and out == ""
    assert "too noisy; move closer" in err and "under 3 s; say more" in err
    assert Vault().names() == []


def test_impossible_names_are_refused_before_the_work(
    cli: Cli, asked: list[dict[str, Any]]
) -> None:
    for name in ("../x", "", "a/b", "\u202ename"):
        assert cli("enrol", name, "a.wav", *YES)[0] == 40
    assert asked == []


def test_enrolled_voices_are_spoken_with(cli: Cli, tmp_path: Path) -> None:
    Vault().save(profile("ana"))
    assert cli("say", "hi", "--voice", "ana", "-o", str(tmp_path / "o.wav"))[0] == 0
    assert FakeVoice.last is not None
    assert FakeVoice.last.calls[-1]["profile"] == profile("ana")
    Vault().save(profile("low"))  # as a preset is called: the profile goes first
    assert cli("say", "hi", "--voice", "low", "-o", str(tmp_path / "o.wav"))[0] == 0
    assert FakeVoice.last.calls[-1]["preset"] is None
    code, _, err = cli("say", "hi", "--voice", "anna", "--raw")
    assert code == 41 and "did you mean 'ana'" in err


def test_listing_and_deleting(cli: Cli) -> None:
    assert "no profiles yet" in cli("profiles")[1]
    for name in ("ana", "ben", "cy"):
        Vault().save(profile(name))
    code, out, _ = cli("profiles")
    assert code == 0 and "ana" in out and "31.4" in out
    listed = json.loads(cli("profiles", "list", "--json")[1])["profiles"]
    assert [p["name"] for p in listed] == ["ana", "ben", "cy"]
    code, out, err = cli("profiles", "delete", "ana", "bem", "--yes")
    assert code == 41 and "did you mean 'ben'" in err and out == ""
    assert Vault().names() == ["ana", "ben", "cy"]
    assert cli("profiles", "delete", "ana", "ben", "ana", "--yes")[0] == 0
    assert Vault().names() == ["cy"]


def test_damaged_profiles_are_told_and_can_be_deleted(cli: Cli) -> None:
    path = Vault().save(profile("ana"))
    path.write_bytes(path.read_bytes()[:-1])
    code, out, err = cli("profiles")
    assert code == 0 and "can't be read" in err and "no profiles" in out
    assert cli("profiles", "delete", "ana", "--yes")[0] == 0
    assert not path.exists()


def test_voices_lists_profiles_presets_and_bundles(cli: Cli) -> None:
    Vault().save(profile("ana"))
    bundle = str(cli.bundle)
    code, out, _ = cli("voices", "--bundle", bundle, "--install", bundle, "--json")
    assert code == 0
    voices = {v["name"]: v["kind"] for v in json.loads(out)["voices"]}
    assert voices == {"ana": "profile", "low": "preset", "tiny": "bundle"}
    code, out, _ = cli("voices", "--bundle", "tiny")
    assert code == 0 and "low and calm" in out
    newer = tiny_bundle(cli.bundle.parent / "newer")
    (newer / "manifest.json").write_text('{"schema_version": 99}')
    assert cli("voices", "--install", str(newer))[0] == 32


def test_a_voice_moves_to_another_device(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = someone("ana")
    Vault().save(ana)
    here = os.environ["XDG_DATA_HOME"]
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "there"))
    key, sealed = str(tmp_path / "there.pub"), str(tmp_path / "ana.sealed")
    assert cli("profiles", "key", "-o", key)[0] == 0
    assert cli("profiles", "key")[1] == Path(key).read_text()
    monkeypatch.setenv("XDG_DATA_HOME", here)
    assert cli("profiles", "export", "ana", "--to", key, "-o", sealed)[0] == 0
    assert cli("profiles", "import", sealed, "--name", "x")[0] == 65  # it isn't for this device
    assert cli("profiles", "export", "ana", "--to", sealed, "-o", key)[0] == 65
    assert cli("profiles", "export", "ben", "--to", key, "-o", sealed)[0] == 41
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "there"))
    assert ana.consent is not None
    code, out, err = cli("profiles", "import", sealed, "--name", "Ana")
    assert code == 2 and f"--trust-signer {ana.consent.device}" in err
    assert "given by" in out and "Ana Silva" in out and Vault().names() == []
    trusting = ("--trust-signer", ana.consent.device)
    code, out, _ = cli("profiles", "import", sealed, "--name", "Ana", *trusting)
    assert code == 0 and "imported Ana" in out
    assert dataclasses.replace(Vault().load("Ana"), name="ana") == ana
    assert cli("profiles", "import", sealed, "--name", "Ana")[0] == 40
    assert cli("profiles", "import", sealed, "--name", "Ana", "--replace")[0] == 0
    assert cli("profiles", "import", str(tmp_path / "none"))[0] == 2


def test_passphrases(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = functools.partial(Stretch, n=1 << 14, p=1)
    monkeypatch.setattr(vault_keys, "new_stretch", lambda: quick(secrets.token_hex(16)))
    monkeypatch.setattr(unlock, "_has_terminal", lambda: False)
    words, wrong = tmp_path / "words", tmp_path / "wrong"
    words.write_text("correct horse\nnot this line\n")
    wrong.write_text("battery staple\n")
    Vault().save(profile("ana"))
    rotate = ("profiles", "rotate-key")
    assert cli(*rotate, "--new-passphrase-file", str(words), "--protect", "file")[0] == 2
    assert cli(*rotate, "--protect", "passphrase")[0] == 2  # and nobody to ask for one
    assert cli(*rotate, "--new-passphrase-file", str(words))[0] == 0
    code, out, err = cli("profiles")
    assert code == 0 and "ana" in out and "locked" in out and "VOICELET_PASSPHRASE" in err
    code, out, _ = cli("voices", "--json", "--bundle", str(cli.bundle))
    assert code == 0 and "locked" in out
    say = ("say", "hi", "--voice", "ana", "-o", str(tmp_path / "o.wav"))
    assert cli(*say)[0] == 42
    assert cli("--passphrase-file", str(wrong), *say)[0] == 42
    assert cli("--passphrase-file", str(words), *say)[0] == 0
    assert cli("--passphrase-file", str(tmp_path), *say)[0] == 2
    with monkeypatch.context() as patch:
        patch.setenv("VOICELET_PASSPHRASE", "correct horse")
        assert cli(*say)[0] == 0
    with monkeypatch.context() as patch:  # somebody at a terminal
        patch.setattr(unlock, "_has_terminal", lambda: True)
        patch.setattr(getpass, "getpass", lambda prompt: "correct horse")
        assert cli(*say)[0] == 0
        assert cli(*rotate, "--protect", "passphrase")[0] == 0
    code, out, _ = cli("profiles", "list", "--passphrase-file", str(words), "--json")
    assert json.loads(out)["protection"] == "passphrase" and "locked" not in out
    assert cli("--passphrase-file", str(words), *rotate, "--protect", "plain")[0] == 0
    assert "NOT encrypted" in cli("profiles")[1]


def test_erase_and_restore(cli: Cli) -> None:
    path = Vault().save(profile("ana"))
    Vault().save(profile("Ben"))
    path.write_bytes(path.read_bytes()[:-1])
    code, out, err = cli("profiles")
    assert code == 0 and "ana.vclp" in err and "profiles restore" in err
    assert cli("profiles", "restore")[1] == "restored ana\n"
    assert "nothing" in cli("profiles", "restore")[1]
    code, out, _ = cli("erase", "Ben", "--yes")
    assert code == 0 and out == "erased Ben\n"
    assert Vault().names() == ["ana"]
    assert cli("erase", "Ben", "--yes")[0] == 41


@pytest.mark.parametrize("command", [("erase",), ("profiles", "delete")])
def test_nothing_is_erased_where_nobody_can_be_asked(cli: Cli, command: tuple[str, ...]) -> None:
    Vault().save(profile("ana"))
    code, out, err = cli(*command, "ana")
    assert code == 2 and out == "" and "--yes" in err
    assert Vault().names() == ["ana"]


@pytest.mark.parametrize(("answer", "left"), [("n\n", ["ana"]), ("", ["ana"]), ("yes\n", [])])
def test_erase_asks_on_a_terminal_though_its_output_goes_elsewhere(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: str, left: list[str]
) -> None:
    Vault().save(profile("ana"))
    terminal = io.StringIO(answer)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli("erase", "ana")[0] == 0
    assert Vault().names() == left


def test_a_profile_whose_file_is_away_is_named_and_can_be_given_up(cli: Cli) -> None:
    vault = Vault()
    for name in ("ana", "Cleo"):
        vault.save(someone(name))
    (file,) = vault.path.glob("Cleo*.vclp")
    file.unlink()
    (vault.path / "backup" / file.name).unlink()
    code, out, err = cli("profiles")
    assert code == 0 and "ana" in out and "voicelet erase Cleo" in err
    code, _, err = cli("profiles", "rotate-key")
    assert code == 40 and "voicelet erase Cleo" in err
    assert cli("erase", "Cleo", "--yes")[0] == 0
    assert cli("erase", "Cleo", "--yes")[0] == 41
    assert cli("profiles", "rotate-key")[0] == 0
