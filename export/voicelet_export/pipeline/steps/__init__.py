"""What a step is, and the kinds there are.

A kind is a thin adapter over a function of another part of the package.  Its options are a frozen
dataclass; fields of type `Path`, `tuple[Path, ...]` and `dict[str, Path]` are inputs, which count
by their contents, and the other fields count by their values.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet_export.pipeline.cache import StepRecord, write_json
from voicelet_export.pipeline.survey import Estimate, Package, Survey

Figures = dict[str, Any]
Progress = Callable[[float, float], None]
_CLOCK_S = 2.0


@dataclass
class StepContext:
    """What a step is given beside its options.

    Attributes:
        name: of the step.
        out: empty folder for its outputs.  Equal inputs must give equal bytes.
        notes: empty folder for what differs from run to run.
        partial: folder for what a resumable step has so far; it outlives a kill.
        references: the paths among its options that are outputs of steps → those steps' names.
        before: finished steps it needs, by name.
        folders: where those lie, with `out` and `notes`.
        on_progress: told (done, of how many).
    """

    name: str
    out: Path
    notes: Path
    partial: Path
    references: Mapping[Path, str] = field(default_factory=dict)
    before: Mapping[str, StepRecord] = field(default_factory=dict)
    folders: Mapping[str, Path] = field(default_factory=dict)
    on_progress: Progress | None = None

    def __post_init__(self) -> None:
        self._began = self._told = time.monotonic()
        self._earlier = 0.0
        try:
            self._earlier = float((self.partial / "seconds").read_text())
        except (OSError, ValueError):
            pass

    @property
    def seconds(self) -> float:
        """Seconds of work so far, those of runs that were cut off included."""
        return self._earlier + time.monotonic() - self._began

    def progress(self, done: float, total: float) -> None:
        """Say how far the step is; also keeps the clock of steps that are cut off."""
        if self.on_progress is not None:
            self.on_progress(done, total)
        if time.monotonic() - self._told > _CLOCK_S and self.partial.is_dir():
            self._told = time.monotonic()
            write_json(self.partial / "seconds", round(self.seconds, 1))

    def label(self, path: Path) -> str:
        """A short name for an input: the step's, or the file's."""
        return self.references.get(path) or path.name


@dataclass(frozen=True)
class StepKind:
    """A kind of step.

    Attributes:
        name: as recipes call it.
        version: raised when equal inputs begin to give other outputs.
        config: dataclass of its options.
        run: does it; returns figures that tell of its outputs, equal for equal outputs.
        resumable: keeps partial work.
        sees_all: needs every step above it in the recipe, with its times.
        senses: what of this machine changes its outputs, such as tools that may be missing.
        packages: that it can't do without.
        check: refuses options and inputs that it couldn't work with, before any step is made.
        estimate: of what it will make.
    """

    name: str
    version: int
    config: type[Any]
    run: Callable[[Any, StepContext], Figures]
    resumable: bool = False
    sees_all: bool = False
    senses: Callable[[Any], dict[str, bool]] | None = None
    packages: tuple[Package, ...] = ()
    check: Callable[[Any, Survey], None] | None = None
    estimate: Callable[[Any, Survey], Estimate] | None = None


_MODULES = {
    "synthetic": "data",
    "write": "data",
    "label": "data",
    "cache": "data",
    "align": "data",
    "predict": "data",
    "prepare": "corpus",
    "denoise": "corpus",
    "voicing": "corpus",
    "augment": "corpus",
    "merge": "corpus",
    "split": "corpus",
    "g2p": "front_end",
    "speaker-encoder": "front_end",
    "train": "train",
    "distil": "compress",
    "prune": "compress",
    "quantize": "compress",
    "import-piper": "compress",
    "bundle": "bundle",
    "tflite": "bundle",
    "publish": "bundle",
    "verify": "measure",
    "measure": "measure",
    "report": "measure",
}
"""Kind → module of this package that has it in its `KINDS`."""


def kind_names() -> tuple[str, ...]:
    """Names of all kinds."""
    return tuple(_MODULES)


def find_kind(name: str, where: str = "") -> StepKind:
    """A kind by its name.

    Raises:
        ConfigError: there is no such kind.
    """
    if name not in _MODULES:
        place = f"{where}: " if where else ""
        raise ConfigError(f"{place}no step of the kind {name!r}{did_you_mean(name, _MODULES)}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    kinds: tuple[StepKind, ...] = module.KINDS
    return next(kind for kind in kinds if kind.name == name)


@contextmanager
def own_signals() -> Iterator[None]:
    """Give back the handlers of SIGTERM and SIGINT that a trainer takes for itself."""
    import signal

    kept = {sign: signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for sign, handler in kept.items():
            signal.signal(sign, handler)
