"""`voicelet-export g2p`, `pack-letters` and `pack-contexts`: lexicons and letter-to-sound."""

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


def _pack_contexts(args: argparse.Namespace) -> None:
    from voicelet_export.teach.espeak import EspeakPhones
    from voicelet_export.teach.letter_contexts import ContextsBuild, build_contexts

    choices = dict(choice.split("=", 1) for choice in args.choice)
    build = ContextsBuild(args.letters, args.words, choices, args.name)
    build_contexts(build, EspeakPhones(args.language))


def _choice(text: str) -> str:
    letter, equals, phones = text.partition("=")
    if len(letter) != 1 or not equals or not phones:
        raise argparse.ArgumentTypeError(f"{text!r} isn't a letter, = and its second sounds")
    return text


def add_g2p_command(commands: Any) -> None:
    """Add `g2p`, `pack-letters` and `pack-contexts` to the command's subparsers."""
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

    contexts = commands.add_parser(
        "pack-contexts",
        help="learn which of two sounds a stressed letter has, as rules of a pack's letters.json;"
        " needs espeak-ng",
    )
    contexts.add_argument("--language", required=True, help="pt-br, for example")
    contexts.add_argument("--words", type=Path, required=True, help="a word a line")
    contexts.add_argument("--letters", type=Path, required=True, help="the letters.json to change")
    contexts.add_argument(
        "--choice", type=_choice, action="append", required=True, metavar="LETTER=PHONES",
        help="a letter and the phones of its second sound, such as o=ɔY; may be given again",
    )  # fmt: skip
    contexts.add_argument("--name", required=True, help="of the pass that is written")
    contexts.set_defaults(run=_pack_contexts)
