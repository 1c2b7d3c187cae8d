"""`voicelet info`: what a bundle is, and whether it is sound."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from voicelet.cli.table import print_json, print_pairs, print_table

if TYPE_CHECKING:
    from voicelet.bundle import Bundle


_TRUST = {
    "package": "yes: it is voicelet's own",
    "key": "yes: a key that you trust signed it",
    "import": "yes: imported here from a Piper voice, which nobody signed",
    "caller": "yes: you vouch for it",
    None: "NO: it doesn't speak; no key that you trust signed it (--trust-bundle)",
}


def add_parser(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "info",
        help="describe and verify a bundle",
        description="Describe a bundle and verify its hashes and its signature.",
    )
    parser.add_argument("bundle", nargs="?", metavar="BUNDLE", help="default: the built-in one")
    parser.add_argument(
        "--require-signature", action="store_true", help="refuse a bundle that isn't signed"
    )
    parser.add_argument(
        "--trusted-key",
        action="append",
        default=[],
        metavar="HEX",
        help="an Ed25519 public key that the bundle must be signed by (one of them)",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    from voicelet.packs.bundled import bundled_tags
    from voicelet.piper.open import open_voice

    bundle = open_voice(
        args.bundle,
        trusted_keys=args.trusted_key,
        require_signature=args.require_signature,
    )
    if args.json:
        manifest = dataclasses.asdict(bundle.manifest)
        head = {"root": str(bundle.root), "signed_by": bundle.signed_by}
        packs = {"language_packs": list(bundled_tags(bundle))}
        print_json({**head, "trusted_by": bundle.trusted_by, **packs, **manifest})
    else:
        _print(bundle, bundled_tags(bundle))
    return 0


def _print(bundle: Bundle, packs: Sequence[str]) -> None:
    manifest = bundle.manifest
    print_pairs(
        {
            "name": f"{manifest.name} {manifest.version}",
            "folder": str(bundle.root),
            "languages": ", ".join(manifest.languages),
            "language packs": ", ".join(packs) or "those of voicelet",
            "audio": f"{manifest.sample_rate_hz} Hz, mono",
            "size": f"{manifest.total_bytes / 1e6:.2f} MB in {len(manifest.files())} files",
            "presets": ", ".join(p.name for p in manifest.presets) or "none",
            "licence": manifest.licence,
            "hashes": "all match",
            "signed by": bundle.signed_by or "nobody",
            "trusted": _TRUST[bundle.trusted_by],
            **{f"from: {key}": value for key, value in sorted(manifest.provenance.items())},
            **{f"measured: {key}": f"{v:g}" for key, v in sorted(manifest.measured.items())},
        }
    )
    print()
    graphs = [
        [role, a.engine, a.precision, f"{a.bytes / 1e6:.2f}", a.file]
        for role, graph in manifest.graphs.items()
        for a in graph.alternatives
    ]
    data = [[role, "", "", f"{f.bytes / 1e6:.2f}", f.file] for role, f in manifest.data.items()]
    print_table(["role", "engine", "precision", "MB", "file"], [*graphs, *data])
