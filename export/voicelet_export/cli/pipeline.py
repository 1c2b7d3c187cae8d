"""`voicelet-export pipeline`, `verify` and `report`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError, VoiceletError


def add_pipeline_commands(commands: Any) -> None:
    """Add `pipeline`, `verify` and `report` to the subcommands of `voicelet-export`."""
    run = commands.add_parser(
        "pipeline", help="run a recipe, step by step; resumable, cached by content"
    )
    run.add_argument("recipe", type=Path, help="YAML; see docs/guides/pipeline.md")
    run.add_argument(
        "--work", type=Path, help="folder of the store; work/<name of the recipe> by default"
    )
    run.add_argument("--root", type=Path, default=Path(), help="what relative paths are taken from")
    run.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of the recipe"
    )
    run.add_argument("--until", metavar="STEP", help="stop after this step")
    run.add_argument(
        "--again", action="append", default=[], metavar="STEP", help="make it anew though cached"
    )
    run.add_argument(
        "--plan", action="store_true", help="check every step and list them, run nothing"
    )
    run.add_argument("--status", action="store_true", help="show what is cached, run nothing")
    run.add_argument("--clean", action="store_true", help="remove old outputs from the store")
    run.set_defaults(run=_pipeline)
    verify = commands.add_parser("verify", help="measure a bundle again and compare its claims")
    verify.add_argument("bundle", type=Path)
    verify.add_argument(
        "--against", type=Path, help="another bundle, or its teacher (a Piper .onnx)"
    )
    verify.add_argument("--corpus", type=Path, help="folder of the corpora, for clones")
    verify.add_argument("--sentences", type=Path, help="a sentence a line")
    verify.add_argument("--count", type=int, default=20, help="how many sentences")
    verify.add_argument("--repeats", type=int, default=3, help="rounds of timing")
    verify.add_argument("--require-signature", action="store_true")
    verify.add_argument("--trust", action="append", default=[], metavar="KEY")
    verify.add_argument(
        "--limit", action="append", default=[], metavar="FIGURE=VALUE", help="the worst that passes"
    )
    verify.add_argument("--no-judges", action="store_true", help="leave out words and opinions")
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.set_defaults(run=_verify)
    report = commands.add_parser("report", help="write the report of what a pipeline has made")
    report.add_argument("recipe", type=Path)
    report.add_argument("--work", type=Path)
    report.add_argument("--root", type=Path, default=Path())
    report.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    report.add_argument("--out", type=Path, required=True, help="folder of report.md, report.html")
    report.add_argument("--clips", type=int, default=4, help="sentences to listen to")
    report.set_defaults(run=_report)


def _variables(pairs: list[str], option: str = "--set") -> dict[str, str]:
    out = {}
    for pair in pairs:
        name, found, value = pair.partition("=")
        if not found:
            raise ConfigError(f"{option} {pair}: give NAME=VALUE")
        out[name] = value
    return out


def _limits(pairs: list[str]) -> dict[str, float]:
    try:
        return {name: float(value) for name, value in _variables(pairs, "--limit").items()}
    except ValueError as error:
        raise ConfigError(f"--limit: {error}") from None


def _work(args: argparse.Namespace, name: str) -> Path:
    return Path(args.work) if args.work is not None else Path("work") / name


def _pipeline(args: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from voicelet_export.pipeline.recipe import Step, read_recipe
    from voicelet_export.pipeline.run import State, run_pipeline

    recipe = read_recipe(args.recipe, _variables(args.set))
    work = _work(args, recipe.name)
    if args.plan:
        _plan(recipe, work, args.root, args.until)
        return
    if args.status:
        _status(recipe, work, args.root)
        return
    with Progress(console=Console(stderr=True)) as progress:

        def on_step(step: Step, state: State) -> Callable[[float, float], None] | None:
            logging.info("%s (%s): %s", step.name, step.kind.name, _SAID[state])
            if state == "cached":
                return None
            task = progress.add_task(step.name, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        done = run_pipeline(
            recipe,
            work,
            args.root,
            until=args.until,
            again=frozenset(args.again),
            on_step=on_step,
            clean=args.clean,
        )
    for name, record in done.items():
        sys.stdout.write(f"{record.output}  {name}  {record.seconds:.1f} s\n")
    for name, record in done.items():
        if record.kind == "report":
            sys.stdout.write(f"report: {work / 'steps' / name / 'notes' / 'report.html'}\n")


_SAID = {"cached": "cached", "partial": "goes on", "missing": "begins"}


def _status(recipe: Any, work: Path, root: Path) -> None:
    from voicelet_export.pipeline.run import pipeline_status

    for name, (state, record) in pipeline_status(recipe, work, root).items():
        output = record.output[:12] if record is not None else ""
        seconds = f"{record.seconds:.1f} s" if record is not None else ""
        sys.stdout.write(f"{state:8}  {name:20}  {output:12}  {seconds}\n".rstrip() + "\n")


def _plan(recipe: Any, work: Path, root: Path, until: str | None) -> None:
    from voicelet.cli.table import print_table
    from voicelet_export.pipeline.plan import plan_pipeline
    from voicelet_export.pipeline.run import needed_steps

    plan = plan_pipeline(recipe, work, root, wanted=needed_steps(recipe, until))
    rows = [
        (
            step.name,
            step.kind,
            f"{step.estimate.minutes:.1f}" if step.estimate.minutes else "",
            f"{step.estimate.steps}" if step.estimate.steps else "",
            f"{step.estimate.megabytes:.0f}" if step.estimate.megabytes else "",
            " ".join(step.needs) if step.kind != "report" else "all above",
        )
        for step in plan.steps
    ]
    print_table(("step", "kind", "speech min", "training steps", "MB", "reads"), rows)
    room = f"about {plan.megabytes:,.0f} MB of {plan.free_megabytes:,.0f} MB free in {work}"
    sys.stdout.write(f"\n{len(rows)} steps, {room}\n")
    for error in plan.problems:
        sys.stdout.write(f"- {error}\n")
    if plan.problems:
        raise ConfigError(f"{len(plan.problems)} things are in the way; see above")


def _verify(args: argparse.Namespace) -> None:
    from voicelet_export.bundle.check import VerifyConfig, verify_bundle

    report = verify_bundle(
        VerifyConfig(
            bundle=args.bundle,
            against=args.against,
            corpus=args.corpus,
            sentences=args.sentences,
            count=args.count,
            repeats=args.repeats,
            require_signature=args.require_signature,
            trusted_keys=tuple(args.trust),
            judge=not args.no_judges,
            limits=_limits(args.limit),
        )
    )
    if args.json:
        data = {
            "name": report.name,
            "version": report.version,
            "signed_by": report.signed_by,
            "ok": report.ok,
            "checks": [vars(c) for c in report.checks],
        }
        sys.stdout.write(json.dumps(data, indent=1) + "\n")
    else:
        signed = report.signed_by[:16] if report.signed_by else "nobody"
        sys.stdout.write(f"{report.name} {report.version}, signed by {signed}, hashes in order\n")
        for c in report.checks:
            found = "-" if c.found is None else f"{c.found:.4g}"
            claimed = "-" if c.claimed is None else f"{c.claimed:.4g}"
            sys.stdout.write(
                f"{c.status:13} {c.name:36} {found:>10} {claimed:>10}  {c.tolerance}".rstrip()
                + "\n"
            )
    if not report.ok:
        names = ", ".join(c.name for c in report.failures)
        raise VoiceletError(f"{args.bundle}: not as its manifest says: {names}")


def _report(args: argparse.Namespace) -> None:
    from voicelet_export.pipeline.cache import Store
    from voicelet_export.pipeline.recipe import read_recipe
    from voicelet_export.pipeline.report import Shown, write_report
    from voicelet_export.pipeline.run import pipeline_status

    recipe = read_recipe(args.recipe, _variables(args.set))
    work = _work(args, recipe.name)
    store = Store(work)
    done = {n: r for n, (_, r) in pipeline_status(recipe, work, args.root).items() if r is not None}
    if not done:
        raise ConfigError(f"{work}: nothing is made yet; run voicelet-export pipeline first")
    shown = [
        Shown(name, record, store.folder(record.key))
        for name, record in done.items()
        if record.kind != "report"
    ]
    write_report(shown, args.out, recipe.name, args.clips)
