"""`voicelet-export train STAGE`: train a model; goes on where it was cut off."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet_export.train.stages import STAGES


def _train(args: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    from voicelet_export.corpus.prepare import Tools, prepare_data
    from voicelet_export.train.run import TrainingRun, build_trainer, finish_run

    stage = STAGES[args.stage]
    caches: list[Path] = list(args.cache)
    if not caches and not args.data:
        raise ConfigError("there is nothing to train on; give --data FOLDER or --cache CACHE")
    with Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)
    ) as progress:
        for folder in args.data:
            task = progress.add_task(f"prepare {folder.name}", total=None)

            def on_item(done: int, total: int, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            tools = Tools.found(args.encoder, args.aligner, aligned=stage.aligned)
            caches.append(prepare_data(folder, args.out / "data", tools, on_item=on_item))
        if args.augment is not None:
            caches += _augmented(args, caches)
        run = TrainingRun(
            stage=args.stage,
            recipe=args.recipe,
            caches=tuple(caches),
            held_out=args.held_out,
            out=args.out,
            start_from=args.start_from,
        )
        trainer = build_trainer(run)
        task = progress.add_task(args.stage, total=None)
        trainer.run(
            args.until_step,
            lambda step, total: progress.update(task, completed=step, total=total),
            args.minutes,
        )
    finish_run(run, trainer)


def _augmented(args: argparse.Namespace, caches: list[Path]) -> list[Path]:
    """Changed copies of the caches, in `OUT/data`; those of held-out people are never used."""
    from voicelet_export.corpus.augment import AugmentConfig, augment_cache
    from voicelet_export.corpus.prepare import Tools
    from voicelet_export.recipes import read_recipe

    config = read_recipe(AugmentConfig, args.augment)
    encoder = Tools.found(args.encoder, aligned=False).encoder
    copies = []
    for cache in caches:
        out = args.out / "data" / f"{cache.resolve().name}-augmented"
        augment_cache(cache, out, config, encoder)
        copies.append(out)
    return copies


def add_train_command(commands: Any) -> None:
    """Add `train` to the command's subparsers."""
    stages = "\n".join(f"  {name:12} {stage.summary}" for name, stage in STAGES.items())
    train = commands.add_parser(
        "train",
        help="train a model; resumes where it was cut off",
        description=f"Train a model; resumes where it was cut off.\n\nstages:\n{stages}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("stage", choices=list(STAGES), metavar="stage")
    train.add_argument("--recipe", type=Path, help="YAML; the stage's defaults without it")
    train.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        help="a folder of recordings and texts of any known layout; prepared first, in OUT/data",
    )
    train.add_argument(
        "--cache", type=Path, action="append", default=[], help="a feature cache, made before"
    )
    train.add_argument(
        "--held-out",
        type=Path,
        help="JSON of speakers never trained on; without it a twentieth is drawn",
    )
    train.add_argument(
        "--augment", type=Path, help="YAML of changed copies to train on too (see corpus augment)"
    )
    train.add_argument("--out", type=Path, required=True)
    train.add_argument("--start-from", type=Path, help="a checkpoint or milestone")
    train.add_argument("--until-step", type=int)
    train.add_argument("--minutes", type=float, help="stop after so many; run again to go on")
    train.add_argument("--encoder", type=Path, help="speaker encoder for --data, ONNX")
    train.add_argument("--aligner", type=Path, help="aligner's weights for --data, safetensors")
    train.set_defaults(run=_train)
