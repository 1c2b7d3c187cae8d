"""`voicelet-export corpus check|prepare|denoise|voicing|augment|split`."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from voicelet.errors import ConfigError
from voicelet_export.corpus.layouts import LAYOUTS
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_SHOWN = 40


@contextlib.contextmanager
def progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; gives what is told (done, total)."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    with Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def settings(cls: type[T], path: Path | None, **changes: Any) -> T:
    """A configuration from a YAML file (its defaults without one), with options over it."""
    import yaml

    from voicelet.config import from_mapping

    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} can't be read: {error}") from error
    given = {name: value for name, value in changes.items() if value is not None}
    return from_mapping(cls, {**data, **given}, str(path) if path else "")


def _check(args: argparse.Namespace) -> None:
    from voicelet.cli.table import print_table
    from voicelet_export.corpus.check.config import CheckConfig
    from voicelet_export.corpus.check.corpus import aligner_fit, check_corpus

    config = settings(CheckConfig, args.config)
    fit = None
    if args.align:
        from voicelet_export.corpus.prepare import Tools, recording_aligner

        fit = aligner_fit(recording_aligner(Tools.found(aligner=args.aligner)))
    with progress("check") as told:
        report = check_corpus(args.folder, args.layout, config, fit, told)
    if args.report is not None:
        report.write(args.report)
    facts = report.mapping()
    print_table(
        ("layout", "utterances", "readable", "speakers", "hours", "errors", "warnings"),
        [
            (
                report.layout,
                str(report.utterances),
                str(len(report.measured)),
                str(facts["speakers"]),
                f"{facts['hours']:.2f}",
                str(report.errors),
                str(facts["warnings"]),
            )
        ],
    )
    if report.findings:
        sys.stdout.write("\n")
        counts = [(kind, name, str(n)) for (kind, name), n in report.counts().items()]
        print_table(("severity", "check", "count"), counts)
        sys.stdout.write("\n")
        shown = report.findings[: args.most]
        rows = [(f.severity, f.id or "(corpus)", f.check, f.message) for f in shown]
        print_table(("severity", "utterance", "check", "what"), rows)
        more = len(report.findings) - len(shown)
        if more:
            sys.stdout.write(f"and {more} more; --report FILE.json has them all\n")
    if report.errors:
        raise CorpusCheckError(f"{report.errors} errors in {args.folder}; see above")


class CorpusCheckError(CorpusError):
    """The checker found errors."""

    exit_code = 1


def _prepare(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.pack import PackConfig, pack_corpus
    from voicelet_export.corpus.prepare import Tools, build_cache

    config = settings(PackConfig, args.config, layout=args.layout)
    with progress("pack") as told:
        report = pack_corpus(args.folder, args.out, config, told)
    log.info("%d utterances, %.2f h in %s", report["utterances"], report["hours"], args.out)
    if report["left_out"]:
        log.info("%d left out, see prepare.json", len(report["left_out"]))
    if args.cache is not None:
        tools = Tools.found(args.encoder, args.aligner, aligned=not args.no_align)
        with progress("measure") as told:
            built = build_cache(args.out, args.cache, tools, told)
        log.info("%d utterances, %d aligned", built["utterances"], built["aligned"])


def _augment(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.augment import AugmentConfig, augment_cache
    from voicelet_export.corpus.prepare import Tools
    from voicelet_export.train.data import read_held_out

    changes = {
        name: getattr(args, name) for name in ("speed", "tempo", "volume_db", "noise_db", "room_s")
    }
    config = settings(AugmentConfig, args.config, copies=args.copies, seed=args.seed, **changes)
    encoder = None
    if config.speed is not None:
        encoder = Tools.found(args.encoder, aligned=False).encoder
    held_out = sorted(read_held_out(args.held_out)) if args.held_out else []
    with progress("augment") as told:
        count = augment_cache(args.cache, args.out, config, encoder, held_out, told)
    log.info("%d copies in %s", count, args.out)


def _denoise(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.denoise import denoise_cache
    from voicelet_export.corpus.prepare import Tools

    encoder = Tools.found(args.encoder, aligned=False).encoder
    with progress("denoise") as told:
        done = denoise_cache(args.cache, args.out, encoder, told)
    log.info("%d utterances in %s; %d sounded like another", done.kept, args.out, done.changed)


def _voicing(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.voicing import revoice_cache

    with progress("voicing") as told:
        before, after = revoice_cache(args.cache, args.corpus, told)
    log.info("%.1f %% of the frames are voiced, %.1f %% before", 100 * after, 100 * before)


def _split(args: argparse.Namespace) -> None:
    from voicelet.cli.table import print_table
    from voicelet_export.corpus.splits import (
        SplitConfig,
        read_spoken,
        split_speakers,
        write_split,
    )

    spoken = read_spoken(args.folder)
    split = split_speakers(spoken, SplitConfig(args.valid, args.test, args.seed))
    report = write_split(split, spoken, args.out)
    rows = [
        (
            part,
            str(len(report[part]["speakers"])),
            str(len(report[part]["utterances"])),
            f"{report[part]['hours']:.3f}",
            " ".join(f"{g} {h:.3f}" for g, h in report[part]["hours_by_gender"].items()),
        )
        for part in ("train", "valid", "test")
    ]
    print_table(("part", "speakers", "utterances", "hours", "by gender"), rows)


def add_tool_commands(actions: Any) -> None:
    """Add the actions to those of `corpus`."""
    layouts = ", ".join(("auto", *LAYOUTS))
    check = actions.add_parser("check", help="find what would spoil a training; 1 on errors")
    check.add_argument("folder", type=Path)
    check.add_argument("--layout", default="auto", help=layouts)
    check.add_argument("--align", action="store_true", help="lay every text along its recording")
    check.add_argument("--aligner", type=Path, help="weights for --align")
    check.add_argument("--config", type=Path, help="YAML of thresholds")
    check.add_argument("--report", type=Path, help="write all of it as JSON")
    check.add_argument("--most", type=int, default=_MOST_SHOWN, help="findings shown")
    check.set_defaults(run=_check)

    prepare = actions.add_parser("prepare", help="pack a corpus of any layout; resumes")
    prepare.add_argument("folder", type=Path)
    prepare.add_argument("--layout", help=layouts)
    prepare.add_argument("--out", type=Path, required=True, help="the packed corpus")
    prepare.add_argument("--config", type=Path, help="YAML of packing")
    prepare.add_argument("--cache", type=Path, help="measure and align it into a feature cache")
    prepare.add_argument("--no-align", action="store_true", help="for vocoders: no durations")
    prepare.add_argument("--encoder", type=Path, help="speaker encoder, ONNX")
    prepare.add_argument("--aligner", type=Path, help="weights, safetensors")
    prepare.set_defaults(run=_prepare)

    denoise = actions.add_parser("denoise", help="the aligned part of a cache without its noise")
    denoise.add_argument("--cache", type=Path, required=True)
    denoise.add_argument("--out", type=Path, required=True)
    denoise.add_argument("--encoder", type=Path, help="speaker encoder, ONNX")
    denoise.set_defaults(run=_denoise)

    voicing = actions.add_parser("voicing", help="decide anew which frames of a cache are voiced")
    voicing.add_argument("--cache", type=Path, required=True, help="its f0 is replaced")
    voicing.add_argument("--corpus", type=Path, help="if its rows tell an f0")
    voicing.set_defaults(run=_voicing)

    augment = actions.add_parser("augment", help="changed copies of a cache, labels with them")
    augment.add_argument("--cache", type=Path, required=True)
    augment.add_argument("--out", type=Path, required=True)
    augment.add_argument("--config", type=Path, help="YAML of what is changed")
    for name, what in (
        ("speed", "factor; pitch rises with it"),
        ("tempo", "factor; pitch stays"),
        ("volume-db", "gain"),
        ("noise-db", "speech over noise"),
        ("room-s", "time of a room's sound to fall by 60 dB"),
    ):
        metavar = ("LEAST", "MOST")
        augment.add_argument(f"--{name}", type=float, nargs=2, metavar=metavar, help=what)
    augment.add_argument("--copies", type=int)
    augment.add_argument("--seed", type=int)
    augment.add_argument("--encoder", type=Path, help="speaker encoder, ONNX; for --speed")
    augment.add_argument("--held-out", type=Path, help="JSON of speakers that get no copies")
    augment.set_defaults(run=_augment)

    split = actions.add_parser("split", help="train, valid and test by speakers, balanced")
    split.add_argument("folder", type=Path, help="a packed corpus or a feature cache")
    split.add_argument("--out", type=Path, required=True, help="folder of split.json")
    split.add_argument("--valid", type=float, default=0.05)
    split.add_argument("--test", type=float, default=0.05)
    split.add_argument("--seed", type=int, default=1)
    split.set_defaults(run=_split)
