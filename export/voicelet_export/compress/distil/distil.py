"""`voicelet-export distil`: a student learns from a teacher.

A teacher is either a trained model of the student's own family, which can be asked for anything
(predictions, feature maps, attention, filters), or any voice at all through the cache that it
labelled (`voicelet-export label`): its speech, durations and f0 are then the targets of the
ordinary losses.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping, to_mapping
from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.compress.distil.acoustic import AcousticDistillation, DistilAcousticTask
from voicelet_export.compress.distil.vocoder import DistilVocoderTask, VocoderDistillation
from voicelet_export.recipes import read_yaml
from voicelet_export.train.acoustic import AcousticTask
from voicelet_export.train.checkpoint import load_acoustic, load_vocoder
from voicelet_export.train.loop import Task, Trainer
from voicelet_export.train.run import TrainingRun, statistics, training_items
from voicelet_export.train.vocoder import VocoderTask

log = logging.getLogger(__name__)

RECIPES: dict[str, type[AcousticDistillation] | type[VocoderDistillation]] = {
    "acoustic": AcousticDistillation,
    "vocoder": VocoderDistillation,
}
"""Stage → what its recipe is read into."""


@dataclass(frozen=True)
class DistilRun:
    """What learns from what, and where.

    Attributes:
        stage: "acoustic" or "vocoder".
        student: YAML file of the recipe, an :class:`AcousticDistillation` or a
            :class:`VocoderDistillation`.
        caches: feature cache folders.
        held_out: JSON file that names the speakers never trained on; `None` as for a
            :class:`~voicelet_export.train.run.TrainingRun`.
        out: folder of checkpoints, logs, pictures and audio.
        teacher: model folder (a run or a milestone); `None` if the caches hold the teacher's
            speech.
        store: folder for the teacher's outputs, which runs may share; `out`/teacher by default.
        start_from: a checkpoint or milestone whose averaged weights the student starts from.
        model: sizes of the student, in place of the recipe's (a pruned model's).
    """

    stage: str
    student: Path
    caches: tuple[Path, ...]
    held_out: Path | None
    out: Path
    teacher: Path | None = None
    store: Path | None = None
    start_from: Path | None = None
    model: dict[str, Any] | None = None


def read_student(
    stage: str, path: Path, model: dict[str, Any] | None = None
) -> AcousticDistillation | VocoderDistillation:
    """Read a student's recipe; `model` replaces the sizes in it.

    Raises:
        ConfigError: it can't be read, or has an unknown key or a wrong value.
    """
    recipe = read_yaml(path)
    if model is not None and isinstance(recipe, dict):
        training = recipe.get("training") or {}
        if not isinstance(training, dict):
            raise ConfigError(f"{path}: training must be a mapping")
        recipe = {**recipe, "training": {**training, "model": model}}
    if stage not in RECIPES:
        raise ConfigError(f"the stage must be one of {', '.join(RECIPES)}, not {stage!r}")
    return from_mapping(RECIPES[stage], recipe, str(path))


def build_distillation(run: DistilRun) -> Trainer:
    """Make the task and its trainer; a run that was cut off goes on where it was.

    Raises:
        ConfigError: the recipe is wrong, or teacher and student don't fit.
        BundleError: the teacher's folder holds no such model.
        CorpusError: the caches hold nothing to train on, or no held-out speaker.
    """
    config = read_student(run.stage, run.student, run.model)
    described = TrainingRun(run.stage, run.student, run.caches, run.held_out, run.out)
    train, valid = training_items(described, run.stage == "acoustic", True)
    run.out.mkdir(parents=True, exist_ok=True)
    if run.teacher is not None:
        (load_acoustic if run.stage == "acoustic" else load_vocoder)(run.teacher)  # before copying
        shutil.copyfile(run.teacher / "statistics.json", run.out / "statistics.json")
    mean, std = statistics(described, train)
    store = run.store or run.out / "teacher"
    task: Task
    if isinstance(config, AcousticDistillation):
        if run.teacher is None:
            task = AcousticTask(config.training, train, valid, mean, std)
        else:
            acoustic, _ = load_acoustic(run.teacher)
            task = DistilAcousticTask(config, train, valid, mean, std, acoustic, store)
    elif run.teacher is None:
        task = VocoderTask(config.training, train, valid, mean, std)
    else:
        vocoder, _ = load_vocoder(run.teacher)
        task = DistilVocoderTask(config, train, valid, mean, std, vocoder, store)
    trainer = Trainer(task, config.training.loop, run.out)
    text = {"model": to_mapping(config.training.model), "distil": to_mapping(config)}
    with atomic_file(run.out / "config.json") as out:
        out.write(json.dumps(text, indent=1).encode("utf-8"))
    if run.start_from is not None and not (run.out / "checkpoint.pt").exists():
        try:
            trainer.load(run.start_from, weights_only=True)
        except (OSError, RuntimeError, KeyError) as error:
            raise ConfigError(
                f"the student can't start from {run.start_from}; its sizes must agree ({error})"
            ) from None
    log.info("%d utterances to learn from, %d held out", len(train), len(valid))
    return trainer


def distil(
    run: DistilRun,
    until_step: int | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Path:
    """Distil to the end of the recipe (or `until_step`); returns `run.out`, a model folder.

    Raises:
        VoiceletError: as :func:`build_distillation`.
    """
    build_distillation(run).run(until_step, on_step)
    return run.out
