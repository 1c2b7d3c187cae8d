"""Configurations from YAML files: recipes of trainings, of students, of corpora."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml

from voicelet.config import from_mapping
from voicelet.errors import ConfigError

T = TypeVar("T")


def read_yaml(path: Path) -> Any:
    """What a YAML file holds; an empty file is an empty mapping.

    Raises:
        ConfigError: it can't be read.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} can't be read as YAML: {error}") from error


def read_recipe(cls: type[T], path: Path | None, **options: Any) -> T:
    """A configuration from a YAML file (its defaults without one), with options over it.

    Args:
        cls: a frozen dataclass.
        options: `None` is an option that wasn't given.

    Raises:
        ConfigError: the file can't be read, or has an unknown key or a wrong value.
    """
    data = read_yaml(path) if path is not None else {}
    chosen = {name: value for name, value in options.items() if value is not None}
    if chosen and isinstance(data, dict):
        data = {**data, **chosen}
    return from_mapping(cls, data, str(path) if path else "")
