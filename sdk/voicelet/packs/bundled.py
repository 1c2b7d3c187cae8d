"""Packs inside a voice bundle: `text/<tag>/…`, listed in its manifest and signed with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from voicelet.bundle.integrity import verify_file
from voicelet.bundle.manifest import BundleFile
from voicelet.bundle.store import Bundle
from voicelet.errors import BundleError, PackError
from voicelet.packs.contents import MANIFEST, read_pack
from voicelet.packs.installed import try_pack

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
    """The folder of a bundle's pack, its files compared with their hashes once more; None if it has
    none.

    Raises:
        PackError: a file is damaged, or lies there that the bundle doesn't list.
    """
    files = _packs(bundle).get(tag, {})
    if not _has_settings(tag, files):
        return None
    folder = bundle.root / "text" / tag
    try:
        for file in files.values():
            verify_file(bundle.root, file)
    except BundleError as error:
        raise PackError(str(error)) from None
    for path in folder.rglob("*"):
        name = path.relative_to(bundle.root).as_posix()
        if not path.is_dir() and name not in files:
            raise PackError(f"{path}: the bundle doesn't list it; install the voice again")
    return folder


def _packs(bundle: Bundle) -> Mapping[str, Mapping[str, BundleFile]]:
    packs: dict[str, dict[str, BundleFile]] = {}
    for file in bundle.manifest.data.values():
        if match := _FILE.fullmatch(file.file):
            packs.setdefault(match["tag"], {})[file.file] = file
    return packs


def _has_settings(tag: str, files: Mapping[str, BundleFile]) -> bool:
    return f"text/{tag}/pack.json" in files and f"text/{tag}/{MANIFEST}" not in files
