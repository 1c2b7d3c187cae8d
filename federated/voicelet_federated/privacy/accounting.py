"""Privacy accounting of a run, per user, never understated.

The unit is a user: two runs are neighbours if one of them lacks one user's whole contribution.
Cohorts are not drawn at random as the proofs of amplification demand (a phone joins when it is
charged and idle), so none is claimed: a user pays in full for every round joined.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from voicelet.errors import ConfigError
from voicelet_federated.errors import BudgetError
from voicelet_federated.privacy.skellam import CountedShare, NoiseShare

DELTA = 1e-5
ORDERS = (*range(2, 64), *range(64, 256, 8), *range(256, 1025, 64))
NEIGHBOURS = "add or remove one user"


@dataclass(frozen=True)
class Guarantee:
    """An (epsilon, delta) statement with all it rests on.

    Attributes:
        epsilon, delta: of all rounds together.
        rounds: that one user joins at most.
        noise_multiplier: of every round's sum, with the noise of `honest` devices alone.
        clip_norm: C.
        minimum: devices without which no sum is opened.
        honest: how many of these must add their noise for this to hold.
        accountant: "rdp" or "pld".
        neighbours: the neighbouring relation.
    """

    epsilon: float
    delta: float
    rounds: int
    noise_multiplier: float
    clip_norm: float
    minimum: int
    accountant: str
    neighbours: str = NEIGHBOURS
    honest: int = 0


def rdp_epsilon(divergence: Callable[[int], float], rounds: int, delta: float = DELTA) -> float:
    """Convert Rényi divergences that add up over rounds to epsilon.

    The conversion is proposition 12 of Canonne, Kamath and Steinke, "The Discrete Gaussian for
    Differential Privacy" (2020).

    Args:
        divergence: order → epsilon of Rényi differential privacy of one round.
        rounds: that one user joins.
        delta: in (0, 1).

    Raises:
        ConfigError: `delta` or `rounds` is out of range.
    """
    _check(rounds, delta)
    if rounds == 0:
        return 0.0
    best = math.inf
    for order in ORDERS:
        loss = rounds * divergence(order)
        if not math.isfinite(loss):
            continue
        bound = loss + math.log1p(-1.0 / order) - (math.log(delta) + math.log(order)) / (order - 1)
        best = min(best, max(0.0, bound))
    return best


def gaussian_divergence(noise_multiplier: float) -> Callable[[int], float]:
    """Rényi divergence of the Gaussian mechanism (Mironov 2017, corollary 3)."""
    if noise_multiplier <= 0.0:
        return lambda _: math.inf
    return lambda order: order / (2.0 * noise_multiplier**2)


def pld_epsilon(noise_multiplier: float, rounds: int, delta: float = DELTA) -> float:
    """Epsilon of the Gaussian mechanism by its privacy loss distribution (dp-accounting).

    Raises:
        ConfigError: `delta` or `rounds` is out of range.
    """
    _check(rounds, delta)
    if rounds == 0:
        return 0.0
    if noise_multiplier <= 0.0:
        return math.inf
    from dp_accounting.pld import privacy_loss_distribution

    # A Gaussian composed with itself is a Gaussian of less noise, so one distribution serves.
    one = privacy_loss_distribution.from_gaussian_mechanism(
        noise_multiplier / math.sqrt(rounds),
        value_discretization_interval=1e-3,
        sampling_prob=1.0,
    )
    return float(one.get_epsilon_for_delta(delta))


def guarantee(
    share: NoiseShare,
    rounds: int,
    delta: float = DELTA,
    accountant: str = "rdp",
    honest: int = 0,
) -> Guarantee:
    """What a user who joins `rounds` rounds is promised.

    Args:
        share: the noise of a round; the smallest cohort counts.
        accountant: "rdp" accounts for the Skellam noise and its rounding as they are; "pld" takes
            the noise for a Gaussian of the same variance and the rounded sensitivity, a limit that
            32 bits come within 1 % of.
        honest: devices of a cohort that are taken to add their noise; all of `share.minimum` if 0.

    Raises:
        ConfigError: there is no such accountant.
    """
    noisy = min(honest or share.minimum, share.minimum)
    if accountant == "rdp":
        epsilon = rdp_epsilon(CountedShare(share, honest).rdp, rounds, delta)
    elif accountant == "pld":
        effective = math.sqrt(share.variance * noisy) / share.sensitivity_l2
        epsilon = pld_epsilon(effective, rounds, delta)
    else:
        raise ConfigError(f"no accountant {accountant!r}; there are rdp and pld")
    return Guarantee(
        epsilon,
        delta,
        rounds,
        share.noise_multiplier * math.sqrt(noisy / share.minimum),
        share.clip_norm,
        share.minimum,
        accountant,
        honest=noisy,
    )


def noise_multiplier_for(
    epsilon: float, rounds: int, delta: float = DELTA, accountant: str = "rdp"
) -> float:
    """The least noise multiplier that keeps a user of `rounds` rounds within `epsilon`.

    Returns:
        z, rounded up to three places.

    Raises:
        ConfigError: no noise in reason does.
    """
    if not (math.isfinite(epsilon) and epsilon > 0.0):
        raise ConfigError(f"epsilon must be a positive number, not {epsilon}")

    def spent(z: float) -> float:
        if accountant == "pld":
            return pld_epsilon(z, rounds, delta)
        return rdp_epsilon(gaussian_divergence(z), rounds, delta)

    low, high = 1e-2, 1.0
    while spent(high) > epsilon:
        high *= 2.0
        if high > 1e5:
            raise ConfigError(f"no noise reaches epsilon {epsilon}; join fewer rounds")
    while high - low > 2e-4:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if spent(middle) > epsilon else (low, middle)
    return math.ceil(high * 1000.0) / 1000.0


def _check(rounds: int, delta: float) -> None:
    if not (rounds >= 0 and 0.0 < delta < 1.0):
        raise ConfigError(f"{rounds} rounds at delta {delta} make no sense")


class Loss(Protocol):
    """What a round costs: a :class:`NoiseShare`, counted in full or as if few add noise."""

    def rdp(self, order: int, /) -> float:
        """Epsilon of Rényi differential privacy at `order`."""
        ...


class Account:
    """What has been spent in a run, round by round.

    Args:
        epsilon, delta: the budget of one user.
        history: the rounds that a user has joined, for going on after a crash.
    """

    def __init__(self, epsilon: float, delta: float = DELTA, history: Sequence[Loss] = ()) -> None:
        self.epsilon, self.delta = epsilon, delta
        self._history = list(history)

    @property
    def rounds(self) -> int:
        """Rounds paid for."""
        return len(self._history)

    def spent(self, then: Loss | None = None) -> float:
        """Epsilon of the rounds so far, and of one more round `then`."""
        shares = [*self._history, *([then] if then else [])]
        if not shares:
            return 0.0
        return rdp_epsilon(lambda order: sum(s.rdp(order) for s in shares), 1, self.delta)

    def pay(self, share: Loss) -> float:
        """Pay for a round before it begins; what was paid isn't given back if the round fails.

        Returns:
            epsilon spent so far.

        Raises:
            BudgetError: the round would exceed the budget; nothing is paid.
        """
        after = self.spent(share)
        if not after <= self.epsilon:  # so that a budget that is no number allows nothing
            raise BudgetError(
                f"this round would bring epsilon to {after:.3f}, above the {self.epsilon:g} "
                "agreed to; the device sits it out"
            )
        self._history.append(share)
        return after
