"""Packs that the user installed: in the data folder, each checked whole, none able to break speech.

An installed pack goes before the bundle's and the package's.  What is wrong with one when it is to
be used (a damaged file, a key that is trusted no longer) is said in the log, and the next pack is
used instead.
"""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from voicelet.bundle.archive import staging
from voicelet.bundle.integrity import checked_key
from voicelet.bundle.trust import packaged_keys, user_keys
from voicelet.engine import WORK_LIMIT_S, get_engine
from voicelet.errors import (
    BundleError,
    ConfigError,
    PackError,
    PackUnsignedError,
)
from voicelet.files import data_dir, read_regular
from voicelet.packs.contents import MANIFEST, SIGNATURE, PackContents, read_pack, trusted_signer
from voicelet.text.pack.folder import open_pack

log = logging.getLogger(__name__)

Vouching = Literal["package", "key", "caller"]
"""Who vouches for a pack: voicelet's own key, a key that the user trusts, or whoever installed it
and said so."""

RECORD = "installed.json"
GRAPH = "g2p.onnx"
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8}){0,3}")
_WARNED: set[str] = set()


@dataclass(frozen=True)
class InstalledPack:
    """A pack in the data folder.

    Attributes:
        tag: of its language, in lower case.
        version: by its makers.
        folder: what `voicelet.text.pack.folder.open_pack` opens.
        signed_by: the signer's public key (hexadecimal), None if it isn't signed.
        trusted_by: see :data:`Vouching`.
    """

    tag: str
    version: str
    folder: Path
    signed_by: str | None
    trusted_by: Vouching


def packs_folder() -> Path:
    """Where installed packs are, a folder each."""
    return data_dir() / "packs"


def install_pack(
    path: str | Path, *, trusted_keys: Iterable[str] = (), trust_pack: bool = False
) -> InstalledPack:
    """Check a pack and copy it into the data folder; one of the same language is replaced.

    On an error what was there stays as it was.

    Args:
        path: a `.pack` file or a pack's folder.
        trusted_keys: whose signature will do, beside voicelet's and those that the user trusts.
        trust_pack: you vouch for a pack that none of them signed: you made it, or know who did.

    Raises:
        PackUnsignedError: nobody vouches for it.
        PackError: a rule, a table or a graph of it is wrong, it is too large, or damaged.
        BundleError: the data folder can't be written.
    """
    contents = read_pack(Path(path))
    by = _vouching(contents, {checked_key(key) for key in trusted_keys})
    if by is None and not trust_pack:
        key = contents.signed_by
        who = f"{key}, a key that isn't trusted here" if key else "nobody"
        known = f"trust their key if you know them (--trust-key {key})" if key else "get it signed"
        raise PackUnsignedError(
            f"{path}: it is signed by {who}, and would change what is said; {known}, or say that"
            " you vouch for it: --trust-pack"
        )
    target = packs_folder() / contents.tag
    with staging(target) as temporary:
        folder = temporary / contents.tag
        for name, content in contents.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / MANIFEST).write_bytes(contents.raw_manifest)
        if contents.signature is not None:
            (folder / SIGNATURE).write_bytes(contents.signature)
        try_pack(folder)
        record = {"trusted_by": by or "caller", "digest": contents.digest}
        (temporary / RECORD).write_text(json.dumps(record) + "\n", encoding="utf-8")
    return _open(contents.tag)


def remove_pack(tag: str) -> None:
    """Remove an installed pack; the bundle's or the package's is then used again.

    Raises:
        ConfigError: there is none.
    """
    folder = packs_folder() / tag.lower()
    if tag.lower() not in installed_tags():
        there = ", ".join(installed_tags()) or "none"
        raise ConfigError(f"no installed pack reads {tag!r}; there are: {there}")
    # Moved out of sight first, so that nothing ever sees half of it.
    aside = folder.with_name(f".outgoing-{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def installed_tags() -> tuple[str, ...]:
    """Languages of the installed packs, sound or not."""
    try:
        names = sorted(path.name for path in packs_folder().iterdir())
    except OSError:
        return ()
    return tuple(name for name in names if _TAG.fullmatch(name))


def installed_pack(tag: str) -> InstalledPack | None:
    """An installed pack, every file compared with its hash; None where there is none, or where it
    can't be used, which is said once in the log.
    """
    if tag not in installed_tags():
        return None
    try:
        return _open(tag)
    except (PackError, BundleError, ConfigError, OSError, ValueError) as error:
        warn_once(f"the installed pack {tag!r} isn't used: {error}; install it again")
        return None


def warn_once(message: str) -> None:
    """Say it in the log, once in a process."""
    if message not in _WARNED:
        _WARNED.add(message)
        log.warning("%s", message)


def _open(tag: str) -> InstalledPack:
    folder = packs_folder() / tag / tag
    contents = read_pack(folder)
    by = _vouching(contents, set())
    if by is None:
        record = json.loads(read_regular(folder.parent / RECORD, 1 << 12).decode("utf-8"))
        if record != {"trusted_by": "caller", "digest": contents.digest}:
            raise PackUnsignedError(
                f"{folder}: nobody vouches for it any longer; install it again (--trust-pack)"
            )
        by = "caller"
    if contents.tag != tag:
        raise PackError(f"{folder}: it is of the language {contents.manifest.language!r}")
    return InstalledPack(tag, contents.manifest.version, folder, contents.signed_by, by)


def _vouching(contents: PackContents, keys: set[str]) -> Vouching | None:
    if trusted_signer(contents.signed_by, packaged_keys()):
        return "package"
    return "key" if trusted_signer(contents.signed_by, {*keys, *user_keys()}) else None


def try_pack(folder: Path) -> None:
    """Make every rule of a pack and run its graph, within a limit of time.

    Raises:
        PackError: something is wrong; the message says what and where.
    """
    try:
        if (folder / GRAPH).is_file():
            # Before the front end opens it: this looks at what the graph is made of first.
            get_engine("onnx").open(folder / GRAPH, limit_s=WORK_LIMIT_S)
        open_pack(folder)
    except BundleError as error:
        raise PackError(str(error)) from None
