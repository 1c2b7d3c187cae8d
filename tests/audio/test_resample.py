"""Resampling against analytic sines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voicelet.audio.resample import Resampler, resample
from voicelet.errors import AudioError

RATIOS = [
    (48000, 24000),
    (44100, 24000),
    (22050, 24000),
    (16000, 24000),
    (24000, 16000),
    (8000, 24000),
    (11025, 16000),
    (96000, 16000),
    (192000, 24000),
    (47999, 24000),  # coprime: the interpolated table
    (24000, 44117),
]


def sine(rate_hz: int, tone_hz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * tone_hz * np.arange(int(rate_hz * seconds)) / rate_hz)


def snr_db(got: np.ndarray, want: np.ndarray) -> float:
    edge = len(want) // 8  # the ends are band-limited steps
    got, want = got[edge:-edge], want[edge:-edge]
    return float(10 * np.log10(np.sum(want**2) / np.sum((got - want) ** 2)))


@pytest.mark.parametrize(("source", "target"), RATIOS)
@pytest.mark.parametrize("part", [0.03, 0.4, 0.9])
def test_sines_come_out_as_sines(source: int, target: int, part: float) -> None:
    tone_hz = part * min(source, target) / 2
    got = resample(sine(source, tone_hz), source, target)
    assert got.dtype == np.float32
    want = np.sin(2 * np.pi * tone_hz * np.arange(len(got)) / target)
    assert snr_db(got, want) > 80


@pytest.mark.parametrize(("source", "target"), [r for r in RATIOS if r[0] > r[1]])
def test_tones_above_nyquist_vanish(source: int, target: int) -> None:
    for tone_hz in (target / 2 * 1.005, (target / 2 + source / 2) / 2):
        if tone_hz >= source / 2:
            continue
        got = resample(sine(source, tone_hz), source, target)
        middle = got[len(got) // 8 : -len(got) // 8]
        assert 20 * np.log10(np.max(np.abs(middle)) + 1e-12) < -80


@pytest.mark.parametrize(("source", "target"), [(44100, 24000), (47999, 24000), (16000, 24000)])
def test_blocks_of_a_stream_equal_the_whole(source: int, target: int) -> None:
    rng = np.random.default_rng(0)
    wave = rng.standard_normal(20011).astype(np.float32)
    whole = resample(wave, source, target)
    stream = Resampler(source, target)
    parts, at = [], 0
    while at < len(wave):
        step = int(rng.integers(1, 3000))
        parts.append(stream.push(wave[at : at + step]))
        at += step
    joined = np.concatenate([*parts, stream.flush()])
    assert len(joined) == len(whole)
    np.testing.assert_allclose(joined, whole, atol=2e-6)


@pytest.mark.parametrize(("source", "target"), RATIOS)
@pytest.mark.parametrize("length", [0, 1, 2, 777])
def test_length_is_exact(source: int, target: int, length: int) -> None:
    got = resample(np.ones(length), source, target)
    assert len(got) == math.ceil(length * target / source)


def test_level_is_kept() -> None:
    got = resample(np.ones(4800), 48000, 24000)
    np.testing.assert_allclose(got[600:-600], 1.0, atol=1e-4)


def test_same_rate_is_a_copy() -> None:
    wave = np.arange(5, dtype=np.float32)
    got = resample(wave, 16000, 16000)
    assert np.array_equal(got, wave)
    assert got is not wave


def test_absurd_rates_are_refused() -> None:
    for rate in (0, -1, 999, 10**9):
        with pytest.raises(AudioError, match="sample rate"):
            resample(np.zeros(3), rate, 24000)
