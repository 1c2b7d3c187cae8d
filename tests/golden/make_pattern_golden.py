"""Write `text/patterns.json.gz`: `python tests/golden/make_pattern_golden.py`.

Patterns of the portable subset, and what has to be refused, drawn at random: of each what its check
says (the steps in the worst text, or that it is refused), and what it matches in a few texts.  An
engine of another runtime has to agree in every match and every group.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent)]

from tests.golden.text.rows import FOLDER  # noqa: E402
from voicelet.errors import PackError  # noqa: E402
from voicelet.text.pack.regex import parse  # noqa: E402

TARGET = FOLDER / "patterns.json.gz"
PATTERNS = 1000
TEXTS = 6
ATOMS = (
    *"aab1é😀 ",
    *(
        "[ab]",
        "[^a]",
        "[a-c1]",
        "[é😀]",
        "[^\\n]",
        "[\\s\\S]",
        "\\.",
        "\\n",
        "[\\[\\]-]",
        "ab",
        "a1",
    ),
)
REPEATS = ("?", "{2}", "{0,3}", "{1,4}", "{1,3}?", "??", "{2,2}?")
ODD = (
    "*",
    "+",
    ".",
    "^",
    "$",
    "\\w",
    "(a)",
    "{2,",
    "a{3}{2}",
    "(?<=a{1,2})",
    "[a--b]",
    "(?i)",
    ")",
)


class Drawing:
    """Draws one pattern."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._names = 0

    def pattern(self, depth: int = 0, plain: bool = False) -> str:
        """Alternatives of sequences; `plain` has no named groups."""
        rng = self._rng
        count = rng.choice((1, 1, 1, 2, 3))
        return "|".join(self._sequence(depth, plain) for _ in range(count))

    def _sequence(self, depth: int, plain: bool) -> str:
        return "".join(self._part(depth, plain) for _ in range(self._rng.randint(1, 4)))

    def _part(self, depth: int, plain: bool) -> str:
        rng = self._rng
        drawn = rng.random()
        if drawn < 0.02:
            return str(rng.choice(ODD))
        if drawn < 0.65 or depth > 3:
            atom: str = rng.choice(ATOMS)
            return atom + (rng.choice(REPEATS) if rng.random() < 0.35 else "")
        if drawn < 0.75:
            look = rng.choice(("(?=", "(?!", "(?<=", "(?<!"))
            inside = rng.choice(ATOMS) if "<" in look else self.pattern(depth + 1, True)
            return f"{look}{inside})"
        if drawn < 0.85 and not plain:
            self._names += 1
            name = f"g{self._names}"
            optional = "?" if rng.random() < 0.3 else ""
            return f"(?<{name}>{self.pattern(depth + 1, True)}){optional}"
        repeat = rng.choice(REPEATS) if rng.random() < 0.5 else ""
        return f"(?:{self.pattern(depth + 1, plain or bool(repeat))}){repeat}"


def row_of(pattern: str, texts: list[str]) -> dict[str, Any]:
    """A pattern, its check, and its matches: `[place, end, groups]` for every place of a text."""
    try:
        parsed = parse(pattern)
        compiled = re.compile(parsed.python)
    except (PackError, re.error):
        return {"pattern": pattern, "steps": -1}
    found = []
    for text in texts:
        matches = [compiled.match(text, place) for place in range(len(text) + 1)]
        spans = [None if m is None else [m.end(), list(m.groups(""))] for m in matches]
        full = compiled.fullmatch(text)
        found.append([text, spans, compiled.search(text) is not None, full is not None])
    return {"pattern": pattern, "steps": parsed.steps, "texts": found}


def main() -> None:
    """Write the file."""
    rng = random.Random("patterns")
    rows: list[dict[str, Any]] = []
    while len(rows) < PATTERNS:
        pattern = Drawing(rng).pattern()
        texts = ["".join(rng.choices("aab1é😀 .\n[]-c", k=rng.randint(0, 7))) for _ in range(TEXTS)]
        rows.append(row_of(pattern, texts))
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    TARGET.write_bytes(gzip.compress(text.encode(), mtime=0))
    refused = sum(row["steps"] < 0 for row in rows)
    matched = sum(any(any(spans) for _, spans, *_ in row.get("texts", ())) for row in rows)
    print(f"{len(rows)} patterns, {refused} refused, {matched} match something")


if __name__ == "__main__":
    main()
