"""The `voicelet-export` command."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from voicelet import __version__
from voicelet.cli.process import run_process
from voicelet_export.cli import corpus as corpus_commands
from voicelet_export.cli.aligner import add_aligner_command
from voicelet_export.cli.bundle import add_bundle_command
from voicelet_export.cli.distil import add_distil_command
from voicelet_export.cli.g2p import add_g2p_command
from voicelet_export.cli.homographs import add_homographs_command
from voicelet_export.cli.importing import add_import_command
from voicelet_export.cli.label import add_label_command
from voicelet_export.cli.pipeline import add_pipeline_commands
from voicelet_export.cli.prune import add_prune_command
from voicelet_export.cli.quantize import add_qat_command, add_quantize_command
from voicelet_export.cli.synthetic_speech import add_synthetic_command
from voicelet_export.cli.tflite import add_tflite_command
from voicelet_export.cli.train import add_train_command
from voicelet_export.cli.voice_match import add_voice_match_command


def _milestone(args: argparse.Namespace) -> None:
    from voicelet_export.train.milestone import save_milestone

    size = save_milestone(args.run_folder, args.out, language=args.language)
    logging.info("%s: %.1f MB", args.out, size / 1e6)


_WHAT = """Make voices for voicelet: corpora, training, smaller models, conversion, bundles, and
pipelines of all of it (docs/guides/pipeline.md)."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="voicelet-export", description=_WHAT)
    parser.add_argument("--version", action="version", version=f"voicelet-export {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    add_train_command(commands)
    corpus_commands.add_parser(commands)
    add_bundle_command(commands)
    add_aligner_command(commands)
    add_voice_match_command(commands)
    add_synthetic_command(commands)
    add_tflite_command(commands)
    add_quantize_command(commands)
    add_qat_command(commands)
    add_distil_command(commands)
    add_prune_command(commands)
    add_homographs_command(commands)
    add_import_command(commands)
    add_label_command(commands)
    add_pipeline_commands(commands)
    milestone = commands.add_parser("milestone", help="keep a run's weights, in float16")
    milestone.add_argument("--run-folder", type=Path, required=True)
    milestone.add_argument("--out", type=Path, required=True)
    milestone.add_argument(
        "--language", help="of an acoustic model: keep this one alone, and no timbre tokens"
    )
    milestone.set_defaults(run=_milestone)
    add_g2p_command(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    args = _parser().parse_args(argv)
    return run_process(
        "voicelet-export",
        lambda: args.run(args),
        raise_unexpected=True,
        dies=argv is None,
    )


if __name__ == "__main__":
    sys.exit(main())
