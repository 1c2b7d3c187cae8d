"""The arguments of `voicelet-export quantize` and `voicelet-export qat`."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voicelet.errors import ConfigError

if TYPE_CHECKING:
    from voicelet_export.compress.quantize.files import Settings
    from voicelet_export.compress.quantize.report import GraphReport

log = logging.getLogger(__name__)


def add_quantize_command(commands: Any) -> None:
    """Add `quantize` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser(
        "quantize", help="quantize a graph or a voice, as far as quality allows"
    )
    what = parser.add_argument_group("a graph")
    what.add_argument("--graph", type=Path, help="ONNX file in float32")
    what.add_argument("--calibration", type=Path, metavar="NPZ", help="real inputs: 0/NAME, 1/…")
    what.add_argument("--waveform", action="store_true", help="its first output is audio")
    what.add_argument("--streamed", action="store_true", help="it is run in overlapping chunks")
    voice = parser.add_argument_group("a voice")
    voice.add_argument("--acoustic", type=Path, help="folder of the model")
    voice.add_argument("--vocoder", type=Path, help="folder of the model")
    voice.add_argument("--cache", type=Path, action="append", default=[])
    voice.add_argument("--held-out", type=Path)
    for stage in ("acoustic", "vocoder"):
        voice.add_argument(
            f"--qat-{stage}",
            type=Path,
            metavar="RECIPE",
            help="fine-tune it if int8 doesn't serve every product",
        )
    parser.add_argument("--out", type=Path, required=True, help=".onnx, or the voice's folder")
    parser.add_argument(
        "--scheme",
        default="auto",
        choices=["auto", "static", "dynamic", "weights-int8", "fp16", "none"],
    )
    parser.add_argument("--max-error-db", type=float, default=-20.0, metavar="DB")
    parser.add_argument("--max-mel-db", type=float, default=0.3, metavar="DB")
    parser.add_argument("--max-change", type=float, default=0.03, help="of a voice's losses")
    parser.add_argument("--rounds", type=int, default=9, help="of the measurement of speed")
    parser.set_defaults(run=_run)


def add_qat_command(commands: Any) -> None:
    """Add `qat` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser(
        "qat", help="fine-tune a model for int8, where quantize sends too much back to float"
    )
    parser.add_argument("stage", choices=["acoustic", "vocoder"])
    parser.add_argument("--recipe", type=Path, required=True, help="as for train")
    parser.add_argument("--cache", type=Path, action="append", required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--start-from", type=Path, required=True, help="folder of the model")
    parser.add_argument("--out", type=Path, required=True)
    parser.set_defaults(run=_qat)


def _run(args: argparse.Namespace) -> None:
    from voicelet_export.compress.quantize.files import GraphRecipe, Settings, quantize_file
    from voicelet_export.compress.quantize.schemes import Gate

    if args.rounds < 1:
        raise ConfigError("--rounds must be at least 1")
    gate = Gate(
        max_error_db=args.max_error_db,
        max_change=args.max_change,
        waveform=args.waveform,
        max_mel_db=args.max_mel_db,
        streamed=args.streamed,
    )
    settings = Settings(args.scheme, gate, args.rounds)
    if args.graph is not None:
        if args.calibration is None or args.acoustic or args.vocoder:
            raise ConfigError("--graph goes with --calibration, and without a voice's folders")
        _show(quantize_file(GraphRecipe(args.graph, args.out, args.calibration, settings)))
        return
    if not (args.acoustic and args.vocoder and args.cache and args.held_out):
        raise ConfigError(
            "give --graph and --calibration, or --acoustic, --vocoder, --cache and --held-out"
        )
    for report in _voice(args, settings).values():
        _show(report)


def _voice(args: argparse.Namespace, settings: Settings) -> dict[str, GraphReport]:
    from voicelet_export.compress.quantize.models import VoiceRecipe, quantize_models

    qat = {"acoustic": args.qat_acoustic, "vocoder": args.qat_vocoder}
    return quantize_models(
        VoiceRecipe(
            acoustic=args.acoustic,
            vocoder=args.vocoder,
            caches=tuple(args.cache),
            held_out=args.held_out,
            out=args.out,
            settings=settings,
            qat={stage: path for stage, path in qat.items() if path is not None},
        )
    )


def _qat(args: argparse.Namespace) -> None:
    from voicelet_export.compress.quantize.qat import fine_tune
    from voicelet_export.train.run import TrainingRun

    fine_tune(
        TrainingRun(
            stage=args.stage,
            recipe=args.recipe,
            caches=tuple(args.cache),
            held_out=args.held_out,
            out=args.out,
            start_from=args.start_from,
        )
    )


def _show(report: GraphReport) -> None:
    for row in report.schemes:
        speed = "      " if row.speed_ratio is None else f"{row.speed_ratio:5.2f}x"
        mark = "*" if row.scheme == report.chosen else " " if row.passed else "-"
        log.info(
            "%s %s %-13s %8d bytes  %s  %s%s",
            report.graph,
            mark,
            row.scheme,
            row.bytes,
            speed,
            row.figures,
            f", {len(row.kept)} in float" if row.kept else "",
        )
