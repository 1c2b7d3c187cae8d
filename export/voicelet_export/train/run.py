"""`voicelet-export train STAGE`: from a recipe and feature caches to a checkpoint."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from voicelet.audio.features import FloatArray
from voicelet.config import from_mapping, to_mapping
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.train.data import Item, load_items, mel_statistics, read_held_out
from voicelet_export.train.loop import Task, Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingRun:
    """What to train, on what, and where.

    Attributes:
        stage: "acoustic", "vocoder" or "aligner".
        recipe: YAML file of the stage's configuration.
        caches: feature cache folders.
        held_out: JSON file that names the speakers never trained on.
        out: folder of checkpoints, logs, pictures and audio.
        start_from: a checkpoint whose averaged weights a new run starts from.
    """

    stage: str
    recipe: Path
    caches: tuple[Path, ...]
    held_out: Path
    out: Path
    start_from: Path | None = None


def statistics(run: TrainingRun, items: list[Item]) -> tuple[FloatArray, FloatArray]:
    """Mel statistics, measured once from the first cache and then kept in `out/statistics.json`."""
    path = run.out / "statistics.json"
    if not path.exists():
        first = [i for i in items if i.cache.folder == run.caches[0]]
        mean, std = mel_statistics(first)
        run.out.mkdir(parents=True, exist_ok=True)
        values = {"mel_mean": mean.round(5).tolist(), "mel_std": std.round(5).tolist()}
        path.write_text(json.dumps(values), encoding="utf-8")
    data = json.loads(path.read_text(encoding="utf-8"))
    return np.array(data["mel_mean"], np.float32), np.array(data["mel_std"], np.float32)


def build_trainer(run: TrainingRun) -> Trainer:
    """Make the task and its trainer.

    Raises:
        ConfigError: the recipe has an unknown key or a wrong value.
    """
    recipe: dict[str, Any] = yaml.safe_load(run.recipe.read_text(encoding="utf-8")) or {}
    caches = [FeatureCache(c) for c in run.caches]
    aligned = run.stage in ("acoustic", "aligner")
    train, valid = load_items(caches, read_held_out(run.held_out), aligned)
    task: Task
    if run.stage == "aligner":
        from voicelet_export.train.aligner import AlignerTask, AlignerTraining

        aligner = from_mapping(AlignerTraining, recipe, str(run.recipe))
        task, loop = AlignerTask(aligner, train, valid), aligner.loop
        config: Any = aligner
    elif run.stage == "encoder":
        from voicelet_export.train.encoder import EncoderTask, EncoderTraining

        encoder = from_mapping(EncoderTraining, recipe, str(run.recipe))
        task, loop = EncoderTask(encoder, train, valid), encoder.loop
        config = encoder
    elif run.stage == "vocoder":
        from voicelet_export.train.vocoder import VocoderTask, VocoderTraining

        vocoder = from_mapping(VocoderTraining, recipe, str(run.recipe))
        mean, std = statistics(run, train)
        task, loop = VocoderTask(vocoder, train, valid, mean, std), vocoder.loop
        config = vocoder
    else:
        from voicelet_export.train.acoustic import AcousticTask, AcousticTraining

        acoustic = from_mapping(AcousticTraining, recipe, str(run.recipe))
        mean, std = statistics(run, train)
        task, loop = AcousticTask(acoustic, train, valid, mean, std), acoustic.loop
        config = acoustic
    trainer = Trainer(task, loop, run.out)
    (run.out / "config.json").write_text(json.dumps(to_mapping(config), indent=1))
    if run.start_from is not None and not (run.out / "checkpoint.pt").exists():
        trainer.load(run.start_from, weights_only=True)
    log.info("%d utterances to train on, %d held out", len(train), len(valid))
    return trainer
