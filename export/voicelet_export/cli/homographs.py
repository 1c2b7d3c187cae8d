"""`voicelet-export homographs`: the linear model that chooses between readings of homographs."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def _homographs(args: argparse.Namespace) -> None:
    from voicelet.config import from_mapping
    from voicelet.files import atomic_file
    from voicelet.text.lexicon import Lexicon
    from voicelet.text.pack.homographs import HomographData, Homographs
    from voicelet.text.pack.lexicon import PackLexicon
    from voicelet_export.corpus.homographs import read_spoken_homographs, read_wikipedia_homographs
    from voicelet_export.train.homographs import (
        HomographTraining,
        cross_validate,
        train_homographs,
    )

    path = args.pack / "homographs.json"
    data = from_mapping(HomographData, json.loads(path.read_text(encoding="utf-8")), str(path))
    wikipedia = list(read_wikipedia_homographs(args.wikipedia))
    spoken = list(read_spoken_homographs(args.spoken))
    training = HomographTraining(seed=args.seed)
    log.info("%d sentences of Wikipedia, %d spoken ones", len(wikipedia), len(spoken))
    if not args.no_scores:
        words, lexicon = PackLexicon((args.pack / "lexicon.tsv",)), Lexicon.open(args.lexicon)
        of_wikipedia, of_spoken = cross_validate(
            wikipedia, spoken, data, lambda key: words.get(key) or lexicon.get(key), training
        )
        log.info(
            "cross-validation: Wikipedia %.2f %%, spoken %.2f %%",
            100 * of_wikipedia.share,
            100 * of_spoken.share,
        )
        if args.report is not None:
            figures = {"wikipedia": asdict(of_wikipedia), "spoken": asdict(of_spoken)}
            args.report.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    weights = train_homographs(wikipedia, spoken, Homographs(data), training).to_bytes()
    with atomic_file(args.out) as file:
        file.write(weights)
    log.info("%s: %d bytes, sha256 %s", args.out, len(weights), hashlib.sha256(weights).hexdigest())


def add_homographs_command(commands: Any) -> None:
    """Add `homographs` to the command's subparsers."""
    homographs = commands.add_parser(
        "homographs", help="train the model that chooses between readings of homographs"
    )
    homographs.add_argument(
        "--wikipedia", type=Path, required=True, help="train.tsv of WikipediaHomographData"
    )
    homographs.add_argument(
        "--spoken", type=Path, required=True, help="word, sense, sentence: spoken-style sentences"
    )
    homographs.add_argument("--pack", type=Path, required=True, help="folder of the language pack")
    homographs.add_argument("--lexicon", type=Path, required=True, help="lexicon.bin of a voice")
    homographs.add_argument("--out", type=Path, required=True, help="the file of weights")
    homographs.add_argument("--report", type=Path, help="write the scores of every word here, JSON")
    homographs.add_argument("--seed", type=int, default=1, help="of the cross-validation")
    homographs.add_argument("--no-scores", action="store_true", help="no cross-validation")
    homographs.set_defaults(run=_homographs)
