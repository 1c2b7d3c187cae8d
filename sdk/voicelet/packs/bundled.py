"""Packs inside a voice bundle: `text/<tag>/…`, listed in its manifest and signed with it."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from voicelet.bundle.archive import staging
from voicelet.bundle.manifest import BundleFile
from voicelet.bundle.store import Bundle, read_data
from voicelet.errors import BundleError, PackError
from voicelet.files import cache_dir, read_regular
from voicelet.packs.contents import MANIFEST, read_pack
from voicelet.packs.installed import try_pack

_TEMPORARY: list[tempfile.TemporaryDirectory[str]] = []
"""Kept until the process ends."""

_FILE = re.compile(r"text/(?P<tag>[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3})/.+")


def pack_files(folder: Path) -> dict[str, bytes]:
    """The files that a bundle carries of a pack: path inside the bundle → bytes.

    They are listed in the manifest's `data` under their own paths, which older versions pass over.

    Raises:
        PackError: it isn't a pack, or something is wrong with it.
    """
    contents = read_pack(folder)
    try_pack(folder)
    return {f"text/{contents.tag}/{name}": content for name, content in contents.files.items()}


def bundled_tags(bundle: Bundle) -> tuple[str, ...]:
    """Languages of the packs that a bundle carries."""
    return tuple(sorted(tag for tag, files in _packs(bundle).items() if _has_settings(tag, files)))


def bundled_pack(bundle: Bundle, tag: str) -> Path | None:
    """The folder of a bundle's pack; None if it has none.

    It is a copy, in the cache, of bytes that were compared with their hashes after they were read,
    and of nothing else: what happens to the bundle's own folder later doesn't matter.

    Raises:
        PackError: a file is missing or damaged.
    """
    files = _packs(bundle).get(tag, {})
    if not _has_settings(tag, files):
        return None
    contents: dict[str, bytes] = {}
    digest = hashlib.sha256()
    try:
        for role, file in sorted(files.items()):
            contents[file.file.removeprefix(f"text/{tag}/")] = read_data(bundle, role)
            digest.update(f"{file.file} {file.sha256}\n".encode())
    except BundleError as error:
        raise PackError(str(error)) from None
    target = cache_dir() / "packs" / digest.hexdigest()
    if _holds(target / tag, contents):
        return target / tag
    try:
        with staging(target) as temporary:
            _write(temporary / tag, contents)
        return target / tag
    except BundleError:  # nothing can be written there; then for this process alone
        folder = tempfile.TemporaryDirectory(prefix="voicelet-")
        _TEMPORARY.append(folder)
        _write(Path(folder.name) / tag, contents)
        return Path(folder.name) / tag


def _holds(folder: Path, contents: Mapping[str, bytes]) -> bool:
    """Whether a folder holds just these files."""
    try:
        every = [p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()]
        names = {p.relative_to(folder).as_posix() for p in every}
        return names == contents.keys() and all(
            read_regular(folder / name, len(raw) + 1) == raw for name, raw in contents.items()
        )
    except (BundleError, OSError):
        return False


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, raw in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)


def _packs(bundle: Bundle) -> Mapping[str, Mapping[str, BundleFile]]:
    packs: dict[str, dict[str, BundleFile]] = {}
    for role, file in bundle.manifest.data.items():
        if (match := _FILE.fullmatch(file.file)) and role == file.file:
            packs.setdefault(match["tag"], {})[role] = file
    return packs


def _has_settings(tag: str, files: Mapping[str, BundleFile]) -> bool:
    return f"text/{tag}/pack.json" in files and f"text/{tag}/{MANIFEST}" not in files
