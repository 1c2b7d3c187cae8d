"""Features of the metrics: DNSMOS windows and mels, and fidelity without its packages."""

from __future__ import annotations

import numpy as np
import pytest

from voicelet_export.metrics.fidelity import mel_rmse_db, pitch_errors
from voicelet_export.metrics.naturalness import p808_features, windows


def test_dnsmos_windows_repeat_short_and_slide_over_long_audio() -> None:
    short = np.arange(16000, dtype=np.float32)
    repeated = windows(short)  # 1 s is doubled to 16 s: starts at 0 to 6 s
    assert len(repeated) == 7
    assert all(np.array_equal(w, repeated[0]) for w in repeated)
    assert np.array_equal(repeated[0][:16000], repeated[0][16000:32000])
    long = windows(np.zeros(12 * 16000, dtype=np.float32))
    assert len(long) == 3
    assert {len(w) for w in long} == {int(9.01 * 16000)}


def test_p808_features_are_bounded_and_peak_where_the_tone_is() -> None:
    tone = (0.3 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)).astype(np.float32)
    features = p808_features(tone)
    assert features.shape == (100, 120)
    assert features.max() == pytest.approx(1.0)
    assert features.min() >= -1.0
    assert len(set(features[20:80].argmax(axis=1))) == 1
    quiet = p808_features(tone * np.float32(0.1))
    assert np.allclose(features, quiet, atol=1e-4)  # relative to the loudest


def test_mel_rmse_of_a_gain_is_that_gain() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=24000).astype(np.float32) * np.float32(0.1)
    assert mel_rmse_db(noise, noise, 24000) == 0.0
    half = noise * np.float32(0.5)
    assert mel_rmse_db(noise, half, 24000) == pytest.approx(6.02, abs=0.01)


def test_pitch_errors_in_hertz_cents_and_voicing() -> None:
    one = np.array([100.0, 200.0, 0.0, 150.0])
    two = np.array([110.0, 200.0, 120.0, 0.0])
    errors = pitch_errors(one, two)
    assert errors["vuv_error"] == 0.5
    assert errors["f0_rmse_hz"] == pytest.approx(np.sqrt(50.0))
    octave = pitch_errors(one[:2], 2 * one[:2])
    assert octave["f0_rmse_cents"] == pytest.approx(1200.0)
    assert "f0_rmse_hz" not in pitch_errors(np.zeros(3), np.zeros(3))
