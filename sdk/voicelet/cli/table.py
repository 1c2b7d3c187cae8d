"""Plain tables and JSON on stdout."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TextIO


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header, columns aligned on the left."""
    lines = [list(header), *[[plain(cell) for cell in row] for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for number, line in enumerate(lines):
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Print names and values, a pair a line."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name.ljust(width)}  {plain(value)}".rstrip())


def plain(text: str) -> str:
    """Text of a stranger's for a terminal: what could move its cursor is shown as an escape."""
    odd = ("Cc", "Cf", "Zl", "Zp")
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in odd else c for c in text
    )


def print_json(value: Any, stream: TextIO | None = None) -> None:
    """Print one JSON object on one line."""
    out = stream if stream is not None else sys.stdout
    out.write(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")
    out.flush()
