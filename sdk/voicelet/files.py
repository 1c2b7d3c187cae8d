"""Files: whole or not at all, one writer at a time, private, in the folders the system names."""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import re
import secrets
import shutil
import stat
import sys
import time
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from voicelet.errors import BundleError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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


def parse_npy(raw: bytes) -> npt.NDArray[np.float32]:
    """An .npy file of float32, whose header is checked against its length before it is believed.

    Raises:
        ValueError: it is something else; or of :data:`NPZ_ERRORS`.
    """
    # Imported here: this module is needed before numpy is, in every command.
    import numpy as np

    file = io.BytesIO(raw)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"it is an .npy file of the unknown version {version}")
    if dtype != np.dtype("<f4") or fortran:
        raise ValueError(f"it holds {dtype} instead of float32 by rows")
    claimed, there = math.prod(shape) * dtype.itemsize, len(raw) - file.tell()
    if min(shape, default=0) < 0 or claimed != there:
        raise ValueError(f"its header claims {claimed} bytes of numbers, and {there} are there")
    numbers: npt.NDArray[np.float32] = np.frombuffer(raw, "<f4", offset=file.tell())
    return numbers.reshape(shape)


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


LIMIT_BYTES = 64 << 20
"""The most that a file of our own holds, where nothing smaller is said."""
_NOT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_own(path: str | os.PathLike[str], flags: int, mode: int = 0o600) -> int:
    """`os.open` for files of our own: follows no symbolic link at `path` and waits for no pipe.

    Raises:
        OSError: as `os.open` raises it, or `path` is a symbolic link.
    """
    refuse_link(path)  # says what is wrong better than the flag, which is what can't be raced
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
        flags |= getattr(os, name, 0)
    return os.open(path, flags, mode)


def read_own(
    path: str | os.PathLike[str], limit: int = LIMIT_BYTES, *, follow: bool = False
) -> bytes:
    """The bytes of a file of our own; whatever else stands in its place is refused, not waited for.

    Args:
        limit: bytes; more are no file of ours.
        follow: take what a symbolic link points to: for folders that somebody else lays out.

    Raises:
        OSError: as `open_own`; it is a pipe, a device, a folder or the like, or longer than that.
    """
    if follow:
        descriptor = os.open(path, os.O_RDONLY | _NOT_WAITING)
    else:
        descriptor = open_own(path, os.O_RDONLY)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a file; remove it", str(path))
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"more than {limit} bytes, which is no file of ours", str(path))
    return data


@contextlib.contextmanager
def atomic_file(
    path: str | os.PathLike[str], mode: int = 0o666, *, follow: bool = True
) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success it takes the place of `path`.

    The bytes are synced to the disk before the rename and the folder after it, so that a crash or
    a power cut leaves either the old file or the new one.  On any error the temporary file is
    removed and `path` is as it was; what a process leaves behind that is killed outright is
    removed by the next one that writes into the folder.  Permissions are `mode` less the umask.

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
    _remove_abandoned(target.parent)
    temporary, descriptor, holder = "", -1, -1
    try:
        # Inside the try: Ctrl-C may come between the file's birth and the next line.
        while descriptor < 0:
            # Short, for the target's own name may be of full length.
            temporary = str(target.parent / f".voicelet-{secrets.token_hex(8)}.part")
            _unfinished[temporary] = os.getpid()
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            descriptor = os.open(temporary, flags, mode)
            if not _claim(descriptor):  # somebody took the newborn file for an abandoned one
                os.close(descriptor)
                descriptor = -1
        if os.name == "posix":
            holder = os.dup(descriptor)  # the file stays claimed until it has its name
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    finally:
        if holder >= 0:
            os.close(holder)
        _unfinished.pop(temporary, None)
    sync_folder(target.parent)


_ABANDONED_S = 3600.0  # where locks don't work, a file this old belongs to no living writer
_TEMPORARY = re.compile(r"\.voicelet-[0-9a-f]{16}\.part")
_unfinished: dict[str, int] = {}
"""Temporary files and folders that are being written → the process."""
_looked_through: set[str] = set()


@contextlib.contextmanager
def unfinished(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name a temporary file or folder, which the block removes, to :func:`remove_unfinished`."""
    name = os.fspath(path)
    _unfinished[name] = os.getpid()
    try:
        yield
    finally:
        _unfinished.pop(name, None)


def remove_unfinished() -> None:
    """Remove all temporary files of this process: for one that is about to end.

    Any thread may call it; a writer that goes on meets an error when it renames its file.
    """
    for name, process in list(_unfinished.items()):
        if process == os.getpid():  # a fork's parent goes on writing its own
            if os.path.isdir(name):
                shutil.rmtree(name, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.unlink(name)


def _remove_abandoned(folder: Path) -> None:
    """Once for each folder: remove temporary files that processes left which were killed."""
    if str(folder) in _looked_through:
        return
    _looked_through.add(str(folder))
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [e.path for e in entries if _TEMPORARY.fullmatch(e.name)]:
            with contextlib.suppress(OSError):
                _remove_if_abandoned(path)


def _remove_if_abandoned(path: str) -> None:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        return
    old = time.time() - status.st_mtime > _ABANDONED_S
    if sys.platform == "win32":  # which refuses while somebody has it open
        if old:
            os.unlink(path)
        return
    if status.st_uid != os.geteuid():
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        except OSError:  # no locks here
            if not old:
                return
        os.unlink(path)
    finally:
        os.close(descriptor)


def _claim(descriptor: int) -> bool:
    """Lock a new temporary file as one that is being written; False if it was removed already."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # no locks here; its age tells
    return os.fstat(descriptor).st_nlink > 0


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
