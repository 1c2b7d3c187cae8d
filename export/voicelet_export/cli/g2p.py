"""`voicelet-export g2p`: the lexicon and the letter-to-sound model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def _g2p(args: argparse.Namespace) -> None:
    from voicelet_export.bundle.g2p import G2PBuild, build_g2p

    build_g2p(
        G2PBuild(
            gold=args.misaki / "us_gold.json",
            silver=args.misaki / "us_silver.json",
            corpus=args.corpus,
            run=args.run_folder,
            out=args.out,
        )
    )


def add_g2p_command(commands: Any) -> None:
    """Add `g2p` to the command's subparsers."""
    g2p = commands.add_parser("g2p", help="build the lexicon and the letter-to-sound model")
    g2p.add_argument(
        "--misaki", type=Path, required=True, help="folder with us_gold.json and us_silver.json"
    )
    g2p.add_argument("--corpus", type=Path, required=True, help="the teacher's metadata.jsonl")
    g2p.add_argument("--run-folder", type=Path, required=True, help="checkpoints")
    g2p.add_argument("--out", type=Path, required=True, help="where the artefacts go")
    g2p.set_defaults(run=_g2p)
