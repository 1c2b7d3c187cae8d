"""The portable subset of regular expressions, and what a match may cost at most.

A pack is read by several runtimes (Python, Java, ICU) and may come from a stranger.  So a pattern
uses only what means the same everywhere, and is refused where a text could make it try more than
:data:`MAX_STEPS` steps.  docs/reference/language-packs.md has the subset; this is its parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voicelet.errors import PackError
from voicelet.text.pack.cost import CAP, cost_of
from voicelet.text.pack.syntax_tree import (
    ALL,
    Node,
    Ranges,
    choice,
    complement,
    plain,
    sequence,
    union,
)

MAX_PATTERN_CHARS = 20_000
"""Length of a pattern, its macros expanded."""

MAX_STEPS = 200_000
"""Characters compared, in the worst text, before a match fails."""

MAX_PACK_STEPS = 2_000_000
"""The same for all rules of a pack that may begin with one character, tried one after another."""

_MAX_REPEAT = 1000
_MAX_DEPTH = 30
_MAX_BEHIND = 32
_SPECIAL = frozenset("\\.[](){}*+?^$|")
_ESCAPES = {"n": "\n", "t": "\t"}
_QUANTIFIER = re.compile(r"\{([0-9]{1,4})(?:,([0-9]{1,4}))?\}")
_NAME = re.compile(r"\(\?<([a-z][a-z0-9]{0,19})>")
_PLAIN_RUN = re.compile(r"[A-Za-z0-9 _,;:!@#&'\"%~`/<>=-]{2,}")
_ANY_CLASS = "[\\s\\S]"


@dataclass(frozen=True)
class Parsed:
    """A checked pattern.

    Attributes:
        python: the same in Python's syntax.
        groups: names of its groups, in order.
        first: the characters that a match may begin with.
        steps: what a match costs at most; 0 where that wasn't asked.
    """

    python: str
    groups: tuple[str, ...]
    first: Ranges
    steps: int


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.names: list[str] = []
        self.name_places: list[int] = []

    def parse(self) -> Node:
        node = self._choice(0)
        if self._at < len(self._text):
            raise self._error("there is no '(' for this ')'")
        return node

    def _error(self, message: str) -> PackError:
        place = self._text[max(0, self._at - 12) : self._at + 12]
        return PackError(f"{message}, at character {self._at + 1} ({place!r})")

    def _ahead(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _choice(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise self._error(f"groups nest deeper than {_MAX_DEPTH}; simplify the pattern")
        branches = [self._sequence(depth)]
        while self._ahead("|"):
            self._at += 1
            branches.append(self._sequence(depth))
        return choice(branches)

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            if match := _PLAIN_RUN.match(self._text, self._at):
                run = match[0]
                if self._text[match.end() : match.end() + 1] in ("?", "{", "*", "+"):
                    run = run[:-1]  # what follows repeats the last character only
                parts.append(plain(run))
                self._at += len(run)
                continue
            names = len(self.names)
            part = self._atom(depth)
            parts.append(self._repeated(part, len(self.names) > names))
        return sequence(parts)

    def _repeated(self, part: Node, named: bool) -> Node:
        times = self._times()
        if times is None:
            return part
        if part.kind == "look":
            raise self._error("a look-ahead or look-behind can't be repeated")
        if times[1] > 1 and part.least == 0:
            raise self._error("what is repeated may match nothing; let it match at least one")
        if times[1] > 1 and named:
            raise self._error("a named group is repeated; put the repeat inside the group")
        if self._times() is not None or self._ahead("+"):
            raise self._error("a repeat of a repeat isn't portable; use a group")
        least, most = part.least * times[0], part.most * times[1]
        return Node("repeat", part.first, least, most, (part,), times)

    def _times(self) -> tuple[int, int] | None:
        char = self._text[self._at : self._at + 1]
        if char == "?":
            self._at += 1
            times = (0, 1)
        elif char and char in "*+":
            raise self._error(f"{char!r} has no bound; write a bounded repeat such as {{1,40}}")
        elif char == "{":
            match = _QUANTIFIER.match(self._text, self._at)
            if not match:
                raise self._error("write a repeat as {2} or {1,40}; escape a brace as \\{")
            times = (int(match[1]), int(match[2] or match[1]))
            if times[0] > times[1] or not 0 < times[1] <= _MAX_REPEAT:
                raise self._error(f"a repeat goes from 0 up to {_MAX_REPEAT}")
            self._at = match.end()
        else:
            return None
        if self._ahead("?"):  # lazy: as few as will do
            self._at += 1
        return times

    def _atom(self, depth: int) -> Node:
        if self._ahead(_ANY_CLASS):
            self._at += len(_ANY_CLASS)
            return Node("chars", ALL, 1, 1)
        char = self._text[self._at]
        if char == "(":
            return self._group(depth)
        if char == "[":
            return self._class()
        if char == "\\":
            return Node("chars", self._escape(), 1, 1)
        if char == ".":
            raise self._error("'.' differs between engines; write [^\\n], or escape it as \\.")
        if char in "^$":
            raise self._error(
                f"{char!r} differs between engines; escape it, or write (?![\\s\\S]) for the end"
            )
        if char in _SPECIAL:
            raise self._error(f"{char!r} stands alone; escape it as \\{char}")
        self._at += 1
        return Node("chars", ((ord(char), ord(char)),), 1, 1)

    def _escape(self) -> Ranges:
        char = self._text[self._at + 1 : self._at + 2]
        if char in _ESCAPES:
            code = ord(_ESCAPES[char])
        elif not char or char.isalnum() or not char.isascii():
            raise self._error(
                f"'\\{char}' isn't portable; write the characters as a class, such as [A-Za-z0-9_]"
            )
        else:
            code = ord(char)
        self._at += 2
        return ((code, code),)

    def _group(self, depth: int) -> Node:
        look = ""
        if match := _NAME.match(self._text, self._at):
            if match[1] in self.names:
                raise self._error(f"the group {match[1]!r} comes twice")
            self.names.append(match[1])
            self.name_places.append(self._at + 2)
            self._at = match.end()
        elif self._ahead("(?:"):
            self._at += 3
        elif opening := next((o for o in ("(?=", "(?!", "(?<=", "(?<!") if self._ahead(o)), ""):
            look = opening[2:]
            self._at += len(opening)
        elif self._ahead("(?"):
            raise self._error(
                "of the groups only (?:…), (?<name>…), (?=…), (?!…), (?<=…) and (?<!…) are"
                " portable; a name has letters a-z and digits"
            )
        else:
            raise self._error("name the group, (?<name>…), or don't capture it, (?:…)")
        start, names = self._at, len(self.names)
        node = self._choice(depth + 1)
        if not self._ahead(")"):
            raise self._error("a ')' is missing")
        if look and len(self.names) > names:
            raise self._error("a named group inside a look-ahead or look-behind isn't portable")
        if look.startswith("<") and (node.least != node.most or node.most > _MAX_BEHIND):
            self._at = start
            raise self._error(
                f"a look-behind has one fixed width of at most {_MAX_BEHIND} characters"
            )
        self._at += 1
        if not look:
            return node
        first = node.first if look == "=" and node.least else ALL
        return Node("look", first, 0, 0, (node,))

    def _class(self) -> Node:
        self._at += 1
        negated = self._ahead("^")
        self._at += negated
        ranges: list[tuple[int, int]] = []
        while not self._ahead("]"):
            low = self._class_char()
            high = low
            following = self._text[self._at : self._at + 2]
            if following[:1] == "-" and following != "-]":
                self._at += 1
                high = self._class_char()
                if high < low:
                    raise self._error("a range of a class goes upwards")
            ranges.append((low, high))
        self._at += 1
        if not ranges:
            raise self._error("a class is empty")
        chars = union(tuple(ranges))
        return Node("chars", complement(chars) if negated else chars, 1, 1)

    def _class_char(self) -> int:
        if self._at >= len(self._text):
            raise self._error("a ']' is missing")
        char = self._text[self._at]
        if char == "\\":
            return self._escape()[0][0]
        if char == "[" or self._text[self._at : self._at + 2] in ("&&", "--", "~~", "||"):
            raise self._error(f"inside a class write \\{char}")
        self._at += 1
        return ord(char)


def parse(pattern: str, check_cost: bool = True) -> Parsed:
    """Check a pattern whose macros are expanded.

    Args:
        pattern: see the module.
        check_cost: refuse it where a text could make it too slow; without, it is known not to be.

    Raises:
        PackError: it isn't portable, or a text could make it too slow; the message says where.
    """
    if len(pattern) > MAX_PATTERN_CHARS:
        raise PackError(f"longer than {MAX_PATTERN_CHARS} characters; split the rule")
    parser = _Parser(pattern)
    node = parser.parse()
    steps = cost_of(node, ()).steps if check_cost else 0
    if steps > MAX_STEPS:
        raise PackError(
            f"a text could make it try {'more than ' if steps >= CAP else ''}{steps:,} steps;"
            f" {MAX_STEPS:,} are allowed: bound its repeats lower, or let what follows a repeat"
            " begin with a character that the repeat can't take"
        )
    python = pattern
    for place in reversed(parser.name_places):
        python = python[:place] + "P" + python[place:]
    return Parsed(python, tuple(parser.names), node.first, steps)
