"""The arguments of `voicelet-export prune`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_prune_command(commands: Any) -> None:
    """Add `prune` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser(
        "prune", help="cut a trained acoustic model or vocoder down, and train it again"
    )
    parser.add_argument("--model", type=Path, required=True, help="model folder")
    parser.add_argument(
        "--target-flops",
        type=float,
        nargs="+",
        required=True,
        metavar="SHARE",
        help="share of the multiply-adds that stays; several make a curve",
    )
    parser.add_argument("--cache", type=Path, action="append", required=True)
    parser.add_argument("--held-out", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--criterion", choices=["taylor", "magnitude"], default="taylor")
    parser.add_argument(
        "--parts", nargs="+", choices=["hidden", "heads", "blocks"], default=["hidden", "heads"]
    )
    parser.add_argument("--group", type=int, default=16, help="hidden units that go at a time")
    parser.add_argument("--smallest", type=int, default=32, help="hidden units a block keeps")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--no-repair", action="store_true", help="leave the products as cut")
    parser.add_argument("--no-speed", action="store_true", help="measure no speed")
    parser.add_argument("--retrain", type=Path, metavar="YAML", help="a recipe of `distil`")
    parser.add_argument("--store", type=Path, help="folder for the unpruned model's outputs")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    import json

    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    from voicelet_export.compress.prune.curve import prune_curve, table
    from voicelet_export.compress.prune.plan import Limits
    from voicelet_export.compress.prune.prune import PruneRun, prune

    run = PruneRun(
        model=args.model,
        target_flops=args.target_flops[0],
        caches=tuple(args.cache),
        held_out=args.held_out,
        out=args.out,
        criterion=args.criterion,
        limits=Limits(tuple(args.parts), args.group, args.smallest),
        rounds=args.rounds,
        repair=not args.no_repair,
        retrain=args.retrain,
        store=args.store,
        speed=not args.no_speed,
    )
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console) as progress:

        def begin(target: float) -> Any:
            task = progress.add_task(f"retrain {target:g}", total=None)
            return lambda at, last: progress.update(task, completed=at, total=last)

        if len(args.target_flops) > 1:
            shown = table(prune_curve(run, args.target_flops, begin))
        else:
            shown = json.dumps(prune(run, begin(run.target_flops)), indent=1)
    Console().print(shown, markup=False, highlight=False, soft_wrap=True)
