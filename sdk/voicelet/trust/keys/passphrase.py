"""Where a passphrase comes from when the caller gave none.

First from the environment, then from the function that the program has set.
"""

from __future__ import annotations

import os
from collections.abc import Callable

VARIABLE = "VOICELET_PASSPHRASE"


class _Default:
    ask: Callable[[], str] | None = None
    for_new = False


def set_default(ask: Callable[[], str] | None, for_new: bool = False) -> None:
    """Set the function to call when neither the caller nor the environment gives a passphrase.

    Args:
        ask: returns the passphrase, or "" for none; None sets no function.
        for_new: whether it protects new vaults, too.
    """
    _Default.ask, _Default.for_new = ask, for_new


def default() -> str:
    """The passphrase, "" for none."""
    given = os.environ.get(VARIABLE, "")
    return given or (_Default.ask() if _Default.ask is not None else "")


def protects_new() -> bool:
    """Whether new vaults are to have a passphrase."""
    return bool(os.environ.get(VARIABLE)) or (_Default.ask is not None and _Default.for_new)
