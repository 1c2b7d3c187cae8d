"""Files: whole or not at all, one writer at a time, in the folders that the system names."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from voicelet.errors import BundleError

NPZ_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    SyntaxError,
    RuntimeError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy raises for damaged .npy and .npz files: a header is read as Python, with all that can
go wrong there (NotImplementedError is a RuntimeError)."""


def _base(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    # The specification says to ignore a relative path.
    return Path(value) if os.path.isabs(value) else Path.home() / fallback


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/voicelet`: unpacked archives; may be deleted at any time."""
    return _base("XDG_CACHE_HOME", ".cache") / "voicelet"


def data_dir() -> Path:
    """`$XDG_DATA_HOME/voicelet`: installed bundles."""
    return _base("XDG_DATA_HOME", ".local/share") / "voicelet"


def state_dir() -> Path:
    """`$XDG_STATE_HOME/voicelet`: what this device remembers of its own doings."""
    return _base("XDG_STATE_HOME", ".local/state") / "voicelet"


def embedded_bundle() -> Path:
    """The bundle inside the package."""
    return Path(__file__).resolve().parent / "voices" / "default"


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


@contextlib.contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`, a file of its own beside what it guards; waits for it.

    The lock goes with the process, however it ends.  Threads of one process exclude each other,
    too; one thread must not take it twice.

    Raises:
        OSError: the file can't be made or locked.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
            yield
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                # Closing isn't enough: a child that was forked meanwhile has the file open, too.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def read_regular(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes; a pipe or a device is refused, not waited for.

    Raises:
        BundleError: there is no such file, it isn't a regular one or it is too long.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BundleError(f"{path}: not a regular file; fetch or export the bundle again")
            if status.st_size > limit:
                raise BundleError(f"{path}: {status.st_size} bytes, more than the {limit} allowed")
            return file.read(limit + 1)
    except OSError as error:
        raise BundleError(
            f"{path}: {error.strerror or error}; fetch or export the bundle again"
        ) from None
