"""`voicelet-federated status`: how a run or a device's part stands."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from voicelet_federated.errors import FederationError
from voicelet_federated.ledger_command import describe, number
from voicelet_federated.status import status_of


def add_status_command(commands: Any) -> None:
    """Add `status` to the command line."""
    parser = commands.add_parser("status", help="how a run, or this device's part, stands")
    parser.add_argument("--state", type=Path, required=True, help="a server's or device's folder")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run=_status)


def lines(told: dict[str, Any]) -> Iterator[str]:
    """A status for people to read."""
    yield f"{told['side']}: {told['folder']}"
    if told["side"] == "device":
        if "runs" in told:
            yield describe(told).rstrip()
        elif "consent" in told:
            yield f"consent: {told['consent']}"
        yield f"power: {told['power']}"
    else:
        yield from _run(told)
    width = max(map(len, told["files"]))
    for name, what in told["files"].items():
        yield f"{name.ljust(width)}  {what}"


def _run(told: dict[str, Any]) -> Iterator[str]:
    agreed = told.get("agreed")
    if agreed:
        yield (
            f"agreed: epsilon {number(agreed['epsilon'])} at delta {agreed['delta']:g} "
            f"({agreed['neighbours']}) for {agreed['joins']} joins; cohort {agreed['cohort']}, at "
            f"least {agreed['minimum']}; masking {'on' if agreed['masking'] else 'off'}"
        )
    if "rounds" not in told:
        return
    rounds, joins, last = told["rounds"], told["joins"], told["last_round"]
    yield (
        f"rounds: {rounds['done']} done, {rounds['failed']} failed"
        + (", one is open" if rounds["open"] else "")
    )
    yield (
        f"spent: epsilon {number(told['epsilon_spent'])} by who joined most ({joins['most']} "
        f"times, of {joins['devices']} devices)"
    )
    if last:
        why = f": {last['why']}" if last["why"] else ""
        yield (
            f"round {last['number']}: {last['status']}{why}; {last['asked']} asked, "
            f"{last['opened']} in the sum, {last['seconds']:.0f} s"
        )
    if told["refusals"]:
        yield "sat out: " + ", ".join(f"{n} {code}" for code, n in told["refusals"].items())
    before, after = told["held_out"]["before"], told["held_out"]["after"]
    if before and after:
        yield "held-out: " + ", ".join(
            f"{name} {before[name]:.4f} → {after[name]:.4f}" for name in before if name in after
        )


def _status(args: argparse.Namespace) -> None:
    told = status_of(args.state)
    if args.json:
        sys.stdout.write(json.dumps(told, indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(lines(told)) + "\n")
    if not told["whole"]:
        broken = [name for name, what in told["files"].items() if what.startswith("broken")]
        raise FederationError(f"{args.state}: {', '.join(broken)}: see above")
