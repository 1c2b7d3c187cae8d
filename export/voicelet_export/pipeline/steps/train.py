"""Steps that train."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from voicelet.errors import CancelledError, ConfigError
from voicelet.files import atomic_file
from voicelet_export.pipeline.cache import write_json
from voicelet_export.pipeline.recipe import laid_over
from voicelet_export.pipeline.steps import Figures, StepContext, StepKind, own_signals
from voicelet_export.pipeline.survey import Estimate, Survey

_PATHS = ("speaker_encoder", "start")
"""Keys of trainings' configurations that hold paths."""


@dataclass(frozen=True)
class TrainStep:
    """A run of `voicelet-export train`, kept as a milestone in float32.

    Attributes:
        stage: one of `voicelet_export.train.stages.STAGES`.
        caches: feature caches; `corpus_weights` of the recipe go by their names, which are those
            of the steps that made them.
        held_out: JSON of the speakers that aren't trained on; those that the caches name, or some
            that are drawn, if it isn't given.
        recipe: YAML of the stage's configuration.
        config: the same, given here; goes before `recipe`, key by key.
        start_from: folder of a run or a milestone; its weights and its statistics are where this
            run starts.
        statistics_from: folder of another run or milestone, for its mel statistics.
        sizes_from: folder of a model (a pruned one) whose sizes stand in for those of `recipe`;
            `model` in `config` goes before them.
        speaker_encoder: weights of the encoder for the acoustic model's speaker loss.
        until_step: end here, though the recipe's schedule goes on; 0 is its end.
    """

    stage: str
    caches: tuple[Path, ...]
    held_out: Path | None = None
    recipe: Path | None = None
    config: dict[str, Any] = field(default_factory=dict)
    start_from: Path | None = None
    statistics_from: Path | None = None
    sizes_from: Path | None = None
    speaker_encoder: Path | None = None
    until_step: int = 0


def _train(config: TrainStep, context: StepContext) -> Figures:
    from voicelet_export.train.milestone import save_milestone
    from voicelet_export.train.run import TrainingRun, build_trainer, finish_run

    folder = context.partial / "run"
    folder.mkdir(exist_ok=True)
    given = dict(config.config)
    if config.speaker_encoder is not None:
        given["speaker_encoder"] = str(config.speaker_encoder)
    if config.sizes_from is not None:
        given["model"] = {**model_sizes(config.sizes_from), **given.get("model", {})}
    recipe = merged_recipe(config.recipe, given, context.partial / "recipe.yaml")
    start = starting_weights(config.start_from) if config.start_from is not None else None
    keep_statistics(folder, config.statistics_from or config.start_from)
    caches = named_caches(config.caches, context)
    run = TrainingRun(config.stage, recipe, caches, config.held_out, folder, start)
    trainer = build_trainer(run)
    with own_signals():
        trainer.run(config.until_step or None, context.progress)
    if trainer.step < min(trainer.config.steps, config.until_step or trainer.config.steps):
        raise CancelledError(
            f"step {context.name!r} was stopped; start the pipeline again to go on"
        )
    save_milestone(folder, context.out, half=False)
    without_paths(context.out / "config.json")
    product = finish_run(run, trainer)
    for extra in (product, folder / "held_out.json"):
        if extra is not None and extra.exists():
            shutil.copyfile(extra, context.out / extra.name)
    return training_figures(folder, trainer.step, trainer.average)


def merged_mapping(recipe: Path | None, config: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with the keys of `config` put over those of the file `recipe`.

    Raises:
        ConfigError: `recipe` isn't a mapping in YAML.
    """
    try:
        base = yaml.safe_load(recipe.read_text(encoding="utf-8")) if recipe is not None else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{recipe}: not a recipe ({error})") from None
    if not isinstance(base or {}, Mapping):
        raise ConfigError(f"{recipe}: not a recipe (a mapping is needed)")
    return laid_over(base or {}, config)


def merged_recipe(recipe: Path | None, config: Mapping[str, Any], out: Path) -> Path:
    """Write what :func:`merged_mapping` gives; returns `out`."""
    with atomic_file(out) as file:
        text = yaml.safe_dump(merged_mapping(recipe, config), allow_unicode=True)
        file.write(text.encode("utf-8"))
    return out


def without_paths(config: Path) -> None:
    """Leave only the names of the paths in a configuration: outputs don't tell of this machine."""
    write_json(config, _without_paths(json.loads(config.read_text(encoding="utf-8"))))


def _without_paths(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    named = {k: Path(v).name for k, v in value.items() if k in _PATHS and v and isinstance(v, str)}
    return {**{k: _without_paths(v) for k, v in value.items()}, **named}


def starting_weights(folder: Path) -> Path:
    """The checkpoint, or else the weights, in the folder of a run or a milestone.

    Raises:
        ConfigError: there are none.
    """
    for name in ("checkpoint.pt", "weights.safetensors"):
        if (folder / name).is_file():
            return folder / name
    raise ConfigError(f"{folder}: no checkpoint.pt and no weights.safetensors to start from")


def model_sizes(folder: Path) -> dict[str, Any]:
    """The sizes of the model in the folder of a run, a milestone or a pruned model.

    Raises:
        ConfigError: it isn't such a folder.
    """
    try:
        sizes = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model"]
        return dict(sizes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{folder}: no config.json with a model ({error!r})") from None


def keep_statistics(folder: Path, start_from: Path | None) -> None:
    """Let a run take over the mel statistics of the run it starts from."""
    path = folder / "statistics.json"
    if path.exists() or start_from is None:
        return
    if (start_from / path.name).is_file():
        with atomic_file(path) as file:
            file.write((start_from / path.name).read_bytes())


def named_caches(caches: tuple[Path, ...], context: StepContext) -> tuple[Path, ...]:
    """The caches under the names that a recipe's `corpus_weights` know them by.

    Raises:
        ConfigError: two have one name.
    """
    folder = context.partial / "caches"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    out = []
    for cache in caches:
        link = folder / context.label(cache)
        if link.exists():
            raise ConfigError(f"step {context.name!r}: two caches are called {link.name!r}")
        link.symlink_to(cache.resolve(), target_is_directory=True)
        out.append(link)
    return tuple(out)


def training_figures(folder: Path, step: int, model: Any) -> Figures:
    """Steps, parameters and the last validation losses of a run."""
    losses: dict[str, float] = {}
    log = folder / "log.jsonl"
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # a kill cut it
        if row.get("kind") == "valid":
            losses = {k: v for k, v in row.items() if isinstance(v, float) and isfinite(v)}
    figures: Figures = {"steps": step, "parameters": sum(p.numel() for p in model.parameters())}
    return {**figures, **{f"valid_{k}": v for k, v in sorted(losses.items())}}


def _training(config: TrainStep, survey: Survey) -> Any:
    """The configuration of a training, checked."""
    from voicelet.config import from_mapping
    from voicelet_export.train.stages import find_stage

    stage = find_stage(config.stage)
    values = merged_mapping(config.recipe, config.config)
    return from_mapping(stage.config_class(), values, f"step {survey.step!r}: {config.stage}")


def _check_train(config: TrainStep, survey: Survey) -> None:
    from voicelet_export.train.data import read_held_out

    steps = _training(config, survey).loop.steps
    if not 0 <= config.until_step <= steps:
        raise ConfigError(
            f"step {survey.step!r}: until_step is {config.until_step}, the recipe has {steps} steps"
        )
    check_start(config.start_from, survey)
    if config.held_out is not None and survey.step_of(config.held_out) is None:
        try:
            read_held_out(config.held_out)
        except (OSError, ValueError) as error:
            raise ConfigError(f"step {survey.step!r}: {config.held_out}: {error}") from None


def check_start(folder: Path | None, survey: Survey) -> None:
    """Refuse a folder that holds no weights to start from.

    Raises:
        ConfigError: there are none.
    """
    if folder is not None and survey.step_of(folder) is None:
        starting_weights(folder)


def _estimate_train(config: TrainStep, survey: Survey) -> Estimate:
    steps = config.until_step or _training(config, survey).loop.steps
    return Estimate(0.0, RUN_MB, steps)


RUN_MB = 250.0
"""Of a run: a checkpoint with optimizers and discriminators, twice while it is written, pictures,
and the milestone."""

KINDS = (
    StepKind(
        "train", 1, TrainStep, _train, resumable=True, check=_check_train,
        estimate=_estimate_train,
    ),
)  # fmt: skip
