"""`voicelet voices`: what `--voice` and `--bundle` take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from voicelet.cli.options import add_bundle_option
from voicelet.cli.table import print_json, print_table

if TYPE_CHECKING:
    from voicelet.profiles.vault.vault import Vault


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "voices",
        help="list the voices to speak with",
        description="List enrolled profiles, the bundle's presets and installed bundles.",
    )
    add_bundle_option(parser)
    parser.add_argument("--install", metavar="PATH", help="install a bundle first")
    parser.add_argument(
        "--trust-key",
        action="append",
        default=[],
        metavar="HEX",
        help="trust bundles signed by this Ed25519 public key on this device, from now on",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.bundle import install, installed
    from voicelet.bundle.trust import trust_key
    from voicelet.piper.open import open_voice
    from voicelet.profiles.vault.vault import Vault

    for key in args.trust_key:
        trust_key(key)
    if args.install is not None:
        install(args.install)
    manifest = open_voice(args.bundle).manifest
    profiles = [
        {"name": name, "kind": "profile", "description": description}
        for name, description in _profiles(Vault()).items()
    ]
    presets = [
        {"name": p.name, "kind": "preset", "description": p.description} for p in manifest.presets
    ]
    bundles = [
        {
            "name": folder.name,
            "kind": "bundle",
            "description": f"use it with --bundle {folder.name}",
        }
        for folder in installed()
    ]
    voices = [*profiles, *presets, *bundles]
    if args.json:
        print_json({"bundle": manifest.name, "voices": voices})
    else:
        rows = [[v["name"], v["kind"], v["description"]] for v in voices]
        print_table(["voice", "kind", "description"], rows)
    return 0


def _profiles(vault: Vault) -> dict[str, str]:
    """Name of each profile → when it was enrolled, or that it is locked."""
    from voicelet.errors import ProfileLockedError

    try:
        return {p.name: f"enrolled {p.created[:10]}" for p in vault.list()}
    except ProfileLockedError:
        return dict.fromkeys(vault.names(), "locked")
