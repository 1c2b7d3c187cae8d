"""Number words: an interpreter of ICU's rule-based number formats, as Unicode CLDR writes them.

It reads the part that CLDR's spellout rules need (docs/reference/language-packs.md lists it), with
ICU's meaning: which rule a number takes, when a rule gives way to the one before it, what brackets
leave out.  The rules travel in the pack, so that every device says the same.
"""

from __future__ import annotations

import contextlib
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from voicelet.config import did_you_mean
from voicelet.errors import PackError
from voicelet.text.pack.plurals import CATEGORIES, Plurals

MAX_DIGITS = 18
"""Longer whole numbers have no name."""

_MAX_DEPTH = 64
_MAX_SUBSTITUTIONS = 600
_MAX_RULES = 5000
_MAX_LINE_CHARS = 1000
_MAX_CHECKED = 300_000  # substitutions of all numbers that a check spells
_SPECIAL = ("-x", "x.x", "x,x", "0.x", "0,x", "x.0", "x,0", "Inf", "NaN")
_BASE = re.compile(r"([0-9]{1,19})(?:/([0-9]{1,9}))?(>{0,3})")
_PIECE = re.compile(
    r"<<|<(%{1,2}[^<>=;]{1,60}|[#0,.]{1,12})<|>>>?|>(%{1,2}[^<>=;]{1,60}|[#0,.]{1,12})>"
    r"|=(%{1,2}[^<>=;]{1,60}|[#0,.]{1,12})=|\$\((cardinal|ordinal),((?:[a-z]{1,5}\{[^{}]*\})+)\)\$"
    r"|[^<>=$]+|[<>=$]"
)
_OPTION = re.compile(r"([a-z]{1,5})\{([^{}]*)\}")


@dataclass(frozen=True)
class _Piece:
    """A substitution: `kind` is one of "<", ">", ">>>", "=", "cardinal", "ordinal"."""

    kind: str
    rules: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Rule:
    """One line: `full` says any number, `short` (without the brackets) a multiple of `divisor`."""

    base: int
    divisor: int
    full: tuple[str | _Piece, ...]
    short: tuple[str | _Piece, ...] | None
    gives_way: bool


@dataclass
class _RuleSet:
    bases: list[int] = field(default_factory=list)
    rules: list[_Rule] = field(default_factory=list)
    special: dict[str, tuple[str | _Piece, ...]] = field(default_factory=dict)


class _EndlessError(PackError):
    """The rules of a number call one another without end."""


class NumberRules:
    """The rule sets of one language.

    Args:
        texts: sources of ICU rule text; a set of the same name in a later one replaces the whole
            set of an earlier one.
        plurals, ordinals: categories for `$(cardinal,…)$` and `$(ordinal,…)$`.
        decimal: "." or ",": which of the rules "x.x" and "x,x" says a decimal fraction.

    Raises:
        PackError: a line can't be read, or names a set that isn't there.
    """

    def __init__(
        self,
        *texts: str,
        plurals: Plurals | None = None,
        ordinals: Plurals | None = None,
        decimal: str = ".",
    ) -> None:
        self._plurals = {
            "cardinal": plurals or Plurals({}),
            "ordinal": ordinals or Plurals({}),
        }
        self._point = "x,x" if decimal == "," else "x.x"
        self._sets: dict[str, _RuleSet] = {}
        for text in texts:
            self._sets.update(_parse(text))
        for name, rules in self._sets.items():
            pieces = [p for r in rules.rules for p in (*r.full, *(r.short or ()))]
            for piece in [*pieces, *(p for body in rules.special.values() for p in body)]:
                if isinstance(piece, _Piece) and piece.rules[:1] == "%":
                    self._find(piece.rules, f"the rules {name}")

    @property
    def names(self) -> tuple[str, ...]:
        """The public sets, without their "%"."""
        return tuple(n[1:] for n in self._sets if not n.startswith("%%"))

    def has(self, rules: str) -> bool:
        """Whether there is a set of that name."""
        return f"%{rules}" in self._sets or f"%%{rules}" in self._sets

    def check(self) -> None:
        """Spell a number for every rule, so that no text can find what is wrong first.

        Raises:
            PackError: some rules call one another without end.
        """
        steps = 0
        for name in self.names:
            rules = self._find(f"%{name}")
            for base in sorted({base for other in self._sets.values() for base in other.bases}):
                for number in (base, base + 1):
                    count = [0]
                    self._spell(min(number, 10**MAX_DIGITS - 1), rules, count, 0)
                    steps += count[0]
                    if steps > _MAX_CHECKED:
                        raise PackError(
                            "numbers.rbnf: the rules call one another too often to be checked;"
                            " leave out sets and rules that no number needs"
                        )

    def spell(self, number: int | str, rules: str) -> str:
        """A number in words.

        Args:
            number: a whole number, or digits with "-" before or "." inside, of at most
                :data:`MAX_DIGITS` digits.
            rules: name of a set ("spellout-cardinal").

        Raises:
            PackError: there is no such set.
        """
        found = self._find(f"%%{rules}" if f"%%{rules}" in self._sets else f"%{rules}")
        text = str(number)
        if text.startswith("-"):
            body = found.special.get("-x", ("minus ", _Piece(">")))
            said = self.spell(text[1:], rules)
            return "".join(p if isinstance(p, str) else said for p in body)
        whole, dot, digits = text.partition(".")
        if not dot:
            return self._spelled(whole, found)
        body = found.special.get(self._point) or found.special.get("x.x") or ()
        if not any(isinstance(p, _Piece) and p.kind == ">" for p in body):
            raise PackError(f"the number rules {rules!r} say no decimal fractions")
        parts = []
        for piece in body:
            if isinstance(piece, str):
                parts.append(piece)
            elif piece.kind == "<":
                parts.append(self._spelled(whole, found))
            else:
                inner = self._find(piece.rules) if piece.rules[:1] == "%" else found
                parts.append(" ".join(self._spell(int(d), inner, [0], 0) for d in digits))
        return "".join(parts)

    def _spelled(self, digits: str, rules: _RuleSet) -> str:
        """A whole number; where its rules never end, digit by digit, as far as that goes."""
        try:
            return self._spell(int(digits), rules, [0], 0)
        except _EndlessError:
            said = []
            for digit in digits:
                with contextlib.suppress(_EndlessError):
                    said.append(self._spell(int(digit), rules, [0], 0))
            return " ".join(said)

    def _find(self, name: str, where: str = "") -> _RuleSet:
        rules = self._sets.get(name)
        if rules is None:
            known = [n.lstrip("%") for n in self._sets]
            raise PackError(
                f"{where + ': ' if where else ''}there are no number rules {name.lstrip('%')!r}"
                f"{did_you_mean(name.lstrip('%'), known)}; add them to numbers.rbnf"
            )
        return rules

    def _spell(
        self, number: int, rules: _RuleSet, count: list[int], depth: int, before: int | None = None
    ) -> str:
        """`before`: only rules before this place may be taken (for ">>>")."""
        count[0] += 1
        if depth > _MAX_DEPTH or count[0] > _MAX_SUBSTITUTIONS:
            raise _EndlessError(
                f"numbers.rbnf: the rules for {number} call one another without end; give each"
                " number a rule that ends"
            )
        place = bisect_right(rules.bases, number) - 1 if before is None else before - 1
        if place < 0:
            return str(number)
        rule = rules.rules[place]
        if rule.gives_way and number % rule.divisor == 0 and place:
            place -= 1
            rule = rules.rules[place]
        body = rule.full
        if rule.short is not None and number % rule.divisor == 0:
            body = rule.short
        said = []
        for piece in body:
            if isinstance(piece, str):
                said.append(piece)
                continue
            if piece.kind in ("cardinal", "ordinal"):
                category = self._plurals[piece.kind].category(str(number // rule.divisor))
                said.append(piece.options.get(category, piece.options.get("other", "")))
                continue
            value = number
            if piece.kind == "<":
                value = number // rule.divisor
            elif piece.kind in (">", ">>>"):
                value = number % rule.divisor
            if piece.rules and piece.rules[0] != "%":  # a pattern of digits: "#,##0"
                said.append(str(value))
                continue
            inner = self._find(piece.rules) if piece.rules else rules
            only = place if piece.kind == ">>>" else None
            said.append(self._spell(value, inner, count, depth + 1, only))
        return "".join(said)


def _parse(text: str) -> dict[str, _RuleSet]:
    sets: dict[str, _RuleSet] = {}
    current: _RuleSet | None = None
    lines = 0
    for number, line in enumerate(text.replace("\u00ad", "").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        where = f"numbers.rbnf, line {number}"
        lines += 1
        if len(line) > _MAX_LINE_CHARS:
            raise PackError(f"{where}: longer than {_MAX_LINE_CHARS} characters")
        if lines > _MAX_RULES:
            raise PackError(f"{where}: more than {_MAX_RULES} lines; keep the sets that are used")
        if line.startswith("%") and line.endswith(":"):
            current = sets.setdefault(line[:-1], _RuleSet())
            continue
        descriptor, colon, body = line.partition(":")
        if current is None or not colon:
            raise PackError(
                f"{where}: write a set as '%name:', and its rules as '20: twenty[->>];'"
            )
        body = body.strip().removesuffix(";")
        if body.startswith("'"):  # it protects the blank that follows
            body = body[1:]
        if descriptor in _SPECIAL:
            current.special[descriptor] = _pieces(body.replace("[", "").replace("]", ""), where)
            continue
        rule = _rule(descriptor.strip(), body, where)
        if current.bases and rule.base <= current.bases[-1]:
            raise PackError(f"{where}: the rules of a set go upwards, and {rule.base} doesn't")
        current.bases.append(rule.base)
        current.rules.append(rule)
    return sets


def _rule(descriptor: str, body: str, where: str) -> _Rule:
    match = _BASE.fullmatch(descriptor)
    if not match:
        raise PackError(f"{where}: {descriptor!r} is no base value such as '20' or '1100/100'")
    base, radix = int(match[1]), int(match[2] or 10)
    if radix < 2:
        raise PackError(f"{where}: the radix is at least 2")
    exponent = 0
    while radix ** (exponent + 1) <= base:
        exponent += 1
    divisor = radix ** max(0, exponent - len(match[3]))
    opening, closing = body.find("["), body.find("]")
    short = None
    if opening >= 0:
        if closing < opening or body.count("[") > 1 or body.count("]") > 1:
            raise PackError(f"{where}: a rule has one pair of brackets")
        if base and base % divisor == 0:
            short = _pieces(body[:opening] + body[closing + 1 :], where)
        body = body[:opening] + body[opening + 1 : closing] + body[closing + 1 :]
    full = _pieces(body, where)
    parts = [p for p in (*full, *(short or ())) if isinstance(p, _Piece)]
    if not base and any(p.kind in ("<", ">", ">>>") for p in parts):
        raise PackError(f"{where}: the rule of 0 can't divide; use '=%name=' or plain words")
    remainder = any(p.kind in (">", ">>>") for p in parts)
    return _Rule(base, divisor, full, short, remainder and bool(base % divisor))


def _pieces(body: str, where: str) -> tuple[str | _Piece, ...]:
    pieces: list[str | _Piece] = []
    for match in _PIECE.finditer(body):
        text = match[0]
        if text in ("<", ">", "=", "$"):
            raise PackError(f"{where}: {text!r} opens no substitution that ends")
        if match[4]:
            options = dict(_OPTION.findall(match[5]))
            if not set(options) <= set(CATEGORIES) or "other" not in options:
                raise PackError(f"{where}: plural forms are {', '.join(CATEGORIES)}, with 'other'")
            pieces.append(_Piece(match[4], options=options))
        elif text == ">>>":
            pieces.append(_Piece(">>>"))
        elif text[0] in "<>=":
            pieces.append(_Piece(text[0], match[1] or match[2] or match[3] or ""))
        else:
            pieces.append(text)
    if sum(isinstance(p, _Piece) for p in pieces) > 6:
        raise PackError(f"{where}: more than six substitutions")
    return tuple(pieces)
