"""What a pipeline is about to do, and everything that would stop it, found before it begins.

Options of every step are read, recipes of trainings laid over their configurations and checked,
corpora looked into, packages looked for and the disk asked for its room: a pipeline takes hours,
and its last step is no place to learn of a misspelt option.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, OutputError, VoiceletError
from voicelet_export.pipeline.recipe import Recipe, Step, path_fields, paths_of
from voicelet_export.pipeline.survey import Estimate, Survey


@dataclass(frozen=True)
class PlannedStep:
    """A step that is yet to be made.

    Attributes:
        name, kind: as in the recipe.
        needs: the steps it reads.
        estimate: of what it will make.
    """

    name: str
    kind: str
    needs: tuple[str, ...]
    estimate: Estimate


@dataclass(frozen=True)
class Plan:
    """Steps in the order in which they will be made.

    Attributes:
        steps: of the plan.
        problems: what would stop it, each with its remedy.
        megabytes: on the disk, about.
        free_megabytes: there are.
    """

    steps: tuple[PlannedStep, ...]
    problems: tuple[VoiceletError, ...]
    megabytes: float
    free_megabytes: float

    def check(self) -> None:
        """Refuse a plan that can't be carried out.

        Raises:
            VoiceletError: its only problem, or a ConfigError that lists all of them.
        """
        if len(self.problems) == 1:
            raise self.problems[0]
        if self.problems:
            listed = "\n".join(f"  {error}" for error in self.problems)
            raise ConfigError(f"{len(self.problems)} things are in the way:\n{listed}")


def plan_pipeline(
    recipe: Recipe,
    work: Path,
    root: Path = Path(),
    *,
    wanted: Collection[str] | None = None,
    done: Mapping[str, Path] | None = None,
) -> Plan:
    """Look ahead at the steps of a recipe; nothing is made and nothing is raised.

    Args:
        recipe: of the pipeline.
        work: folder of the store, which needn't be there yet.
        root: what relative paths are taken from.
        wanted: names of steps; all without it.
        done: finished steps → folders of their outputs.
    """
    made = done or {}
    estimates: dict[str, Estimate] = {}
    steps: list[PlannedStep] = []
    problems: list[VoiceletError] = []
    for step in recipe.steps.values():
        if step.name in made or (wanted is not None and step.name not in wanted):
            continue
        survey = Survey(step.name, estimates)
        estimate, found = _survey(step, survey, made, root)
        estimates[step.name] = estimate
        problems += found
        steps.append(PlannedStep(step.name, step.kind.name, step.needs, estimate))
    needed = sum(step.estimate.megabytes for step in steps)
    free = _free_megabytes(work)
    if needed > free:
        problems.append(
            OutputError(
                f"{work}: the pipeline will take about {needed:,.0f} MB, {free:,.0f} MB are free; "
                "make room, or give --work on another disk"
            )
        )
    return Plan(tuple(steps), tuple(problems), needed, free)


def _survey(
    step: Step, survey: Survey, made: Mapping[str, Path], root: Path
) -> tuple[Estimate, list[VoiceletError]]:
    problems: list[VoiceletError] = []
    for package in step.kind.packages:
        try:
            package.check(step.name)
        except ConfigError as error:
            problems.append(error)
    try:
        problems += missing_inputs(step, made, root)
        config = read_options(step, made, root)
    except ConfigError as error:
        problems.append(error)
    if problems:  # what checks and estimates read may be missing
        return Estimate(), problems
    try:
        if step.kind.check is not None:
            step.kind.check(config, survey)
        if step.kind.estimate is not None:
            return step.kind.estimate(config, survey), []
    except VoiceletError as error:
        problems.append(error)
    return Estimate(), problems


def missing_inputs(step: Step, made: Mapping[str, Path], root: Path) -> list[ConfigError]:
    """An error for each input of a step that isn't there and that no step will make."""
    return [
        missing_input(step, name, place, text)
        for name, shape in path_fields(step.kind.config).items()
        for place, text in paths_of(step.options.get(name), shape, f"step {step.name!r}: {name}")
        if not _is_to_be_made(text, made) and not _path_of(text, made, root).exists()
    ]


def read_options(step: Step, made: Mapping[str, Path], root: Path) -> Any:
    """The options of a step, with paths of finished steps and `@name` for those yet to be made.

    Raises:
        ConfigError: an option isn't known, is missing or wrong.
    """
    where = f"step {step.name!r}"
    values: dict[str, Any] = dict(step.options)
    for name, shape in path_fields(step.kind.config).items():
        rows = paths_of(step.options.get(name), shape, f"{where}: {name}")
        if rows:
            paths = {place: _path_of(text, made, root) for place, text in rows}
            values[name] = packed_paths(shape, paths)
    return from_mapping(step.kind.config, values, where)


def _is_to_be_made(text: str, made: Mapping[str, Path]) -> bool:
    return text.startswith("@") and text[1:].partition("/")[0] not in made


def _path_of(text: str, made: Mapping[str, Path], root: Path) -> Path:
    if not text.startswith("@"):
        return root / text
    if _is_to_be_made(text, made):
        return Path(text)
    name, _, inner = text[1:].partition("/")
    return made[name] / inner if inner else made[name]


def packed_paths(shape: str, found: Mapping[str, Path]) -> Any:
    """Paths by their places in an option, as a field of that shape holds them."""
    if shape == "one":
        return found[""]
    if shape == "many":
        return tuple(found.values())
    return {place[1:]: path for place, path in found.items()}


def missing_input(step: Step, option: str, place: str, text: str) -> ConfigError:
    """The error of an input that isn't there, with what mends it."""
    remedy = " or ".join(f"--set {name}=PATH" for name in step.variables.get(option, ()))
    if remedy:
        mend = f"get it (docs/guides/pipeline.md says where), or say where it is: {remedy}"
    else:
        mend = "relative paths are taken from the folder it is run in, or from --root"
    return ConfigError(f"step {step.name!r}: {option}{place}: there is no {text}; {mend}")


def _free_megabytes(work: Path) -> float:
    folder = work.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e6
