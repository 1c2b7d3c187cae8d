"""Membership inference against federated models.

Three attackers, from weak to strong:

- one who has the model before and after, and a person's recordings: the loss's fall (Yeom et al.
  2018, calibrated; :func:`benchmarks.privacy.membership_attack`);
- one who has those and trains shadow federations on people alike: a likelihood ratio of how far the
  model moved along the person's own update (Carlini et al., "Membership Inference Attacks From
  First Principles", 2022, with the update's projection in place of the loss, which it is to first
  order).  The person's update is known to the last bit, which no recording gives away;
- one who also knows everybody else's update: whom differential privacy is about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from benchmarks.federated.training import clipped
from benchmarks.privacy import _auc as auc
from voicelet.errors import ConfigError
from voicelet_federated.app.config import FederationConfig

DoubleArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
_FALSE = 0.01


@dataclass(frozen=True)
class Attack:
    """How well an attacker tells members from others, with 95 % intervals of a bootstrap.

    Attributes:
        auc, auc_low, auc_high: area under the curve, 0.5 is chance.
        tpr, tpr_low, tpr_high: members found where 1 % of the others are accused, 0..1.
        members, others: people, or people times models where there are several.
    """

    auc: float
    auc_low: float
    auc_high: float
    tpr: float
    tpr_low: float
    tpr_high: float
    members: int
    others: int


def true_positives(inside: npt.ArrayLike, outside: npt.ArrayLike, false: float = _FALSE) -> float:
    """Members above the threshold that accuses a share `false` of the others at most."""
    others = np.sort(np.asarray(outside, np.float64))[::-1]
    threshold = others[int(false * len(others))]
    return float((np.asarray(inside, np.float64) > threshold).mean())


def summary(
    inside: Sequence[DoubleArray], outside: Sequence[DoubleArray], repeats: int = 500, seed: int = 0
) -> Attack:
    """Scores of members and others, in groups that are drawn whole by the bootstrap.

    Args:
        inside, outside: g arrays of scores, a group each: a person, or a model and all its people.
            They may differ in number, and are then drawn apart; otherwise together.
        repeats: of the bootstrap.

    Raises:
        ConfigError: there are no scores, or one isn't finite.
    """
    groups = list(map(np.atleast_1d, inside)), list(map(np.atleast_1d, outside))
    if not all(groups) or not all(np.isfinite(g).all() for side in groups for g in side):
        raise ConfigError("an attack needs finite scores of members and of others")
    whole = np.concatenate(groups[0]), np.concatenate(groups[1])
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(repeats):
        a = rng.integers(0, len(groups[0]), len(groups[0]))
        b = (
            a
            if len(groups[0]) == len(groups[1])
            else rng.integers(0, len(groups[1]), len(groups[1]))
        )
        one = np.concatenate([groups[0][i] for i in a])
        other = np.concatenate([groups[1][i] for i in b])
        drawn.append((auc(one, other), true_positives(one, other)))
    low, high = np.percentile(np.asarray(drawn), [2.5, 97.5], axis=0)
    return Attack(
        auc(*whole),
        float(low[0]),
        float(high[0]),
        true_positives(*whole),
        float(low[1]),
        float(high[1]),
        len(whole[0]),
        len(whole[1]),
    )


def shadow_attack(
    updates: npt.ArrayLike,
    config: FederationConfig,
    shadows: int = 200,
    targets: int = 100,
    seed: int = 0,
) -> Attack:
    """A likelihood ratio from shadow federations, against as many others.

    Args:
        updates: [people, size], more people than `config.cohort`; every federation draws its
            cohort among them.
        config: of one round.
        shadows: federations that the attacker runs.
        targets: federations attacked.

    Returns:
        Of all people and targets; the bootstrap draws targets.
    """
    values = np.asarray(updates, np.float64)
    people, total = len(values), shadows + targets
    if people <= config.cohort:
        raise ConfigError(f"{people} people leave nobody out of a cohort of {config.cohort}")
    rng = np.random.default_rng(seed)
    inside = np.zeros((total, people), bool)
    for row in inside:
        row[rng.permutation(people)[: config.cohort]] = True
    small = clipped(values, config.clip_norm)
    # As the real federation does it, but for the rounding: a Gaussian of the Skellam's variance.
    share = config.share()
    sigma = math.sqrt(share.variance * config.cohort) * share.step
    sums = inside.astype(np.float64) @ small + rng.normal(0.0, sigma, (total, values.shape[1]))
    along = likely_direction(small, sigma, config.cohort)
    return _ratios(sums @ along.T, inside, shadows)


def likely_direction(updates: DoubleArray, sigma: float, cohort: int) -> DoubleArray:
    """Fisher's direction of each person: their update, whitened by all that hides it.

    What hides it is the noise and the spread of the others' sum over drawn cohorts.
    """
    people = len(updates)
    centred = updates - updates.mean(axis=0)
    drawn = cohort * (people - cohort) / people / max(1, people - 1)
    spread = drawn * centred.T @ centred + (sigma**2 + 1e-6) * np.eye(updates.shape[1])
    whitened: DoubleArray = np.linalg.solve(spread, centred.T).T
    return whitened


def _ratios(scores: DoubleArray, inside: BoolArray, shadows: int) -> Attack:
    """Gaussian likelihood ratios [targets, people], each person's from the shadow federations."""
    known, seen = scores[:shadows], inside[:shadows]
    ratio = np.zeros(scores[shadows:].shape)
    for person in range(scores.shape[1]):
        groups = known[seen[:, person], person], known[~seen[:, person], person]
        if min(map(len, groups)) < 2:
            raise ConfigError(
                "too few shadow federations for everybody to be in some and out of some"
            )
        score = scores[shadows:, person]
        # One variance for both, as online LiRA with few shadows.
        deviation = math.sqrt(0.5 * (groups[0].var() + groups[1].var())) + 1e-12
        a, b = ((score - g.mean()) ** 2 for g in groups)
        ratio[:, person] = (b - a) / (2.0 * deviation**2)
    truth = inside[shadows:]
    return summary([r[t] for r, t in zip(ratio, truth)], [r[~t] for r, t in zip(ratio, truth)], 200)


def strongest_attack(
    updates: npt.ArrayLike, config: FederationConfig, draws: int = 20, seed: int = 0
) -> Attack:
    """The attacker who knows all other updates, against the real noise of a full cohort.

    What is left of an opened sum is noise, with or without the person's update; the score is its
    projection on that update.
    """
    small, share = clipped(updates, config.clip_norm), config.share()
    half = share.variance * config.cohort / 2.0  # Skellam numbers add up to one
    rng = np.random.default_rng(seed)
    inside, outside = [], []
    for update in small:
        direction = update / max(1e-30, float(np.linalg.norm(update)))
        noise = rng.poisson(half, (2 * draws, share.size)) - rng.poisson(
            half, (2 * draws, share.size)
        )
        scores = noise @ direction * share.step
        inside.append(scores[:draws] + float(update @ direction))
        outside.append(scores[draws:])
    return summary(inside, outside)


def allowed_true_positives(epsilon: float, delta: float, false: float = _FALSE) -> float:
    """The most members that any attacker finds at `false` (Kairouz, Oh and Viswanath 2015)."""
    if math.isinf(epsilon):
        return 1.0
    first = math.exp(epsilon) * false + delta
    second = 1.0 - math.exp(-epsilon) * (1.0 - delta - false)
    return min(1.0, first, max(0.0, second))


def gaussian_true_positives(ratio: float, false: float = _FALSE) -> float:
    """Members found by the best test where their update is `ratio` deviations of the noise."""
    normal = NormalDist()
    return normal.cdf(ratio + normal.inv_cdf(false))
