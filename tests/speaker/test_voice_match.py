"""Calibrated comparison of voices: real people, and files that were damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.audio.source import load_recording
from voicelet.bundle import open_bundle
from voicelet.enrolment.enrolment import GE2E_ENCODER_ID
from voicelet.errors import EngineError
from voicelet.speaker.encoder import d_vector, open_encoder
from voicelet.speaker.origin import speech_16k
from voicelet.speaker.voice_match import decode_scale, encode_scale, voice_scale

SAMPLES = Path(__file__).parents[2] / "samples"


def reading(*numbers: int) -> np.ndarray:
    """Speech of the sample reader."""
    files = [SAMPLES / f"reader-{n}.opus" for n in numbers]
    waves = [load_recording(f, 24000, 60.0).samples for f in files]
    return speech_16k(np.concatenate(waves))


def test_one_person_matches_and_a_preset_doesnt() -> None:
    bundle = open_bundle(None)
    encoder = open_encoder(bundle)
    first, second = (d_vector(encoder, reading(*n)) for n in ((1, 2, 3, 4), (5, 6, 7, 8)))
    scale = voice_scale()
    same = scale.match(first, second, 10.0)
    assert same.log_likelihood_ratio > 2.0 and same.probability > 0.9
    again = scale.match(second, first, 10.0)
    assert again.log_likelihood_ratio == pytest.approx(same.log_likelihood_ratio)
    for row in scale.cohort:  # nobody in particular, and nobody's match
        assert scale.match(first, row, 10.0).log_likelihood_ratio < same.log_likelihood_ratio


def test_the_scale_is_of_the_packaged_encoder_and_survives_its_file() -> None:
    scale = voice_scale()
    assert scale.encoder_id == GE2E_ENCODER_ID
    assert 20 <= len(scale.cohort) <= 100
    np.testing.assert_allclose(np.linalg.norm(scale.cohort, axis=1), 1.0, atol=1e-5)
    again = decode_scale(encode_scale(scale))
    assert again.weights == scale.weights
    np.testing.assert_allclose(again.cohort, scale.cohort, atol=1e-3)


def test_longer_speech_says_more() -> None:
    scale = voice_scale()
    rng = np.random.default_rng(0)
    voice = scale.cohort[:5].mean(axis=0) + 0.05 * rng.standard_normal(256)
    voice /= np.linalg.norm(voice)
    short, long = (scale.match(voice, voice, s).log_likelihood_ratio for s in (2.0, 20.0))
    assert long > short > 0.0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_scale_is_named(data: st.DataObject) -> None:
    whole = encode_scale(voice_scale())
    place = data.draw(st.integers(0, len(whole) - 1))
    kinds = [whole[:place], whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]]
    for changed in (*kinds, data.draw(st.binary(max_size=64))):
        try:
            decode_scale(changed)
        except EngineError:
            continue
        assert len(changed) == len(whole)  # a byte that nothing reads
