"""Where a passphrase comes from when nobody gave one: the environment, then whom a program set."""

from __future__ import annotations

import os
from collections.abc import Callable

VARIABLE = "VOICELET_PASSPHRASE"


class _Default:
    ask: Callable[[], str] | None = None
    for_new = False


def set_default(ask: Callable[[], str] | None, for_new: bool = False) -> None:
    """Have `ask` called for passphrases that neither a caller nor the environment gave.

    Args:
        ask: returns it, or "" for none; None to ask nobody.
        for_new: whether new vaults are protected by it, too.
    """
    _Default.ask, _Default.for_new = ask, for_new


def default() -> str:
    """The passphrase, "" for none."""
    given = os.environ.get(VARIABLE, "")
    return given or (_Default.ask() if _Default.ask is not None else "")


def protects_new() -> bool:
    """Whether new vaults are to have a passphrase."""
    return bool(os.environ.get(VARIABLE)) or (_Default.ask is not None and _Default.for_new)
