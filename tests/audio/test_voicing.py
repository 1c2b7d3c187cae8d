"""Frames that an estimator isn't sure of are voiced where the sound says so, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from voicelet.audio.f0 import estimate_f0
from voicelet.audio.voicing import voiced_f0

RATE, HOP = 24000, 300


def vowel(f0_hz: np.ndarray, jitter: float, noise: float, seed: int = 1) -> np.ndarray:
    """Pulses through two formants; `jitter` is the deviation of a period, in periods."""
    rng = np.random.default_rng(seed)
    wave = np.zeros(len(f0_hz) * HOP)
    at = 0.0
    while at < len(wave):
        wave[int(at)] = 1.0
        period = RATE / f0_hz[int(at) // HOP]
        at += period * max(0.4, 1.0 + jitter * rng.normal())
    for formant_hz, width_hz in ((600.0, 90.0), (1200.0, 120.0)):
        radius = np.exp(-np.pi * width_hz / RATE)
        a1, a2 = 2.0 * radius * np.cos(2.0 * np.pi * formant_hz / RATE), -(radius**2)
        out, y1, y2 = np.zeros_like(wave), 0.0, 0.0
        for i, x in enumerate(wave):
            out[i] = x + a1 * y1 + a2 * y2
            y2, y1 = y1, out[i]
        wave = out
    wave /= np.abs(wave).max()
    return (0.4 * wave + noise * rng.normal(size=len(wave))).astype(np.float32)


def hiss(frames: int, level: float = 0.1, seed: int = 3) -> np.ndarray:
    """Noise above 4 kHz, as of an s."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=frames * HOP))
    spectrum[np.fft.rfftfreq(frames * HOP, 1.0 / RATE) < 4200.0] = 0.0
    wave = np.fft.irfft(spectrum)
    return (level * wave / wave.std()).astype(np.float32)


def test_creak_counts_as_voiced() -> None:
    clear = vowel(np.full(80, 120.0), jitter=0.0, noise=1e-4)
    creak = vowel(np.full(16, 70.0), jitter=0.3, noise=1e-4, seed=3)
    wave = np.concatenate([clear, creak])
    sure, more = estimate_f0(wave, RATE, HOP), voiced_f0(wave, RATE, HOP)
    assert (sure[81:93] > 0.0).mean() < 0.3
    assert (more[81:93] > 0.0).mean() > 0.9
    assert (more[sure > 0.0] == sure[sure > 0.0]).all()
    assert more[5:75] == pytest.approx(120.0, rel=0.02)


def test_what_was_lost_comes_back_with_its_pitch() -> None:
    contour = 110.0 + 30.0 * np.sin(np.arange(120) / 15.0)
    wave = vowel(contour, jitter=0.0, noise=1e-4)
    own = estimate_f0(wave, RATE, HOP)
    lost = own.copy()
    lost[np.random.default_rng(2).choice(120, 40, replace=False)] = 0.0
    found = voiced_f0(wave, RATE, HOP, lost)
    gone = (own > 0.0) & (lost == 0.0)
    assert (found[gone] > 0.0).mean() > 0.9
    both = gone & (found > 0.0)
    assert np.abs(12.0 * np.log2(found[both] / own[both])).max() < 0.5


def test_an_s_and_a_pause_beside_a_vowel_stay_unvoiced() -> None:
    speech = vowel(np.full(60, 150.0), jitter=0.0, noise=1e-4)
    pause = 1e-5 * np.random.default_rng(4).normal(size=12 * HOP).astype(np.float32)
    found = voiced_f0(np.concatenate([speech, hiss(12), pause]), RATE, HOP)
    assert (found[3:57] > 0.0).all()
    assert not found[63:].any()


def test_a_slip_of_the_estimator_does_not_spread() -> None:
    own = np.zeros(200, np.float32)
    wave = np.random.default_rng(3).normal(0.0, 0.1, 200 * HOP).astype(np.float32)
    assert not voiced_f0(wave, RATE, HOP, own).any()
    own[100:104] = 120.0
    assert (voiced_f0(wave, RATE, HOP, own) > 0.0).sum() < 20


@pytest.mark.parametrize("length", [0, 1, 299, 301, 5000])
def test_any_length_and_rate_gives_the_estimator_s_frames(length: int) -> None:
    wave = vowel(np.full(20, 130.0), jitter=0.0, noise=1e-4)[:length]
    for rate, hop in ((24000, 300), (16000, 200)):
        found = voiced_f0(wave, rate, hop)
        assert found.shape == estimate_f0(wave, rate, hop).shape
        assert np.isfinite(found).all()
