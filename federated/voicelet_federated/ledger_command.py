"""`voicelet-federated ledger`: what this device agreed to and what it has spent."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from voicelet.audio.atomic import atomic_file
from voicelet.errors import ConfigError
from voicelet_federated.errors import BudgetError
from voicelet_federated.ledger import PURPOSE, DeviceLedger, FederationConsent


def add_ledger_command(commands: Any) -> None:
    """Add `ledger` to the command line."""
    parser = commands.add_parser("ledger", help="this device's consent and spent budget")
    parser.add_argument("--state", type=Path, required=True, help="the device's folder")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--grant", action="store_true", help="agree to take part")
    what.add_argument("--revoke", action="store_true", help="agree to nothing any more")
    parser.add_argument("--rounds", type=int, help="with --grant: rounds in the device's life")
    parser.add_argument("--epsilon", type=float, help="with --grant: epsilon in its life")
    parser.add_argument("--days", type=float, help="with --grant: how long it holds")
    parser.set_defaults(run=_ledger)


def open_ledger(state: Path) -> DeviceLedger:
    """The ledger of a device's folder; its key is made at the first use (mode 0600).

    Raises:
        BudgetError: the ledger or its key can't be used.
    """
    path, key = state / "ledger", state / "ledger.key"
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not key.exists():
            if path.exists():
                raise BudgetError(f"{key} is missing; the ledger can't be read without it")
            with atomic_file(key, 0o600) as out:
                out.write(secrets.token_bytes(32))
        return DeviceLedger(path, key.read_bytes())
    except OSError as error:
        raise BudgetError(f"{state}: {error}") from None


def _ledger(args: argparse.Namespace) -> None:
    terms = (args.rounds, args.epsilon, args.days)
    if args.grant != all(v is not None for v in terms) or (not args.grant and any(terms)):
        raise ConfigError("--grant goes with --rounds, --epsilon and --days, all three")
    ledger = open_ledger(args.state)
    if args.grant:
        expires = time.time() + args.days * 86400.0
        ledger.grant(FederationConsent(PURPOSE, args.rounds, args.epsilon, expires))
    elif args.revoke:
        ledger.revoke()
    consent = ledger.consent
    if consent is None:
        sys.stdout.write("consent: none\n")
    else:
        until = time.strftime("%Y-%m-%d", time.gmtime(consent.expires))
        sys.stdout.write(
            f"consent: {consent.purpose}, {consent.rounds} rounds, epsilon {consent.epsilon:g}, "
            f"until {until}\n"
        )
    sys.stdout.write(f"spent: {len(ledger.entries)} rounds, epsilon {ledger.epsilon:.3f}\n")
    for entry in ledger.entries:
        day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(entry.time))
        sys.stdout.write(f"  {day}  run {entry.run}  round {entry.round}\n")
