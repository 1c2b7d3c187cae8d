"""Noise that adds up exactly: the Skellam mechanism, shared out among devices.

Every device rounds its clipped update to integers and adds its own share of noise before anything
leaves it.  The difference of two Poisson numbers (a Skellam number) is closed under addition, so
the sum of any shares is again a Skellam number and its privacy is known without an approximation
(Agarwal, Kairouz and Liu, "The Skellam Mechanism for Differentially Private Federated Learning",
2021).
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.errors import ConfigError

DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RING_BITS = 32
_TAIL = 12.0  # standard deviations that must fit in the ring beside the signal
_LARGEST_MEAN = 1e12  # of a Poisson number that is drawn at once


@dataclass(frozen=True)
class NoiseShare:
    """How a device turns an update into noisy integers.

    Attributes:
        clip_norm: C, the largest L2 norm of an update.
        noise_multiplier: z; the sum's noise has at least the standard deviation z · C.
        minimum: the smallest cohort whose sum may be opened.  Each share alone has 1/minimum of
            the variance wanted, so a larger cohort only adds noise.
        size: numbers in an update.
        largest: the largest cohort there may be, for which the ring must have room.
    """

    clip_norm: float
    noise_multiplier: float
    minimum: int
    size: int
    largest: int = 10_000

    def __post_init__(self) -> None:
        if not (math.isfinite(self.clip_norm) and self.clip_norm > 0.0):
            raise ConfigError(f"clip_norm must be positive, not {self.clip_norm}")
        if not (math.isfinite(self.noise_multiplier) and self.noise_multiplier >= 0.0):
            raise ConfigError(f"noise_multiplier can't be {self.noise_multiplier}")
        if not 2 <= self.minimum <= self.largest or self.size < 1:
            raise ConfigError(
                f"a cohort of {self.minimum} to {self.largest} devices and {self.size} numbers "
                "make no sense; the least cohort is 2"
            )

    @property
    def step(self) -> float:
        """The value of one integer step: as fine as the ring allows.

        The sum of `largest` clipped updates with 12 standard deviations of noise on top fills half
        of the ring on either side.
        """
        sigma = self.noise_multiplier * self.clip_norm * math.sqrt(self.largest / self.minimum)
        reach = self.largest * self.clip_norm + _TAIL * sigma
        return reach / 2.0 ** (RING_BITS - 2)

    @property
    def variance(self) -> float:
        """Variance of one device's share, in steps squared."""
        whole = (self.noise_multiplier * self.clip_norm / self.step) ** 2
        return whole / self.minimum

    @property
    def sensitivity_l2(self) -> float:
        """The largest L2 norm of a rounded update, in steps: rounding adds half a step a number."""
        return self.clip_norm / self.step + 0.5 * math.sqrt(self.size)

    @property
    def sensitivity_l1(self) -> float:
        """The largest L1 norm of a rounded update, in steps."""
        return min(self.sensitivity_l2 * math.sqrt(self.size), self.sensitivity_l2**2)

    def rdp(self, order: int, devices: int | None = None) -> float:
        """Rényi divergence of one opened sum that holds one user's update or doesn't.

        Args:
            order: whole, above 1.
            devices: that shared; `minimum` by default, which is the worst case.

        Returns:
            epsilon of Rényi differential privacy at `order` (theorem 3.5 of the paper, with
            per-coordinate Poisson parameter mu / 2 and variance mu); infinite without noise, and
            where the numbers are so large or small that it can't be computed.
        """
        try:
            mu = self.variance * (devices or self.minimum)
            if mu == 0.0:
                return math.inf
            l1, l2 = self.sensitivity_l1, self.sensitivity_l2
            gaussian = order * l2**2 / (2.0 * mu)
            extra = min(((2 * order - 1) * l2**2 + 6.0 * l1) / (4.0 * mu**2), 3.0 * l1 / (2.0 * mu))
        except ArithmeticError:  # a step or a variance that underflows to 0, a power that overflows
            return math.inf
        loss = gaussian + extra
        return loss if loss >= 0.0 else math.inf  # not a number: infinities that cancel out

    def encode(self, update: npt.ArrayLike, rng: np.random.Generator) -> IntArray:
        """Clip, round and add this device's share of noise.

        Args:
            update: finite numbers [size].
            rng: see :func:`secret_generator`; never a seed that anybody else knows.

        Raises:
            ConfigError: the update has another length or isn't finite.
        """
        values = np.asarray(update, np.float64)
        if values.shape != (self.size,) or not np.isfinite(values).all():
            raise ConfigError(
                f"an update must be {self.size} finite numbers; this device sits the round out"
            )
        norm = float(np.linalg.norm(values))
        if norm > self.clip_norm:
            values = values * (self.clip_norm / norm)
        whole: IntArray = np.rint(values / self.step).astype(np.int64)
        whole += skellam(rng, self.variance, self.size)
        return whole


@dataclass(frozen=True)
class CountedShare:
    """A share as it is accounted for if only some of the cohort add their noise.

    Attributes:
        share: as all were told to apply it.
        honest: devices of a cohort that are taken to do so, one's own among them; never more than
            the share's minimum count, and 0 means all of these.
    """

    share: NoiseShare
    honest: int = 0

    def rdp(self, order: int) -> float:
        """As :meth:`NoiseShare.rdp`, with the noise of the honest devices alone."""
        return self.share.rdp(order, min(self.honest or self.share.minimum, self.share.minimum))


def skellam(rng: np.random.Generator, variance: float, size: int) -> IntArray:
    """Skellam numbers of mean 0 [size].

    numpy's sampler of Poisson numbers compares with logarithms of factorials, whose rounding shows
    once the mean is 10^13 or so: the noise of small cohorts came out some percent too large.
    Sums of Poisson numbers of smaller means follow the same law.
    """
    parts = max(1, math.ceil(variance / 2.0 / _LARGEST_MEAN))
    mean = variance / 2.0 / parts
    out = np.zeros(size, np.int64)
    for _ in range(parts):
        out += rng.poisson(mean, size) - rng.poisson(mean, size)
    return out


def secret_generator() -> np.random.Generator:
    """A generator seeded with 256 bits of the system's entropy, one for each use."""
    return np.random.Generator(np.random.PCG64DXSM(secrets.randbits(256)))
