"""`voicelet profiles`: list and delete enrolled voices."""

from __future__ import annotations

import argparse
import sys
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
    from voicelet.enrol import Vault

    vault = Vault()
    profiles = vault.list()
    for path, error in vault.damaged().items():
        print(f"voicelet: {path.name} can't be read: {error}", file=sys.stderr)
    if args.json:
        listed = [{"name": p.name, "created": p.created, "speech_s": p.speech_s} for p in profiles]
        print_json({"profiles": listed})
    elif profiles:
        rows = [[p.name, p.created, f"{p.speech_s:.1f}"] for p in profiles]
        print_table(["profile", "created", "speech s"], rows)
    else:
        print("no profiles yet; enrol one: voicelet enrol NAME FILE…")
    return 0


def run_delete(args: argparse.Namespace) -> int:
    """Delete profiles, none if one of them doesn't exist; returns the exit code."""
    from voicelet.config import did_you_mean
    from voicelet.enrol import Vault
    from voicelet.errors import ProfileNotFound

    vault = Vault()
    for name in args.names:
        if name not in vault:
            known = did_you_mean(name, vault.names())
            raise ProfileNotFound(f"no profile {name!r}{known} (nothing was deleted)")
    for name in dict.fromkeys(args.names):
        vault.delete(name)
        print(f"deleted {name}")
    return 0
