"""The arguments of `voicelet-export distil`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from voicelet_export.cli.progress import progress


def add_distil_command(commands: Any) -> None:
    """Add `distil` to the subcommands of `voicelet-export`."""
    parser = commands.add_parser(
        "distil", help="have a small model learn from a large one; resumes where it was cut off"
    )
    parser.add_argument("stage", choices=["acoustic", "vocoder"])
    parser.add_argument(
        "--teacher", type=Path, help="model folder; left out if the caches hold a teacher's speech"
    )
    parser.add_argument("--student", type=Path, required=True, metavar="YAML", help="the recipe")
    parser.add_argument("--cache", type=Path, action="append", required=True)
    parser.add_argument("--held-out", type=Path, help="speakers never trained on; or drawn")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--store", type=Path, help="folder for the teacher's outputs, which runs may share"
    )
    parser.add_argument("--start-from", type=Path, help="weights that the student starts from")
    parser.add_argument("--until-step", type=int)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    from voicelet_export.compress.distil.distil import DistilRun, distil

    run = DistilRun(
        stage=args.stage,
        student=args.student,
        caches=tuple(args.cache),
        held_out=args.held_out,
        out=args.out,
        teacher=args.teacher,
        store=args.store,
        start_from=args.start_from,
    )
    with progress(f"distil {args.stage}") as on_step:
        distil(run, args.until_step, on_step)
