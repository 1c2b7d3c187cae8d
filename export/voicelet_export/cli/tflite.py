"""The arguments of `voicelet-export tflite`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_tflite_command(commands: Any) -> None:
    """Add `tflite` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser("tflite", help="convert a bundle's graphs for LiteRT")
    parser.add_argument("--bundle", type=Path, required=True, help="the ONNX bundle")
    parser.add_argument("--acoustic", type=Path, required=True, help="its acoustic model's folder")
    parser.add_argument("--vocoder", type=Path, required=True, help="its vocoder's folder")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new bundle")
    parser.add_argument(
        "--speaker-encoder",
        type=Path,
        help="holds speaker_encoder.safetensors; without it that graph stays in ONNX",
    )
    parser.add_argument(
        "--g2p", type=Path, help="holds g2p.safetensors; without it that graph stays in ONNX"
    )
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    parser.add_argument(
        "--keep-onnx", action="store_true", help="offer the graphs for ONNX Runtime as well"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from voicelet_export.convert.tflite.bundle import TFLiteRecipe, build_tflite

    build_tflite(
        TFLiteRecipe(
            bundle=args.bundle,
            acoustic=args.acoustic,
            vocoder=args.vocoder,
            out=args.out,
            speaker_encoder=args.speaker_encoder,
            g2p=args.g2p,
            precision=args.precision,
            keep_onnx=args.keep_onnx,
        )
    )
