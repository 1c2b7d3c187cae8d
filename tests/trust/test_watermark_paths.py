"""The evidence of paths: honest without a mark, and the path it names is the one that was laid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.io import read_audio
from voicelet.audio.resample import resample
from voicelet.trust.watermark.paths import (
    PilotMatcher,
    likelihoods,
    likely_pieces,
    log_evidence,
    running_sums,
    tile_steps,
)
from voicelet.trust.watermark.pattern import BANDS, TILE_FRAMES, TILES, layout, slot_steps
from voicelet.trust.watermark.search import band_energies, power_spectra, residuals

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
RATE = 24000
KEYS = 400
SCALE = np.float32(0.25)  # of the residuals of speech, about


def template() -> np.ndarray:
    """The pilots' steps frame by frame, [160, BANDS]."""
    laid = layout()
    return np.repeat(slot_steps((laid.signs * (laid.bit < 0)).astype(np.int8)), 4, axis=0)


def marked_rows(tiles: list[int], tempo: float, strength: float) -> np.ndarray:
    """Noise with the pilots of tiles in it, so many times as loud, and 20 frames at each end."""
    rng = np.random.default_rng(3)
    laid = np.concatenate([template()[8 * t : 8 * t + 8] for t in tiles])
    place = (np.arange(int(len(laid) / tempo)) * tempo).astype(int)
    rows = rng.standard_normal((len(place) + 40, BANDS)).astype(np.float32)
    rows[20:-20] += strength * laid[place]
    return SCALE * rows


@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("tempo", [1.0, 1.2])
def test_other_keys_find_themselves_as_rarely_as_promised(number: int, tempo: float) -> None:
    """Without a mark, evidence of at least E is had with a chance of at most 1 / E."""
    person = read_audio(SAMPLES / f"reader-{number}.opus", sample_rate_hz=RATE).samples
    played = resample(person, RATE, round(RATE / tempo))
    rows = residuals(band_energies(power_spectra(played), tempo))
    steps = tile_steps(running_sums(rows), tempo)
    ratios = np.empty((len(steps), KEYS, TILES), np.float32)
    for i in range(KEYS):
        key = b"somebody else's key %d" % i
        ratios[:, i] = likelihoods(*PilotMatcher(layout(key, key))(steps), [0.6])[:, 0]
    evidence = np.exp(log_evidence(ratios))
    assert evidence.mean() < 1.5
    for limit in (5.0, 20.0, 100.0):
        assert np.mean(evidence >= limit) <= 1.5 / limit


def test_a_steady_mark_is_one_piece() -> None:
    tiles = [*range(3, 20), *range(9)]
    ratios = likelihoods(
        *PilotMatcher(layout())(tile_steps(running_sums(marked_rows(tiles, 1.0, 0.5)), 1.0)), [0.6]
    )
    (piece,) = likely_pieces(ratios[:, 0])
    assert (piece.first, piece.tile) == (20, 3)
    assert piece.last == 20 + TILE_FRAMES * len(tiles)
    assert log_evidence(ratios)[0] > 50.0


def test_pieces_are_told_apart() -> None:
    tiles = [5, 6, 7, 8, 9, 14, 15, 16, 17, 0, 1, 2, 3]
    tempo = 1.15
    rows = marked_rows(tiles, tempo, 0.7)
    steps = tile_steps(running_sums(rows), tempo)
    ratios = likelihoods(*PilotMatcher(layout())(steps), [0.6])[:, 0]
    pieces = likely_pieces(ratios)
    found = [(p.tile + i) % TILES for p in pieces for i in range((p.last - p.first) // TILE_FRAMES)]
    assert found[: len(tiles)] == tiles and len(found) <= len(tiles) + 2
    assert {5, 14, 0} <= {piece.tile for piece in pieces}
    assert abs(pieces[0].first - 20 * tempo) <= 1.5


def test_noise_is_no_evidence() -> None:
    rows = np.random.default_rng(1).standard_normal((400, BANDS)).astype(np.float32)
    rows *= SCALE
    ratios = likelihoods(*PilotMatcher(layout())(tile_steps(running_sums(rows), 1.0)), [0.6])
    assert log_evidence(ratios)[0] < 1.0
    silence = np.ones((400, TILES), np.float32)
    assert abs(log_evidence(silence[:, None])[0]) < 0.05  # all paths sum to 1


def test_steps_follow_the_tempo() -> None:
    """A pattern played at a tempo gives the steps that it gives at its own."""
    laid = template()
    own = tile_steps(running_sums(laid), 1.0)
    place = np.linspace(0, len(laid), 201)[:-1].astype(int)
    played = tile_steps(running_sums(laid[place]), len(laid) / 200)
    assert own.shape == played.shape == (160, BANDS)
    match = np.sum(own * played) / np.sqrt(np.sum(own**2) * np.sum(played**2))
    assert match > 0.97
    np.testing.assert_allclose(own[-1], laid[-1], atol=1e-5)  # past the end there is nothing
