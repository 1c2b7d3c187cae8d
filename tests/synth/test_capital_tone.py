"""Capitals that are heard: a short tone where a word begins, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from voicelet.synth import Voice, join
from voicelet.synth.capital_tone import AHEAD_S, PEAK, TONE_HZ, TONE_S, CapitalTones

RATE = 24000


@pytest.mark.parametrize("size", [1, 100, 4800, 24000])
def test_tones_fall_where_words_begin_however_they_are_cut(size: int) -> None:
    tones, out = CapitalTones([0.01, 0.5], RATE), []
    for _ in range(0, RATE, size):
        out.append(tones(np.zeros(min(size, RATE), np.float32)))
    wave = np.concatenate(out)[:RATE]
    loud = np.flatnonzero(np.abs(wave) > 1e-3) / RATE
    assert loud[0] < 0.01 and np.abs(wave).max() == pytest.approx(PEAK, rel=0.05)
    gap = loud[np.flatnonzero(np.diff(loud) > 0.1)[0] + 1]
    assert gap == pytest.approx(0.5 - AHEAD_S, abs=0.005)
    assert loud[-1] < 0.5 - AHEAD_S + TONE_S
    whole = CapitalTones([0.01, 0.5], RATE)(np.zeros(RATE, np.float32))
    np.testing.assert_array_equal(wave, whole)


def test_loud_speech_stays_within_range() -> None:
    assert np.abs(CapitalTones([0.0], RATE)(np.full(RATE, 0.99, np.float32))).max() <= 1.0


def test_speech_has_a_tone_at_its_capital_alone(voice: Voice) -> None:
    plain = voice.synthesize("hello World again")
    heard = voice.synthesize("hello World again", capitals="tone")
    assert [w.text for w in heard.words] == ["hello", "World", "again"]
    added = heard.samples - plain.samples
    place = np.flatnonzero(np.abs(added) > 1e-4)
    start = heard.words[1].start_s - AHEAD_S
    assert place[0] / RATE == pytest.approx(start, abs=0.005)
    assert place[-1] / RATE == pytest.approx(start + TONE_S, abs=0.005)
    spectrum = np.abs(np.fft.rfft(added))
    assert spectrum.argmax() * RATE / len(added) == pytest.approx(TONE_HZ, abs=15.0)
    streamed = join(voice.stream("hello World again", capitals="tone"), RATE)
    np.testing.assert_allclose(streamed.samples, heard.samples, atol=1e-3)


def test_other_ways_add_no_tone(voice: Voice) -> None:
    plain = voice.synthesize("hello World again").samples
    np.testing.assert_array_equal(
        voice.synthesize("hello world again", capitals="tone").samples,
        voice.synthesize("hello world again").samples,
    )
    raised = voice.synthesize("hello World again", capitals="pitch").samples
    assert len(raised) == len(plain) and np.abs(raised - plain).max() > 1e-3
    said = voice.synthesize("hello World again", capitals="say")
    assert [w.text for w in said.words] == ["hello", "cap", "World", "again"]


def test_a_key_is_spoken_by_its_name(voice: Voice) -> None:
    for key, name in (("Enter", ["enter"]), ("\\", ["backslash"]), ("a", ["A"])):
        assert [w.text for w in voice.synthesize(key, key=True).words] == name
        assert join(voice.stream(key, key=True), RATE).seconds > 0.1
