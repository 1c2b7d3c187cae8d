"""The files of an audit log: numbered, appended to, and read line by line with bounded memory."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from voicelet.audio.atomic import atomic_file, sync_folder
from voicelet.errors import AuditError
from voicelet.trust.audit_record import MAX_LINE_BYTES, Head, Record

FILE_NAME = re.compile(r"audit-(\d{6})\.jsonl")


def log_file(folder: Path, number: int) -> Path:
    """`audit-000001.jsonl`, …"""
    return folder / f"audit-{number:06d}.jsonl"


def numbers(folder: Path) -> list[int]:
    """Which files there are, in order.

    Raises:
        OSError: the folder can't be read.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for name in names if (found := FILE_NAME.fullmatch(name)))


def size_of(path: Path) -> int:
    """Bytes; 0 for a file that isn't there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def lines(path: Path, start: int = 0) -> Iterator[tuple[bytes, bool]]:
    """Lines without their ends, each with whether it had one.

    A line longer than any record comes in pieces, none of which is one.
    """
    with path.open("rb") as file:
        file.seek(start)
        while line := file.readline(MAX_LINE_BYTES + 1):
            yield line.removesuffix(b"\n"), line.endswith(b"\n")


def read_head(path: Path) -> Head | None:
    """The head; None where there is none.

    Raises:
        AuditError: what is there is no head.
        OSError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LINE_BYTES + 1)
    except FileNotFoundError:
        return None
    return Head.parse(data)


def write_head(path: Path, head: Head) -> None:
    """Replace the head, all or nothing."""
    with atomic_file(path, 0o600) as file:
        file.write(head.to_bytes())


def append(path: Path, data: bytes) -> None:
    """Add to the end of a file, synced; where the disk is full, the file is as it was.

    Raises:
        OSError: nothing was added.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        before = file.seek(0, os.SEEK_END)
        try:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        except OSError:
            _shorten(file, before)
            raise
    if is_new:
        sync_folder(path.parent)


def _shorten(file: BinaryIO, size: int) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), size)


def cut(path: Path, size: int) -> None:
    """Shorten a file to `size` bytes, synced."""
    with path.open("r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())


def last_record(folder: Path) -> Record | None:
    """The last line of the log that is a record at all; None where there is none."""
    for number in reversed(numbers(folder)):
        found: Record | None = None
        for line, _ in lines(log_file(folder, number)):
            with contextlib.suppress(AuditError):
                found = Record.parse(line)
        if found is not None:
            return found
    return None
