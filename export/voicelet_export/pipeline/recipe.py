"""Recipes of pipelines: YAML that names steps, their options, and which step reads which.

    name: my-voice
    variables: {teacher: voice.onnx}
    steps:
      corpus: {step: label, teacher: "${teacher}", texts: sentences.txt, hours: 0.5}
      acoustic:
        {step: train, stage: acoustic, caches: ["@corpus"], held_out: "@corpus/held_out.json"}

`@name` is the output folder of a step, `@name/file` a file in it, `${name}` a variable; other
paths are taken from the folder that the pipeline is run in.

`extends: other.yaml`, beside the recipe, begins with another's steps and variables: options are
laid over those of the step of the same name, a step of another kind replaces it, `null` removes it.
Keys that begin with `x-` are passed over: a place for YAML's anchors.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet_export.pipeline.steps import StepKind, find_kind

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


@dataclass(frozen=True)
class Step:
    """A step of a recipe.

    Attributes:
        name: its own.
        kind: what it does.
        options: as the recipe gives them, variables filled in.
        needs: names of the steps it reads, in the order of the recipe.
        variables: option → the variables that its value was filled in from.
    """

    name: str
    kind: StepKind
    options: Mapping[str, Any]
    needs: tuple[str, ...]
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A pipeline.

    Attributes:
        name: of the pipeline.
        steps: name → step, each after those it needs.
    """

    name: str
    steps: Mapping[str, Step] = field(default_factory=dict)


def read_recipe(path: Path, variables: Mapping[str, str] | None = None) -> Recipe:
    """Read a recipe.

    Args:
        path: YAML file.
        variables: replace those of the file; where that has a number, this is read as one.

    Raises:
        ConfigError: it isn't a recipe; an option, a kind, a variable or a reference isn't known
            (with the nearest known one); steps need one another in a circle.
    """
    where = str(path)
    data = _read_yaml(path)
    values = {str(k): v for k, v in (data.get("variables") or {}).items()}
    for name in variables or {}:
        if name not in values:
            raise ConfigError(f"{where}: no variable {name!r}{did_you_mean(name, values)}")
    for name, text in (variables or {}).items():
        values[name] = text if isinstance(values[name], str) else _read_value(text, name, where)
    raw = data["steps"]
    steps: dict[str, Step] = {}
    for name, options in raw.items():
        steps[str(name)] = _step(str(name), options, values, list(map(str, raw)), where)
    return Recipe(str(data.get("name") or path.stem), _in_order(steps, where))


_KEYS = ("name", "variables", "steps", "extends")


def _read_yaml(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The recipe's mapping, laid over those of the recipes that it extends."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: not a recipe ({error})") from None
    if not isinstance(data, Mapping) or not isinstance(data.get("steps"), Mapping):
        raise ConfigError(f"{path}: a recipe needs steps: {{name: {{step: kind, …}}}}")
    for key in data:
        if key not in _KEYS and not str(key).startswith("x-"):  # what anchors are set in
            raise ConfigError(f"{path}: unknown key {key!r}{did_you_mean(str(key), _KEYS)}")
    own = {**data, "variables": data.get("variables") or {}}
    base = own.pop("extends", None)
    if base is None:
        return own
    if not isinstance(base, str) or path.resolve() in seen:
        raise ConfigError(f"{path}: extends must name another recipe, without a circle")
    under = _read_yaml(path.parent / base, (*seen, path.resolve()))
    return {
        "name": own.get("name") or path.stem,
        "variables": {**under["variables"], **own["variables"]},
        "steps": _steps_over(under["steps"], own["steps"]),
    }


def _steps_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Steps of a recipe that extends another: its new ones first, the others in their places."""
    out = {name: value for name, value in changes.items() if name not in base}
    for name, options in base.items():
        change = changes.get(name, {})
        if name in changes and change is None:
            continue
        both = isinstance(options, Mapping) and isinstance(change, Mapping)
        if both and change.get("step", options.get("step")) == options.get("step"):
            out[name] = laid_over(options, change)
        else:
            out[name] = change
    return out


def laid_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `changes`, mappings merged key by key."""
    out = dict(base)
    for key, value in changes.items():
        old = out.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        out[key] = laid_over(old, value) if both else value  # type: ignore[arg-type]
    return out


def _read_value(text: str, name: str, where: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{where}: variable {name!r}: {error}") from None


def _step(
    name: str, options: Any, variables: Mapping[str, Any], names: list[str], where: str
) -> Step:
    place = f"{where}: step {name!r}"
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{place}: use letters, digits, hyphens and underscores")
    if not isinstance(options, Mapping) or not isinstance(options.get("step"), str):
        raise ConfigError(f"{place}: say what it does (step: kind)")
    kind = find_kind(options["step"], place)
    filled = {str(k): _fill(v, variables, place) for k, v in options.items() if k != "step"}
    used = {str(k): tuple(dict.fromkeys(_names(v))) for k, v in options.items()}
    read = {_referred(text) for text in _path_texts(kind, filled, place) if text.startswith("@")}
    for other in sorted(read):
        if other not in names:
            raise ConfigError(f"{place}: no step {other!r}{did_you_mean(other, names)}")
    if kind.sees_all:
        read |= set(names[: names.index(name)])
    return Step(name, kind, filled, tuple(n for n in names if n in read), used)


def _names(value: Any) -> Iterator[str]:
    """The variables that an option's value names."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)
    elif isinstance(value, str):
        yield from _VARIABLE.findall(value)


def _fill(value: Any, variables: Mapping[str, Any], place: str) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _fill(v, variables, place) for k, v in value.items()}
    if isinstance(value, list):
        return [_fill(v, variables, place) for v in value]
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if name not in variables:
            raise ConfigError(f"{place}: no variable {name!r}{did_you_mean(name, variables)}")
    whole = _VARIABLE.fullmatch(value)
    if whole:  # a number stays a number
        return variables[whole[1]]
    return _VARIABLE.sub(lambda m: str(variables[m[1]]), value)


def _referred(text: str) -> str:
    return text[1:].split("/", 1)[0]


def path_fields(config: type[Any]) -> dict[str, str]:
    """Fields of a step's options that hold paths: name → "one", "many" or "named"."""
    out = {}
    for name, hint in typing.get_type_hints(config).items():
        args = typing.get_args(hint)
        origin = typing.get_origin(hint)
        if origin in (typing.Union, types.UnionType):
            hint = next(a for a in args if a is not type(None))
            origin, args = typing.get_origin(hint), typing.get_args(hint)
        if hint is Path:
            out[name] = "one"
        elif origin is tuple and args and args[0] is Path:
            out[name] = "many"
        elif origin is dict and args[1] is Path:
            out[name] = "named"
    return out


def _path_texts(kind: StepKind, options: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, shape in path_fields(kind.config).items():
        yield from (text for _, text in paths_of(options.get(name), shape, f"{place}: {name}"))


def paths_of(value: Any, shape: str, where: str) -> list[tuple[str, str]]:
    """The paths in an option: (place in the option, text) each.

    Raises:
        ConfigError: the option doesn't have that shape.
    """
    if value is None:
        return []
    if shape == "many" and isinstance(value, list):
        rows = [(f"[{i}]", v) for i, v in enumerate(value)]
    elif shape == "named" and isinstance(value, Mapping):
        rows = [(f".{k}", v) for k, v in value.items()]
    elif shape == "one":
        rows = [("", value)]
    else:
        raise ConfigError(f"{where} must be a {'list' if shape == 'many' else 'mapping'} of paths")
    if not all(isinstance(v, str) and v for _, v in rows):
        raise ConfigError(f"{where} must hold paths or @steps")
    return rows


def _in_order(steps: Mapping[str, Step], where: str) -> dict[str, Step]:
    out: dict[str, Step] = {}
    while len(out) < len(steps):
        ready = [s for s in steps.values() if s.name not in out and set(s.needs) <= set(out)]
        if not ready:
            circle = ", ".join(n for n in steps if n not in out)
            raise ConfigError(f"{where}: these steps need one another in a circle: {circle}")
        out[ready[0].name] = ready[0]
    return out
