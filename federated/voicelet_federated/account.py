"""What a user has spent, round by round."""

from __future__ import annotations

from voicelet_federated.errors import BudgetError
from voicelet_federated.privacy import DELTA, rdp_epsilon
from voicelet_federated.skellam import NoiseShare


class Account:
    """What has been spent in a run, round by round.

    Args:
        epsilon, delta: the budget of one user.
        history: noise shares of the rounds a user has joined, for going on after a crash.
    """

    def __init__(
        self, epsilon: float, delta: float = DELTA, history: tuple[NoiseShare, ...] = ()
    ) -> None:
        self.epsilon, self.delta = epsilon, delta
        self._history = list(history)

    @property
    def rounds(self) -> int:
        """Rounds paid for."""
        return len(self._history)

    def spent(self, then: NoiseShare | None = None) -> float:
        """Epsilon of the rounds so far, and of one more round `then`."""
        shares = [*self._history, *([then] if then else [])]
        if not shares:
            return 0.0
        return rdp_epsilon(lambda order: sum(s.rdp(order) for s in shares), 1, self.delta)

    def pay(self, share: NoiseShare) -> float:
        """Pay for a round before it begins; what was paid isn't given back if the round fails.

        Returns:
            epsilon spent so far.

        Raises:
            BudgetError: the round would exceed the budget; nothing is paid.
        """
        after = self.spent(share)
        if after > self.epsilon:
            raise BudgetError(
                f"this round would bring epsilon to {after:.3f}, above the {self.epsilon:g} "
                "agreed to; the device sits it out"
            )
        self._history.append(share)
        return after
