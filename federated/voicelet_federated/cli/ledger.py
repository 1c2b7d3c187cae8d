"""`voicelet-federated ledger`: what this device agreed to and what it has spent."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet_federated.app.spend import open_ledger
from voicelet_federated.cli.consent import add_consent_options, agree, stated_consent, withdraw
from voicelet_federated.ledger import DeviceLedger
from voicelet_federated.privacy.accounting import Account


def add_ledger_command(commands: Any) -> None:
    """Add `ledger` to the command line."""
    parser = commands.add_parser("ledger", help="this device's consent and spent budget")
    parser.add_argument("--state", type=Path, required=True, help="the device's folder")
    add_consent_options(parser)
    parser.add_argument("--withdraw", action="store_true", help="agree to nothing any more")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_ledger)


def ledger_status(ledger: DeviceLedger) -> dict[str, Any]:
    """Consent, what was spent and what is left, for JSON; infinite is null."""
    consent, epsilon, rounds = ledger.consent, ledger.epsilon, len(ledger.entries)
    state = "withdrawn" if ledger.withdrawn else "none"
    remaining: dict[str, float | None] = {"rounds": 0, "epsilon": 0.0}
    if consent is not None:
        state = "expired" if ledger.expired else "given"
    if consent is not None and not ledger.expired:
        remaining = {
            "rounds": max(0, consent.rounds - rounds),
            "epsilon": _finite(max(0.0, consent.epsilon - epsilon)),
        }
    return {
        "consent": state,
        "agreed": None
        if consent is None
        else {
            "purpose": consent.purpose,
            "rounds": consent.rounds,
            "epsilon": _finite(consent.epsilon),
            "expires": _day(consent.expires),
        },
        "spent": {"rounds": rounds, "epsilon": _finite(epsilon), "delta": ledger.delta},
        "left": remaining,
        "runs": _runs(ledger),
    }


def describe(status: dict[str, Any]) -> str:
    """The same for people to read."""
    agreed, spent, remaining = status["agreed"], status["spent"], status["left"]
    lines = [f"consent: {status['consent']}"]
    if agreed is not None:
        lines[0] += (
            f": {agreed['purpose']}, {agreed['rounds']} rounds, "
            f"epsilon {number(agreed['epsilon'])}, until {agreed['expires']}"
        )
    lines.append(
        f"spent: {spent['rounds']} rounds, epsilon {number(spent['epsilon'])} "
        f"at delta {spent['delta']:g}"
    )
    lines.append(f"left: {remaining['rounds']} rounds, epsilon {number(remaining['epsilon'])}")
    for run in status["runs"]:
        lines.append(
            f"  run {run['run']}: {run['joins']} rounds and attempts, epsilon "
            f"{number(run['epsilon'])}, last {run['last']}"
        )
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """Epsilon in words; None is infinite."""
    return "without bound" if value is None else f"{value:.3f}"


def _runs(ledger: DeviceLedger) -> list[dict[str, Any]]:
    runs = []
    for name in dict.fromkeys(e.run for e in ledger.entries):
        entries = [e for e in ledger.entries if e.run == name]
        spent = Account(math.inf, ledger.delta, tuple(e.counted for e in entries)).spent()
        runs.append(
            {
                "run": name,
                "joins": len(entries),
                "epsilon": _finite(spent),
                "last": _day(max(e.time for e in entries)),
            }
        )
    return runs


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None  # JSON knows no infinity


def _day(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return "never"


def _ledger(args: argparse.Namespace) -> None:
    consent = stated_consent(args)
    if consent is not None and args.withdraw:
        raise ConfigError("either --consent or --withdraw")
    ledger = open_ledger(args.state)
    if consent is not None:
        agree(ledger, consent)
    elif args.withdraw:
        withdraw(ledger)
    status = ledger_status(ledger)
    sys.stdout.write(json.dumps(status, indent=1) + "\n" if args.json else describe(status))
