"""What several commands need: a progress bar, and a configuration from a file and options."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from voicelet.errors import ConfigError

T = TypeVar("T")


@contextlib.contextmanager
def progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; yields the function to call with (done, total)."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    with Progress(
        *Progress.get_default_columns(), MofNCompleteColumn(), console=Console(stderr=True)
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def settings(cls: type[T], path: Path | None, **changes: Any) -> T:
    """A configuration from a YAML file (its defaults without one), with options over it."""
    import yaml

    from voicelet.config import from_mapping

    data: dict[str, Any] = {}
    if path is not None:
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} can't be read: {error}") from error
    options = {name: value for name, value in changes.items() if value is not None}
    return from_mapping(cls, {**data, **options}, str(path) if path else "")
