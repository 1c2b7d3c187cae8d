"""Files: whole or not at all, one writer at a time, private, in the folders the system names."""

from __future__ import annotations

import contextlib
import errno
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


def embedded_bundle() -> Path:
    """The bundle inside the package."""
    return Path(__file__).resolve().parent / "voices" / "default"


def make_private(folder: str | os.PathLike[str]) -> None:
    """Make a folder, and those above it that are missing, for their owner alone: mode 0700.

    The umask can neither widen nor narrow that.  Folders that are there already stay as they are.

    Raises:
        OSError: as `mkdir` raises it; a file is in the way, for one.
    """
    path = Path(folder)
    missing = [p for p in (path, *path.parents) if not os.path.lexists(p)]
    for each in reversed(missing):
        try:
            os.mkdir(each, 0o700)
        except FileExistsError:
            continue  # another process was faster
        if os.name == "posix" and os.stat(each).st_mode & 0o700 != 0o700:
            os.chmod(each, 0o700)
    path.mkdir(exist_ok=True)  # raises where a file is in the way


def refuse_link(path: str | os.PathLike[str]) -> None:
    """Refuse a symbolic link where a file of our own belongs; folders above it may be links.

    Whoever can plant a link would otherwise have a file elsewhere overwritten, or made readable.

    Raises:
        OSError: `path` is a symbolic link.
    """
    if os.path.islink(path):
        raise OSError(errno.ELOOP, "a symbolic link stands there; put the file in its place", path)


def open_own(path: str | os.PathLike[str], flags: int, mode: int = 0o600) -> int:
    """`os.open` for files of our own: follows no symbolic link at `path` and waits for no pipe.

    Raises:
        OSError: as `os.open` raises it, or `path` is a symbolic link.
    """
    refuse_link(path)  # says what is wrong better than the flag, which is what can't be raced
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    return os.open(path, flags, mode)


@contextlib.contextmanager
def atomic_file(
    path: str | os.PathLike[str], mode: int = 0o666, *, follow: bool = True
) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success it takes the place of `path`.

    The bytes are synced to the disk before the rename and the folder after it, so that a crash or
    a power cut leaves either the old file or the new one.  On any error the temporary file is
    removed and `path` is as it was.  Permissions are `mode` less the umask.

    Args:
        follow: write to what a symbolic link at `path` points to: for files that somebody named,
            not for those of our own.

    Raises:
        OSError: as `open`, `write`, `fsync` and `replace` raise it; or `path` is a symbolic link
            that isn't to be followed.
    """
    if not follow:
        refuse_link(path)  # one that comes later is replaced by the rename, not followed
    target = Path(os.path.realpath(path)) if follow else Path(path)
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
    descriptor = open_own(path, os.O_RDWR | os.O_CREAT)
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
