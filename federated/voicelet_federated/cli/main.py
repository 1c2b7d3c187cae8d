"""The `voicelet-federated` command."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from voicelet import __version__
from voicelet.cli.process import run_process
from voicelet_federated.cli.demo import add_demo_command
from voicelet_federated.cli.devices import add_join_command, add_keys_command
from voicelet_federated.cli.export import add_export_command
from voicelet_federated.cli.ledger import add_ledger_command
from voicelet_federated.cli.operator import (
    add_certify_command,
    add_fleet_command,
    add_serve_command,
)
from voicelet_federated.cli.simulate import add_simulate_command
from voicelet_federated.cli.status import add_status_command

_WHAT = """Improve a shared voice across devices that keep their recordings: the operator's side
(certify, fleet, serve), a device's side (keys, join, ledger), and simulations of both."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="voicelet-federated", description=_WHAT)
    parser.add_argument("--version", action="version", version=f"voicelet-federated {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    add_simulate_command(commands)
    add_certify_command(commands)
    add_fleet_command(commands)
    add_keys_command(commands)
    add_serve_command(commands)
    add_join_command(commands)
    add_status_command(commands)
    add_ledger_command(commands)
    add_export_command(commands)
    add_demo_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args = _parser().parse_args(argv)
    return run_process(
        "voicelet-federated",
        lambda: args.run(args),
        raise_unexpected=True,
        dies=argv is None,
    )


if __name__ == "__main__":
    sys.exit(main())
