"""A profile that was adapted speaks as its adaptation says, on the model it was made for."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pytest

from tests.consenting import agreed, scripted
from tests.profiles.test_profile import profile
from voicelet.errors import ProfileError
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.profile import Profile
from voicelet.synth import Voice
from voicelet.synth.source_filter.acoustic import EncodedClause
from voicelet.synth.types import Controls
from voicelet.text.phones import ENGLISH_SYMBOLS
from voicelet.trust.consent.statement import make_record

TEXT = "A small boat. It went out."


@pytest.fixture
def person() -> Profile:
    return agreed(profile())


def adapted(person: Profile, adaptation: Adaptation) -> Profile:
    """With a record that covers it; these voices have no encoder to be heard by."""
    bare = dataclasses.replace(person, adaptation=adaptation, consent=None)
    return dataclasses.replace(bare, consent=make_record(scripted(), bare.voice_sha256))


def learnt(voice: Voice, **changes: float) -> Adaptation:
    decoder = voice.bundle.graph("acoustic_decoder")
    size = next(i.shape[-1] for i in decoder.alternatives[0].inputs if i.name == "condition")
    shift = np.zeros(int(size), np.float32)
    shift[:] = changes.pop("shift", 0.0)
    return Adaptation(decoder.alternatives[0].sha256, shift, **changes)


def said(voice: Voice, person: Profile) -> np.ndarray:
    return voice.synthesize(TEXT, profile=person).samples


def test_an_adaptation_of_nothing_changes_nothing(voice: Voice, person: Profile) -> None:
    plain = said(voice, person)
    np.testing.assert_array_equal(said(voice, adapted(person, learnt(voice))), plain)


def test_each_part_is_heard(voice: Voice, person: Profile) -> None:
    plain = said(voice, person)
    slower = adapted(person, learnt(voice, log_duration_shift=0.5))
    assert len(said(voice, slower)) > 1.2 * len(plain)
    synthesizer = voice._synthesizer
    phones = synthesizer.inventory.encode(ENGLISH_SYMBOLS[20:26])

    def encoded(**change: float) -> EncodedClause:
        whom = adapted(person, learnt(voice, **change))
        vector = synthesizer.speakers.vector(whom, None)
        return synthesizer.acoustic.encode(phones, vector, Controls())

    before, channels = encoded(), encoded().frames.shape[1] - 4
    np.testing.assert_allclose(encoded(shift=0.5).condition, before.condition + 0.5)
    wider, louder = encoded(pitch_gain=3.0).frames, encoded(energy_shift=1.0).frames
    np.testing.assert_allclose(wider[:, channels], 3.0 * before.frames[:, channels], atol=1e-6)
    np.testing.assert_allclose(louder[:, channels + 1], before.frames[:, channels + 1] + 1.0)


def test_on_another_model_it_is_left_out_and_said_once(
    voice: Voice, person: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    plain = said(voice, person)
    foreign = dataclasses.replace(learnt(voice, shift=0.3), decoder_sha256="0" * 64)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(said(voice, adapted(person, foreign)), plain)
        said(voice, adapted(person, foreign))
    assert sum("adapt it again" in r.message for r in caplog.records) == 1


def test_a_wrong_size_is_named(voice: Voice, person: Profile) -> None:
    right = learnt(voice)
    wrong = dataclasses.replace(right, condition_shift=np.ones(3, np.float32))
    with pytest.raises(ProfileError, match="another size"):
        said(voice, adapted(person, wrong))
