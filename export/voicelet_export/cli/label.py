"""`voicelet-export label`: a corpus in a teacher's voice."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_label_command(commands: Any) -> None:
    """Add `label` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser("label", help="have a teacher speak a corpus to learn from")
    parser.add_argument(
        "--teacher", type=Path, required=True, help="a Piper .onnx, Kokoro's, or a model's folder"
    )
    parser.add_argument(
        "--vocoder", type=Path, help="model folder; where the teacher makes mels only"
    )
    parser.add_argument(
        "--texts", type=Path, required=True, help="a corpus folder with phonemes, or a text file"
    )
    parser.add_argument("--speaker-encoder", type=Path, required=True, help="its .onnx")
    parser.add_argument("--out", type=Path, required=True, help="feature cache")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="teacher", help="of a single speaker")
    parser.add_argument("--speakers", nargs="+", help="of Kokoro; all that may be learnt from")
    parser.add_argument(
        "--mixes", type=Path, help="of Kokoro: JSON of {speaker: {voice: weight}}, more speakers"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from voicelet_export.teach.kokoro import read_mixes
    from voicelet_export.teach.label import LabelConfig, label_corpus, read_phones
    from voicelet_export.teach.open import open_teacher

    config = LabelConfig(hours=args.hours, seed=args.seed, name=args.name)
    teacher = open_teacher(
        args.teacher, args.vocoder, read_mixes(args.mixes) if args.mixes else None, args.speakers
    )
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("seconds of speech", total=config.hours * 3600)
        label_corpus(
            teacher,
            read_phones(args.texts),
            args.out,
            args.speaker_encoder,
            config,
            lambda said, wanted: progress.update(task, completed=said, total=wanted),
        )
