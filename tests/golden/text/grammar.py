"""A small grammar of texts, and sentences drawn from it.

A file has lines `symbol: one way | another way`; a line that begins with a blank goes on with the
ways of the symbol above.  In a way, `{symbol}` is drawn again, `{3-31}` is a number, `{00-59}` one
with leading zeros, `{####}` that many digits; `\\n` and `\\u202f` are characters.  The symbols of
a language come before those of `common.txt`.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "grammar"
START = "text"
RARE = "rare"
"""The symbol whose every way is a text."""

_SLOT = re.compile(r"\{([^{}]+)\}")
_NUMBER = re.compile(r"([0-9]+)-([0-9]+)")
_ESCAPE = re.compile(r"\\(n|t|u[0-9a-f]{4})")


def _unescaped(text: str) -> str:
    names = {"n": "\n", "t": "\t"}
    return _ESCAPE.sub(lambda m: names.get(m[1]) or chr(int(m[1][1:], 16)), text)


def _read(path: Path) -> dict[str, list[str]]:
    symbols: dict[str, list[str]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("//"):
            continue
        if not line.startswith(" "):
            name, _, line = line.partition(":")
            symbols[name] = []
        symbols[name] += [way.strip() for way in line.split(" | ") if way.strip()]
    return symbols


class Grammar:
    """The grammar of a language.

    Args:
        name: of its file in :data:`FOLDER`.
    """

    def __init__(self, name: str) -> None:
        self._symbols = {**_read(FOLDER / "common.txt"), **_read(FOLDER / f"{name}.txt")}

    def draw(self, rng: random.Random, symbol: str = START) -> str:
        """A text: one way of `symbol`, with everything in it drawn.

        Raises:
            KeyError: a way asks for a symbol that isn't there.
        """
        way = rng.choice(self._symbols[symbol])
        return _SLOT.sub(lambda match: self._slot(match[1], rng), _unescaped(way))

    def rare(self) -> list[str]:
        """Texts that are taken as they stand."""
        return [_unescaped(way) for way in self._symbols.get(RARE, ())]

    def _slot(self, slot: str, rng: random.Random) -> str:
        if number := _NUMBER.fullmatch(slot):
            low, high = number[1], number[2]
            drawn = str(rng.randint(int(low), int(high)))
            padded = len(low) > 1 and low[0] == "0"
            return drawn.zfill(len(low)) if padded else drawn
        if set(slot) == {"#"}:
            return "".join(rng.choice("0123456789") for _ in slot)
        return self.draw(rng, slot)
