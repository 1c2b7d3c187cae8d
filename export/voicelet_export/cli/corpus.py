"""`voicelet-export corpus …`: check, prepare, align, change, split and carry corpora."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet_export.cli.progress import progress
from voicelet_export.corpus.layouts import LAYOUTS
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

_MOST_SHOWN = 40


def _cache(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.align_cache import build_real_cache
    from voicelet_export.corpus.cache import build_aligned_cache
    from voicelet_export.corpus.reader import read_rows

    rows = read_rows(args.corpus)
    aligned = bool(rows) and all("frames" in row and "phonemes" in row for row in rows)
    if aligned:
        count = build_aligned_cache(args.corpus, args.out, args.encoder)
    else:
        count = build_real_cache(args.corpus, args.out, args.encoder, args.bandwidth_hz)
    log.info("%d utterances in %s, %s", count, args.out, "aligned" if aligned else "not aligned")


def _align(args: argparse.Namespace) -> None:
    import torch

    from voicelet_export.corpus.align_cache import align_cache
    from voicelet_export.corpus.prepare import Tools, recording_aligner

    torch.set_num_threads(1)
    packaged = Tools.found(aligner=args.aligner)
    tools = Tools(
        encoder=packaged.encoder,
        aligner=packaged.aligner,
        lexicon=args.lexicon or packaged.lexicon,
        g2p=args.g2p or (None if args.lexicon else packaged.g2p),
    )
    aligner = recording_aligner(tools)
    if args.cache is None and args.textgrid is None:
        raise ConfigError("give --cache to align a feature cache, or --textgrid to write TextGrids")
    if args.cache is not None:
        report = align_cache(args.cache, args.corpus, aligner)
        short = {name: value for name, value in report.items() if name != "utterances"}
        log.info("%s", json.dumps(short))
    if args.textgrid is not None:
        from voicelet_export.corpus.layouts import read_sources
        from voicelet_export.corpus.speech_times import align_to_textgrids

        sources = read_sources(args.corpus, args.layout)
        with progress("align") as on_item:
            report = align_to_textgrids(sources, args.textgrid, aligner, on_item=on_item)
        log.info(
            "%d TextGrids in %s, %d of them to be trusted (see alignment.json)",
            report["written"],
            args.textgrid,
            report["trusted"],
        )


def _predict(args: argparse.Namespace) -> None:
    import torch

    from voicelet_export.train.predicted_mels import predict_cache

    torch.set_num_threads(1)
    log.info("%d utterances in %s", predict_cache(args.acoustic, args.cache, args.out), args.out)


def _check(args: argparse.Namespace) -> None:
    from voicelet.cli.table import print_table
    from voicelet_export.corpus.check.config import CheckConfig
    from voicelet_export.corpus.check.corpus import aligner_fit, check_corpus
    from voicelet_export.recipes import read_recipe

    config = read_recipe(CheckConfig, args.config)
    fit = None
    if args.align:
        from voicelet_export.corpus.prepare import Tools, recording_aligner

        fit = aligner_fit(recording_aligner(Tools.found(aligner=args.aligner)))
    with progress("check") as on_item:
        report = check_corpus(args.folder, args.layout, config, fit, on_item)
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
    from voicelet_export.recipes import read_recipe

    config = read_recipe(PackConfig, args.config, layout=args.layout)
    with progress("pack") as on_item:
        report = pack_corpus(args.folder, args.out, config, on_item)
    log.info("%d utterances, %.2f h in %s", report["utterances"], report["hours"], args.out)
    if report["left_out"]:
        log.info("%d left out, see prepare.json", len(report["left_out"]))
    if args.cache is not None:
        tools = Tools.found(args.encoder, args.aligner, aligned=not args.no_align)
        with progress("measure") as on_item:
            built = build_cache(args.out, args.cache, tools, on_item)
        log.info("%d utterances, %d aligned", built["utterances"], built["aligned"])


def _augment(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.augment import AugmentConfig, augment_cache
    from voicelet_export.corpus.prepare import Tools
    from voicelet_export.recipes import read_recipe
    from voicelet_export.train.data import read_held_out

    changes = {
        name: getattr(args, name) for name in ("speed", "tempo", "volume_db", "noise_db", "room_s")
    }
    config = read_recipe(AugmentConfig, args.config, copies=args.copies, seed=args.seed, **changes)
    encoder = None
    if config.speed is not None:
        encoder = Tools.found(args.encoder, aligned=False).encoder
    held_out = sorted(read_held_out(args.held_out)) if args.held_out else []
    with progress("augment") as on_item:
        count = augment_cache(args.cache, args.out, config, encoder, held_out, on_item)
    log.info("%d copies in %s", count, args.out)


def _denoise(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.denoise import denoise_cache
    from voicelet_export.corpus.prepare import Tools

    encoder = Tools.found(args.encoder, aligned=False).encoder
    with progress("denoise") as on_item:
        done = denoise_cache(args.cache, args.out, encoder, on_item)
    log.info("%d utterances in %s; %d sounded like another", done.kept, args.out, done.changed)


def _voicing(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.voicing import revoice_cache

    with progress("voicing") as on_item:
        before, after = revoice_cache(args.cache, args.corpus, on_item)
    log.info("%.1f %% of the frames are voiced, %.1f %% before", 100 * after, 100 * before)


def _cut(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.cut import CutConfig, cut_cache
    from voicelet_export.recipes import read_recipe

    cut_cache(args.cache, args.out, read_recipe(CutConfig, args.config))


def _retime(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.retime import RetimeConfig, retime_cache
    from voicelet_export.recipes import read_recipe

    retime_cache(args.cache, args.out, read_recipe(RetimeConfig, args.config))


def _archive(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.archive import ArchiveConfig, write_archive
    from voicelet_export.recipes import read_recipe

    write_archive(args.cache, args.out, read_recipe(ArchiveConfig, None, megabytes=args.megabytes))


def _unarchive(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.archive import read_archive

    for folder in read_archive(args.archive, args.out):
        log.info("%s", folder)


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


def add_parser(commands: Any) -> None:
    """Add `corpus` to the command's subparsers."""
    corpus = commands.add_parser("corpus", help="measure and align corpora")
    actions = corpus.add_subparsers(required=True, metavar="action")
    cache = actions.add_parser("cache", help="features of a corpus, aligned where its rows are")
    cache.add_argument("--corpus", type=Path, required=True)
    cache.add_argument("--out", type=Path, required=True)
    cache.add_argument("--encoder", type=Path, required=True, help="speaker encoder, ONNX")
    cache.add_argument(
        "--bandwidth-hz", type=float, help="what recordings hold, if less than half their rate"
    )
    cache.set_defaults(run=_cache)
    align = actions.add_parser("align", help="when each phone is said: in a cache, as TextGrids")
    align.add_argument("--cache", type=Path, help="a feature cache to give phones and durations")
    align.add_argument("--textgrid", type=Path, help="a folder for Praat TextGrids")
    align.add_argument("--corpus", type=Path, required=True, help="where the transcripts are")
    align.add_argument("--layout", default="auto", help="of the corpus, for TextGrids")
    align.add_argument("--aligner", type=Path, help="weights, safetensors")
    align.add_argument("--lexicon", type=Path, help="instead of the packaged voice's")
    align.add_argument("--g2p", type=Path, help="letter-to-sound graph for words it lacks")
    align.set_defaults(run=_align)
    predict = actions.add_parser("predict", help="a cache with an acoustic model's mels")
    predict.add_argument("--acoustic", type=Path, required=True, help="a run or milestone")
    predict.add_argument("--cache", type=Path, required=True)
    predict.add_argument("--out", type=Path, required=True)
    predict.set_defaults(run=_predict)
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

    cut = actions.add_parser("cut", help="utterances cut at their pauses, several of everybody")
    cut.add_argument("--cache", type=Path, required=True, help="with alignments")
    cut.add_argument("--out", type=Path, required=True)
    cut.add_argument("--config", type=Path, help="YAML of where to cut")
    cut.set_defaults(run=_cut)

    retime = actions.add_parser(
        "retime", help="labels where the sound is, the same silence at both ends"
    )
    retime.add_argument("--cache", type=Path, required=True, help="with alignments")
    retime.add_argument("--out", type=Path, required=True)
    retime.add_argument("--config", type=Path, help="YAML of how labels are moved")
    retime.set_defaults(run=_retime)

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

    archive = actions.add_parser("archive", help="caches in one small file, without audio")
    archive.add_argument("--cache", type=Path, action="append", required=True)
    archive.add_argument("--out", type=Path, required=True, help="the file")
    archive.add_argument("--megabytes", type=float, help="at most; 60 by default")
    archive.set_defaults(run=_archive)

    unarchive = actions.add_parser("unarchive", help="the caches of an archive")
    unarchive.add_argument("archive", type=Path)
    unarchive.add_argument("--out", type=Path, required=True, help="a folder for their folders")
    unarchive.set_defaults(run=_unarchive)

    split = actions.add_parser("split", help="train, valid and test by speakers, balanced")
    split.add_argument("folder", type=Path, help="a packed corpus or a feature cache")
    split.add_argument("--out", type=Path, required=True, help="folder of split.json")
    split.add_argument("--valid", type=float, default=0.05)
    split.add_argument("--test", type=float, default=0.05)
    split.add_argument("--seed", type=int, default=1)
    split.set_defaults(run=_split)
