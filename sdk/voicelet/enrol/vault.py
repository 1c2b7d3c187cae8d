"""Where profiles live: one file each, in a folder that only their owner can read.

Every file is written beside its place, synced and renamed, so that a crash, a power cut or a full
disk leaves the old profile or the new one, never a part of either.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from voicelet.audio.atomic import atomic_file, sync_folder
from voicelet.config import did_you_mean
from voicelet.enrol.names import check_name, file_stem
from voicelet.enrol.profile import MAX_BYTES, Profile
from voicelet.errors import ProfileError, ProfileNotFound

SUFFIX = ".vclp"
_STALE_S = 3600.0  # a temporary file this old belongs to no living writer


def default_folder() -> Path:
    """The user's own profiles: `$XDG_DATA_HOME/voicelet/profiles`, or the system's equivalent."""
    base = os.environ.get("XDG_DATA_HOME", "")
    if base and os.path.isabs(base):
        return Path(base) / "voicelet" / "profiles"
    try:
        if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
            return Path(os.environ["LOCALAPPDATA"]) / "voicelet" / "profiles"
        return Path.home() / ".local" / "share" / "voicelet" / "profiles"
    except RuntimeError as error:
        raise ProfileError("there is no home folder; set XDG_DATA_HOME to a folder") from error


class Vault:
    """A folder of profiles.

        vault = Vault()
        vault.save(profile)
        profile = vault.load("ana")

    Two processes may use one vault: a reader sees the old profile or the new one.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        """Use the folder `path`, or the user's own; it is made when first written to."""
        self.path = Path(path) if path is not None else default_folder()

    def save(self, profile: Profile, *, replace: bool = True) -> Path:
        """Store a profile under its name and return its file.

        Args:
            replace: whether a profile of that name may be replaced.

        Raises:
            ProfileError: the disk is full, the folder can't be written, or there is one already
                and `replace` is false.  What was there before is intact.
        """
        target = self._file(profile.name)
        data = profile.to_bytes()
        with self._explained(f"can't save the profile {profile.name!r}"):
            self._make_folder()
            self._sweep()
            if not replace and target.exists():
                raise ProfileError(
                    f"there is a profile {profile.name!r} already; delete it or choose another name"
                )
            with atomic_file(target, 0o600) as file:
                file.write(data)
        return target

    def load(self, name: str) -> Profile:
        """Read a profile.

        Raises:
            ProfileNotFound: there is none of that name (the nearest is named).
            ProfileError: it is damaged, or not a profile.
        """
        file = self._file(name)
        try:
            profile = self._read(file)
        except FileNotFoundError:
            raise ProfileNotFound(
                f"there is no profile {check_name(name)!r}{did_you_mean(name, self.names())};"
                " `voicelet profiles` lists them"
            ) from None
        if profile.name != check_name(name):
            raise ProfileError(
                f"the file of profile {name!r} holds another one ({profile.name!r});"
                " enrol the voice again"
            )
        return profile

    def delete(self, name: str) -> None:
        """Remove a profile, its content overwritten first where the file system does so in place.

        Raises:
            ProfileNotFound: there is none of that name.
            ProfileError: it can't be removed.
        """
        file = self._file(name)
        if not file.is_file():
            raise ProfileNotFound(
                f"there is no profile {check_name(name)!r}{did_you_mean(name, self.names())}"
            )
        with self._explained(f"can't delete the profile {name!r}"):
            with file.open("r+b") as handle:
                handle.write(os.urandom(os.fstat(handle.fileno()).st_size))
                handle.flush()
                os.fsync(handle.fileno())
            file.unlink()
            sync_folder(self.path)

    def names(self) -> list[str]:
        """Names of all readable profiles, in alphabetical order."""
        return [profile.name for profile in self.list()]

    def damaged(self) -> dict[Path, ProfileError]:
        """Files that look like profiles and can't be read, with what is wrong."""
        return {file: p for file, p in self._scan() if isinstance(p, ProfileError)}

    def list(self) -> Sequence[Profile]:
        """All readable profiles, by name; damaged ones are left out (see :meth:`damaged`)."""
        return sorted(
            (p for _, p in self._scan() if isinstance(p, Profile)), key=lambda p: p.name.casefold()
        )

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self._file(name).is_file()
        except ProfileError:
            return False

    def _file(self, name: str) -> Path:
        return self.path / (file_stem(name) + SUFFIX)

    def _scan(self) -> Iterator[tuple[Path, Profile | ProfileError]]:
        with self._explained("can't list the profiles"):
            try:
                files = sorted(self.path.glob(f"*{SUFFIX}"))
            except FileNotFoundError:
                return
        for file in files:
            if file.name.startswith("."):
                continue
            try:
                yield file, self._read(file)
            except FileNotFoundError:
                continue  # deleted meanwhile
            except ProfileError as error:
                yield file, error

    def _read(self, file: Path) -> Profile:
        with (
            self._explained(f"can't read {file.name!r}", missing_ok=True),
            file.open("rb") as handle,
        ):
            data = handle.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ProfileError(f"{file.name!r} is far too large for a profile; remove it")
        return Profile.from_bytes(data)

    def _make_folder(self) -> None:
        if not self.path.exists():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self.path.parent)
        if os.name == "posix" and self.path.stat().st_mode & 0o077:
            self.path.chmod(0o700)  # the umask, or an older folder, was more generous

    def _sweep(self) -> None:
        """Remove what writers that were killed left behind."""
        for file in self.path.glob(".*.part"):
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime > _STALE_S:
                    file.unlink()

    @contextlib.contextmanager
    def _explained(self, what: str, missing_ok: bool = False) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if missing_ok and isinstance(error, FileNotFoundError):
                raise
            reason = error.strerror or str(error)
            raise ProfileError(
                f"{what} in {str(self.path)!r}: {reason}; check the folder's permissions and free"
                " space (earlier profiles are intact)"
            ) from error
