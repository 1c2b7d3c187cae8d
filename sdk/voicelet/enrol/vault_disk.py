"""The folder of a vault: every file twice, written whole or not at all, for its owner only."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from voicelet.audio.atomic import atomic_file, sync_folder
from voicelet.enrol.profile import MAX_BYTES
from voicelet.errors import ProfileError, SealError
from voicelet.trust.file_lock import file_lock
from voicelet.trust.keystore import shred

SUFFIX = ".vclp"
COPIES = "backup"
LIMIT_BYTES = MAX_BYTES + (1 << 14)
_STALE_S = 3600.0  # a temporary file this old belongs to no living writer
_log = logging.getLogger(__name__)


class Hidden(bytes):
    """Bytes that crash reporters, which send what frames hold, can't show."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class Disk:
    """`path`, and `path`/backup with a second copy of each file.

    The copy is of the same generation: it is there for worn flash and fat fingers.  Methods raise
    OSError; :meth:`explained` makes a ProfileError of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.copies = path / COPIES

    def read(self, name: str, copy: bool = False) -> bytes | None:
        """The contents of a file, None if there is none; at most a byte over the limit.

        Raises:
            ProfileError: it is a folder, a pipe or the like.
        """
        path = (self.copies if copy else self.path) / name
        try:
            # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            with open(os.open(path, flags), "rb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return Hidden(file.read(LIMIT_BYTES + 1))
        except FileNotFoundError:
            return None
        except IsADirectoryError:
            pass
        raise ProfileError(f"{name!r} isn't a file; remove it")

    def write(self, name: str, data: bytes) -> Path:
        """Write a file, then its copy; of the copy a failure is only warned of."""
        self._write(self.path / name, data)
        try:
            self.write_copy(name, data)
        except OSError as error:
            _log.warning("%s has no copy: %s", name, error.strerror or error)
        return self.path / name

    def write_copy(self, name: str, data: bytes) -> None:
        """Write the copy alone."""
        self._write(self.copies / name, data)

    def remove(self, name: str) -> None:
        """Overwrite and remove a file and its copy; stopped in between, the file is still whole.

        Raises:
            ProfileError: one of them is still there.
        """
        for path in (self.copies / name, self.path / name):
            aside = path.with_name(f".{secrets.token_hex(8)}.part")
            try:
                path.rename(aside)  # at once: a file that is half overwritten would be damaged
                shred(aside)
            except FileNotFoundError:
                continue
            except SealError as error:
                raise ProfileError(str(error)) from None

    def read_sound(self, name: str, copy: bool = False) -> bytes | None:
        """As :meth:`read`, None for what isn't a file."""
        try:
            return self.read(name, copy)
        except ProfileError:
            return None

    def profiles(self) -> list[str]:
        """Names of all files that are, or should be, profiles, in order."""
        found: set[str] = set()
        for folder in (self.path, self.copies):
            with contextlib.suppress(FileNotFoundError):
                found |= {p.name for p in folder.iterdir() if p.suffix == SUFFIX}
        return sorted(name for name in found if not name.startswith("."))

    def make(self) -> None:
        """Make the folders, private, and remove what killed writers left behind."""
        for folder in (self.path, self.copies):
            if not folder.exists():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                sync_folder(folder.parent)
            if os.name == "posix" and folder.stat().st_mode & 0o077:
                folder.chmod(0o700)  # the umask, or an older folder, was more generous
            for file in folder.glob(".*.part"):
                with contextlib.suppress(OSError):
                    if time.time() - file.stat().st_mtime > _STALE_S:
                        file.unlink()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """The folders, made, with no other writer in them."""
        self.make()
        with file_lock(self.path / ".lock"):
            yield

    @contextlib.contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Say what an OSError means."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise ProfileError(
                f"{what} in {str(self.path)!r}: {reason}; check the folder's permissions and free"
                " space (earlier profiles are intact)"
            ) from error

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        with atomic_file(path, 0o600) as file:
            file.write(data)
