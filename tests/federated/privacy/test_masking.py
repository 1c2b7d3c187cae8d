from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet_federated.errors import CohortError, MaskingError
from voicelet_federated.privacy.masking import OneTimeKey, Round, open_sum
from voicelet_federated.privacy.skellam import NoiseShare

WHERE = Round("session", 3, 0, "schema")
IDENTITIES = {node: ec.generate_private_key(ec.SECP384R1()) for node in range(6)}
PUBLIC = {node: key.public_key() for node, key in IDENTITIES.items()}


def cohort(nodes: list[int], where: Round = WHERE) -> dict[int, OneTimeKey]:
    return {node: OneTimeKey(where, node, IDENTITIES[node]) for node in nodes}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=6, unique=True),
    st.integers(1, 40),
    st.integers(0, 2**31),
)
def test_masks_cancel_in_the_sum_of_all(nodes: list[int], size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = {n: rng.integers(-(2**27), 2**27, size) for n in nodes}
    keys = cohort(nodes)
    offers = [k.offer for k in keys.values()]
    shares = {n: k.mask(values[n], offers, PUBLIC, 2) for n, k in keys.items()}
    assert (open_sum(shares, nodes) == sum(values.values())).all()


def test_a_masked_share_looks_like_noise() -> None:
    keys = cohort([0, 1, 2])
    offers = [k.offer for k in keys.values()]
    share = keys[0].mask(np.full(50_000, 7), offers, PUBLIC, 2)
    # A uniform uint32 has its mean at 2^31 and every bit set half the time; of 50,000 of them the
    # bounds are 7 standard errors of the mean and 8 of each bit: no false alarm in 10^10.
    assert abs(share.astype(float).mean() / 2**31 - 1.0) < 0.02
    bits = np.unpackbits(share.view(np.uint8)).reshape(-1, 32).mean(axis=0)
    assert np.abs(bits - 0.5).max() < 0.02


def test_a_missing_share_opens_nothing_and_the_survivors_start_again() -> None:
    keys = cohort([0, 1, 2])
    offers = [k.offer for k in keys.values()]
    shares = {n: keys[n].mask(np.arange(4), offers, PUBLIC, 2) for n in (0, 1)}
    with pytest.raises(CohortError, match="missing"):
        open_sum(shares, [0, 1, 2])
    # Taken as a cohort of two the masks of the third stay in the sum.
    assert not (open_sum(shares, [0, 1]) == 2 * np.arange(4)).any()
    with pytest.raises(MaskingError, match="has been used"):
        keys[0].mask(np.arange(4), offers[:2], PUBLIC, 2)
    again = cohort([0, 1], dataclasses.replace(WHERE, attempt=1))
    fresh = [k.offer for k in again.values()]
    shares = {n: k.mask(np.arange(4), fresh, PUBLIC, 2) for n, k in again.items()}
    assert (open_sum(shares, [0, 1]) == 2 * np.arange(4)).all()


def test_a_server_that_swaps_a_key_is_found_out() -> None:
    keys = cohort([0, 1])
    forged = OneTimeKey(WHERE, 1, ec.generate_private_key(ec.SECP384R1())).offer
    with pytest.raises(MaskingError, match="isn't signed"):
        keys[0].mask(np.arange(4), [keys[0].offer, forged], PUBLIC, 2)
    replayed = OneTimeKey(dataclasses.replace(WHERE, number=2), 1, IDENTITIES[1]).offer
    with pytest.raises(MaskingError, match="isn't signed"):
        keys[0].mask(np.arange(4), [keys[0].offer, replayed], PUBLIC, 2)
    with pytest.raises(MaskingError, match="isn't known"):
        keys[0].mask(np.arange(4), [keys[0].offer, keys[1].offer], {0: PUBLIC[0]}, 2)


def test_a_small_or_padded_cohort_is_refused() -> None:
    keys = cohort([0, 1])
    offers = [k.offer for k in keys.values()]
    with pytest.raises(CohortError, match="too small"):
        keys[0].mask(np.arange(4), offers, PUBLIC, 3)
    with pytest.raises(CohortError, match="twice"):
        keys[0].mask(np.arange(4), [*offers, offers[1]], PUBLIC, 3)
    with pytest.raises(CohortError, match="own key"):
        keys[0].mask(np.arange(4), [offers[1], cohort([2])[2].offer], PUBLIC, 2)


def test_the_opened_sum_is_the_clipped_sum_and_at_least_the_noise_asked_for() -> None:
    share = NoiseShare(clip_norm=2.0, noise_multiplier=0.5, minimum=4, size=3000, largest=8)
    rng = np.random.default_rng(5)
    updates = rng.standard_normal((4, 3000))  # norms of about 55, clipped to 2
    keys = cohort([0, 1, 2, 3])
    offers = [k.offer for k in keys.values()]
    shares = {n: k.mask(share.encode(updates[n], rng), offers, PUBLIC, 4) for n, k in keys.items()}
    found = open_sum(shares, [0, 1, 2, 3]) * share.step
    wanted = sum(2.0 * u / np.linalg.norm(u) for u in updates)
    noise = found - wanted
    assert noise.std() == pytest.approx(0.5 * 2.0, rel=0.05)
    assert abs(noise.mean()) < 0.06
