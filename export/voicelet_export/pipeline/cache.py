"""The content store: every step's outputs under the hash of all that went into them.

<work>/store/<key>/out/       what the step made; hashed, and read by later steps
<work>/store/<key>/notes/     what differs from run to run (times, pages with times); not hashed
<work>/store/<key>/step.json  key, inputs, seconds, and the SHA-256 of every file
<work>/partial/<key>/         what a long step has so far
<work>/making/<key>/          outputs being written; renamed into the store when they are whole
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelet.config import from_mapping, to_mapping
from voicelet.errors import ConfigError, OutputError
from voicelet.files import atomic_file, sync_folder

RECORD = "step.json"


def digest(value: Any) -> str:
    """SHA-256 (hexadecimal) of anything JSON can hold, keys sorted."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def hash_file(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file."""
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def hash_tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path with `/`, sorted; `{}` if it is missing."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hash_file(p) for p in files}


def hash_input(path: Path) -> str:
    """One hash for a file or a folder, whatever it is called and wherever it lies.

    A file with a JSON file of its name beside it (`voice.onnx`, `voice.onnx.json`) counts with it.

    Raises:
        ConfigError: there is nothing there.
    """
    if path.is_dir():
        return digest(hash_tree(path))
    try:
        beside = path.with_name(path.name + ".json")
        own = hash_file(path)
        return digest([own, hash_file(beside)]) if beside.is_file() else own
    except OSError as error:
        raise ConfigError(f"{path}: can't be read as an input ({error.strerror})") from None


@dataclass(frozen=True)
class StepRecord:
    """`step.json`: what a finished step was made of, and what it made.

    Attributes:
        name, kind: as in the recipe.
        key: see :func:`voicelet_export.pipeline.run.step_key`.
        inputs: field of the step's options → hash.
        seconds: of work, over all the runs it took.
        files: path below `out` → SHA-256.
        notes: path below `notes` → SHA-256.
        figures: what the step says of its outputs, for people and for the report.
    """

    name: str
    kind: str
    key: str
    inputs: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    files: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> str:
        """One hash of all that later steps may read."""
        return digest(self.files)


class Store:
    """The folder of a pipeline's work.

    Args:
        work: made if it isn't there.
    """

    def __init__(self, work: Path) -> None:
        self.work = work
        for name in ("store", "partial", "making", "steps"):
            (work / name).mkdir(parents=True, exist_ok=True)

    def folder(self, key: str) -> Path:
        """Where a finished step lies."""
        return self.work / "store" / key

    def out(self, key: str) -> Path:
        """Where a finished step's outputs lie."""
        return self.folder(key) / "out"

    def partial(self, key: str) -> Path:
        """Where a long step keeps what it has so far."""
        return self.work / "partial" / key

    def find(self, key: str) -> StepRecord | None:
        """The record of a finished step, if every file of it is still what it was."""
        folder = self.folder(key)
        try:
            data = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            record = from_mapping(StepRecord, data, str(folder / RECORD))
        except (OSError, ValueError, ConfigError):
            return None
        whole = record.key == key and hash_tree(folder / "out") == record.files
        return record if whole and hash_tree(folder / "notes") == record.notes else None

    def begin(self, key: str) -> Path:
        """An empty folder to make a step in, with `out` and `notes`."""
        folder = self.work / "making" / key
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("out", "notes"):
            (folder / name).mkdir(parents=True)
        return folder

    def finish(self, record: StepRecord) -> StepRecord:
        """Hash what was made and move it into the store.

        Returns:
            the record with its hashes.

        Raises:
            OutputError: the step made nothing, or left a link.
        """
        making, target = self.work / "making" / record.key, self.folder(record.key)
        if any(p.is_symlink() for p in making.rglob("*")):
            raise OutputError(f"step {record.name!r} left a symbolic link among its outputs")
        files = hash_tree(making / "out")
        if not files:
            raise OutputError(f"step {record.name!r} made nothing")
        values = {**to_mapping(record), "files": files, "notes": hash_tree(making / "notes")}
        done = from_mapping(StepRecord, values)
        write_json(making / RECORD, values)
        if target.exists():  # damaged, or made again on purpose
            shutil.rmtree(target)
        os.rename(making, target)
        sync_folder(target.parent)
        shutil.rmtree(self.partial(record.key), ignore_errors=True)
        return done

    def forget(self, key: str) -> None:
        """Remove a finished step."""
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def name(self, record: StepRecord) -> None:
        """Let `<work>/steps/<name>` lead to a finished step, for people."""
        link = self.work / "steps" / record.name
        part = link.with_name(link.name + ".part")
        part.unlink(missing_ok=True)
        part.symlink_to(Path("..") / "store" / record.key)
        os.replace(part, link)

    def clean(self, keep: Mapping[str, StepRecord]) -> int:
        """Remove what no step of the recipe is made of now; returns the number of folders."""
        kept = {record.key for record in keep.values()}
        old = [p for p in (self.work / "store").iterdir() if p.name not in kept]
        old += [p for p in (self.work / "partial").iterdir() if p.name in kept]
        old += list((self.work / "making").iterdir())
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return len(old)


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all, sorted, with a newline at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_file(path) as file:
        file.write((text + "\n").encode("utf-8"))
