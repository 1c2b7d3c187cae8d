"""`voicelet-export import`: models of other projects become teachers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add_import_command(commands: Any) -> None:
    """Add `import` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser("import", help="make a teacher of a public model")
    kinds = parser.add_subparsers(required=True, metavar="kind")
    piper = kinds.add_parser("piper", help="a Piper voice (.onnx and .onnx.json)")
    piper.add_argument("voice", type=Path)
    piper.add_argument("--config", type=Path, help="default: VOICE.json")
    piper.add_argument("--out", type=Path, required=True, help="model folder to write")
    piper.add_argument(
        "--bundle", type=Path, metavar="FOLDER", help="write it as a bundle that runs, too"
    )
    piper.set_defaults(run=_piper)
    hifigan = kinds.add_parser("hifigan", help="a HiFi-GAN generator of the authors' layout")
    hifigan.add_argument("generator", type=Path)
    hifigan.add_argument("config", type=Path)
    hifigan.add_argument("--out", type=Path, required=True, help="model folder to write")
    hifigan.set_defaults(run=_hifigan)
    vits = kinds.add_parser("vits", help="a VITS of Coqui TTS or of the authors")
    vits.add_argument("model", type=Path)
    vits.add_argument("config", type=Path)
    vits.add_argument("--symbols", type=Path, metavar="JSON", help="object of symbol → id")
    vits.add_argument("--speakers", type=Path, metavar="JSON", help="object of speaker → row")
    vits.add_argument("--out", type=Path, required=True, help="model folder to write")
    vits.set_defaults(run=_vits)


def _piper(args: argparse.Namespace) -> None:
    from voicelet_export.convert.importing.piper import PiperImport, import_piper

    parity = import_piper(PiperImport(args.voice, args.out, args.config))
    sys.stdout.write(f"{args.out}: speaks as the graph does, to {parity.snr_db:.1f} dB\n")
    if args.bundle is not None:
        from voicelet.piper.bundle import import_piper as as_bundle

        made = as_bundle(args.voice, args.config, args.bundle).manifest
        sys.stdout.write(f"{args.bundle}: {made.name}, {made.total_bytes / 1e6:.1f} MB\n")


def _hifigan(args: argparse.Namespace) -> None:
    from voicelet_export.convert.importing.hifigan import HifiganImport, import_hifigan

    voice = import_hifigan(HifiganImport(args.generator, args.config, args.out))
    sys.stdout.write(
        f"{args.out}: {voice.features.n_mels} mels at {voice.features.sample_rate_hz} Hz\n"
    )


def _vits(args: argparse.Namespace) -> None:
    from voicelet_export.convert.importing.coqui import VitsImport, import_vits

    recipe = VitsImport(args.model, args.config, args.out, args.symbols, args.speakers)
    voice = import_vits(recipe)
    sys.stdout.write(f"{args.out}: {len(voice.speakers)} speakers, {voice.sample_rate_hz} Hz\n")
