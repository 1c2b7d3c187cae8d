"""Strings that a portable pattern matches, drawn at random: texts that reach a rule."""

from __future__ import annotations

import random
from collections.abc import Iterator

from voicelet.text.pack.patterns import Pattern
from voicelet.text.pack.regex import _Parser
from voicelet.text.pack.syntax_tree import ALL, Node, Ranges

_COMMON = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MARKS = " .,:;-/'+%&@#_=()?!"
_MOST_MORE = 5
"""How many more than it must a repeat comes at most."""


def tree_of(pattern: Pattern) -> Node:
    """The parts of a rule's pattern."""
    return _Parser(pattern._macros.expand(pattern._source)).parse()


def samples(pattern: Pattern, rng: random.Random, letters: str, tries: int) -> Iterator[str]:
    """Strings at whose start the pattern matches, some of them followed by what it looks for.

    Args:
        pattern: of a rule.
        rng: draws.
        letters: lower-case letters of the language beyond a-z.
        tries: how many strings to draw; those that don't match are left out.
    """
    tree = tree_of(pattern)
    pool = _COMMON + letters + letters.upper()
    for _ in range(tries):
        text = _draw(tree, rng, pool)
        if text and pattern.match(text, 0):
            yield text


def drawn_from(pattern: Pattern, rng: random.Random) -> str:
    """A string of the pattern's parts, which may or may not match."""
    return _draw(tree_of(pattern), rng, _COMMON)


def _draw(node: Node, rng: random.Random, pool: str) -> str:
    if node.kind == "text":
        return node.text
    if node.kind == "chars":
        return _character(node.first, rng, pool)
    if node.kind == "choice":
        return _draw(rng.choice(node.parts), rng, pool)
    if node.kind == "repeat":
        least, most = node.times
        count = min(most, least + int(rng.expovariate(0.6)), least + _MOST_MORE)
        return "".join(_draw(node.parts[0], rng, pool) for _ in range(count))
    if node.kind == "look":
        return ""
    out = [_draw(part, rng, pool) for part in node.parts]
    last = node.parts[-1] if node.parts else None
    if last is not None and last.kind == "look" and last.first != ALL:
        out.append(_draw(last.parts[0], rng, pool))  # a look-ahead: what has to follow
    return "".join(out)


def _character(ranges: Ranges, rng: random.Random, pool: str) -> str:
    for wanted in (pool, _MARKS):
        found = [c for c in wanted if any(low <= ord(c) <= high for low, high in ranges)]
        if found and rng.random() < 0.97:
            return rng.choice(found)
    low, high = rng.choice(ranges)
    code = rng.randint(low, min(high, low + 200))
    return " " if 0xD800 <= code <= 0xDFFF or code < 32 else chr(code)
