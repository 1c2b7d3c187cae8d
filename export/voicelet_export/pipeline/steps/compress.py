"""Steps that make models smaller: distilled, pruned, quantized; and voices imported as teachers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from voicelet.errors import CancelledError, ConfigError
from voicelet_export.pipeline.cache import write_json
from voicelet_export.pipeline.steps import Figures, StepContext, StepKind, own_signals
from voicelet_export.pipeline.steps.train import (
    RUN_MB,
    check_start,
    keep_statistics,
    merged_mapping,
    merged_recipe,
    named_caches,
    starting_weights,
    training_figures,
    without_paths,
)
from voicelet_export.pipeline.survey import Estimate, Survey

_MODEL_FILES = ("weights.safetensors", "config.json", "statistics.json", "step.json")


@dataclass(frozen=True)
class DistilStep:
    """A student learns; see `voicelet_export.compress.distil.distil.DistilRun`.

    Attributes:
        stage: "acoustic" or "vocoder".
        caches: feature caches, under the names of the steps that made them.
        student, config: YAML of the recipe, and what goes before its keys.
        teacher: model folder; left out if the caches hold a teacher's speech.
        start_from: folder of a run or a milestone that the student starts from.
    """

    stage: Literal["acoustic", "vocoder"]
    caches: tuple[Path, ...]
    held_out: Path | None = None
    student: Path | None = None
    config: dict[str, Any] = field(default_factory=dict)
    teacher: Path | None = None
    start_from: Path | None = None


def _distil(config: DistilStep, context: StepContext) -> Figures:
    from voicelet_export.compress.distil.distil import DistilRun, build_distillation
    from voicelet_export.train.milestone import save_milestone

    folder = context.partial / "run"
    folder.mkdir(exist_ok=True)
    if config.teacher is None:  # else its own statistics are taken
        keep_statistics(folder, config.start_from)
    run = DistilRun(
        stage=config.stage,
        student=merged_recipe(config.student, config.config, context.partial / "recipe.yaml"),
        caches=named_caches(config.caches, context),
        held_out=config.held_out,
        out=folder,
        teacher=config.teacher,
        start_from=starting_weights(config.start_from) if config.start_from else None,
    )
    trainer = build_distillation(run)
    with own_signals():
        trainer.run(on_step=context.progress)
    if trainer.step < trainer.config.steps:
        raise CancelledError(
            f"step {context.name!r} was stopped; start the pipeline again to go on"
        )
    save_milestone(folder, context.out, half=False)
    without_paths(context.out / "config.json")
    return training_figures(folder, trainer.step, trainer.average)


@dataclass(frozen=True)
class PruneStep:
    """Units, heads and blocks go; see `voicelet_export.compress.prune.prune.PruneRun`.

    Attributes:
        model: folder of a run or a milestone.
        target_flops: multiply-adds that stay, as a share.
        retrain, config: YAML of a distillation recipe, and what goes before its keys; neither: the
            cut model as it is.
    """

    model: Path
    caches: tuple[Path, ...]
    held_out: Path
    target_flops: float
    criterion: Literal["taylor", "magnitude"] = "taylor"
    limits: dict[str, Any] = field(default_factory=dict)
    rounds: int = 4
    batches: int = 24
    retrain: Path | None = None
    config: dict[str, Any] = field(default_factory=dict)
    seed: int = 1


def _prune(config: PruneStep, context: StepContext) -> Figures:
    from voicelet.config import from_mapping
    from voicelet_export.compress.prune.plan import Limits
    from voicelet_export.compress.prune.prune import PruneRun, prune

    folder = context.partial / "run"
    folder.mkdir(exist_ok=True)
    retrain = None
    if config.retrain is not None or config.config:
        retrain = merged_recipe(config.retrain, config.config, context.partial / "recipe.yaml")
    run = PruneRun(
        model=config.model,
        target_flops=config.target_flops,
        caches=named_caches(config.caches, context),
        held_out=config.held_out,
        out=folder,
        criterion=config.criterion,
        limits=from_mapping(Limits, config.limits, f"step {context.name!r}: limits"),
        rounds=config.rounds,
        batches=config.batches,
        retrain=retrain,
        speed=False,
        seed=config.seed,
    )
    steps: list[tuple[int, int]] = []

    def on_step(done: int, total: int) -> None:
        steps.append((done, total))
        context.progress(done, total)

    with own_signals():
        result = prune(run, on_step)
    if steps and steps[-1][0] < steps[-1][1]:  # a signal ended the training, not the recipe
        raise CancelledError(
            f"step {context.name!r} was stopped; start the pipeline again to go on"
        )
    for name in (*_MODEL_FILES, "prune.json"):
        shutil.copyfile(folder / name, context.out / name)
    without_paths(context.out / "config.json")
    return {
        "flops_ratio": result["flops_ratio"],
        "parameters": result["cost"]["after"]["parameters"],
        "parameters_before": result["cost"]["before"]["parameters"],
        **_flat(result["losses"]),
    }


def _flat(losses: Mapping[str, Mapping[str, float]]) -> Figures:
    return {f"{when}_{k}": v for when, row in losses.items() for k, v in row.items()}


@dataclass(frozen=True)
class QuantizeStep:
    """The three graphs of a voice, quantized; a `bundle` step takes them as its `graphs`.

    Attributes:
        scheme: one of `compress.quantize.schemes.SCHEMES`, or "auto", which measures speed:
            then two machines may choose differently.
        gate: fields of `voicelet_export.compress.quantize.schemes.Gate`.
    """

    acoustic: Path
    vocoder: Path
    caches: tuple[Path, ...]
    held_out: Path
    scheme: str = "static"
    gate: dict[str, Any] = field(default_factory=dict)
    rounds: int = 9


def _quantize(config: QuantizeStep, context: StepContext) -> Figures:
    from voicelet.config import from_mapping
    from voicelet_export.compress.quantize.files import Settings
    from voicelet_export.compress.quantize.models import VoiceRecipe, quantize_models
    from voicelet_export.compress.quantize.schemes import Gate

    gate = from_mapping(Gate, config.gate, f"step {context.name!r}: gate")
    folder = context.partial / "graphs"
    recipe = VoiceRecipe(
        acoustic=config.acoustic,
        vocoder=config.vocoder,
        caches=config.caches,
        held_out=config.held_out,
        out=folder,
        settings=Settings(config.scheme, gate, config.rounds),
    )
    figures: Figures = {}
    for role, report in quantize_models(recipe).items():
        shutil.copyfile(folder / f"{role}.onnx", context.out / f"{role}.onnx")
        write_json(context.notes / f"{role}.json", report.to_mapping())
        figures |= {f"{role}_scheme": report.chosen, f"{role}_bytes": report.best.bytes}
    return figures


@dataclass(frozen=True)
class ImportPiperStep:
    """A Piper voice as a model folder in torch; see `voicelet_export.convert.importing.piper`."""

    voice: Path


def _import_piper(config: ImportPiperStep, context: StepContext) -> Figures:
    from voicelet_export.convert.importing.piper import PiperImport, import_piper

    parity = import_piper(PiperImport(config.voice, context.out))
    return {"snr_db": round(parity.snr_db, 1), "durations": parity.compared, "moved": parity.moved}


def _distillation(
    stage: str, recipe: Path | None, config: Mapping[str, Any], survey: Survey
) -> Any:
    """The configuration of a distillation, checked."""
    from voicelet.config import from_mapping
    from voicelet_export.compress.distil.distil import RECIPES

    values = merged_mapping(recipe, config)
    return from_mapping(RECIPES[stage], values, f"step {survey.step!r}: {stage}")


def _check_distil(config: DistilStep, survey: Survey) -> None:
    _distillation(config.stage, config.student, config.config, survey)
    check_start(config.start_from, survey)
    check_start(config.teacher, survey)


def _estimate_distil(config: DistilStep, survey: Survey) -> Estimate:
    training = _distillation(config.stage, config.student, config.config, survey).training
    return Estimate(0.0, RUN_MB, training.loop.steps)


def _check_prune(config: PruneStep, survey: Survey) -> None:
    from voicelet.config import from_mapping
    from voicelet_export.compress.prune.plan import Limits

    from_mapping(Limits, config.limits, f"step {survey.step!r}: limits")
    if not 0.0 < config.target_flops <= 1.0:
        raise ConfigError(
            f"step {survey.step!r}: target_flops is a share from 0 to 1, not {config.target_flops}"
        )
    check_start(config.model, survey)


def _check_quantize(config: QuantizeStep, survey: Survey) -> None:
    from voicelet.config import from_mapping
    from voicelet_export.compress.quantize.schemes import Gate

    from_mapping(Gate, config.gate, f"step {survey.step!r}: gate")


KINDS = (
    StepKind(
        "distil", 1, DistilStep, _distil, resumable=True, check=_check_distil,
        estimate=_estimate_distil,
    ),
    StepKind(
        "prune", 1, PruneStep, _prune, resumable=True, check=_check_prune
    ),
    StepKind(
        "quantize", 1, QuantizeStep, _quantize, resumable=True,
        check=_check_quantize,
    ),
    StepKind("import-piper", 1, ImportPiperStep, _import_piper),
)  # fmt: skip
