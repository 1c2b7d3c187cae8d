"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str], mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success it takes the place of `path`.

    The bytes are synced to the disk before the rename and the folder after it, so that a crash or
    a power cut leaves either the old file or the new one.  On any error the temporary file is
    removed and `path` is as it was.  A symbolic link is followed.  Permissions are `mode` less
    the umask.

    Raises:
        OSError: as `open`, `write`, `fsync` and `replace` raise it.
    """
    target = Path(os.path.realpath(path))
    name = f".{secrets.token_hex(8)}.part"  # short: the target's own name may be of full length
    temporary = target.parent / name
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        # Inside the try: Ctrl-C may come between the file's birth and the next line.
        descriptor = os.open(temporary, flags, mode)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system can (Windows can't open folders)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems refuse; the rename itself has happened
    finally:
        os.close(descriptor)


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether `path` exists and is a device, a pipe or a socket: never to be renamed over."""
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return False
    return not (stat.S_ISREG(kind) or stat.S_ISDIR(kind))
