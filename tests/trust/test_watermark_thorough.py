"""The thorough search: larger changes of speed and pitch, and the mark in pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.io import read_audio
from voicelet.audio.resample import resample
from voicelet.errors import ConfigError, LivenessRejectedError
from voicelet.speaker.origin import check_origin
from voicelet.synth import Voice
from voicelet.trust.watermark.detect import FOUND, Detection, detect_watermark
from voicelet.trust.watermark.mark import RESEARCH_SWITCH
from voicelet.trust.watermark.thorough import ThoroughSearch

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
TEXT = "The boats came in at dusk, low in the water. Somebody had lit a fire on the beach."
CONSENT = "today I agree that this device may learn my voice and read to me"
RATE = 24000
THOROUGH = ThoroughSearch()


@pytest.fixture(scope="module")
def voice() -> Voice:
    return Voice.load()


@pytest.fixture(scope="module")
def speech(voice: Voice) -> np.ndarray:
    return voice.synthesize(TEXT, seed=3).samples


def joined_words(voice: Voice, preset: str | None = None) -> np.ndarray:
    return np.concatenate(
        [voice.synthesize(word, preset=preset).samples for word in CONSENT.split()]
    )


def resampled(wave: np.ndarray, factor: float) -> np.ndarray:
    """Played faster by a factor."""
    return resample(wave, RATE, round(RATE / factor))


def thinned(wave: np.ndarray) -> np.ndarray:
    """12 ms dropped of every 120."""
    blocks = wave[: len(wave) // 2880 * 2880].reshape(-1, 2880)
    return blocks[:, :2592].reshape(-1)


def thoroughly(wave: np.ndarray) -> Detection:
    return detect_watermark(wave, RATE, scales=False, thorough=THOROUGH)


@pytest.mark.parametrize("factor", [0.75, 0.8, 0.9, 1.1, 1.25, 1.33])
def test_speech_played_at_another_speed(voice: Voice, speech: np.ndarray, factor: float) -> None:
    played = resampled(speech, factor)
    found = thoroughly(played)
    assert found.found and found.probability > 0.999999
    best = max(found.segments, key=lambda segment: segment.score)
    assert best.tempo == pytest.approx(factor, rel=0.02)
    assert best.pitch == pytest.approx(factor, rel=0.02)
    assert found.payload in (None, voice._pipeline.watermark.payload())


@pytest.mark.parametrize("factor", [0.9, 1.1, 1.25])
def test_its_own_voice_played_at_another_speed_is_refused(
    speech: np.ndarray, factor: float
) -> None:
    with pytest.raises(LivenessRejectedError, match="synthesized by voicelet"):
        check_origin([("consent", resampled(speech, factor).astype(np.float32))])


def test_speech_that_was_thinned_out(speech: np.ndarray) -> None:
    found = thoroughly(thinned(speech))
    assert found.found
    best = max(found.segments, key=lambda segment: segment.score)
    assert best.tempo == pytest.approx(1.11, abs=0.03) and best.pitch == pytest.approx(1, abs=0.02)
    assert thoroughly(resampled(thinned(speech), 0.9)).found


def test_words_said_by_one_call_each(voice: Voice) -> None:
    for preset in (voice.presets[0], voice.presets[3]):
        words = joined_words(voice, preset)
        with pytest.raises(LivenessRejectedError, match="synthesized by voicelet"):
            check_origin([("words", words)])
    assert thoroughly(resampled(words, 1.1)).found


def test_pieces_in_another_order(speech: np.ndarray) -> None:
    length = int(0.7 * RATE)
    pieces = speech[: len(speech) // length * length].reshape(-1, length)
    order = np.random.default_rng(2).permutation(len(pieces))
    assert thoroughly(pieces[order].reshape(-1)).found


def test_where_it_lies_in_a_recording(speech: np.ndarray) -> None:
    person = read_audio(SAMPLES / "reader-2.opus", sample_rate_hz=RATE).samples
    played = resampled(speech, 1.2)
    found = thoroughly(np.concatenate([person, played, person]))
    assert found.found
    before = len(person) / RATE
    assert found.segments[0].start_s == pytest.approx(before, abs=0.5)
    assert found.segments[-1].end_s == pytest.approx(before + len(played) / RATE, abs=0.5)


def test_long_recordings_are_searched_to_their_end(speech: np.ndarray) -> None:
    silence = np.zeros(50 * RATE, np.float32)
    done: list[float] = []
    wave = np.concatenate([silence, resampled(speech, 1.2), silence[: 3 * RATE]])
    narrow = ThoroughSearch(max_speed_change=0.2, max_pitch_semitones=0.0)
    found = detect_watermark(wave, RATE, scales=False, thorough=narrow, progress=done.append)
    assert found.found and found.segments[0].start_s == pytest.approx(50.0, abs=1.0)
    assert done == [0.0, 0.5]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_people_arent_taken_for_voicelet(number: int) -> None:
    person = read_audio(SAMPLES / f"reader-{number}.opus", sample_rate_hz=RATE).samples
    for wave in (person, resampled(person, 1.1), thinned(person)):
        assert thoroughly(wave).probability < 0.5


def test_unmarked_speech_isnt_found(voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RESEARCH_SWITCH, "1")
    plain = voice.synthesize(TEXT, seed=3).samples
    assert thoroughly(resampled(plain, 1.1)).probability < 0.5


def test_what_repeats_itself_with_the_pattern_isnt_taken_for_it() -> None:
    """Two seconds of noise bursts, again and again, as of a drum machine."""
    unchanged = ThoroughSearch(max_speed_change=0.0, max_pitch_semitones=0.0)
    for seed in range(8):
        rng = np.random.default_rng(seed)
        loudness = np.repeat(rng.choice([0.1, 1.0], 40), RATE // 20)
        bar = (loudness * rng.standard_normal(2 * RATE)).astype(np.float32)
        found = detect_watermark(np.tile(bar, 12), RATE, scales=False, thorough=unchanged)
        assert found.probability < FOUND


def test_silence_and_short_recordings_say_nothing() -> None:
    assert thoroughly(np.zeros(RATE, np.float32)).probability < 0.02
    rng = np.random.default_rng(1)
    assert thoroughly(rng.standard_normal(RATE // 2).astype(np.float32)).probability < 0.5


@pytest.mark.parametrize(
    "wrong",
    [{"max_speed_change": 0.5}, {"max_speed_change": -0.1}, {"max_pitch_semitones": "4"}],
)
def test_a_search_has_limits(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="max_"):
        ThoroughSearch(**wrong)
    with pytest.raises(TypeError):
        ThoroughSearch(max_speed=0.2)  # type: ignore[call-arg]
