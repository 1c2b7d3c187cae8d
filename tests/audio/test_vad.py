"""Voice activity on real speech, with and without noise."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from voicelet.audio import vad
from voicelet.audio.io import read_audio
from voicelet.audio.vad import VadConfig, segments_of, speech_probability, speech_segments

DATA = Path(__file__).parent / "data"
RATE = 16000


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return read_audio(DATA / "reader_6437.opus", sample_rate_hz=RATE).samples


def spoken_s(segments: list[tuple[float, float]]) -> float:
    return sum(end - start for start, end in segments)


def test_silence_and_noise_are_not_speech() -> None:
    rng = np.random.default_rng(0)
    for wave in (
        np.zeros(0),
        np.zeros(5 * RATE),
        0.05 * rng.standard_normal(5 * RATE),
        0.3 * np.sin(2 * np.pi * 50 * np.arange(5 * RATE) / RATE),
    ):
        assert speech_segments(wave) == []


def test_speech_between_silences_is_found(speech: np.ndarray) -> None:
    gap = np.zeros(3 * RATE, np.float32)
    segments = speech_segments(np.concatenate([gap, speech, gap]))
    assert 2.8 < segments[0][0] < 3.5
    end = 3.0 + len(speech) / RATE
    assert end - 1.0 < segments[-1][1] < end + 0.3
    assert 0.8 < spoken_s(segments) / (len(speech) / RATE) <= 1.05
    for (_, end_a), (start_b, _) in pairwise(segments):
        assert end_a < start_b


@pytest.mark.parametrize("snr_db", [20, 10])
def test_noise_moves_little(speech: np.ndarray, snr_db: int) -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(len(speech)) * speech.std() * 10 ** (-snr_db / 20)
    clean = speech_probability(speech) > 0.5
    noisy = speech_probability(speech + noise) > 0.5
    assert np.mean(clean == noisy) > 0.93


def test_blocks_do_not_show(speech: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is carried over where a long recording is cut into blocks."""
    whole = speech_probability(speech)
    assert len(whole) == -(-len(speech) // 512)
    monkeypatch.setattr(vad, "_BLOCK_FRAMES", 37)
    np.testing.assert_allclose(speech_probability(speech), whole, atol=1e-5)


def test_hysteresis_joins_pads_and_drops() -> None:
    config = VadConfig(on=0.5, off=0.3, min_speech_s=0.1, min_pause_s=0.1, pad_s=0.0)
    frame = 0.032
    high, low, between = [0.9] * 10, [0.1] * 10, [0.4] * 10
    assert segments_of(np.array(low + high + low), 30 * frame, config) == [
        pytest.approx((10 * frame, 20 * frame))
    ]
    assert segments_of(np.array(low + between + low), 30 * frame, config) == []
    assert len(segments_of(np.array(high + between + high), 30 * frame, config)) == 1
    assert len(segments_of(np.array(high + low + high), 30 * frame, config)) == 2
    assert len(segments_of(np.array(high + [0.1] * 2 + high), 22 * frame, config)) == 1
    assert segments_of(np.array(low + [0.9] * 2 + low), 22 * frame, config) == []
    padded = segments_of(np.array(low + high + low), 30 * frame, VadConfig(pad_s=0.1))
    assert padded == [pytest.approx((10 * frame - 0.1, 20 * frame + 0.1))]


def test_a_configuration_that_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="off"):
        VadConfig(on=0.3, off=0.5)
