"""The lexicon and the letter-to-sound graph of a bundle, from open lexicons and a corpus."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from voicelet.errors import ConfigError
from voicelet_export.convert.g2p import to_onnx
from voicelet_export.corpus.lexicon import (
    in_corpus_convention,
    pruned,
    read_misaki,
    train_converter,
    usual_of_corpus,
    write,
)
from voicelet_export.models.g2p import G2P
from voicelet_export.train.g2p import (
    G2PTraining,
    pronounce,
    score,
    split,
    train_g2p,
    training_words,
)

log = logging.getLogger(__name__)

CORPUS_WEIGHT = 3
"""How often a word of the corpus itself is seen for once that another is."""


@dataclass(frozen=True)
class G2PBuild:
    """Everything a build needs.

    Attributes:
        gold, silver: misaki's `us_gold.json` and `us_silver.json`.
        corpus: the teacher corpus' `metadata.jsonl`.
        run: folder for checkpoints; an interrupted build goes on from there.
        out: folder for `lexicon.bin`, `g2p.onnx`, `g2p.safetensors` and `scores.json`.
        training: the first run.
        refinement: a second run from its averaged weights; without one the first is final.
    """

    gold: Path
    silver: Path
    corpus: Path
    run: Path
    out: Path
    training: G2PTraining = field(default_factory=G2PTraining)
    refinement: G2PTraining | None = field(
        default_factory=lambda: G2PTraining(
            steps=1800, learning_rate=1.2e-3, warmup=100, average=0.997, seed=2
        )
    )


def build_g2p(build: G2PBuild) -> dict[str, Any]:
    """Convert the lexicons, train on them, test on held-out words, and write the artefacts.

    Returns:
        Scores by kind of word, as written to `scores.json`.

    Raises:
        ConfigError: a source is missing.
    """
    for path in (build.gold, build.silver, build.corpus):
        if not path.is_file():
            raise ConfigError(
                f"{path} is missing; the lexicons are in the misaki package's data folder"
                " (pip download --no-deps misaki), the corpus is the teacher's metadata.jsonl"
            )
    build.out.mkdir(parents=True, exist_ok=True)
    entries, usual, certain = convert_lexicons(build)
    words = training_words(entries, usual, certain)
    training, testing = split(words, build.training.held_out)
    weighted = [pair for pair in training for _ in range(CORPUS_WEIGHT if pair[0] in usual else 1)]
    log.info("training on %d words, testing on %d", len(training), len(testing))
    model = train_g2p(weighted, build.run / "first", build.training)
    if build.refinement is not None:
        start = model.state_dict()
        model = train_g2p(weighted, build.run / "second", build.refinement, start)
    said = pronounce(model, [word for word, _ in testing])
    kinds = {
        "all": testing,
        "certain": [pair for pair in testing if pair[0] in certain],
        "corpus": [pair for pair in testing if pair[0] in usual],
    }
    scores = {
        kind: asdict(score([(said[word], phones) for word, phones in pairs]))
        for kind, pairs in kinds.items()
    }
    write_artifacts(build.out, model, entries, keep=set(usual) | certain)
    (build.out / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
    return scores


def convert_lexicons(build: G2PBuild) -> tuple[dict[str, str], dict[str, str], set[str]]:
    """All entries in the corpus' convention, the corpus' own readings, and the certain words."""
    source = read_misaki(build.silver, build.gold)
    usual = usual_of_corpus(build.corpus, source)
    entries = in_corpus_convention(source, usual, train_converter(source, usual))
    return entries, usual, set(read_misaki(build.gold).words)


def write_artifacts(
    out: Path, model: G2P, entries: Mapping[str, str], keep: set[str]
) -> dict[str, int]:
    """Write the graph, the weights (half precision) and the lexicon without what the graph knows.

    Returns:
        Bytes of each file.
    """
    said = pronounce(
        model, [key for key in entries if key.isascii() and "|" not in key and key not in keep]
    )
    weights: dict[str, Tensor] = {
        name: value.to(torch.float16).contiguous() for name, value in model.state_dict().items()
    }
    save_file(
        weights, out / "g2p.safetensors", metadata={"config": json.dumps(asdict(model.config))}
    )
    return {
        "g2p.onnx": to_onnx(model, out / "g2p.onnx"),
        "g2p.safetensors": (out / "g2p.safetensors").stat().st_size,
        "lexicon.bin": write(pruned(entries, keep, said.get), out / "lexicon.bin"),
    }
