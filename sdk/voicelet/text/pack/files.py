"""Reading the files of a pack, which may be a stranger's."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

from voicelet.errors import PackError


def read_bytes(path: Path, most_bytes: int) -> bytes:
    """The content of a file.

    Raises:
        PackError: it can't be read, or is larger than `most_bytes`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except OSError as error:
        raise PackError(f"{path} can't be read: {error.strerror or error}") from None
    if len(raw) > most_bytes:
        raise PackError(f"{path}: larger than {most_bytes >> 20} MiB; shorten it")
    return raw


def read_text(path: Path, most_bytes: int) -> str:
    """The text of a UTF-8 file.

    Raises:
        PackError: as :func:`read_bytes`, or it isn't UTF-8.
    """
    try:
        return read_bytes(path, most_bytes).decode("utf-8")
    except UnicodeDecodeError:
        raise PackError(f"{path} is not UTF-8 text; save it as UTF-8") from None


def refuse_pipes(folder: Path) -> None:
    """Whoever opened a named pipe or a device would wait for ever.

    Raises:
        PackError: there is one in the pack.
    """
    for path in sorted(folder.glob("*")) + sorted((folder / "tables").glob("*")):
        with contextlib.suppress(FileNotFoundError):  # a link to nothing: found when it is read
            if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
                raise PackError(f"{path}: not a file; remove it")
