"""A clipping norm that follows the norms of updates, without anybody learning one of them.

Each device adds one bit to its share, whether its update was shorter than C; the server reads the
noised sum of the bits and moves C towards a quantile of the norms (Andrew, Thakkar, McMahan and
Ramaswamy, "Differentially Private Learning with Adaptive Clipping", 2021, algorithm 1).

The bit is one more number of the update, ±h, so that masks, rounding, noise and account are those
of any update: with the update clipped to C the whole has a norm of sqrt(C² + h²) at most, which is
the clipping norm of the share.  With z the noise multiplier of the whole, noise on the update is
z_u = (z⁻² - (2 σ)⁻²)^-½ times C and noise on the sum of bits has the deviation σ = z sqrt(C² + h²)
/ 2 h, as in theorem 1 of the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.errors import ConfigError
from voicelet_federated.errors import UpdateError
from voicelet_federated.privacy.skellam import NoiseShare

_RANGE = 1000.0
_COHORT_PART = 20.0  # of the paper: σ is a twentieth of the cohort


@dataclass(frozen=True)
class AdaptiveClipping:
    """How the clipping norm moves.

    Attributes:
        quantile: of the norms that C is moved to, 0 to 1; 0: C stays as it is, and no bits are
            sent.
        learning_rate: of the logarithm of C.
        bit_noise: σ, deviation of the noise on the sum of bits of a smallest cohort; a twentieth of
            the cohort if 0, but no less than z.
    """

    quantile: float = 0.0
    learning_rate: float = 0.2
    bit_noise: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.quantile < 1.0 and 0.0 < self.learning_rate <= 2.0):
            raise ConfigError("clipping: quantile lies in [0, 1), learning_rate in (0, 2]")
        if not (math.isfinite(self.bit_noise) and self.bit_noise >= 0.0):
            raise ConfigError(f"clipping: bit_noise can't be {self.bit_noise}")

    @property
    def on(self) -> bool:
        """Whether bits are sent."""
        return self.quantile > 0.0

    def deviation(self, noise_multiplier: float, cohort: int) -> float:
        """σ, see above.

        Raises:
            ConfigError: so little noise on the bits leaves none of the budget for updates.
        """
        sigma = self.bit_noise or max(cohort / _COHORT_PART, noise_multiplier)
        if sigma <= 0.5 * noise_multiplier:
            raise ConfigError(
                f"clipping: bit_noise {sigma:g} takes the whole budget; it must be above half of "
                f"the noise multiplier {noise_multiplier:g}"
            )
        return sigma

    def half(self, clip_norm: float, noise_multiplier: float, cohort: int) -> float:
        """h: half of what a bit weighs."""
        if noise_multiplier == 0.0:
            return 0.5 * clip_norm  # no noise, no budget: anything can be read
        part = noise_multiplier / (2.0 * self.deviation(noise_multiplier, cohort))
        return clip_norm * part / math.sqrt(1.0 - part**2)

    def moved(self, clip_norm: float, below: float, first: float) -> float:
        """The next C.

        Args:
            clip_norm: C.
            below: noised share of the cohort whose updates were no longer than C.
            first: C of the first round; a thousand times more or less is the end.
        """
        step = self.learning_rate * (min(1.0, max(0.0, below)) - self.quantile)
        return min(_RANGE * first, max(first / _RANGE, clip_norm * math.exp(-step)))


def with_bit(
    update: npt.NDArray[np.floating], share: NoiseShare, half: float
) -> npt.NDArray[np.floating]:
    """What a device encodes: its update, and the bit if there is to be one.

    Args:
        update: [size] as trained.
        share: of the whole, the bit included.
        half: h; 0 without a bit.

    Returns:
        [size], or [size + 1] of a norm of at most `share.clip_norm`.

    Raises:
        UpdateError: the bit would weigh more than the whole may.
    """
    if half == 0.0:
        return update
    if not 0.0 < half < share.clip_norm:
        raise UpdateError(f"a bit of weight {half} doesn't fit in a share of {share.clip_norm}")
    clip = math.sqrt(share.clip_norm**2 - half**2)
    values = update.astype(np.float64)
    norm = float(np.linalg.norm(values))
    if norm > clip:
        values = values * (clip / norm)
    return np.append(values, half if norm <= clip else -half)


def part_below(total: float, half: float, devices: int) -> float:
    """The noised part of devices whose update was no longer than C, from the sum of their bits."""
    return 0.5 + total / (2.0 * half * devices)
