"""`voicelet erase`: destroy profiles and the key that could open copies of them."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from voicelet.cli.unlock import add_option
from voicelet.errors import ConfigError, ProfileNotFoundError


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "erase",
        help="destroy profiles for good, with the keys that could open copies of them",
        description="Destroy profiles: the file, its copy, and the vault's key, so that copies in "
        "backups can't be opened any more; the other profiles go on under a new key. It is noted "
        "in the audit log.",
    )
    add_arguments(parser)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `voicelet erase` and `voicelet profiles delete` take."""
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--yes", action="store_true", help="don't ask; needed without a terminal")
    add_option(parser, nested=True)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Erase profiles, none if one of them doesn't exist; returns the exit code."""
    from voicelet.config import did_you_mean
    from voicelet.profiles.backup import backups_of
    from voicelet.profiles.vault.vault import Vault

    vault = Vault()
    known = set(vault.names())
    if not known.issuperset(args.names):
        known |= set(vault.missing())
    for name in args.names:
        if name not in vault and name not in known:
            hint = did_you_mean(name, vault.names())
            raise ProfileNotFoundError(f"no profile {name!r}{hint}; nothing was deleted")
    names = list(dict.fromkeys(args.names))
    if not args.yes and not _is_confirmed(names):
        print("nothing was erased")
        return 0
    for name in names:
        vault.erase(name)
        print(f"erased {name}")
        if made := backups_of(name):
            print(
                f"a backup of it was made on {made[-1][:10]}: whoever has that file and its"
                " passphrase can bring it back; delete the file, too"
            )
    if vault.protection == "passphrase":
        print("backups made before can still be opened by whoever knows the passphrase")
    return 0


def _is_confirmed(names: list[str]) -> bool:
    """Ask for confirmation on the terminal.

    Raises:
        ConfigError: there is none to ask on.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            "nothing was erased: there is no terminal to ask on; give --yes to erase without asking"
        )
    sys.stderr.write(f"Erase {', '.join(names)} for good? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
