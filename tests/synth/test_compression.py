"""Speech beyond twice the normal pace: as fast as asked for, cut as one likes, marked, in tune."""

from __future__ import annotations

import numpy as np
import pytest

from tests.piper.tiny import write_piper
from tests.synth.test_stream import CLAUSE, speak, wave
from voicelet.audio.f0 import estimate_f0
from voicelet.files import embedded_bundle
from voicelet.synth import Controls, Voice, join
from voicelet.synth.compression.rendering import MODEL_SPEED, model_pace
from voicelet.synth.compression.similarity import SimilarityOverlapAdd, half_window
from voicelet.synth.compression.time_map import time_map
from voicelet.synth.stream import ENDING_S
from voicelet.trust.watermark.detect import detect_watermark

RATE = 24000
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps until the sun goes down."

needs_voice = pytest.mark.skipif(
    not (embedded_bundle() / "manifest.json").is_file(), reason="no default voice here"
)


@pytest.fixture(scope="module")
def packaged() -> Voice:
    return Voice.load()


def squeezed(samples: np.ndarray, factor: float, pieces: int = 1) -> np.ndarray:
    half, length = half_window(RATE), round(len(samples) / factor)
    centres = np.rint(np.arange(-(-length // half) + 1) * half * factor).astype(np.int64)
    joined = SimilarityOverlapAdd(centres, RATE)
    out, given = [np.zeros(0, np.float32)], 0
    for n in range(1, pieces + 1):
        wanted = length * n // pieces
        needed = min(len(samples), joined.needed(wanted)) if n < pieces else len(samples)
        joined.add(samples[given:needed])
        given = needed
        out.append(joined.advance(wanted, ended=given == len(samples)))
    return np.concatenate(out)[:length]


@pytest.mark.parametrize("factor", [1.0, 2.5, 4.0])
def test_a_tone_keeps_its_pitch_and_its_level(factor: float) -> None:
    tone = (0.3 * np.sin(2 * np.pi * 220.0 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    out = squeezed(tone, factor)
    assert len(out) == round(len(tone) / factor)
    middle = out[2400:-2400]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() * RATE / len(middle) == pytest.approx(220.0, abs=4.0)
    assert middle.std() == pytest.approx(tone.std(), rel=0.05)


def test_without_compression_nothing_changes() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, RATE).astype(np.float32)
    np.testing.assert_allclose(squeezed(noise, 1.0)[240:-240], noise[240:-240], atol=1e-5)


@pytest.mark.parametrize("pieces", [2, 7, 31])
def test_pieces_give_the_same_samples(pieces: int) -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, RATE).astype(np.float32)
    np.testing.assert_array_equal(squeezed(noise, 3.0, pieces), squeezed(noise, 3.0))


# ---------------------------------------------------------------- the time map


def test_silences_give_way_before_sounds() -> None:
    ends = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 1.0])  # pad, a, b, comma, a, pad
    times = time_map("ab,a", ends, 1.0, 2.0)
    lengths = np.diff(times.heard(np.concatenate([[0.0], ends])))
    spoken = np.diff(np.concatenate([[0.0], ends]))
    shares = lengths / spoken
    assert shares[1] == pytest.approx(shares[2]) == pytest.approx(shares[4])
    assert shares[3] < 0.1 * shares[1] and shares[0] < 0.1 * shares[1]
    assert times.heard(np.array([0.8]))[0] == pytest.approx(0.4)  # up to the last sound
    np.testing.assert_allclose(times.spoken(times.heard(ends)), ends, atol=1e-9)


def test_long_sounds_give_way_before_short_ones() -> None:
    ends = np.array([0.0, 0.03, 0.23, 0.26, 0.26])
    lengths = np.diff(time_map("aba", ends, 0.26, 2.0).heard(ends))
    assert lengths[0] == pytest.approx(lengths[2]) and lengths[:3].sum() == pytest.approx(0.13)
    assert lengths[0] / 0.03 > 1.5 * lengths[1] / 0.2


def test_a_long_last_phone_holds_silence() -> None:
    ends = np.array([0.0, 0.1, 0.6, 0.7, 0.7])
    times = time_map("ab.", ends, 0.7, 3.0)
    sound, rest = np.diff(times.heard(np.array([0.1, 0.2, 0.6])))
    assert sound > 3 * rest


@pytest.mark.parametrize("phones", ["", ".", "a"])
def test_short_clauses_have_a_map(phones: str) -> None:
    ends = np.linspace(0.0, 0.2, len(phones) + 2)
    times = time_map(phones, ends, 0.2, 4.0)
    assert times.heard(np.array([0.0]))[0] == 0.0
    assert 0.0 < times.heard(np.array([0.2]))[0] <= 0.2


# ---------------------------------------------------------------- voices


def test_the_model_speaks_as_asked_up_to_twice_the_pace() -> None:
    for speed in (0.25, 1.0, MODEL_SPEED):
        assert model_pace(Controls(speed)) == (Controls(speed), 1.0)
    assert model_pace(Controls(3.0, seed=4)) == (Controls(1.0, seed=4), 3.0)


@pytest.mark.parametrize("speed", [2.5, 5.0])
@pytest.mark.parametrize(("first", "rest"), [((1, 2, 3), 5), ((16, 64), 200), ((7,), 41)])
def test_cuts_leave_no_trace(voice: Voice, first: tuple[int, ...], rest: int, speed: float) -> None:
    controls = Controls(speed)
    whole = wave(speak(voice, [CLAUSE, CLAUSE], controls=controls))
    cut = speak(voice, [CLAUSE, CLAUSE], first, rest, controls=controls)
    assert len(wave(cut)) == len(whole) and np.abs(whole).max() > 0.02
    np.testing.assert_allclose(wave(cut), whole, atol=1e-5)


def test_piper_voices_are_compressed_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    voice = Voice.load(write_piper(tmp_path_factory.mktemp("piper") / "piper"))
    normal, fast = (voice.synthesize(TEXT, speed=speed) for speed in (1.0, 4.0))
    assert 3.0 < (normal.seconds - ENDING_S) / (fast.seconds - ENDING_S) < 6.0
    streamed = join(voice.stream(TEXT, speed=4.0), voice.sample_rate_hz)
    np.testing.assert_allclose(streamed.samples, fast.samples, atol=1e-3)


@needs_voice
@pytest.mark.parametrize("speed", [2.5, 3.0, 4.0, 5.0])
def test_speech_is_as_fast_as_asked_for_and_marked(packaged: Voice, speed: float) -> None:
    text = " ".join([TEXT] * 4)
    normal, fast = packaged.synthesize(text), packaged.synthesize(text, speed=speed)
    assert normal.seconds / fast.seconds == pytest.approx(speed, rel=0.06)
    assert [w.text for w in fast.words] == [w.text for w in normal.words]
    for slow_word, fast_word in zip(normal.words, fast.words):
        assert fast_word.start_s == pytest.approx(slow_word.start_s / speed, abs=0.12)
        assert 0.0 <= fast_word.start_s < fast_word.end_s <= fast.seconds + 0.02
    # The pattern begins anew with each clause, so that of short ones the payload may not be read.
    assert detect_watermark(fast.samples, RATE, scales=False).found


@needs_voice
def test_the_pitch_stays(packaged: Voice) -> None:
    medians = []
    for speed in (1.0, 3.0):
        f0 = estimate_f0(packaged.synthesize(TEXT, speed=speed).samples, RATE, 300)
        medians.append(np.median(f0[f0 > 0.0]))
    assert 12.0 * abs(np.log2(medians[1] / medians[0])) < 1.5


@needs_voice
def test_a_stream_begins_before_the_clause_is_made(packaged: Voice) -> None:
    chunks = packaged.stream(TEXT, speed=3.0)
    first = next(iter(chunks))
    assert len(first.samples) < 0.3 * RATE and isinstance(first.samples, np.ndarray)
    whole = join([first, *chunks], RATE)
    np.testing.assert_allclose(
        whole.samples, packaged.synthesize(TEXT, speed=3.0).samples, atol=1e-3
    )
