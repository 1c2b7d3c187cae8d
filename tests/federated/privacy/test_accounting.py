from __future__ import annotations

import math

import numpy as np
import pytest

from voicelet.errors import ConfigError
from voicelet_federated.errors import BudgetError
from voicelet_federated.privacy.accounting import (
    Account,
    gaussian_divergence,
    guarantee,
    noise_multiplier_for,
    pld_epsilon,
    rdp_epsilon,
)
from voicelet_federated.privacy.skellam import NoiseShare, secret_generator

SHARE = NoiseShare(clip_norm=1.0, noise_multiplier=1.426, minimum=100, size=256)


@pytest.mark.parametrize(
    ("epsilon", "rounds", "z"),
    [(8, 1, 0.638), (8, 5, 1.426), (8, 10, 2.016), (3, 1, 1.493), (3, 5, 3.339), (3, 10, 4.722)],
)
def test_noise_multipliers_are_those_that_others_find_by_rdp(
    epsilon: float, rounds: int, z: float
) -> None:
    found = noise_multiplier_for(epsilon, rounds)
    assert found == pytest.approx(z, rel=0.004)
    assert rdp_epsilon(gaussian_divergence(found), rounds) <= epsilon


def test_the_exact_accountant_needs_a_little_less_noise() -> None:
    pytest.importorskip("dp_accounting")
    assert 1.3 < noise_multiplier_for(8.0, 5, accountant="pld") < noise_multiplier_for(8.0, 5)


def test_rdp_never_promises_more_than_the_exact_accountant() -> None:
    pytest.importorskip("dp_accounting")
    for z, rounds in ((0.7, 1), (1.4, 5), (3.3, 5), (5.0, 20)):
        rdp = rdp_epsilon(gaussian_divergence(z), rounds)
        exact = pld_epsilon(z, rounds)
        assert exact <= rdp <= 1.25 * exact


def test_rdp_agrees_with_opacus() -> None:
    analysis = pytest.importorskip("opacus.accountants.analysis.rdp")
    orders = [1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64))
    for z, rounds in ((0.8, 1), (1.426, 5), (4.0, 20)):
        rdp = analysis.compute_rdp(q=1.0, noise_multiplier=z, steps=rounds, orders=orders)
        theirs, _ = analysis.get_privacy_spent(orders=orders, rdp=rdp, delta=1e-5)
        assert rdp_epsilon(gaussian_divergence(z), rounds) == pytest.approx(theirs, rel=0.01)


def test_skellam_noise_costs_what_a_gaussian_costs_and_never_less() -> None:
    for size in (256, 4000):
        share = NoiseShare(1.0, 1.426, minimum=100, size=size)
        ours = guarantee(share, rounds=5)
        gaussian = rdp_epsilon(gaussian_divergence(1.426), 5)
        assert gaussian <= ours.epsilon <= 1.01 * gaussian
        assert ours.neighbours == "add or remove one user"


def test_a_larger_cohort_has_more_noise() -> None:
    assert SHARE.rdp(8, devices=200) < SHARE.rdp(8)
    assert rdp_epsilon(lambda order: SHARE.rdp(order, 200), 1) < rdp_epsilon(SHARE.rdp, 1)


def test_a_budget_is_paid_before_the_round_and_never_exceeded() -> None:
    account = Account(epsilon=guarantee(SHARE, 5).epsilon + 1e-6)
    spent = [account.pay(SHARE) for _ in range(5)]
    assert spent == sorted(spent)
    with pytest.raises(BudgetError, match="sits it out"):
        account.pay(SHARE)
    assert account.rounds == 5
    assert Account(8.0, history=(SHARE,) * 5).spent() == pytest.approx(spent[-1])


def test_without_noise_nothing_is_promised() -> None:
    bare = NoiseShare(1.0, 0.0, minimum=2, size=4)
    assert math.isinf(guarantee(bare, 1).epsilon)
    assert (bare.encode([0.5, 0.0, 0.0, -0.5], secret_generator()) != 0).sum() == 2
    with pytest.raises(BudgetError):
        Account(8.0).pay(bare)


def test_updates_that_would_poison_a_sum_never_leave() -> None:
    for bad in ([1.0, float("nan")], [float("inf"), 0.0], [1.0], [[1.0, 2.0]]):
        with pytest.raises(ConfigError, match="sits the round out"):
            NoiseShare(1.0, 1.0, minimum=2, size=2).encode(bad, secret_generator())


def test_a_full_cohort_can_not_overflow_the_ring() -> None:
    share = NoiseShare(1.0, 2.0, minimum=10, size=1, largest=1000)
    rng = np.random.default_rng(0)
    total = sum(int(share.encode([5.0], rng)[0]) for _ in range(1000))
    assert abs(total) < 2**31
    assert total * share.step == pytest.approx(1000.0, abs=5 * 2.0 * math.sqrt(100))
