"""Plural categories by CLDR's plural rules: "one: i = 1 and v = 0" (Unicode TS #35, part 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from voicelet.errors import PackError

CATEGORIES = ("zero", "one", "two", "few", "many", "other")

MAX_RULE_CHARS = 400

_RELATION = re.compile(
    r"([nivwft])(?: ?% ?([0-9]{1,9}))? ?(!?=) ?([0-9]{1,9}(?:\.\.[0-9]{1,9})?"
    r"(?: ?, ?[0-9]{1,9}(?:\.\.[0-9]{1,9})?){0,20})"
)
_NUMBER = re.compile(r"([0-9]{1,30})(?:\.([0-9]{1,30}))?")

Operands = dict[str, float]


def _operands(number: str) -> Operands | None:
    """CLDR's operands of a plain number such as "1", "1.50"."""
    match = _NUMBER.fullmatch(number)
    if not match:
        return None
    whole, digits = match[1], match[2] or ""
    short = digits.rstrip("0")
    value = float(f"{whole}.{digits}") if short else int(whole)
    return {
        "n": value, "i": int(whole), "v": len(digits), "w": len(short), "f": int(digits or 0),
        "t": int(short or 0),
    }  # fmt: skip


class Plurals:
    """Categories of one language.

    Args:
        rules: category → CLDR rule; "other" is what no rule takes.

    Raises:
        PackError: a category or rule isn't CLDR's.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._rules: list[tuple[str, Callable[[Operands], bool]]] = []
        for category, rule in rules.items():
            if category not in CATEGORIES[:-1]:
                known = ", ".join(CATEGORIES[:-1])
                raise PackError(f"plurals: there is no category {category!r}; they are {known}")
            self._rules.append((category, _condition(rule, f"plurals.{category}")))

    def category(self, number: str) -> str:
        """Of a plain number in digits, with "." before its decimals: "one", "other" …"""
        operands = _operands(number)
        if operands is not None:
            for category, holds in self._rules:
                if holds(operands):
                    return category
        return "other"


def _condition(rule: str, where: str) -> Callable[[Operands], bool]:
    if len(rule) > MAX_RULE_CHARS:
        raise PackError(f"{where}: longer than {MAX_RULE_CHARS} characters")
    alternatives = [
        [_relation(relation.strip(), where) for relation in part.split(" and ")]
        for part in rule.split(" or ")
    ]
    return lambda operands: any(all(r(operands) for r in part) for part in alternatives)


def _relation(text: str, where: str) -> Callable[[Operands], bool]:
    match = _RELATION.fullmatch(text)
    if not match:
        raise PackError(f"{where}: {text!r} is no relation such as 'i % 10 = 2..4'")
    operand, modulus, equal = match[1], int(match[2] or 0), match[3] == "="
    ranges = []
    for part in match[4].split(","):
        low, _, high = part.strip().partition("..")
        ranges.append((int(low), int(high or low)))

    def holds(operands: Operands) -> bool:
        value = operands[operand]
        if modulus:
            value = value % modulus
        inside = value == int(value) and any(low <= value <= high for low, high in ranges)
        return inside is equal

    return holds
