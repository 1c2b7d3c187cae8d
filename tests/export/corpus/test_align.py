"""Forced alignment: exact on clear posteriors, always a valid segmentation on any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.text.phones import PhoneInventory
from voicelet_export.corpus.align import (
    AlignConfig,
    Alignment,
    ForcedAligner,
    boundary_errors_ms,
    fit_score,
    viterbi,
)

INVENTORY = PhoneInventory()
CLASSES = len(INVENTORY.symbols)
FLAT = np.full(CLASSES, -np.log(CLASSES), dtype=np.float32)


def clear_posteriors(labels: np.ndarray, certainty: float = 0.9) -> np.ndarray:
    """Log posteriors that put `certainty` on the label of each frame."""
    rest = (1.0 - certainty) / (CLASSES - 1)
    found = np.full((len(labels), CLASSES), rest)
    found[np.arange(len(labels)), labels] = certainty
    return np.log(found).astype(np.float32)


def brute_force(emission: np.ndarray) -> float:
    """Best score over every segmentation, by recursion."""
    frames, tokens = emission.shape

    def best(frame: int, token: int) -> float:
        if frame == frames:
            return 0.0 if token == tokens - 1 else -np.inf
        here = emission[frame]
        stay = here[token] + best(frame + 1, token)
        step = here[token + 1] + best(frame + 1, token + 1) if token + 1 < tokens else -np.inf
        return float(max(stay, step))

    return float(emission[0, 0]) + best(1, 0)


def path_score(emission: np.ndarray, durations: np.ndarray) -> float:
    path = np.repeat(np.arange(emission.shape[1]), durations)
    return float(emission[np.arange(len(emission)), path].sum())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.data())
def test_viterbi_always_gives_a_valid_segmentation(tokens: int, data: st.DataObject) -> None:
    frames = data.draw(st.integers(tokens, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    durations = viterbi(rng.normal(size=(frames, tokens)).astype(np.float32))
    assert durations.sum() == frames
    assert durations.min() >= 1


@pytest.mark.parametrize("seed", range(8))
def test_viterbi_finds_the_best_of_all_segmentations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    emission = rng.normal(size=(10, 4))
    assert path_score(emission, viterbi(emission)) == pytest.approx(brute_force(emission))


def test_viterbi_refuses_more_tokens_than_frames() -> None:
    with pytest.raises(ValueError, match="can't share"):
        viterbi(np.zeros((3, 4)))


def test_clear_posteriors_give_exact_boundaries() -> None:
    rng = np.random.default_rng(3)
    tokens = INVENTORY.encode("hˈæpi dˈA, ɹˈiᵊli.")
    truth = rng.integers(1, 9, size=len(tokens))
    labels = np.repeat(tokens, truth)
    aligner = ForcedAligner(FLAT, config=AlignConfig(least_frames=1))
    found = aligner.align(clear_posteriors(labels), tokens)
    assert found.durations_frames.tolist() == truth.tolist()
    spoken = [symbol not in "_ ,." for symbol in "_hˈæpi dˈA, ɹˈiᵊli._"]
    assert found.token_log_posterior[spoken] == pytest.approx(np.log(0.9), abs=1e-5)
    assert (found.token_log_posterior > np.log(0.9) - 1e-5).all()  # silence counts for a mark
    assert found.starts[0] == 0
    assert found.starts[-1] == truth[:-1].sum()


def test_a_pause_without_a_mark_goes_to_the_space() -> None:
    tokens = INVENTORY.encode("sˈO lˈɔŋ.")
    truth = np.full(len(tokens), 4)
    labels = np.repeat(tokens, truth)
    space = int(np.flatnonzero(tokens == INVENTORY.encode(" ")[1])[0])
    start = int(truth[:space].sum())
    comma = int(INVENTORY.encode(",")[1])
    with_pause = np.insert(labels, [start + 2] * 30, comma)
    found = ForcedAligner(FLAT).align(clear_posteriors(with_pause), tokens).durations_frames
    expected = truth.copy()
    expected[space] += 30
    assert found.tolist() == expected.tolist()


def test_the_prior_weight_helps_rare_symbols() -> None:
    inventory = PhoneInventory("_ab")
    log_prior = np.log(np.array([0.1, 0.8, 0.1], dtype=np.float32))
    # Frames 1 to 4 lean to the common symbol only as much as it is common.
    posterior = np.array([[0.9, 0.05, 0.05]] + [[0.02, 0.78, 0.2]] * 4 + [[0.9, 0.05, 0.05]])
    log_posterior = np.log(posterior).astype(np.float32)
    tokens = inventory.encode("ab")
    without = ForcedAligner(log_prior, inventory, AlignConfig(0.0, least_frames=1))
    full = ForcedAligner(log_prior, inventory, AlignConfig(1.0, least_frames=1))
    assert without.align(log_posterior, tokens).durations_frames.tolist() == [1, 3, 1, 1]
    assert full.align(log_posterior, tokens).durations_frames.tolist() == [1, 1, 3, 1]


def test_tokens_are_as_long_as_the_utterance_allows() -> None:
    tokens = INVENTORY.encode("man")
    rng = np.random.default_rng(2)
    for frames, least in ((5, 1), (9, 1), (10, 2), (40, 2)):
        noise = rng.normal(size=(frames, CLASSES)).astype(np.float32) - 4.0
        durations = ForcedAligner(FLAT).align(noise, tokens).durations_frames
        assert durations.sum() == frames
        assert durations.min() == least


def test_one_wrong_frame_is_bounded_by_the_floor() -> None:
    tokens = INVENTORY.encode("ma")
    labels = np.repeat(tokens, [3, 5, 5, 3])
    log_posterior = clear_posteriors(labels)
    log_posterior[5] = -1e6  # nothing fits this frame
    found = ForcedAligner(FLAT).align(log_posterior, tokens).durations_frames
    assert found.tolist() == [3, 5, 5, 3]


def test_boundary_errors_are_in_milliseconds() -> None:
    errors = boundary_errors_ms(np.array([4, 4, 4]), np.array([5, 4, 3]), 80.0)
    assert errors.tolist() == [12.5, 12.5]
    with pytest.raises(ValueError, match="different numbers"):
        boundary_errors_ms(np.array([1]), np.array([1, 2]), 80.0)


def test_the_score_finds_the_word_that_does_not_fit() -> None:
    phones = "mˈæn sˈɪt."
    durations = np.full(len(phones) + 2, 5)
    posterior = np.full(len(phones) + 2, -0.2, dtype=np.float32)
    good = fit_score(Alignment(durations, posterior), phones)
    assert good.mean_log_posterior == pytest.approx(-0.2)
    assert good.worst_word == pytest.approx(-0.2)
    assert good.implausible == 0.0
    wrong = posterior.copy()
    wrong[6:10] = -6.0
    short = durations.copy()
    short[1] = 1  # the m
    bad = fit_score(Alignment(short, wrong), phones)
    assert bad.worst_word == pytest.approx(-6.0)
    assert bad.implausible == pytest.approx(1 / 6)


def test_a_score_of_nothing_spoken_is_the_worst() -> None:
    score = fit_score(Alignment(np.array([3, 3, 3]), np.zeros(3, np.float32)), ".")
    assert score.mean_log_posterior == -np.inf
    assert score.implausible == 1.0
