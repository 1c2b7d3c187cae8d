"""Running a pipeline: what is cached is passed over, what was cut off goes on."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from voicelet.config import did_you_mean, from_mapping, to_mapping
from voicelet.errors import ConfigError, OutputError
from voicelet_export.pipeline.cache import StepRecord, Store, digest, hash_input
from voicelet_export.pipeline.plan import missing_input, packed_paths, plan_pipeline
from voicelet_export.pipeline.recipe import Recipe, Step, path_fields, paths_of
from voicelet_export.pipeline.steps import StepContext

log = logging.getLogger(__name__)

FORMAT = 1
"""Raised when the meaning of a key changes."""

State = Literal["cached", "made", "partial", "missing", "waiting"]
OnStep = Callable[[Step, State], Callable[[float, float], None] | None]


@dataclass(frozen=True)
class Prepared:
    """A step whose inputs are all there.

    Attributes:
        key: of the step.
        config: its options.
        inputs: place in the options → hash.
        references: paths that are outputs of steps → the steps' names.
    """

    key: str
    config: Any
    inputs: dict[str, str]
    references: dict[Path, str]


def prepare(step: Step, done: Mapping[str, StepRecord], store: Store, root: Path) -> Prepared:
    """Find a step's inputs and its key.

    The key is the SHA-256 of: its kind and the kind's version, its options with their defaults, the
    outputs of the steps it reads, the contents of the files and folders it reads, and which of the
    tools it can do without are there.

    Raises:
        ConfigError: an option is wrong, or an input isn't there.
    """
    where = f"step {step.name!r}"
    values: dict[str, Any] = dict(step.options)
    inputs: dict[str, str] = {}
    references: dict[Path, str] = {}
    for name, shape in path_fields(step.kind.config).items():
        found: dict[str, Path] = {}
        rows = paths_of(step.options.get(name), shape, f"{where}: {name}")
        for place, text in rows:
            path = root / text
            if text.startswith("@"):
                other, _, inner = text[1:].partition("/")
                path = store.out(done[other].key) / inner if inner else store.out(done[other].key)
                references[path] = other
            if not path.exists():
                raise missing_input(step, name, place, text)
            found[place] = path
            label = references.get(path) or path.name
            # Of several, names can matter: weights of corpora go by them.
            prefix = f"{label}: " if shape == "many" else ""
            inputs[name + place] = prefix + hash_input(path)
        if rows:
            values[name] = packed_paths(shape, found)
    config = from_mapping(step.kind.config, values, where)
    plain = {k: v for k, v in to_mapping(config).items() if k not in path_fields(step.kind.config)}
    if step.kind.sees_all:  # such a step tells of times, too
        inputs |= {f"@{n}": digest(to_mapping(done[n])) for n in step.needs}
    if step.kind.senses is not None:
        plain["senses"] = step.kind.senses(config)
    key = digest([FORMAT, step.kind.name, step.kind.version, plain, inputs])
    return Prepared(key, config, inputs, references)


def run_pipeline(
    recipe: Recipe,
    work: Path,
    root: Path = Path(),
    *,
    until: str | None = None,
    again: frozenset[str] = frozenset(),
    on_step: OnStep | None = None,
    clean: bool = False,
) -> dict[str, StepRecord]:
    """Make every step that isn't made yet.

    Before the first of them begins, all of them are checked; see
    :func:`voicelet_export.pipeline.plan.plan_pipeline`.

    Args:
        work: folder of the store; one pipeline at a time runs in it.
        root: what relative paths are taken from.
        until: stop after this step; steps it doesn't need are left out.
        again: make these anew though they are cached.
        on_step: told of every step as it begins; may return a function to be told of progress.
        clean: remove at the end what the recipe's steps aren't made of.

    Returns:
        name → record, in the order of the recipe.

    Raises:
        ConfigError: an option or an input is wrong, or a package is missing.
        CorpusError: a corpus isn't one, or too small.
        OutputError: another pipeline is running in `work`, or it can't be written or has no room.
        VoiceletError: what the steps raise.
    """
    _known(recipe, set(again))
    wanted = needed_steps(recipe, until)
    done: dict[str, StepRecord] = {}
    checked = False
    with locked(work):
        store = Store(work)
        for step in recipe.steps.values():
            if step.name not in wanted:
                continue
            ready = prepare(step, done, store, root)
            found = None if step.name in again else store.find(ready.key)
            if found is not None:
                if on_step is not None:
                    on_step(step, "cached")
                done[step.name] = found
            else:
                if not checked:
                    outputs = {name: store.out(record.key) for name, record in done.items()}
                    plan_pipeline(recipe, work, root, wanted=wanted, done=outputs).check()
                    checked = True
                partial = store.partial(ready.key).exists()
                tell = on_step(step, "partial" if partial else "missing") if on_step else None
                done[step.name] = _make(step, ready, done, store, tell)
            store.name(done[step.name])
        if clean:
            log.info("%d old folders removed", store.clean(done))
    return done


def _make(
    step: Step,
    ready: Prepared,
    done: Mapping[str, StepRecord],
    store: Store,
    on_progress: Callable[[float, float], None] | None,
) -> StepRecord:
    making = store.begin(ready.key)
    partial = store.partial(ready.key)
    if step.kind.resumable:
        partial.mkdir(exist_ok=True)
    context = StepContext(
        name=step.name,
        out=making / "out",
        notes=making / "notes",
        partial=partial,
        references=ready.references,
        before={n: done[n] for n in step.needs},
        folders={n: store.folder(done[n].key) for n in step.needs},
        on_progress=on_progress,
    )
    figures = step.kind.run(ready.config, context)
    seconds = round(context.seconds, 1)
    record = StepRecord(
        step.name, step.kind.name, ready.key, ready.inputs, seconds, figures=figures
    )
    return store.finish(record)


def pipeline_status(
    recipe: Recipe, work: Path, root: Path = Path()
) -> dict[str, tuple[State, StepRecord | None]]:
    """What is cached; "waiting" steps have inputs that aren't made, so their key isn't known."""
    store, done = Store(work), dict[str, StepRecord]()
    out: dict[str, tuple[State, StepRecord | None]] = {}
    for step in recipe.steps.values():
        if not set(step.needs) <= set(done):
            out[step.name] = ("waiting", None)
            continue
        ready = prepare(step, done, store, root)
        found = store.find(ready.key)
        if found is not None:
            done[step.name] = found
            out[step.name] = ("cached", found)
        else:
            out[step.name] = ("partial" if store.partial(ready.key).exists() else "missing", None)
    return out


@contextmanager
def locked(work: Path) -> Iterator[None]:
    """Hold the folder; the lock dies with the process, however that ends.

    Raises:
        OutputError: another process holds it, or the folder can't be written.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        file = open(work / "lock", "a+b")  # noqa: SIM115
    except OSError as error:
        raise OutputError(f"{work}: can't be written ({error.strerror})") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read(32).decode("ascii", "replace").strip() or "unknown"
            raise OutputError(
                f"{work}: another pipeline (process {holder}) is running in it; wait for it, or "
                "give another --work"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode("ascii"))
        file.flush()
        yield


def _known(recipe: Recipe, names: set[str]) -> None:
    for name in sorted(names):
        if name not in recipe.steps:
            raise ConfigError(f"no step {name!r}{did_you_mean(name, recipe.steps)}")


def needed_steps(recipe: Recipe, until: str | None) -> set[str]:
    """The step `until` and all that it needs; every step without it.

    Raises:
        ConfigError: there is no such step.
    """
    if until is None:
        return set(recipe.steps)
    _known(recipe, {until})
    wanted = {until}
    for step in reversed(list(recipe.steps.values())):
        if step.name in wanted:
            wanted |= set(step.needs)
    return wanted
