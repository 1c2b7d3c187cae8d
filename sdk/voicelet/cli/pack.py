"""`voicelet pack`: language packs by themselves: make, install, list and remove them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from voicelet.cli.options import check_file
from voicelet.cli.table import print_json, print_table


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "pack",
        help="install, list, remove or make language packs",
        description="Language packs: what reads a text before a voice speaks it. One that is "
        "installed goes before the voice's own (docs/reference/language-packs.md).",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    listing = actions.add_parser("list", help="list them (the default)")
    listing.add_argument("--json", action="store_true", help="as JSON")
    listing.set_defaults(run=run_list)
    installing = actions.add_parser(
        "install",
        help="check a pack and use it from now on",
        description="Check a language pack whole and copy it into the data folder. It is used "
        "from then on in place of the voice's own.",
    )
    installing.add_argument("path", metavar="PATH", help="a .pack file or a pack's folder")
    installing.add_argument(
        "--trust-pack",
        action="store_true",
        help="you vouch for the pack, though no key that you trust signed it",
    )
    installing.add_argument(
        "--trust-key",
        action="append",
        default=[],
        metavar="HEX",
        help="trust packs and bundles signed by this Ed25519 public key here, from now on",
    )
    installing.set_defaults(run=run_install)
    removing = actions.add_parser("remove", help="remove an installed pack")
    removing.add_argument("language", metavar="TAG", help="its language, such as es")
    removing.set_defaults(run=run_remove)
    making = actions.add_parser(
        "make",
        help="check a pack's folder and write it as one file, signed",
        description="Check a language pack whole and write it as a .pack file, to be installed.",
    )
    making.add_argument("folder", metavar="FOLDER", help="the pack's folder")
    making.add_argument("-o", "--output", metavar="FILE", required=True, help="the .pack file")
    making.add_argument("--version", default="1", metavar="TEXT", help="of the pack (default 1)")
    making.add_argument(
        "--sign", metavar="KEY.pem", help="sign it with this Ed25519 private key (PEM)"
    )
    making.set_defaults(run=run_make)


def run_list(args: argparse.Namespace) -> int:
    """List packs; returns the exit code."""
    from voicelet.packs.installed import installed_pack, installed_tags
    from voicelet.text.pack.folder import languages

    installed = {tag: installed_pack(tag) for tag in installed_tags()}
    packs: list[dict[str, Any]] = [
        {
            "language": tag,
            "from": "installed",
            "version": pack.version if pack else None,
            "trusted_by": pack.trusted_by if pack else None,
            "signed_by": pack.signed_by if pack else None,
            "used": pack is not None,
        }
        for tag, pack in installed.items()
    ]
    packs += [
        {
            "language": tag,
            "from": "package",
            "version": None,
            "trusted_by": "package",
            "signed_by": None,
            "used": installed.get(tag) is None,
        }
        for tag in languages()
    ]
    packs.sort(key=lambda pack: (pack["language"], pack["from"]))
    if args.json:
        print_json({"packs": packs})
    else:
        rows = [
            [p["language"], p["from"], p["version"] or "", "yes" if p["used"] else "no"]
            for p in packs
        ]
        print_table(["language", "from", "version", "used"], rows)
    return 0


def run_install(args: argparse.Namespace) -> int:
    """Install a pack; returns the exit code."""
    from voicelet.bundle.trust import trust_key
    from voicelet.packs.installed import install_pack

    for key in args.trust_key:
        trust_key(key)
    pack = install_pack(args.path, trust_pack=args.trust_pack)
    print(f"installed the language pack {pack.tag!r} {pack.version}".rstrip())
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Remove a pack; returns the exit code."""
    from voicelet.packs.installed import remove_pack

    remove_pack(args.language)
    print(f"removed the language pack {args.language.lower()!r}")
    return 0


def run_make(args: argparse.Namespace) -> int:
    """Write a pack's file; returns the exit code."""
    from voicelet.bundle import load_signing_key
    from voicelet.packs.contents import write_archive
    from voicelet.packs.installed import try_pack

    target = check_file(args.output)
    key = None if args.sign is None else load_signing_key(Path(args.sign))
    folder = Path(args.folder)
    try_pack(folder)
    contents = write_archive(folder, target, args.version, key)
    signed = f", signed by {contents.signed_by}" if contents.signed_by else ", not signed"
    print(f"{target}: {contents.manifest.language}, {len(contents.files)} files{signed}")
    return 0
