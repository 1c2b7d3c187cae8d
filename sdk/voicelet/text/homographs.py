"""Words that are written alike and said apart, told by their neighbours."""

from __future__ import annotations

from collections.abc import Sequence


def sense_of(keys: Sequence[str], place: int, texts: Sequence[str]) -> str | None:
    """The sense of the word at `place`, or None where it has only one."""
    return None
