"""`voicelet enrol`, `profiles`, `voices`: from files to a voice that `say` finds."""

from __future__ import annotations

import dataclasses
import functools
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import voicelet.enrol
from tests.cli.conftest import Cli
from tests.cli.fakes import FakeVoice
from tests.consenting import draft, scripted
from tests.tiny import tiny_bundle
from voicelet.enrol.profile import Profile, QualitySummary
from voicelet.enrol.vault import Vault
from voicelet.errors import RecordingRejected
from voicelet.trust.consent import ConsentRecord, make_record

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
    """Signed by a device of its own, the same in all calls."""
    consent, now = scripted(), datetime(2026, 1, 2, tzinfo=timezone.utc)
    return make_record(consent, voice_sha256, now)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replace the gate and the encoder; what the command asks of them is returned."""
    calls: list[dict[str, Any]] = []

    def enrol(files: list[str], **options: Any) -> Profile:
        options.pop("progress")(0.5)
        calls.append({"files": files, **options})
        if "noise.wav" in files:
            raise RecordingRejected(["too noisy; move closer", "under 3 s; say more"])
        found = profile(options["name"])
        if options["text"]:
            found = dataclasses.replace(
                found, quality=dataclasses.replace(QUALITY, phonetic_coverage=0.9)
            )
        return found

    monkeypatch.setattr(voicelet.enrol, "enrol", enrol)
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
    code, out, err = cli("profiles", "delete", "ana", "bem")
    assert code == 41 and "did you mean 'ben'" in err and out == ""
    assert Vault().names() == ["ana", "ben", "cy"]
    assert cli("profiles", "delete", "ana", "ben", "ana")[0] == 0
    assert Vault().names() == ["cy"]


def test_damaged_profiles_are_told_and_can_be_deleted(cli: Cli) -> None:
    path = Vault().save(profile("ana"))
    path.write_bytes(path.read_bytes()[:-1])
    code, out, err = cli("profiles")
    assert code == 0 and "can't be read" in err and "no profiles" in out
    assert cli("profiles", "delete", "ana")[0] == 0
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
