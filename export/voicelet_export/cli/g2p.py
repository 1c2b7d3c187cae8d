"""`voicelet-export g2p` and `pack-letters`: lexicons and letter-to-sound models."""

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


def _pack_letters(args: argparse.Namespace) -> None:
    from voicelet_export.teach.espeak import EspeakPhones
    from voicelet_export.teach.pack_letters import PackLettersBuild, build_pack_letters

    build = PackLettersBuild(args.language, args.words, args.run_folder, args.out)
    build_pack_letters(build, EspeakPhones(args.language))


def add_g2p_command(commands: Any) -> None:
    """Add `g2p` and `pack-letters` to the command's subparsers."""
    g2p = commands.add_parser("g2p", help="build the lexicon and the letter-to-sound model")
    g2p.add_argument(
        "--misaki", type=Path, required=True, help="folder with us_gold.json and us_silver.json"
    )
    g2p.add_argument("--corpus", type=Path, required=True, help="the teacher's metadata.jsonl")
    g2p.add_argument("--run-folder", type=Path, required=True, help="checkpoints")
    g2p.add_argument("--out", type=Path, required=True, help="where the artefacts go")
    g2p.set_defaults(run=_g2p)

    letters = commands.add_parser(
        "pack-letters", help="train a language pack's letter-to-sound graph; needs espeak-ng"
    )
    letters.add_argument("--language", required=True, help="fr or it")
    letters.add_argument(
        "--words", type=Path, required=True, help="a word a line, the most frequent first"
    )
    letters.add_argument("--run-folder", type=Path, required=True, help="checkpoints")
    letters.add_argument("--out", type=Path, required=True, help="where the files go")
    letters.set_defaults(run=_pack_letters)
