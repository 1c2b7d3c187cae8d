"""`voicelet-export corpus …`: check, prepare, align, augment and split corpora."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet_export.cli.corpus_tools import add_tool_commands, progress

log = logging.getLogger(__name__)


def _cache(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.align_cache import build_real_cache
    from voicelet_export.corpus.cache import build_aligned_cache
    from voicelet_export.corpus.reader import read_rows

    rows = read_rows(args.corpus)
    aligned = bool(rows) and all("frames" in row and "phonemes" in row for row in rows)
    build = build_aligned_cache if aligned else build_real_cache
    count = build(args.corpus, args.out, args.encoder)
    log.info("%d utterances in %s, %s", count, args.out, "aligned" if aligned else "not aligned")


def _align(args: argparse.Namespace) -> None:
    import torch

    from voicelet_export.corpus.align_cache import align_cache
    from voicelet_export.corpus.prepare import Tools, recording_aligner

    torch.set_num_threads(1)
    found = Tools.found(aligner=args.aligner)
    tools = Tools(
        encoder=found.encoder,
        aligner=found.aligner,
        lexicon=args.lexicon or found.lexicon,
        g2p=args.g2p or (None if args.lexicon else found.g2p),
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
        with progress("align") as told:
            report = align_to_textgrids(sources, args.textgrid, aligner, on_item=told)
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


def add_parser(commands: Any) -> None:
    """Add `corpus` to the command's subparsers."""
    corpus = commands.add_parser("corpus", help="measure and align corpora")
    actions = corpus.add_subparsers(required=True, metavar="action")
    cache = actions.add_parser("cache", help="features of a corpus, aligned where its rows are")
    cache.add_argument("--corpus", type=Path, required=True)
    cache.add_argument("--out", type=Path, required=True)
    cache.add_argument("--encoder", type=Path, required=True, help="speaker encoder, ONNX")
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
    add_tool_commands(actions)
