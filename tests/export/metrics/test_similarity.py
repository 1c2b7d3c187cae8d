"""Cosines, identification and the encoder's windows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from voicelet_export.metrics.similarity import (
    compare,
    encoder_windows,
    nearest_of,
    voiced_mask,
)


def test_nearest_of_n_counts_the_draws_without_a_better_rival() -> None:
    rivals, better, n = 7, 2, 4
    draws = list(itertools.combinations(range(rivals), n - 1))
    good = sum(all(r >= better for r in draw) for draw in draws)
    assert nearest_of(n, rivals, better) == pytest.approx(good / len(draws))
    assert nearest_of(10, 19, 0) == 1.0
    assert nearest_of(10, 19, 19) == 0.0
    assert nearest_of(10, 3, 1) == 0.0  # fewer speakers than ten: all are rivals


def test_compare_finds_own_and_other_cosines() -> None:
    references = {name: np.eye(4, dtype=np.float32)[i] for i, name in enumerate("abcd")}
    clip = np.array([0.6, 0.8, 0.0, 0.0], dtype=np.float32)
    match = compare([("a", clip), ("b", clip)], references)
    assert match.own == pytest.approx((0.6, 0.8))
    assert match.nearest == 0.5
    assert match.speakers == 4
    assert len(match.others) == 6
    assert sum(match.others) == pytest.approx(0.8 + 0.6)


def test_voiced_mask_drops_clicks_and_keeps_short_pauses() -> None:
    flags = np.zeros(100, dtype=np.bool_)
    flags[10] = True  # a click
    flags[40:60] = True
    flags[50:52] = False  # a stop within a word
    mask = voiced_mask(flags)
    assert not mask[:30].any()
    assert mask[40:60].all()
    assert mask.sum() <= 20 + 2 * 8
    assert len(voiced_mask(flags[:0])) == 0


@pytest.mark.parametrize(("seconds", "windows"), [(0.2, 1), (1.6, 1), (1.9, 1), (2.3, 2), (5.0, 5)])
def test_windows_are_half_overlapping_and_padded(seconds: float, windows: int) -> None:
    wave = np.sin(np.arange(int(seconds * 16000)) * 0.1).astype(np.float32)
    mel = encoder_windows(wave)
    assert mel.shape == (windows, 160, 40)
    assert np.isfinite(mel).all()
    if windows > 1:
        assert np.allclose(mel[0, 77:], mel[1, :83], atol=1e-4)
