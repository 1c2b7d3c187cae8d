"""Questions rise, lists fall at last and exclamations have energy, in the packaged voice."""

from __future__ import annotations

import numpy as np
import pytest

from voicelet.synth import Voice
from voicelet.synth.explain import explain
from voicelet.synth.source_filter.intonation import (
    CAPITAL_SEMITONES,
    CONTOURS,
    LABEL_DELAY_FRAMES,
    of_clause,
    turn,
)
from voicelet.synth.types import Controls
from voicelet.text.words import PhoneClause, Prosody, Tone

ASKED = [
    ("Is it raining again?", "It is raining again."),
    ("Did you leave the key at home?", "You left the key at home."),
    ("Are we out of milk?", "We are out of milk."),
    ("Is the shop still open?", "The shop is still open."),
]


@pytest.fixture(scope="module")
def packaged() -> Voice:
    return Voice.load()


def end_semitones(voice: Voice, text: str, preset: str) -> float:
    """The pitch of the last 50 ms of voice against the sentence's median, in semitones."""
    f0 = explain(voice, text, preset=preset).f0_hz
    heard = 12.0 * np.log2(f0[f0 > 0.0])
    return float(heard[-4:].mean() - np.median(heard))


def test_yes_no_questions_rise_in_every_voice(packaged: Voice) -> None:
    for preset in packaged.presets:
        asked = np.array([end_semitones(packaged, q, preset) for q, _ in ASKED])
        told = np.array([end_semitones(packaged, s, preset) for _, s in ASKED])
        assert asked.mean() > 2.0, preset
        assert (asked - told).min() > 2.0, preset


def test_wh_questions_fall(packaged: Voice) -> None:
    ends = [end_semitones(packaged, "Where did you leave the key?", p) for p in packaged.presets]
    assert np.mean(ends) < 0.0


def test_the_items_of_a_list_go_up_and_the_last_comes_down(packaged: Voice) -> None:
    text = "She has a pen, a book, a lamp, and a ball."
    for preset in packaged.presets:
        made = explain(packaged, text, preset=preset)
        voiced = made.f0_hz[made.f0_hz > 0.0]
        ends = []
        for word in ("book", "lamp", "ball"):
            (number,) = (i for i, w in enumerate(made.words) if w.said == word)
            spoken = [p for p in made.phones if p.word == number]
            first, last = spoken[0].start_s, spoken[-1].end_s
            f0 = made.f0_hz[int(first * made.frames_per_s) : int(last * made.frames_per_s)]
            ends.append(float(np.mean(np.log2(f0[f0 > 0.0][-3:]))) * 12.0)
        assert min(ends[:2]) - ends[2] > 2.0, preset
        assert ends[0] > 12.0 * np.log2(np.median(voiced)) - 1.0, preset


def test_exclamations_are_louder_and_wider(packaged: Voice) -> None:
    quiet = packaged.synthesize("The shop is open again.").samples
    loud = packaged.synthesize("The shop is open again!").samples
    gain_db = 10.0 * np.log10(np.mean(loud**2) / np.mean(quiet**2))
    assert 1.0 < gain_db < 5.0


def test_calm_speech_asks_calmly() -> None:
    """The style's pitch range scales every contour."""
    phones, ends = "ˈa?", np.array([10, 20, 40, 50, 52])
    pitch, energy = np.zeros(52, np.float32), np.zeros(52, np.float32)
    heights = [
        turn((pitch, energy), phones, ends, (Tone("rise", 0, 2),), 1.0, 0.1, width).pitch.max()
        for width in (1.0, 0.5)
    ]
    assert heights == pytest.approx([CONTOURS["rise"].end, 0.5 * CONTOURS["rise"].end])


def test_a_tone_bends_its_own_frames_and_no_others() -> None:
    phones, ends = "ba ˈanə?", np.cumsum([10, 5, 5, 5, 5, 10, 10, 25, 10, 2])
    rng = np.random.default_rng(0)
    pitch = rng.normal(0.0, 0.1, int(ends[-1])).astype(np.float32)
    energy = np.zeros_like(pitch)
    given = pitch.copy()
    made = turn((pitch, energy), phones, ends, (Tone("rise", 3, 7),), 0.1, 0.1, 1.0)
    first = int(ends[3]) - round(LABEL_DELAY_FRAMES)
    assert np.array_equal(pitch, given)  # what was given stays as it was
    assert np.array_equal(made.pitch[:first], given[:first])
    assert made.pitch[first] <= given[first] + 1e-6
    assert (np.diff(made.pitch[first : first + 20]) >= 0.0).all()
    assert made.voiced is not None and made.voiced[first + 1] and not made.voiced[: first - 1].any()
    assert made.energy[first] > 0.0 and not made.energy[:first].any()


def test_a_capital_raises_its_word_and_no_other() -> None:
    ends = np.cumsum([10, 10, 10, 10, 10, 10])
    pitch, energy = np.zeros(60, np.float32), np.zeros(60, np.float32)
    tones = (Tone("capital", 1, 3),)
    made = turn((pitch, energy), "abcd", ends, tones, 0.1, 0.1, 0.5, label_delay_frames=0.0)
    raised = np.flatnonzero(made.pitch)
    assert (raised[0], raised[-1]) == (20, 39)
    np.testing.assert_allclose(made.pitch[20:40], CAPITAL_SEMITONES * 0.1)
    assert not made.energy.any()


def test_where_labels_are_on_time_the_whole_last_phone_is_bent() -> None:
    phones, ends = "ba ˈanə?", np.cumsum([4, 5, 5, 5, 5, 10, 10, 15, 10, 2])
    pitch, energy = np.zeros(int(ends[-1]), np.float32), np.zeros(int(ends[-1]), np.float32)
    tones = (Tone("rise", 3, 7),)
    made = turn((pitch, energy), phones, ends, tones, 0.1, 0.1, 1.0, label_delay_frames=0.0)
    first, stop = int(ends[3]), int(ends[7])
    assert not made.energy[:first].any() and not made.energy[stop:].any()
    assert (made.energy[first:stop] > 0.0).all()
    assert made.voiced is not None and made.voiced[first:stop].all()


def test_tones_past_the_end_and_of_no_length_change_nothing() -> None:
    pitch, energy = np.ones(9, np.float32), np.ones(9, np.float32)
    ends = np.array([2, 3, 9])
    for tones in ((), (Tone("rise", 0, 1),), (Tone("fall", 0, 9),)):
        made = turn((pitch, energy), "a", ends, tones, 1.0, 1.0, 1.0)
        assert len(made.pitch) == 9 and np.isfinite(made.pitch).all()


def test_an_exclamation_stays_within_what_controls_allow() -> None:
    clause = PhoneClause("a", prosody=Prosody(1.0, 0.0, 4.0), exclaimed=True)
    asked = of_clause(Controls(energy=4.0, pitch_range=2.9), clause)
    assert asked.energy == 4.0 and asked.pitch_range == 3.0
    assert of_clause(Controls(), PhoneClause("a")) == Controls()
