"""The characters that a match may begin with, read off the beginning of a pattern.

For patterns that are known to be right (`voicelet.text.pack.regex` parses the others): only what
stands at the beginning of each alternative is looked at, so that a pack of a hundred rules is ready
in a millisecond, and no table is read for a rule whose turn never comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_MAX_CODE_POINT = 0x10FFFF
_ESCAPES = {"n": "\n", "t": "\t"}
_ANY = "[\\s\\S]"
_CLASS = r"\[\^?(?:\\[\s\S]|[^\]\\])+\]"
_ATOM = re.compile(rf"\\[\s\S]|{_CLASS}|[\s\S]")
_REPEAT = re.compile(r"(?:(\?|\{0+(?:,[0-9]+)?\})|\{[0-9]+(?:,[0-9]+)?\})\??")
_STRUCTURE = re.compile(rf"\\[\s\S]|{_CLASS}|[()|]")
_OPENING = re.compile(r"\((?:\?(?:(<?[=!])|:|<[a-z0-9]+>))?")
_KEYS = re.compile(r"\{\{([^{}]+)\}\}")

Ranges = tuple[tuple[int, int], ...]


class Beginning:
    """What a pattern may begin with.

    Args:
        pattern: without macros, but for those that stand for the keys of a table.
        keys: name of such a macro → the texts that it matches one of.
    """

    def __init__(self, pattern: str, keys: Callable[[str], set[str]]) -> None:
        self._ranges: set[tuple[int, int]] = set()
        self._keys = keys
        self._scan(pattern)

    def has(self, char: str) -> bool:
        """Whether a match may begin with `char`."""
        code = ord(char)
        return any(low <= code <= high for low, high in self._ranges)

    def _scan(self, pattern: str) -> None:
        # `begins`: nothing before this place must take a character.  Of every group that is open:
        # whether it began at a beginning, whether a branch of it may be empty, whether it looks.
        groups: list[tuple[bool, bool, bool]] = []
        group, begins, at = (True, False, False), True, 0
        while at < len(pattern):
            found = (_ATOM.match if begins else _STRUCTURE.search)(pattern, at)
            if found is None:
                return
            atom, at = found[0], found.end()
            if atom == "(":
                opening = _OPENING.match(pattern, found.start())
                assert opening is not None  # it is right, and begins with "("
                groups.append(group)
                looks, at = opening[1] is not None, opening.end()
                group = (begins, False, looks)
                begins = begins and not looks
            elif atom == "|":
                group = (group[0], group[1] or begins, group[2])
                begins = group[0] and not group[2]
            elif atom == ")":
                begun, empty, looks = group
                group = groups.pop()
                optional, at = _repeat(pattern, at)
                begins = begun and (looks or optional or empty or begins)
            elif begins:
                if atom == "{" and (macro := _KEYS.match(pattern, found.start())):
                    at = macro.end()
                    self._ranges.update((ord(k[0]),) * 2 for k in self._keys(macro[1]))
                else:
                    self._ranges.update(_ranges(atom))
                begins, at = _repeat(pattern, at)


def _repeat(pattern: str, at: int) -> tuple[bool, int]:
    """Whether what stands before may be left out, and where its repeat ends."""
    if pattern.startswith("{{", at) or not (found := _REPEAT.match(pattern, at)):
        return False, at
    return found[1] is not None, found.end()


@lru_cache(maxsize=512)
def _ranges(atom: str) -> Ranges:
    """Of a character, an escape or a class."""
    if atom == _ANY:
        return ((0, _MAX_CODE_POINT),)
    if atom[0] != "[":
        code = _code(atom)
        return ((code, code),)
    negated = atom[1] == "^"
    chars = [_code(m[0]) if m[0] != "-" else -1 for m in _ATOM.finditer(atom[1 + negated : -1])]
    ranges: list[tuple[int, int]] = []
    place = 0
    while place < len(chars):
        low = high = chars[place]
        if low >= 0 and chars[place + 1 : place + 2] == [-1] and place + 2 < len(chars):
            high, place = chars[place + 2], place + 2
        ranges.append((ord("-"), ord("-")) if low < 0 else (low, high if high >= 0 else ord("-")))
        place += 1
    return _complement(sorted(ranges)) if negated else tuple(ranges)


def _complement(ranges: list[tuple[int, int]]) -> Ranges:
    gaps, at = [], 0
    for low, high in ranges:
        if low > at:
            gaps.append((at, low - 1))
        at = max(at, high + 1)
    return (*gaps, (at, _MAX_CODE_POINT)) if at <= _MAX_CODE_POINT else tuple(gaps)


def _code(atom: str) -> int:
    return ord(_ESCAPES.get(atom[1], atom[1]) if len(atom) > 1 else atom)
