"""`voicelet profiles`: list and delete enrolled voices."""

from __future__ import annotations

import argparse
from typing import Any

from voicelet.cli.table import print_json, print_table


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "profiles",
        help="list or delete enrolled voices",
        description="List the enrolled voices, or delete one for good.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list them (the default)")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=run_list)
    deleting = actions.add_parser("delete", help="delete profiles for good")
    deleting.add_argument("names", nargs="+", metavar="NAME")
    deleting.set_defaults(run=run_delete)


def run_list(args: argparse.Namespace) -> int:
    """List the profiles; returns the exit code."""
    from voicelet.enrol.vault import Vault

    names = Vault().names()
    if args.json:
        print_json({"profiles": names})
    elif names:
        print_table(["profile"], [[name] for name in names])
    else:
        print("no profiles yet; enrol one: voicelet enrol NAME FILE…")
    return 0


def run_delete(args: argparse.Namespace) -> int:
    """Delete profiles, none if one of them doesn't exist; returns the exit code."""
    from voicelet.enrol.vault import Vault

    vault = Vault()
    for name in args.names:
        vault.load(name)
    for name in args.names:
        vault.delete(name)
        print(f"deleted {name}")
    return 0
