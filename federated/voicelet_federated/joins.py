"""How often a device has joined, against what it agreed to; written down before it sends."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from voicelet.audio.atomic import atomic_file
from voicelet.config import from_mapping
from voicelet_federated.account import Account
from voicelet_federated.errors import BudgetError
from voicelet_federated.privacy import DELTA
from voicelet_federated.protocol import Terms
from voicelet_federated.skellam import NoiseShare


class JoinCounter:
    """The noise shares of all rounds and attempts that a device has sent something for.

    Args:
        file: JSON, kept by the device.
        lifetime_epsilon: the device's own limit over all runs; a server's terms can only be
            narrower, and its delta only smaller than the usual one.

    Raises:
        BudgetError: the file can't be read, so that nobody knows what has been spent.
    """

    def __init__(self, file: Path, lifetime_epsilon: float = math.inf) -> None:
        self._file, self._limit = file, lifetime_epsilon
        self._paid: list[dict[str, Any]] = []
        if file.exists():
            try:
                self._paid = json.loads(file.read_text(encoding="utf-8"))["paid"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise BudgetError(
                    f"{file}: what was spent can't be read ({error}); the device joins no more"
                ) from None

    def may_join(self, terms: Terms) -> None:
        """Check that one more round stays within the terms.

        Raises:
            BudgetError: it would not.
        """
        if len(self._paid) >= terms.joins:
            raise BudgetError(f"this device has joined {len(self._paid)} times, as often as agreed")
        self._account(terms).pay(terms.share)

    def pay(self, terms: Terms) -> None:
        """Write down one more round, durably.

        Raises:
            BudgetError: it exceeds the terms, or can't be written; nothing may then be sent.
        """
        self.may_join(terms)
        paid = [*self._paid, {"round": terms.where.to_bytes().decode(), **asdict(terms.share)}]
        try:
            with atomic_file(self._file, 0o600) as out:
                out.write(json.dumps({"paid": paid}).encode())
        except OSError as error:
            raise BudgetError(f"{self._file}: can't be written ({error}); free some room") from None
        self._paid = paid

    def _account(self, terms: Terms) -> Account:
        shares = ({k: v for k, v in p.items() if k != "round"} for p in self._paid)
        history = tuple(from_mapping(NoiseShare, share) for share in shares)
        return Account(min(terms.epsilon, self._limit), min(terms.delta, DELTA), history)
