"""The arguments of `voicelet-export bundle`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError


def add_bundle_command(commands: Any) -> None:
    """Add `bundle` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser("bundle", help="make a voice bundle of trained models")
    parser.add_argument("--acoustic", type=Path, required=True, help="a run or a milestone")
    parser.add_argument("--vocoder", type=Path, required=True, help="a run or a milestone")
    parser.add_argument("--g2p", type=Path, required=True, help="lexicon.bin, g2p.onnx")
    parser.add_argument(
        "--speaker-encoder", type=Path, help="holds its .onnx; without one nobody can be enrolled"
    )
    parser.add_argument(
        "--cache", type=Path, action="append", default=[], help="for presets and calibration"
    )
    parser.add_argument("--held-out", type=Path, help="JSON of speakers that judge int8")
    parser.add_argument(
        "--scales-from", type=Path, metavar="BUNDLE", help="quantize as its graphs are, no caches"
    )
    parser.add_argument("--presets-from", type=Path, metavar="BUNDLE", help="take its presets")
    parser.add_argument("--out", type=Path, default=Path("sdk/voicelet/voices/default"))
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    parser.add_argument("--graphs", type=Path, help="folder of voicelet-export quantize")
    parser.add_argument("--name", default="voicelet-en")
    parser.add_argument("--version", default="0.1")
    parser.add_argument("--sign", type=Path, metavar="PEM", help="private Ed25519 key")
    parser.add_argument(
        "--publish-key",
        type=Path,
        metavar="TXT",
        help="write the public key there (sdk/voicelet/voices/trusted_keys.txt)",
    )
    parser.add_argument("--measured", type=Path, metavar="JSON", help="object of figures")
    parser.add_argument(
        "--voice",
        action="append",
        default=[],
        metavar="NAME=DESCRIPTION",
        help="a speaker of the caches that becomes a preset; the default voice's own without any",
    )
    parser.add_argument("--teacher", metavar="TEXT", help="who spoke the corpus, and the licence")
    parser.add_argument(
        "--learned-from", action="append", default=[], metavar="TEXT", help="for the model card"
    )
    parser.add_argument("--licence", default="Apache-2.0", help="SPDX expression")
    parser.add_argument(
        "--language",
        action="append",
        default=[],
        metavar="TAG",
        help="what the models speak, the language of --g2p first (default en-US); the language pack"
        " of every further one goes in",
    )
    parser.add_argument(
        "--pack",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a language pack to put in, in place of voicelet's own of that language",
    )
    parser.add_argument("--commit", default="", help="of the source, for the provenance")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from voicelet_export.bundle.build import (
        DEFAULT_TAG,
        DEFAULT_TEACHER,
        BundleRecipe,
        build_bundle,
    )
    from voicelet_export.bundle.presets import TEACHER_VOICES

    voices = dict(_named(text) for text in args.voice)
    build_bundle(
        BundleRecipe(
            acoustic=args.acoustic,
            vocoder=args.vocoder,
            g2p=args.g2p,
            speaker_encoder=args.speaker_encoder,
            caches=tuple(args.cache),
            held_out=args.held_out,
            scales_from=args.scales_from,
            presets_from=args.presets_from,
            out=args.out,
            precision=args.precision,
            graphs=args.graphs,
            name=args.name,
            version=args.version,
            signing_key=args.sign,
            publish_key=args.publish_key,
            measured=_figures(args.measured) if args.measured else {},
            provenance={"commit": args.commit} if args.commit else {},
            voices=voices or TEACHER_VOICES,
            teacher=args.teacher or DEFAULT_TEACHER,
            learned_from=tuple(args.learned_from),
            licence=args.licence,
            languages=tuple(args.language) or (DEFAULT_TAG,),
            packs=tuple(args.pack),
        )
    )


def _named(text: str) -> tuple[str, str]:
    name, _, description = text.partition("=")
    return name.strip(), description.strip()


def _figures(path: Path) -> dict[str, float]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {str(k): float(v) for k, v in data.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: not a JSON object of numbers ({error})") from None
