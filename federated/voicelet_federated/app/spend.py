"""What a device pays for a round: within its person's consent and within the run's own terms."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError
from voicelet.files import atomic_file, make_private, read_own, sync_folder
from voicelet_federated.errors import BudgetError
from voicelet_federated.ledger import DeviceLedger, LedgerEntry
from voicelet_federated.privacy.accounting import DELTA, Account
from voicelet_federated.privacy.skellam import CountedShare, NoiseShare

if TYPE_CHECKING:
    from voicelet_federated.app.protocol import Terms

LEDGER, KEY = "ledger", "ledger.key"
OLD_LEDGER = "joins.json"
"""File of older versions, before there was a ledger: JSON of the shares paid for, unencrypted."""


def open_ledger(state: Path) -> DeviceLedger:
    """The ledger of a device's folder; its key is made at the first use (mode 0600).

    Payments in the file of older versions are imported, and that file is removed.  After a crash in
    between they are imported twice: spending is then overstated, never understated.

    Raises:
        BudgetError: the ledger, its key or the older books can't be used.
    """
    path, key = state / LEDGER, state / KEY
    try:
        make_private(state)
        if not key.exists():
            if path.exists():
                raise BudgetError(f"{key} is missing; the ledger can't be read without it")
            with atomic_file(key, 0o600, follow=False) as stream:
                stream.write(secrets.token_bytes(32))
        secret = read_own(key)
        if len(secret) != 32:
            raise BudgetError(f"{key}: {len(secret)} bytes are no key of a ledger; restore it")
        ledger = DeviceLedger(path, secret)
        old = state / OLD_LEDGER
        if old.exists():
            ledger.adopt(_read_old_ledger(old))
            old.unlink()
            sync_folder(state)
    except OSError as error:
        raise BudgetError(f"{state}: {error}") from None
    return ledger


def _read_old_ledger(file: Path) -> list[LedgerEntry]:
    try:
        entries, then = [], os.stat(file).st_mtime
        for paid in json.loads(read_own(file))["paid"]:
            share = from_mapping(NoiseShare, {k: v for k, v in paid.items() if k != "round"})
            entries.append(LedgerEntry(OLD_LEDGER, _old_round(paid), then, share))
        return entries
    except (ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
        raise BudgetError(
            f"{file}: what was spent can't be read ({error}); the device joins no more"
        ) from None


def _old_round(paid: dict[str, Any]) -> int:
    number = json.loads(paid["round"])[1]
    if not isinstance(number, int):
        raise ValueError("a round has no number")
    return number


def run_name(terms: Terms) -> str:
    """A device's name for a run: a hash of the base model and of the privacy terms.

    A server that begins again under a new session keeps this name, so earlier payments still count;
    one with other terms is bounded by the consent alone.
    """
    promised = [terms.base, terms.epsilon, terms.delta, terms.joins]
    return hashlib.sha256(json.dumps(promised).encode()).hexdigest()[:16]


def may_join(ledger: DeviceLedger, terms: Terms, honest: int = 0) -> None:
    """Check that one more round stays within the consent and within the run's terms.

    The run's terms are held to the server's own promise, the consent to the worst that the device
    accepted: noise of `honest` devices alone (all of the minimum if 0).

    Raises:
        ConsentError, BudgetError: as :meth:`DeviceLedger.join`, or the terms would be exceeded.
    """
    ledger.may_join(terms.share, check=_within(terms), honest=honest)


def pay(ledger: DeviceLedger, terms: Terms, honest: int = 0) -> float:
    """Write down one more round or attempt, durably; returns epsilon spent in the device's life.

    Args:
        honest: as :func:`may_join`.

    Raises:
        ConsentError, BudgetError: as :func:`may_join`, or it can't be written; nothing may then be
            sent.
    """
    name = run_name(terms)
    return ledger.join(terms.share, name, terms.where.number, check=_within(terms), honest=honest)


def _within(terms: Terms) -> Callable[[tuple[LedgerEntry, ...]], None]:
    name = run_name(terms)

    def check(entries: tuple[LedgerEntry, ...]) -> None:
        # The run of imported payments isn't known, so they count for every run.
        runs = (name, OLD_LEDGER)
        paid = tuple(CountedShare(e.share, terms.honest) for e in entries if e.run in runs)
        if len(paid) >= terms.joins:
            raise BudgetError(f"this device has joined {len(paid)} times, as often as agreed")
        Account(terms.epsilon, min(terms.delta, DELTA), paid).pay(terms.counted)

    return check


def days_from_now(days: float) -> float:
    """Seconds since 1970."""
    return time.time() + days * 86400.0
