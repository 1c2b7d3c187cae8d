"""An adaptation is its profile's owner's: the consent covers it, and the voice is heard first."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import voicelet
from tests.consenting import agreed, foreign, scripted
from voicelet.bundle import open_bundle
from voicelet.enrolment.consent import adapt_profile, give_consent
from voicelet.errors import (
    ConfigError,
    ConsentEndedError,
    ConsentError,
    ProfileError,
    VoiceProtectedError,
)
from voicelet.profiles import as_spoken
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.as_spoken import SpokenGuardConfig, guard_spoken
from voicelet.profiles.profile import Profile
from voicelet.profiles.protected import protect
from voicelet.profiles.transfer import INFO, import_profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import default_log, flush
from voicelet.trust.consent.record import ConsentRecord
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.signers import device_signers
from voicelet.trust.keys.device_key import device_key
from voicelet.trust.keys.seal import new_sealing_key, new_signing_key, seal
from voicelet_export.adapt.fit import FitConfig, fit
from voicelet_export.adapt.owner import seconds
from voicelet_export.adapt.speech import aligned_items

PEOPLE = Path(__file__).resolve().parents[3] / "federated" / "samples"
TEXT = "A small boat lay in the harbour."


class Learnt(NamedTuple):
    """Two people without consent records, and what was learnt for the first."""

    ana: Profile
    ben: Profile
    own: Adaptation
    planted: Adaptation
    anas: list[list[float]]
    bens: list[list[float]]
    speech_s: float

    def agreed(self) -> Profile:
        """The first with her consent, by this test's device."""
        return agreed(self.ana)


@pytest.fixture(scope="module")
def voice() -> voicelet.Voice:
    return voicelet.Voice.load()


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Learnt:
    """Ana, what she taught, and Ben's voice planted on her: aimed at him, told her vector."""
    bundle = open_bundle()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        people, items = [], []
        for who in ("reader-a", "reader-b"):
            made = voicelet.enrol(
                sorted((PEOPLE / who).glob("*.opus")), name=who, bundle=bundle, consent=scripted()
            )
            people.append(dataclasses.replace(made, consent=None))
            items.append(aligned_items(PEOPLE / who, tmp_path_factory.mktemp("work"), bundle))
    ana, ben = people
    own = fit(bundle, ana, items[0], FitConfig(steps=80))
    aimed = SimpleNamespace(d_vector=ben.d_vector, speaker_vector=ana.speaker_vector)
    planted = fit(bundle, aimed, items[1], FitConfig(steps=160))  # type: ignore[arg-type]
    assert own is not None and planted is not None
    anas, bens = ([list(i.entry.d_vector) for i in group] for group in items)
    return Learnt(ana, ben, own, planted, anas, bens, sum(map(seconds, items[0])))


def of_version_1(profile: Profile, bare: Profile) -> Profile:
    """The profile with a record such as voicelet 0.1 signed: bound to the voiceprint alone."""
    record = agreed(bare).check_record()
    changes = {"version": 1, "voice_sha256": bare.voiceprint_sha256}
    old = dataclasses.replace(record, **changes).signed_by(device_key())  # type: ignore[arg-type]
    return dataclasses.replace(profile, consent=old)


def test_a_planted_adaptation_does_not_fit_the_record(learnt: Learnt) -> None:
    ana = learnt.agreed()
    for adaptation in (learnt.planted, learnt.own):
        with pytest.raises(ConsentError, match="voicelet adapt"):
            dataclasses.replace(ana, adaptation=adaptation)
    planted = dataclasses.replace(ana, consent=None, adaptation=learnt.planted).to_bytes()
    record = ana.check_record().to_dict()
    with pytest.raises(ProfileError, match="voicelet adapt"):
        Profile.from_bytes(_with_record(planted, record))


def _with_record(data: bytes, record: dict[str, object]) -> bytes:
    """A profile's file with another record in its header, and its checksum made right."""
    import hashlib
    import json
    import struct

    size, body_size = struct.unpack_from("<II", data, 8)
    header = {**json.loads(data[16 : 16 + size]), "consent": record}
    text = json.dumps(header).encode()
    body = data[16 + size : 16 + size + body_size]
    made = struct.pack("<4sHHII", b"VCLP", 2, 0, len(text), body_size) + text + body
    return made + hashlib.sha256(made).digest()


def test_a_voice_with_an_old_record_speaks_without_its_adaptation(
    learnt: Learnt, voice: voicelet.Voice, caplog: pytest.LogCaptureFixture
) -> None:
    adapted = dataclasses.replace(learnt.ana, adaptation=learnt.planted)
    old = Profile.from_bytes(of_version_1(adapted, learnt.ana).to_bytes())
    assert old.adaptation is not None and old.check_record().version == 1
    with caplog.at_level(logging.WARNING):
        said = voice.synthesize(TEXT, profile=old).samples
    assert "speaks unadapted; voicelet consent renew reader-a" in caplog.text
    np.testing.assert_array_equal(said, voice.synthesize(TEXT, profile=learnt.agreed()).samples)


def test_adapting_renews_the_record(learnt: Learnt, voice: voicelet.Voice) -> None:
    ana = agreed(learnt.ana, purposes=("own-use", "publishing"))
    made = adapt_profile(ana, learnt.own, learnt.anas, speech_s=learnt.speech_s, voice=voice)
    old, new = ana.check_record(), made.check_record()
    assert (new.id, new.created, new.given_by) == (old.id, old.created, old.given_by)
    assert new.purposes == ("own-use",)  # what it couldn't be used for isn't signed again
    assert made.agreed_adaptation is learnt.own
    again = Profile.from_bytes(made.to_bytes())
    assert again == made
    plain = voice.synthesize(TEXT, profile=ana).samples
    assert not np.array_equal(voice.synthesize(TEXT, profile=again).samples, plain)
    flush()
    assert [r.event for r in default_log().records()].count("consent") == 2
    off = adapt_profile(made, None, [], speech_s=0.0, voice=voice)
    np.testing.assert_array_equal(voice.synthesize(TEXT, profile=off).samples, plain)
    device_revocations().add(old.id)
    for profile in (made, off):
        with pytest.raises(ConsentEndedError):
            profile.check_consent()


def test_a_profile_learns_from_its_owner_alone(learnt: Learnt, voice: voicelet.Voice) -> None:
    ana, length = learnt.agreed(), {"speech_s": learnt.speech_s, "voice": voice}
    with pytest.raises(VoiceProtectedError, match="from its owner alone"):
        adapt_profile(ana, learnt.planted, learnt.bens, **length)  # type: ignore[arg-type]
    # Whoever lies about what it was learnt from is found out by what is heard.
    with pytest.raises(VoiceProtectedError, match="another voice than its owner's"):
        adapt_profile(ana, learnt.planted, learnt.anas, **length)  # type: ignore[arg-type]
    for wrong in ([], [[0.0] * 3], 1.0):
        with pytest.raises(ConfigError, match="n, 256"):
            adapt_profile(ana, learnt.own, wrong, **length)  # type: ignore[arg-type]


def test_no_consent_comes_to_cover_a_planted_voice(learnt: Learnt, voice: voicelet.Voice) -> None:
    planted = dataclasses.replace(learnt.ana, adaptation=learnt.planted)
    with pytest.raises(ConfigError, match="heard"):
        give_consent(planted, scripted())
    for profile in (planted, of_version_1(planted, learnt.ana)):
        with pytest.raises(VoiceProtectedError):
            give_consent(profile, scripted(), voice=voice)
    own = dataclasses.replace(learnt.ana, adaptation=learnt.own)
    agreed_to = give_consent(own, scripted(), voice=voice).agreed_adaptation
    assert agreed_to is not None and np.array_equal(agreed_to.vector, learnt.own.vector)


def test_what_was_learnt_for_another_voice_is_left_out_of_a_new_consent(
    learnt: Learnt, voice: voicelet.Voice, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = dataclasses.replace(learnt.own, decoder_sha256="ab" * 32)
    made = give_consent(
        dataclasses.replace(learnt.ana, adaptation=elsewhere), scripted(), voice=voice
    )
    assert made.adaptation is None and "for another voice" in caplog.text
    made.check_consent()


def test_only_a_voice_itself_says_how_a_profile_sounds(
    learnt: Learnt, voice: voicelet.Voice
) -> None:
    class Recorder:
        """Plays the owner's voice, whatever it is asked to say."""

        bundle = voice.bundle

        def synthesize(self, text: str, *, profile: Profile, purpose: str) -> voicelet.Audio:
            return voice.synthesize(text, profile=learnt.agreed(), purpose=purpose)

    length = {"speech_s": learnt.speech_s, "voice": Recorder()}
    with pytest.raises(ProfileError, match="voicelet.Voice itself"):
        adapt_profile(learnt.agreed(), learnt.planted, learnt.anas, **length)  # type: ignore[arg-type]


def test_the_guard_hears_other_profiles_and_protected_voices(
    learnt: Learnt, voice: voicelet.Voice
) -> None:
    # As it would be if what is heard were still like the profile's own person.
    config = SpokenGuardConfig(min_own=-100.0, min_other=-100.0)
    bare = dataclasses.replace(learnt.ana, adaptation=learnt.planted)
    planted = dataclasses.replace(bare, consent=_signed(bare))
    ben = agreed(learnt.ben, speaker="Ben")
    with pytest.raises(VoiceProtectedError, match="voice of 'reader-b'"):
        guard_spoken(planted, voice, [ben], lists=(), config=config)
    heard, _ = as_spoken._heard(planted, voice)
    stars = protect("stars", {"ben": heard}, ben.encoder_id, salt=bytes(16))
    assert stars.find(planted.d_vector) is None
    with pytest.raises(VoiceProtectedError, match="'stars'"):
        guard_spoken(planted, voice, (), lists=[stars], config=config)
    bare = dataclasses.replace(learnt.ana, adaptation=learnt.own)
    own = dataclasses.replace(bare, consent=_signed(bare))
    guard_spoken(own, voice, [ben], lists=[stars])


def _signed(bare: Profile) -> ConsentRecord:
    """What somebody with a changed voicelet signs: a record for whatever is in the profile."""
    from voicelet.trust.consent.statement import make_record

    return make_record(scripted(), bare.voice_sha256)


def test_an_adapted_profile_is_heard_when_it_arrives(
    learnt: Learnt, voice: voicelet.Voice, tmp_path: Path
) -> None:
    key, signer = new_sealing_key(), new_signing_key()

    def arrive(adaptation: Adaptation, **options: object) -> Profile:
        bare = dataclasses.replace(learnt.ana, adaptation=adaptation)
        record = _signed(bare).signed_by(signer)
        sent = dataclasses.replace(bare, consent=record)
        data = seal(key.public, sent.to_bytes(), info=INFO)
        return import_profile(vault, data, key, trusted_signers=[record.device], **options)  # type: ignore[arg-type]

    vault = Vault(tmp_path)
    with pytest.raises(ProfileError, match="heard"):
        arrive(learnt.own)
    with pytest.raises(VoiceProtectedError):
        arrive(learnt.planted, voice=voice)
    elsewhere = dataclasses.replace(learnt.own, decoder_sha256="ab" * 32)
    with pytest.raises(ProfileError, match="--bundle"):
        arrive(elsewhere, voice=voice)
    assert vault.names() == [] and device_signers().entries() == []
    arrived = arrive(learnt.own, voice=voice)
    assert vault.load("reader-a") == arrived
    assert voice.synthesize(TEXT, profile=arrived).seconds > 1.0


def test_a_strangers_record_gains_nothing_by_adapting(
    learnt: Learnt, voice: voicelet.Voice
) -> None:
    everything = ("own-use", "assistive", "publishing", "federation")
    stranger, key = foreign(learnt.ana, purposes=everything)
    with pytest.raises(ConsentError, match="isn't known here"):
        adapt_profile(stranger, learnt.own, learnt.anas, speech_s=10.0, voice=voice)
    device_signers().trust(key)
    made = adapt_profile(stranger, learnt.own, learnt.anas, speech_s=10.0, voice=voice)
    assert made.check_record().purposes == ("own-use", "assistive")
