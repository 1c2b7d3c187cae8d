"""`voicelet voices`: what `--voice` and `--bundle` take."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
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
    profiles: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": "profile",
            "languages": list(manifest.languages),
            "description": description,
        }
        for name, description in _profiles(Vault()).items()
    ]
    presets: list[dict[str, Any]] = [
        {
            "name": p.name,
            "kind": "preset",
            "languages": _languages(manifest.languages, p.name),
            "description": p.description,
        }
        for p in manifest.presets
    ]
    bundles: list[dict[str, Any]] = [
        {
            "name": folder.name,
            "kind": "bundle",
            "languages": _languages_of(folder),
            "description": f"use it with --bundle {folder.name}",
        }
        for folder in installed()
    ]
    voices = [*profiles, *presets, *bundles]
    if args.json:
        print_json({"bundle": manifest.name, "voices": voices})
    else:
        rows = [
            [str(v["name"]), str(v["kind"]), ", ".join(v["languages"]), str(v["description"])]
            for v in voices
        ]
        print_table(["voice", "kind", "languages", "description"], rows)
    return 0


def _languages(languages: Sequence[str], preset: str) -> list[str]:
    """A preset's languages, with the variety of the first that it speaks."""
    from voicelet.text.pack.folder import preset_language

    first = preset_language(preset, languages[0]) if languages else None
    return [first or languages[0], *languages[1:]] if languages else []


def _languages_of(folder: Path) -> list[str]:
    """Those of an installed bundle; none where it can't be read, which opening it will say."""
    from voicelet.bundle.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, parse_manifest
    from voicelet.errors import BundleError
    from voicelet.files import read_regular

    try:
        raw = read_regular(folder / MANIFEST_NAME, MAX_MANIFEST_BYTES)
        return list(parse_manifest(raw).languages)
    except BundleError:
        return []


def _profiles(vault: Vault) -> dict[str, str]:
    """Name of each profile → when it was enrolled, or that it is locked."""
    from voicelet.errors import ProfileLockedError

    try:
        return {p.name: f"enrolled {p.created[:10]}" for p in vault.list()}
    except ProfileLockedError:
        return dict.fromkeys(vault.names(), "locked")
