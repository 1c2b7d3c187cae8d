"""Samples come from one place, marked there; profiles are what their files would hold."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.consenting import draft, someone
from tests.piper.tiny import write_piper
from tests.synth.voices import tiny_voice
from voicelet.enrolment.consent import adapt_profile
from voicelet.errors import ConsentError, ProfileError, WatermarkError
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet.synth import Controls, Voice, explain
from voicelet.synth.base import ARCHITECTURES
from voicelet.trust.audit import device_log
from voicelet.trust.consent.record import ConsentRecord

Refused = (ConsentError, ProfileError)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return Voice.load(tiny_voice(tmp_path_factory.mktemp("voice") / "bundle"))


@pytest.fixture
def victim() -> Profile:
    return draft("victim", f0_hz=120.0)


def assert_silent(voice: Voice, profile: Any) -> None:
    with pytest.raises(Refused):
        voice.synthesize("hello", profile=profile)
    with pytest.raises(Refused):
        voice.synthesize_phones("həlˈO", profile=profile)
    with pytest.raises(Refused):
        voice.stream("hello", profile=profile)
    with pytest.raises(Refused):
        explain.explain(voice, "hello", profile=profile)


# ---------------------------------------------------------------- samples


def test_nothing_public_of_a_voice_makes_samples_of_a_vector(voice: Voice) -> None:
    public = {n for n, _ in inspect.getmembers(voice) if not n.startswith("_")}
    assert public == {
        "bundle", "front_end", "info", "load", "presets", "sample_rate_hz",
        "stream", "synthesize", "synthesize_phones",
    }, "does the new name give samples? then only with consent, and marked"  # fmt: skip


def test_what_makes_samples_makes_none_without_a_mark(voice: Voice, tmp_path: Path) -> None:
    piper = Voice.load(write_piper(tmp_path / "piper"))
    seen = set()
    for opened in (voice, piper):
        synthesizer = opened._synthesizer
        seen.add(type(synthesizer).__name__)
        speaker = synthesizer.speakers.vector(None, None)
        with pytest.raises(WatermarkError):
            synthesizer.begin("a", speaker, Controls(), np.random.default_rng(0), None)
        assert inspect.signature(synthesizer.begin).parameters["mark"].default is inspect._empty
    assert seen == {name.partition(":")[2] for name in ARCHITECTURES.values()}


# ---------------------------------------------------------------- profiles


def test_profiles_have_no_heirs() -> None:
    with pytest.raises(TypeError, match="subclass"):
        type("Mine", (Profile,), {"check_record": lambda self: None})


def test_profiles_are_not_pickled() -> None:
    profile = someone()
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(ProfileError, match="pickle"):
            pickle.dumps(profile, protocol)
    assert copy.copy(profile) is profile and copy.deepcopy(profile) is profile
    assert profile.__class__.from_bytes(profile.to_bytes()) == profile


def test_a_profile_remembers_no_verdict(victim: Profile, voice: Voice) -> None:
    """Whatever is set past its being frozen, its record is another voice's or none."""
    profile = someone()
    profile.check_consent()
    voice.synthesize("hello", profile=profile)
    object.__setattr__(profile, "d_vector", victim.d_vector)
    assert_silent(voice, profile)

    profile = someone()
    profile.check_consent()
    object.__setattr__(profile, "statistics", victim.statistics)
    assert_silent(voice, profile)


def test_a_forged_verdict_counts_for_nothing(victim: Profile, voice: Voice) -> None:
    genuine = someone()
    genuine.check_consent()
    record = genuine.consent
    assert record is not None
    forged = object.__new__(Profile)
    for field in dataclasses.fields(victim):
        object.__setattr__(forged, field.name, getattr(victim, field.name))
    object.__setattr__(forged, "consent", record)
    for name in ("_genuine", "_checked", "_verified"):
        object.__setattr__(forged, name, True)
    forged.__dict__["voice_sha256"] = record.voice_sha256  # a cached property's place
    assert_silent(voice, forged)


def test_a_remembered_hash_gets_no_genuine_record(
    victim: Profile, voice: Voice, tmp_path: Path
) -> None:
    """What renews or keeps a record looks at the voice as it is now, as what speaks does."""

    def turned() -> Profile:
        profile = someone()
        _ = profile.voice_sha256, profile.voiceprint_sha256
        profile.check_consent()
        object.__setattr__(profile, "d_vector", victim.d_vector)
        return profile

    with pytest.raises(Refused):
        turned().check_consent()
    with pytest.raises(Refused):
        adapt_profile(turned(), None, np.zeros((1, 256)), speech_s=1.0, voice=voice)
    vault = Vault(tmp_path)
    vault.save(someone())
    with pytest.raises(Refused):
        vault.save(turned())
    assert not np.array_equal(vault.load("ana").d_vector, victim.d_vector)


def test_the_log_names_the_profile_that_was_checked(voice: Voice) -> None:
    profile, other = someone(), someone("bob")
    stream = voice.stream("hello", profile=profile)
    next(stream)
    object.__setattr__(profile, "consent", other.consent)
    object.__setattr__(profile, "name", "bob")
    list(stream)
    device_log.flush()
    uses = [r.fields for r in device_log.default_log().records() if r.event == "use"]
    assert profile.consent is other.consent and other.consent is not None
    assert [u["consent"] == other.consent.id for u in uses] == [False]


def test_an_explanation_of_a_person_is_noted(voice: Voice) -> None:
    profile = someone()
    explained = explain.explain(voice, "hello there", profile=profile)
    explain.explain(voice, "hello there")
    device_log.flush()
    (noted,) = [r.fields for r in device_log.default_log().records() if r.event == "explain"]
    seconds = len(explained.f0_hz) / explained.frames_per_s
    assert profile.consent is not None and noted["consent"] == profile.consent.id
    assert noted["seconds"] == round(seconds, 3) and "hello" not in str(noted)


def test_a_voice_has_no_subclasses_that_say_what_was_heard() -> None:
    with pytest.raises(TypeError, match="subclassed"):
        type("Fake", (Voice,), {"synthesize": lambda *a, **k: None})


def test_methods_set_on_an_object_are_not_called(victim: Profile, voice: Voice) -> None:
    profile = someone()
    vector = profile.speaker_vector(np.zeros(80), np.ones(80))
    voice.synthesize("hello", profile=profile)
    before = voice.synthesize("hello", profile=profile).samples
    for name, hook in (
        ("speaker_vector", lambda *a: vector[::-1]),
        ("check_record", lambda: None),
        ("check_consent", lambda *a: None),
        ("to_bytes", lambda: b""),
    ):
        object.__setattr__(profile, name, hook)
    np.testing.assert_array_equal(voice.synthesize("hello", profile=profile).samples, before)
    object.__setattr__(victim, "check_record", lambda: None)
    object.__setattr__(victim, "check_consent", lambda *a: None)
    assert_silent(voice, victim)


def test_arrays_of_a_profile_cannot_be_written(voice: Voice) -> None:
    profile = someone()
    for values in (profile.d_vector, profile.statistics.ltas):
        with pytest.raises(ValueError, match="WRITEABLE|read-only"):
            values.setflags(write=True)


def test_records_are_records(victim: Profile, voice: Voice) -> None:
    record = someone().consent
    assert record is not None

    class Lenient(ConsentRecord):
        def verify(self, *arguments: Any, **options: Any) -> None:
            """Anything goes."""

    fields = {f.name: getattr(record, f.name) for f in dataclasses.fields(ConsentRecord) if f.init}
    lenient = Lenient(**{**fields, "voice_sha256": victim.voice_sha256})
    with pytest.raises(Refused):
        dataclasses.replace(victim, consent=lenient)
    object.__setattr__(victim, "consent", lenient)
    assert_silent(voice, victim)


def test_strings_that_equal_all_others_fool_nobody(victim: Profile, voice: Voice) -> None:
    class Any_(str):
        def __eq__(self, other: object) -> bool:
            return True

        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = str.__hash__

    record = someone().consent
    assert record is not None
    fooling = dataclasses.replace(record, voice_sha256=Any_(record.voice_sha256))
    with pytest.raises(Refused):
        voice.synthesize("hello", profile=dataclasses.replace(victim, consent=fooling))


def test_replacing_and_adding_consent_go_on_working(voice: Voice) -> None:
    profile = dataclasses.replace(someone(), name="renamed")
    assert voice.synthesize("hello", profile=profile).seconds > 0.1
    with pytest.raises(Refused):
        dataclasses.replace(profile, d_vector=np.roll(profile.d_vector, 1))


@pytest.mark.parametrize("field", ["encoder_id", "created", "app_version"])
def test_half_characters_in_a_profile(field: str, voice: Voice) -> None:
    with pytest.raises(ProfileError, match="Unicode"):
        dataclasses.replace(draft(), **{field: "a\ud800"})
    import hashlib
    import json

    from voicelet.profiles import profile as module

    raw = draft().to_bytes()
    magic, version, flags, size, body = module._PREFIX.unpack_from(raw)
    start = module._PREFIX.size
    header = json.loads(raw[start : start + size])
    header[field] = "a\ud800"
    text = json.dumps(header).encode()
    data = module._PREFIX.pack(magic, version, flags, len(text), body) + text + raw[start + size :]
    data = data[: len(data) - 32]
    with pytest.raises(ProfileError, match="Unicode"):
        Profile.from_bytes(data + hashlib.sha256(data).digest())
