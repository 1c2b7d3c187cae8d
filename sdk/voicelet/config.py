"""Frozen dataclass configurations that reject unknown keys."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from voicelet.errors import ConfigError

T = TypeVar("T")


def did_you_mean(word: str, known: typing.Iterable[str]) -> str:
    """Return `" (did you mean 'x'?)"` for the known word nearest to `word`, or `""`."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For `json.loads(…, object_pairs_hook=unique_keys)`: a key that comes twice is an error.

    Raises:
        ValueError: one does.
    """
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key appears twice")
    return out


Build = Callable[[Any], Any]


class _Misfit(Exception):
    """A value that isn't what was expected; the place is filled in on the way up."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def from_mapping(cls: type[T], data: Mapping[str, Any], where: str = "") -> T:
    """Build the dataclass `cls` from `data`, strictly.

    Nested dataclasses, `tuple[X, ...]`, `dict[str, X]` and `X | None` are followed; an int is
    taken for a float, and nothing else is converted.

    Args:
        cls: a dataclass type.
        data: field name → value, as JSON or YAML gives it.
        where: a name for the place of `data`, used in messages ("training.yaml").

    Raises:
        ConfigError: an unknown key (with the nearest known one), a missing key or a wrong type.
    """
    try:
        built: T = _of_dataclass(cls)(data)  # type: ignore[arg-type]
    except _Misfit as misfit:
        place = where or cls.__name__
        raise ConfigError(f"{place}{misfit.place}: {misfit.message}") from misfit.__cause__
    return built


@lru_cache(maxsize=256)
def _of_dataclass(cls: type[Any]) -> Build:
    hints = typing.get_type_hints(cls)  # a quarter of a millisecond, so once a class
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    builds = {name: _of_kind(hints[name]) for name in fields}
    required = [
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]

    def build(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise _Misfit(f"expected a mapping, got {type(data).__name__}")
        for key in data:
            if key not in builds:
                raise _Misfit(f"unknown key {key!r}{did_you_mean(str(key), builds)}")
        values: dict[str, Any] = {}
        for name, value in data.items():
            try:
                values[name] = builds[name](value)
            except _Misfit as misfit:
                misfit.place = f".{name}{misfit.place}"
                raise
        for name in required:
            if name not in values:
                raise _Misfit(f"key {name!r} is missing; add it")
        try:
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise _Misfit(str(error)) from error

    return build


@lru_cache(maxsize=1024)
def _of_kind(kind: Any) -> Build:
    """What turns a value into one of the type `kind`, made once for every type."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return lambda value: value
    if origin in (typing.Union, types.UnionType):
        return _of_union(args)
    if origin is typing.Literal:
        return _of_literal(args)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        nested = kind  # made at the first value: a dataclass may hold others of its own kind
        return lambda value: value if isinstance(value, nested) else _of_dataclass(nested)(value)
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        return _of_fixed_tuple([_of_kind(arg) for arg in args])
    if origin in (tuple, list):
        return _of_list(_of_kind(args[0]), origin)
    if origin in (dict, Mapping) or kind is dict:
        return _of_dict(_of_kind(args[1] if len(args) == 2 else Any))
    return _of_plain(kind)


def _of_union(kinds: tuple[Any, ...]) -> Build:
    builds = [_of_kind(kind) for kind in kinds if kind is not type(None)]
    optional = len(builds) < len(kinds)

    def build(value: Any) -> Any:
        if value is None and optional:
            return None
        failure = _Misfit(f"can't be {value!r}")
        for one in builds:
            try:
                return one(value)
            except _Misfit as misfit:
                failure = misfit
        raise failure

    return build


def _of_literal(options: tuple[Any, ...]) -> Build:
    def build(value: Any) -> Any:
        if value not in options:
            raise _Misfit(f"{value!r} is not one of {', '.join(repr(a) for a in options)}")
        return value

    return build


def _of_list(one: Build, kind: type[Any]) -> Build:
    def build(value: Any) -> Any:
        _check_list(value)
        made: list[Any] = []
        try:
            for item in value:
                made.append(one(item))
        except _Misfit as misfit:
            misfit.place = f"[{len(made)}]{misfit.place}"
            raise
        return kind(made)

    return build


def _of_fixed_tuple(kinds: list[Build]) -> Build:
    def build(value: Any) -> Any:
        _check_list(value)
        if len(kinds) != len(value):
            raise _Misfit(f"expected {len(kinds)} values, got {len(value)}")
        made: list[Any] = []
        try:
            for one, item in zip(kinds, value, strict=True):
                made.append(one(item))
        except _Misfit as misfit:
            misfit.place = f"[{len(made)}]{misfit.place}"
            raise
        return tuple(made)

    return build


def _check_list(value: Any) -> None:
    if not isinstance(value, (list, tuple)):
        raise _Misfit(f"expected a list, got {type(value).__name__}")


def _of_dict(one: Build) -> Build:
    def build(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _Misfit(f"expected a mapping, got {type(value).__name__}")
        made: dict[str, Any] = {}
        for key, item in value.items():
            try:
                made[str(key)] = one(item)
            except _Misfit as misfit:
                misfit.place = f".{key}{misfit.place}"
                raise
        return made

    return build


def _of_plain(kind: Any) -> Build:
    def build(value: Any) -> Any:
        if type(value) is kind:
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            try:
                return float(value)
            except OverflowError:
                raise _Misfit("a whole number too large for a float") from None
        if isinstance(value, bool) and kind is not bool:
            raise _Misfit(f"expected {kind.__name__}, got a boolean")
        if not isinstance(value, kind):
            raise _Misfit(f"expected {kind.__name__}, got {type(value).__name__}")
        return value

    return build


def to_mapping(config: Any) -> dict[str, Any]:
    """Return a dataclass as plain dicts and lists, ready for JSON or YAML."""
    fields: dict[str, Any] = dataclasses.asdict(config)
    return fields
