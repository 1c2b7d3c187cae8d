"""The detector on speech: it finds what voicelet says, and nothing in what people say."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.audio.io import read_audio
from voicelet.audio.resample import resample
from voicelet.errors import WatermarkError
from voicelet.synth import Voice
from voicelet.synth.marking import MarkFilter
from voicelet.trust.watermark.detect import FOUND, Detection, detect_watermark, posterior
from voicelet.trust.watermark.mark import KEY_VARIABLE, RESEARCH_SWITCH, Watermark
from voicelet.trust.watermark.search import log_tail

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
TEXT = "The boats came in at dusk, low in the water. Somebody had lit a fire on the beach, and the"
TEXT += " children were running to and fro between the nets, calling out the names of the boats."
RATE = 24000


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    """Ten seconds, marked."""
    samples = Voice.load().synthesize(TEXT, seed=3).samples
    assert len(samples) > 8 * RATE
    return samples


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    """A real person."""
    audio = read_audio(SAMPLES / "reader-2.opus", sample_rate_hz=RATE)
    return audio.samples


def test_it_reads_what_the_voice_says(speech: np.ndarray) -> None:
    voice = Voice.load()
    found = detect_watermark(speech, RATE)
    assert found.found and found.probability > 0.999999
    assert found.payload == voice._pipeline.watermark.payload()
    (segment,) = found.segments
    assert segment.start_s < 1.0 and segment.end_s > len(speech) / RATE - 1.0
    assert (segment.tempo, segment.pitch) == (1.0, 1.0)


@pytest.mark.parametrize("start", [0.4, 3.1, 5.7])
def test_one_second_will_do(speech: np.ndarray, start: float) -> None:
    first = int(start * RATE)
    assert detect_watermark(speech[first : first + RATE], RATE).found


def opus(wave: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, RATE, format="OGG", subtype="OPUS", compression_level=0.896)
    buffer.seek(0)
    return np.asarray(soundfile.read(buffer, dtype="float32")[0])


def telephone(wave: np.ndarray) -> np.ndarray:
    spectrum = np.fft.rfft(resample(wave, RATE, 8000))
    hz = np.fft.rfftfreq(2 * len(spectrum) - 2, 1 / 8000)
    spectrum[(hz < 300) | (hz > 3400)] = 0.0
    return resample(np.fft.irfft(spectrum).astype(np.float32), 8000, RATE)


def noisy(wave: np.ndarray) -> np.ndarray:
    scale = 0.1 * np.sqrt(np.mean(wave**2))
    noise = np.random.default_rng(1).standard_normal(len(wave))
    return (wave + scale * noise).astype(np.float32)


@pytest.mark.parametrize("attack", [opus, telephone, noisy, lambda w: 0.01 * w])
def test_three_seconds_survive(speech: np.ndarray, attack) -> None:  # type: ignore[no-untyped-def]
    for first in (0, 4 * RATE):
        assert detect_watermark(attack(speech[first : first + 3 * RATE]), RATE).found


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_speed_is_found_and_told(speech: np.ndarray, factor: float) -> None:
    played = resample(speech, RATE, round(RATE / factor))
    assert not detect_watermark(played, RATE, scales=False).found
    found = detect_watermark(played, RATE)
    assert found.found
    best = max(found.segments, key=lambda s: s.score)
    assert best.tempo == pytest.approx(factor, abs=0.015)
    assert best.pitch == pytest.approx(factor, abs=0.02)


def test_unmarked_speech_isnt_ours(recording: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    assert detect_watermark(recording, RATE).probability < 0.5
    monkeypatch.setenv(RESEARCH_SWITCH, "1")
    plain = Voice.load().synthesize(TEXT, seed=3).samples
    found = detect_watermark(plain, RATE)
    assert not found.found and found.payload is None and found.segments == ()


def test_where_in_a_recording_it_is(recording: np.ndarray, speech: np.ndarray) -> None:
    before = len(recording) / RATE
    both = np.concatenate([recording, speech[: 6 * RATE], recording])
    found = detect_watermark(both, RATE)
    assert found.found and found.payload is not None
    (segment,) = found.segments
    assert abs(segment.start_s - before) < 2.5 and abs(segment.end_s - before - 6.0) < 2.5


def test_long_recordings_are_read_in_blocks(recording: np.ndarray, speech: np.ndarray) -> None:
    silence = np.zeros(61 * RATE, np.float32)
    found = detect_watermark(np.concatenate([recording, silence, speech]), RATE, scales=False)
    assert found.found and found.payload is not None
    before = len(recording) / RATE + 61.0
    assert all(s.start_s > before - 2.5 for s in found.segments)


def test_other_rates_by_the_filter_and_an_operators_key(
    recording: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A natural voice marked by the filter, as those of other architectures are."""
    key = tmp_path / "key"
    key.write_bytes(b"an operator's own key, 32 bytes.")
    monkeypatch.setenv(KEY_VARIABLE, str(key))
    watermark = Watermark(77, lambda: 1.78e9)
    mark = watermark.clause("a")
    assert mark is not None
    wave = resample(recording, RATE, 22050)
    marked = MarkFilter(mark, 22050)(wave, last=True)
    public = detect_watermark(marked, 22050, scales=False)
    assert public.found and public.payload is None
    assert detect_watermark(marked, 22050, scales=False, keys=[key.read_bytes()]).payload == (
        watermark.payload()
    )


def test_what_cant_be_searched() -> None:
    with pytest.raises(WatermarkError, match="one channel"):
        detect_watermark(np.zeros((2, RATE), np.float32), RATE)
    with pytest.raises(WatermarkError, match=r"0\.5 s"):
        detect_watermark(np.zeros(1000, np.float32), RATE)
    assert detect_watermark(np.zeros(RATE, np.float32), RATE).probability < 0.02


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-20, 1e-3, 1.0, 1e10]))
def test_any_numbers_are_taken(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    wave = (scale * rng.standard_normal(12000 + seed % 9000)).astype(np.float32)
    wave[rng.integers(0, len(wave), 5)] = [np.nan, np.inf, -np.inf, 0.0, 1e30]
    found = detect_watermark(wave, RATE, scales=False)
    assert isinstance(found, Detection) and 0.0 <= found.probability < FOUND


def test_probabilities() -> None:
    assert posterior(0.0) == posterior(-1.0) == pytest.approx(0.01)
    assert posterior(math.log(1e-3)) == pytest.approx(0.349, abs=0.01)
    assert posterior(math.log(2e-6)) > FOUND > posterior(math.log(5e-6))
    assert posterior(-2000.0) == 1.0
    for score in (0.0, 4.9, 5.1, 8.0):
        expected = math.log(0.5 * math.erfc(score / math.sqrt(2.0)))
        assert log_tail(score) == pytest.approx(expected, abs=1e-3)
    assert log_tail(60.0) == pytest.approx(-1805.0, abs=1.0)
