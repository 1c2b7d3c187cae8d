"""`voicelet-export train STAGE`: from a recipe and feature caches to a checkpoint."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.config import to_mapping
from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.errors import CorpusError
from voicelet_export.recipes import read_recipe
from voicelet_export.train.data import Item, load_items, mel_statistics, read_held_out
from voicelet_export.train.loop import Trainer
from voicelet_export.train.stages import find_stage

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingRun:
    """What to train, on what, and where.

    Attributes:
        stage: one of `voicelet_export.train.stages.STAGES`.
        recipe: YAML file of the stage's configuration; `None` for its defaults.
        caches: feature cache folders.
        held_out: JSON file that names the speakers (or single utterances) never trained on; `None`
            takes those that the caches name, or draws some and writes them to `out/held_out.json`.
        out: folder of checkpoints, logs, pictures and audio.
        start_from: a checkpoint whose averaged weights a new run starts from.
    """

    stage: str
    recipe: Path | None
    caches: tuple[Path, ...]
    held_out: Path | None
    out: Path
    start_from: Path | None = None


def statistics(run: TrainingRun, items: list[Item]) -> tuple[FloatArray, FloatArray]:
    """Mel statistics, measured once from the first cache and then kept in `out/statistics.json`."""
    path = run.out / "statistics.json"
    if not path.exists():
        first = [i for i in items if i.cache.folder == run.caches[0]]
        mean, std = mel_statistics(first or items)
        values = {"mel_mean": mean.round(5).tolist(), "mel_std": std.round(5).tolist()}
        _write_json(path, values)
    data = json.loads(path.read_text(encoding="utf-8"))
    return np.array(data["mel_mean"], np.float32), np.array(data["mel_std"], np.float32)


def build_trainer(run: TrainingRun) -> Trainer:
    """Make the task and its trainer.

    Raises:
        ConfigError: no such stage, or the recipe can't be read, has an unknown key or a wrong
            value.
        CorpusError: a cache can't be read, or holds nothing to train on.
    """
    stage = find_stage(run.stage)
    config = read_recipe(stage.config_class(), run.recipe)
    train, valid = training_items(run, stage.aligned, stage.statistics)
    measured = statistics(run, train) if stage.statistics else None
    task = stage.make_task(config, train, valid, measured)
    trainer = Trainer(task, config.loop, run.out)
    _write_json(run.out / "config.json", to_mapping(config))
    if run.start_from is not None and not (run.out / "checkpoint.pt").exists():
        trainer.load(run.start_from, weights_only=True)
    log.info("%d utterances to train on, %d held out", len(train), len(valid))
    return trainer


def training_items(
    run: TrainingRun, aligned: bool, validated: bool
) -> tuple[list[Item], list[Item]]:
    """What the caches of a run hold to train on, and of held-out speakers.

    Args:
        aligned: only utterances with phones and durations.
        validated: whether held-out speech is needed.

    Raises:
        ConfigError: the held-out file can't be read.
        CorpusError: a cache can't be read, or there is nothing.
    """
    caches = [_open_cache(folder) for folder in run.caches]
    train, valid = load_items(caches, _held_out(run, caches, aligned), aligned)
    for name, items in (("to train on", train), ("held out", valid)):
        if not items and (items is train or validated):
            needed = " with phones and durations (see `corpus align`)" if aligned else ""
            raise CorpusError(
                f"no utterance{needed} is {name} in {', '.join(map(str, run.caches))}; "
                "check the caches and the held-out speakers"
            )
    return train, valid


def finish_run(run: TrainingRun, trainer: Trainer) -> Path | None:
    """Write what a stage hands on beside its checkpoint; returns the file if there is one."""
    stage = find_stage(run.stage)
    finisher = stage.finisher()
    if finisher is None:
        return None
    finisher(trainer, run.out / stage.product)
    return run.out / stage.product


def _open_cache(folder: Path) -> FeatureCache:
    try:
        return FeatureCache(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"{folder} is no whole feature cache ({error}); make it with `voicelet-export corpus "
            "prepare` or `corpus cache`"
        ) from error


def _held_out(run: TrainingRun, caches: Sequence[FeatureCache], aligned: bool) -> set[str]:
    if run.held_out is not None:
        try:
            return read_held_out(run.held_out)
        except (OSError, ValueError) as error:
            raise ConfigError(f"the held-out file {run.held_out}: {error}") from error
    drawn = run.out / "held_out.json"
    if not drawn.exists():
        from voicelet_export.corpus.splits import draw_held_out

        _write_json(drawn, sorted(draw_held_out(caches, aligned=aligned)))
    return read_held_out(drawn)


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as out:
        out.write(json.dumps(value, indent=1).encode("utf-8"))
