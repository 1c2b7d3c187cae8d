"""`voicelet profiles`: list enrolled voices, move them, mend them, change their key."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from voicelet.cli import erase, transfer
from voicelet.cli.table import print_json, print_table
from voicelet.cli.unlock import add_option, ask_new, read_passphrase


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "profiles",
        help="list, export, import, restore or delete enrolled voices; change their key",
        description="List the enrolled voices, or do something with one.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_option(parser, nested=True)
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list them (the default)")
    listing.add_argument("--json", action="store_true", help="as JSON")
    add_option(listing, nested=True)
    listing.set_defaults(run=run_list)
    transfer.add_parsers(actions)
    restoring = actions.add_parser(
        "restore",
        help="bring damaged or missing profiles back from their copies",
        description="Bring damaged or missing profiles back from the second copy on this disk.",
    )
    restoring.add_argument("names", nargs="*", metavar="NAME", help="(default: what is damaged)")
    restoring.add_argument(
        "--accept-older",
        action="store_true",
        help="take files that are older than the newest, because you put them back on purpose",
    )
    add_option(restoring, nested=True)
    restoring.set_defaults(run=run_restore)
    rotating = actions.add_parser(
        "rotate-key",
        help="encrypt all profiles under a new key, kept elsewhere if you like",
        description="Encrypt all profiles under a new key and destroy the old one.",
    )
    rotating.add_argument(
        "--protect",
        choices=("keystore", "file", "passphrase", "plain"),
        help="where the new key is kept: by the system, in a private file, under a passphrase; "
        "or 'plain': profiles are NOT encrypted any more",
    )
    rotating.add_argument(
        "--new-passphrase-file", metavar="FILE", help="its first line is the new passphrase"
    )
    add_option(rotating, nested=True)
    rotating.set_defaults(run=run_rotate)
    erase.add_arguments(actions.add_parser("delete", help="as voicelet erase"))


def run_list(args: argparse.Namespace) -> int:
    """List the profiles; returns the exit code."""
    from voicelet.errors import ProfileLockedError
    from voicelet.profiles.vault.vault import Vault

    vault = Vault()
    rows: list[dict[str, Any]] = []
    try:
        for p in vault.list():
            rows.append({"name": p.name, "created": p.created, "speech_s": p.speech_s})
        for path, error in vault.damaged().items():
            print(f"voicelet: {path.name} can't be read: {error}", file=sys.stderr)
    except ProfileLockedError as error:
        print(f"voicelet: {error}", file=sys.stderr)
        rows = [{"name": name, "created": None, "speech_s": None} for name in vault.names()]
    if args.json:
        print_json({"profiles": rows, "protection": vault.protection})
    elif rows:
        table = [
            [r["name"], r["created"] or "locked", f"{r['speech_s']:.1f}" if r["created"] else ""]
            for r in rows
        ]
        print_table(["profile", "created", "speech s"], table)
        if vault.protection == "plain":
            print("\nthese are NOT encrypted; voicelet profiles rotate-key --protect file")
    else:
        print("no profiles yet; enrol one: voicelet enrol NAME FILE…")
    return 0


def run_restore(args: argparse.Namespace) -> int:
    """Restore profiles; returns the exit code."""
    from voicelet.profiles.vault.vault import Vault

    vault = Vault()
    names = args.names or (vault.names() if args.accept_older else vault.restorable())
    for name in dict.fromkeys(names):
        vault.restore(name, accept_older=args.accept_older)
        print(f"restored {name}")
    if not names:
        print("nothing to restore")
    return 0


def run_rotate(args: argparse.Namespace) -> int:
    """Change the key; returns the exit code."""
    from voicelet.errors import ConfigError
    from voicelet.profiles.vault.vault import Vault

    vault = Vault()
    protection, passphrase = args.protect, None
    if args.new_passphrase_file is not None:
        if protection not in (None, "passphrase"):
            raise ConfigError(f"--protect {protection} takes no passphrase; leave one of them out")
        protection, passphrase = "passphrase", read_passphrase(args.new_passphrase_file)
    elif protection == "passphrase":
        passphrase = ask_new()
    vault.rotate_key(protection, passphrase)
    print(f"{', '.join(vault.names()) or 'what comes'}: under a new key ({vault.protection})")
    return 0
