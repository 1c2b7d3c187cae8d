"""The parts of a pattern, and the characters that they begin with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal

_MAX_CODE_POINT = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]
"""Inclusive ranges of code points, in order."""

ALL: Ranges = ((0, _MAX_CODE_POINT),)


def union(*sets: Ranges) -> Ranges:
    """The characters of any of the sets."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(r for ranges in sets for r in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """All other characters."""
    gaps, at = [], 0
    for low, high in ranges:
        if low > at:
            gaps.append((at, low - 1))
        at = high + 1
    return tuple(gaps) if at > _MAX_CODE_POINT else (*gaps, (at, _MAX_CODE_POINT))


def overlap(first: Ranges, second: Ranges) -> bool:
    """Whether the two share a character."""
    return any(a <= d and c <= b for a, b in first for c, d in second)


def peak(weighted: Iterable[tuple[Ranges, int]]) -> int:
    """The largest sum of weights over the sets that hold one character."""
    changes: dict[int, int] = {}
    for ranges, weight in weighted:
        for low, high in ranges:
            changes[low] = changes.get(low, 0) + weight
            changes[high + 1] = changes.get(high + 1, 0) - weight
    return max(accumulate(changes[place] for place in sorted(changes)), default=0)


@dataclass(frozen=True)
class Node:
    """A part of a pattern.

    Attributes:
        kind: "chars" is one character of a set, "text" a plain string, "look" a look-ahead or
            look-behind.
        first: characters that it may begin with (for a "look": that may stand where it looks).
        least, most: how many characters it takes.
        parts: of a sequence or choice; the one part of a repeat or look.
        text: of a "text".
        times: how often a repeat may come.
    """

    kind: Literal["chars", "text", "sequence", "choice", "repeat", "look"]
    first: Ranges
    least: int
    most: int
    parts: tuple[Node, ...] = ()
    times: tuple[int, int] = (1, 1)
    text: str = ""

    @cached_property
    def literal(self) -> str | None:
        """The only text it matches, where it is a plain string."""
        if self.kind == "text":
            return self.text
        if self.kind == "chars":
            low, high = self.first[0] if self.first else (0, 1)
            return chr(low) if len(self.first) == 1 and low == high else None
        if self.kind != "sequence":
            return None
        letters = [part.literal for part in self.parts]
        return None if None in letters else "".join(str(c) for c in letters)


def plain(text: str) -> Node:
    """A plain string of two characters and more."""
    return Node("text", ((ord(text[0]), ord(text[0])),), len(text), len(text), text=text)


def sequence(parts: list[Node]) -> Node:
    """One part after another."""
    if len(parts) == 1:
        return parts[0]
    first: Ranges = ()
    for part in parts:
        if part.kind == "look":
            continue
        first = union(first, part.first)
        if part.least:
            break
    return Node(
        "sequence", first, sum(p.least for p in parts), sum(p.most for p in parts), tuple(parts)
    )


def choice(branches: list[Node]) -> Node:
    """Any of the branches."""
    if len(branches) == 1:
        return branches[0]
    first = union(*(b.first for b in branches))
    least, most = min(b.least for b in branches), max(b.most for b in branches)
    return Node("choice", first, least, most, tuple(branches))
