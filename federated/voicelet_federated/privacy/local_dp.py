"""Local differential privacy of a d-vector: noise that the device adds before anybody sees it.

Any two people are neighbours here, so the sensitivity is the diameter of the unit ball.  The noise
is that of the analytic Gaussian mechanism (Balle and Wang, "Improving the Gaussian Mechanism for
Differential Privacy", 2018, theorem 8), which holds at every epsilon.  Samples are floating-point
numbers, so attacks on their last bits (Mironov 2012) are outside the guarantee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from voicelet.errors import ConfigError
from voicelet_federated.privacy.accounting import DELTA
from voicelet_federated.privacy.skellam import secret_generator

SENSITIVITY = 2.0


@dataclass(frozen=True)
class LocalDp:
    """The (epsilon, delta) of one upload of a vector.

    Attributes:
        epsilon: positive; infinity adds no noise and promises nothing.
        delta: in (0, 1).
        sigma: standard deviation of the noise on each number, found from the two.
    """

    epsilon: float
    delta: float = DELTA
    sigma: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", sigma_for(self.epsilon, self.delta))

    def noised(
        self, vector: npt.ArrayLike, rng: np.random.Generator | None = None
    ) -> npt.NDArray[np.float32]:
        """Clip to norm 1, add noise, bring back to norm 1 (post-processing, which costs nothing).

        Args:
            vector: finite numbers [d].
            rng: for experiments only; a fresh secret one by default.

        Raises:
            ConfigError: the vector isn't finite, one-dimensional and other than zero.
        """
        values = np.asarray(vector, np.float64)
        if values.ndim != 1 or not np.isfinite(values).all() or not values.any():
            raise ConfigError("a vector must hold finite numbers and not be zero; enrol again")
        values = values / max(1.0, float(np.linalg.norm(values)))
        if self.sigma > 0.0:
            values = values + (rng or secret_generator()).normal(0.0, self.sigma, values.shape)
        return (values / np.linalg.norm(values)).astype(np.float32)

    def spent(self, uploads: int) -> float:
        """Epsilon of `uploads` noised afresh (at this delta); the same bytes sent again cost none.

        Raises:
            ConfigError: `uploads` is negative.
        """
        if uploads < 0:
            raise ConfigError(f"{uploads} uploads make no sense")
        if uploads == 0:
            return 0.0
        if self.sigma == 0.0:
            return math.inf
        # Gaussians compose to a Gaussian of less noise.
        return _epsilon_of(self.sigma / math.sqrt(uploads), self.delta)


def delta_of(epsilon: float, sigma: float, sensitivity: float = SENSITIVITY) -> float:
    """The exact delta of Gaussian noise of deviation `sigma` at `epsilon` (theorem 8)."""
    from scipy.special import log_ndtr

    ratio = sensitivity / sigma
    first = float(log_ndtr(ratio / 2.0 - epsilon / ratio))
    second = epsilon + float(log_ndtr(-ratio / 2.0 - epsilon / ratio))
    return math.exp(first) * -math.expm1(min(0.0, second - first))


def sigma_for(epsilon: float, delta: float = DELTA) -> float:
    """The least deviation, within a millionth and never below it, that gives (epsilon, delta).

    Raises:
        ConfigError: epsilon isn't positive or delta not in (0, 1).
    """
    if not epsilon > 0.0 or not 0.0 < delta < 1.0:
        raise ConfigError(f"epsilon {epsilon} at delta {delta} makes no sense")
    if math.isinf(epsilon):
        return 0.0
    low, high = 1e-6, 1.0
    while delta_of(epsilon, high) > delta:
        high *= 2.0
    while high / low > 1.0 + 1e-6:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if delta_of(epsilon, middle) > delta else (low, middle)
    return high


def _epsilon_of(sigma: float, delta: float) -> float:
    low, high = 0.0, 1.0
    while delta_of(high, sigma) > delta:
        high *= 2.0
    while high - low > 1e-6 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if delta_of(middle, sigma) > delta else (low, middle)
    return high
