"""`voicelet-export corpus cache|align|predict`: corpora to feature caches."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def _cache(args: argparse.Namespace) -> None:
    from voicelet_export.corpus.cache import build_aligned_cache
    from voicelet_export.corpus.reader import read_rows
    from voicelet_export.corpus.real import build_real_cache

    rows = read_rows(args.corpus)
    aligned = bool(rows) and all("frames" in row and "phonemes" in row for row in rows)
    build = build_aligned_cache if aligned else build_real_cache
    count = build(args.corpus, args.out, args.encoder)
    log.info("%d utterances in %s, %s", count, args.out, "aligned" if aligned else "not aligned")


def _align(args: argparse.Namespace) -> None:
    import torch

    from voicelet.text.g2p import NeuralG2P
    from voicelet.text.lexicon import Lexicon
    from voicelet_export.corpus.real import RecordingAligner, align_cache
    from voicelet_export.corpus.transcripts import TranscriptReader
    from voicelet_export.models.aligner import FramePosteriors, load_aligner

    torch.set_num_threads(1)
    g2p = NeuralG2P(args.g2p) if args.g2p is not None else None
    reader = TranscriptReader(Lexicon.open(args.lexicon), g2p)
    aligner = RecordingAligner(reader, FramePosteriors(load_aligner(args.aligner)))
    report = align_cache(args.cache, args.corpus, aligner)
    short = {name: value for name, value in report.items() if name != "utterances"}
    log.info("%s", json.dumps(short))


def _predict(args: argparse.Namespace) -> None:
    import torch

    from voicelet_export.corpus.predicted import predict_cache

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
    align = actions.add_parser("align", help="give a cache of recordings phones and durations")
    align.add_argument("--cache", type=Path, required=True)
    align.add_argument("--corpus", type=Path, required=True, help="where the transcripts are")
    align.add_argument("--aligner", type=Path, required=True, help="weights, safetensors")
    align.add_argument("--lexicon", type=Path, required=True)
    align.add_argument("--g2p", type=Path, help="letter-to-sound graph for words it lacks")
    align.set_defaults(run=_align)
    predict = actions.add_parser("predict", help="a cache with an acoustic model's mels")
    predict.add_argument("--acoustic", type=Path, required=True, help="folder of a training run")
    predict.add_argument("--cache", type=Path, required=True)
    predict.add_argument("--out", type=Path, required=True)
    predict.set_defaults(run=_predict)
