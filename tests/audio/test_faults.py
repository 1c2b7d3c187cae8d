"""What is in a recording beside the voice: found, taken out, and harmless to what is clean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.clicks import count_clicks
from voicelet.audio.high_pass import PASS_HZ, STOP_HZ, high_pass
from voicelet.audio.hum import find_hum, remove_hum
from voicelet.audio.io import read_audio
from voicelet.audio.source import load_recording

DATA = Path(__file__).parent / "data"
RATE = 16000


@pytest.fixture(scope="module")
def ana() -> np.ndarray:
    return read_audio(DATA / "reader_6437.opus", sample_rate_hz=RATE).samples


def tone(hz: float, seconds: float = 10.0, rate: int = RATE, amplitude: float = 0.1) -> np.ndarray:
    time_s = np.arange(int(seconds * rate)) / rate
    return (amplitude * np.sin(2.0 * np.pi * hz * time_s + 0.3)).astype(np.float32)


def level_db(after: np.ndarray, before: np.ndarray) -> float:
    ratio = np.mean(after.astype(float) ** 2) / np.mean(before.astype(float) ** 2)
    return 10.0 * float(np.log10(ratio + 1e-12))


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_the_high_pass_keeps_voices_and_takes_what_lies_below(rate: int) -> None:
    for hz in (20.0, 50.0, STOP_HZ):
        low = tone(hz, rate=rate)
        assert level_db(high_pass(low, rate)[rate:-rate], low) < -38.0, hz
    for hz in (PASS_HZ, 100.0, 0.4 * rate):
        kept = tone(hz, rate=rate)
        error = high_pass(kept, rate)[rate:-rate] - kept[rate:-rate]  # not its level: no delay
        assert level_db(error, kept) < -38.0, hz


def test_the_high_pass_leaves_nothing_of_an_offset_even_at_the_ends(ana: np.ndarray) -> None:
    plain, lifted = high_pass(ana, RATE), high_pass(ana + np.float32(0.3), RATE)
    assert len(plain) == len(ana)
    assert float(np.abs(lifted - plain).max()) < 1e-5


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100, 4000, (1 << 16) - 1, 1 << 16, 70001])
def test_the_high_pass_takes_any_length(count: int) -> None:
    wave = np.random.default_rng(count).standard_normal(count).astype(np.float32)
    out = high_pass(wave, RATE)
    assert out.dtype == np.float32
    assert len(out) == count
    assert np.isfinite(out).all()


def test_blocks_leave_no_seam() -> None:
    wave = np.random.default_rng(1).standard_normal(200_000).astype(np.float32)
    whole = high_pass(wave, RATE)
    middle = high_pass(wave[30_000:170_000], RATE)
    assert float(np.abs(whole[50_000:150_000] - middle[20_000:120_000]).max()) < 1e-5


@pytest.mark.parametrize(("mains_hz", "drift_hz"), [(50, 0.0), (50, -0.1), (60, 0.05), (60, 0.0)])
def test_hum_is_found_and_taken_out(ana: np.ndarray, mains_hz: int, drift_hz: float) -> None:
    true_hz = mains_hz + drift_hz
    hum = sum(
        tone(k * true_hz, len(ana) / RATE, amplitude=0.03 / k)[: len(ana)] for k in (1, 2, 3, 5)
    )
    found = find_hum(ana + hum, RATE)
    assert found is not None
    assert found.mains_hz == mains_hz
    assert {round(hz / true_hz) for hz in found.lines_hz} >= {1, 2}
    assert all(abs(hz / true_hz - round(hz / true_hz)) < 0.01 for hz in found.lines_hz)
    true_db = 10.0 * np.log10(np.mean(hum**2))
    assert found.level_dbfs == pytest.approx(true_db, abs=1.5)
    left = remove_hum(ana + hum, RATE, found) - ana
    assert level_db(left, hum) < -15.0


def test_hum_without_its_fundamental_is_found(ana: np.ndarray) -> None:
    seconds = len(ana) / RATE
    hum = tone(100.0, seconds, amplitude=0.02) + tone(300.0, seconds, amplitude=0.01)
    found = find_hum(ana + hum[: len(ana)], RATE)
    assert found is not None
    assert found.mains_hz == 50


def test_a_voice_is_no_hum(ana: np.ndarray) -> None:
    assert (
        find_hum(read_audio(DATA / "reader_6437.opus", sample_rate_hz=RATE).samples, RATE) is None
    )
    noise = 0.1 * np.random.default_rng(0).standard_normal(20 * RATE).astype(np.float32)
    assert find_hum(noise, RATE) is None
    assert find_hum(np.zeros(10 * RATE, np.float32), RATE) is None
    assert find_hum(ana[: 3 * RATE], RATE) is None  # too short to tell


def test_clicks_are_counted_and_consonants_are_not(ana: np.ndarray) -> None:
    assert count_clicks(ana, RATE) / (len(ana) / RATE) < 0.5
    clicked = ana.copy()
    places = np.linspace(RATE, len(ana) - RATE, 30).astype(int)
    clicked[places] += 0.5
    assert 24 <= count_clicks(clicked, RATE) <= 36
    assert count_clicks(np.zeros(RATE, np.float32), RATE) == 0
    assert count_clicks(np.zeros(3, np.float32), RATE) == 0


def test_a_loaded_recording_is_clean_and_says_what_it_was(ana: np.ndarray) -> None:
    hum = tone(50.0, len(ana) / RATE, amplitude=0.02)[: len(ana)]
    loaded = load_recording((ana + hum + 0.05, RATE), RATE, 60.0)
    plain = load_recording((ana, RATE), RATE, 60.0)
    assert loaded.faults is not None
    assert plain.faults is not None
    assert loaded.faults.offset == pytest.approx(0.05, abs=0.002)
    assert loaded.faults.hum is not None
    assert plain.faults.hum is None
    assert abs(plain.faults.offset) < 0.002
    assert level_db(loaded.samples - plain.samples, plain.samples) < -28.0


def voice_beside(other: np.ndarray, ana: np.ndarray) -> np.ndarray:
    return np.stack([other[: len(ana)], ana], axis=1)


def test_the_live_channel_is_taken(ana: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    dead = np.zeros_like(ana)
    for other in (
        dead,
        dead + 0.3,  # dead, on an offset
        dead + 0.002 * rng.standard_normal(len(ana)).astype(np.float32),  # only hiss
        tone(50.0, len(ana) / RATE + 1, amplitude=0.3)[: len(ana)],  # only hum
    ):
        assert load_recording((voice_beside(other, ana), RATE), RATE, 60.0).channel == 1
        swapped = voice_beside(other, ana)[:, ::-1]
        assert load_recording((swapped, RATE), RATE, 60.0).channel == 0


def test_an_offset_does_not_hide_the_nearer_microphone(ana: np.ndarray) -> None:
    room = 0.003 * np.random.default_rng(5).standard_normal(len(ana)).astype(np.float32)
    near, far = ana + 0.2, (0.25 * ana + room).astype(np.float32)
    loaded = load_recording((np.stack([far, near], axis=1), RATE), RATE, 60.0)
    assert loaded.channel == 1
