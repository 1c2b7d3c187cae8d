"""`voicelet enrol`: make a profile of a person from recordings."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from voicelet.cli.options import add_bundle_option
from voicelet.cli.progress import Progress
from voicelet.cli.table import print_json, print_pairs
from voicelet.errors import ConfigError

if TYPE_CHECKING:
    from voicelet.enrol import Profile


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "enrol",
        aliases=["enroll"],
        help="make a profile of a voice from recordings",
        description="Make a profile of one person's voice from 30 to 60 seconds of speech "
        "(3 at least) in one or more recordings: WAV, FLAC, OGG or MP3, any rate.",
    )
    parser.add_argument("name", metavar="NAME", help="what to call the profile")
    parser.add_argument("files", nargs="+", metavar="FILE", help="recordings of one person")
    parser.add_argument("--text", help="what is said in them, to report which sounds it covers")
    parser.add_argument(
        "--replace", action="store_true", help="replace a profile of that name, if there is one"
    )
    add_bundle_option(parser)
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.enrol import enrol
    from voicelet.enrol.vault import Vault

    vault = Vault()
    if args.name in vault.names() and not args.replace:
        raise ConfigError(
            f"there is a profile {args.name!r} already; choose another name, or add --replace"
        )
    with Progress("listening", enabled=False if args.json else None) as progress:
        profile = enrol(
            args.files,
            name=args.name,
            text=args.text,
            bundle=args.bundle,
            progress=progress.update,
        )
    vault.save(profile)
    if args.json:
        print_json({"name": profile.name, **report_fields(profile)})
        return 0
    print_pairs({key.replace("_", " "): _shown(v) for key, v in report_fields(profile).items()})
    print(f'\nenrolled {profile.name}; try: voicelet say "Hello." --voice {profile.name}')
    return 0


def report_fields(profile: Profile) -> dict[str, Any]:
    """The quality report of a profile as plain values."""
    return dataclasses.asdict(profile.report)


def _shown(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, (list, tuple)):
        return "; ".join(map(str, value)) or "none"
    return str(value)
