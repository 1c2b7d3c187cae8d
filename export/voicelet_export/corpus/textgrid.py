"""Praat's TextGrid, the long text format: tiers of labelled intervals.

Format: "TextGrid file formats" in Praat's manual.  Only interval tiers are written and read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voicelet_export.errors import CorpusError

_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(<exists>)|\[[^\]]*\]|([^\s"\[]+)')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Interval:
    """A labelled stretch of time; "" labels silence."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True)
class Tier:
    """Intervals without gaps, from the start of the recording to its end."""

    name: str
    intervals: tuple[Interval, ...]


@dataclass(frozen=True)
class TextGrid:
    """Tiers over one recording of `end_s` seconds."""

    end_s: float
    tiers: tuple[Tier, ...]


def filled(spans: Sequence[Interval], end_s: float) -> tuple[Interval, ...]:
    """Intervals that leave no gap: what lies between the spans gets the label "".

    Args:
        spans: in order and apart; what reaches past 0 or `end_s` is cut, empty ones are dropped.
    """
    out: list[Interval] = []
    place = 0.0
    for span in spans:
        start, end = max(place, span.start_s), min(end_s, span.end_s)
        if end <= start:
            continue
        if start > place:
            out.append(Interval(place, start, ""))
        out.append(Interval(start, end, span.label))
        place = end
    if place < end_s or not out:
        out.append(Interval(place, end_s, ""))
    return tuple(out)


def write_textgrid(grid: TextGrid) -> str:
    """The file's text, UTF-8 to be.

    Raises:
        ValueError: a tier has a gap, or doesn't span the whole recording.
    """
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_number(grid.end_s)}",
        "tiers? <exists>",
        f"size = {len(grid.tiers)}",
        "item []:",
    ]
    for place, tier in enumerate(grid.tiers, 1):
        _check(tier, grid.end_s)
        lines += [
            f"    item [{place}]:",
            '        class = "IntervalTier"',
            f"        name = {_quoted(tier.name)}",
            "        xmin = 0",
            f"        xmax = {_number(grid.end_s)}",
            f"        intervals: size = {len(tier.intervals)}",
        ]
        for number, interval in enumerate(tier.intervals, 1):
            lines += [
                f"        intervals [{number}]:",
                f"            xmin = {_number(interval.start_s)}",
                f"            xmax = {_number(interval.end_s)}",
                f"            text = {_quoted(interval.label)}",
            ]
    return "\n".join(lines) + "\n"


def read_textgrid(text: str) -> TextGrid:
    """Read a TextGrid of interval tiers, in the long or the short format.

    As Praat does, only free-standing numbers, quoted strings and flags count; all else is comment.

    Raises:
        CorpusError: it isn't one, or it is cut short.
    """
    values = _values(text)
    try:
        if (next(values), next(values)) != ("ooTextFile", "TextGrid"):
            raise CorpusError("this is no TextGrid; its first line names another type")
        _real(values)
        end_s = _real(values)
        if next(values) != "<exists>":
            return TextGrid(end_s, ())
        tiers = []
        for _ in range(_count(values)):
            kind, name = next(values), str(next(values))
            if kind != "IntervalTier":
                raise CorpusError(f"the tier {name!r} is a {kind}; only interval tiers are read")
            _real(values), _real(values)
            intervals = []
            for _ in range(_count(values)):
                start, end, label = _real(values), _real(values), next(values)
                if not isinstance(label, str):
                    raise CorpusError("a label of the TextGrid isn't in quotes")
                intervals.append(Interval(start, end, label))
            tiers.append(Tier(name, tuple(intervals)))
    except StopIteration:
        raise CorpusError("the TextGrid is cut short; write it again") from None
    return TextGrid(end_s, tuple(tiers))


def _values(text: str) -> Iterator[str | float]:
    """Free-standing values; numbers in brackets ("item [1]:") are comments."""
    for found in _TOKEN.finditer(text):
        string, flag, word = found.groups()
        if string is not None:
            yield string.replace('""', '"')
        elif flag is not None:
            yield flag
        elif word is not None and _NUMBER.fullmatch(word):
            yield float(word)


def _real(values: Iterator[str | float]) -> float:
    value = next(values)
    if not isinstance(value, float):
        raise CorpusError(f"the TextGrid has {value!r} where a number should be")
    return value


def _count(values: Iterator[str | float]) -> int:
    value = _real(values)
    if value < 0 or value != math.floor(value):
        raise CorpusError(f"the TextGrid has {value} where a count should be")
    return int(value)


def _check(tier: Tier, end_s: float) -> None:
    place = 0.0
    for interval in tier.intervals:
        if abs(interval.start_s - place) > 1e-9 or interval.end_s <= interval.start_s:
            raise ValueError(f"the tier {tier.name!r} has a gap or an overlap at {place:.3f} s")
        place = interval.end_s
    if abs(place - end_s) > 1e-9:
        raise ValueError(f"the tier {tier.name!r} ends at {place:.3f} s of {end_s:.3f} s")


def _number(value: float) -> str:
    return repr(round(value, 6)) if value != int(value) else str(int(value))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
