"""Who vouches for a bundle, without whom it neither speaks nor enrols.

A bundle's hashes say that it is whole, not that its makers had a right to its voices: a preset is a
row of numbers, and a row of somebody else's numbers speaks as them.  Graphs can be made to do
the same.  So a bundle is used only if a key that is trusted signed it, or if whoever
opens it says that they know where it is from.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from voicelet.bundle.integrity import checked_key
from voicelet.errors import BundleError, ConfigError
from voicelet.files import (
    atomic_file,
    data_dir,
    embedded_bundle,
    file_lock,
    make_private,
    read_regular,
)

log = logging.getLogger(__name__)

Vouching = Literal["package", "key", "import", "caller"]
"""Who vouches: the package (its key signed the bundle, or the bundle lies in it), a key that the
caller named or the user trusts, this device (it imported a voice made for Piper), or the caller,
who said so."""

KEYS_NAME = "trusted_keys.txt"
_MAX_KEYS_BYTES = 1 << 16

_LOCK = threading.Lock()
_WARNED: set[str] = set()


def packaged_keys() -> tuple[str, ...]:
    """The public keys that this package trusts: `voices/trusted_keys.txt`, a key a line."""
    path = embedded_bundle().parent / KEYS_NAME
    return _keys(path) if path.is_file() else ()


def user_keys() -> tuple[str, ...]:
    """The public keys that the user trusts: `trusted_keys.txt` in the data folder, a key a line.

    Raises:
        ConfigError: a line isn't a key.
    """
    path = data_dir() / KEYS_NAME
    return _keys(path) if path.is_file() else ()


def trust_key(key: str) -> str:
    """Trust a maker's public key on this device, from now on; returns it as it is kept.

    Args:
        key: Ed25519, 64 hexadecimal digits.

    Raises:
        ConfigError: it can't be a key.
    """
    spelled = checked_key(key)
    path = data_dir() / KEYS_NAME
    make_private(path.parent)
    with file_lock(path.with_name(KEYS_NAME + ".lock")):
        keys = user_keys()
        if spelled not in keys:
            with atomic_file(path) as file:
                file.write("".join(f"{k}\n" for k in (*keys, spelled)).encode())
    return spelled


def _keys(path: Path) -> tuple[str, ...]:
    try:
        lines = read_regular(path, _MAX_KEYS_BYTES).decode("utf-8").splitlines()
        return tuple(checked_key(line) for line in lines if line.strip())
    except (UnicodeDecodeError, BundleError, ConfigError) as error:
        raise ConfigError(f"{path}: not a list of keys, one a line ({error}); mend it") from None


def vouching(
    root: Path, signed_by: str | None, trusted_keys: Iterable[str], trust_bundle: bool
) -> Vouching | None:
    """Who vouches for a verified bundle; None if nobody does.

    Args:
        root: its folder.
        signed_by: the signer's key, of a signature that was checked.
        trusted_keys: that the caller named.
        trust_bundle: whether the caller vouches for it.

    Raises:
        ConfigError: the user's list of keys can't be read.
    """
    if signed_by is not None:
        if signed_by in packaged_keys():
            return "package"
        if signed_by in {checked_key(key) for key in trusted_keys} or signed_by in user_keys():
            return "key"
    if root.resolve() == embedded_bundle():
        return "package"
    return "caller" if trust_bundle else None


def warn_once(name: str, digest: str, signed_by: str | None) -> None:
    """Say in the log, once for each bundle, that only the caller vouches for it.

    Args:
        digest: of its manifest.
    """
    with _LOCK:
        if digest in _WARNED:
            return
        _WARNED.add(digest)
    log.warning(
        "nobody but you vouches for the bundle %r (%s): whether the people it speaks as agreed is"
        " yours to answer for",
        name,
        f"signed by {signed_by}, a key that isn't trusted here" if signed_by else "it isn't signed",
    )
