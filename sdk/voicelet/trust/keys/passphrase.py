"""The default source of passphrases: the environment, then a function that a program sets."""

from __future__ import annotations

import os
from collections.abc import Callable

VARIABLE = "VOICELET_PASSPHRASE"


class _Default:
    source: Callable[[], str] | None = None
    for_new = False


def set_default(source: Callable[[], str] | None, for_new: bool = False) -> None:
    """Have `source` called for passphrases that neither a caller nor the environment gave.

    Args:
        source: returns it, or "" for none; None to ask nobody.
        for_new: whether new vaults are protected by it, too.
    """
    _Default.source, _Default.for_new = source, for_new


def default() -> str:
    """The passphrase, "" for none."""
    passphrase = os.environ.get(VARIABLE, "")
    return passphrase or (_Default.source() if _Default.source is not None else "")


def protects_new() -> bool:
    """Whether new vaults are to have a passphrase."""
    return bool(os.environ.get(VARIABLE)) or (_Default.source is not None and _Default.for_new)
