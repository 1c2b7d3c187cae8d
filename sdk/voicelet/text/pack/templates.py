"""The templates of a pack: `{n|spell:spellout-cardinal} {unit|of:units@n}`.

An expression names groups of the rule's pattern ("a,b" are put together; "?a" gives nothing where
the group is empty; "=stop" is the full stop of an abbreviation that ends its sentence) and filters,
which are applied from left to right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicelet.config import did_you_mean
from voicelet.errors import PackError
from voicelet.text.pack.plurals import CATEGORIES
from voicelet.text.pack.tables import Tables
from voicelet.text.pack.verbalizers import Verbalizers, roman_value
from voicelet.text.rules import RuleContext

if TYPE_CHECKING:
    from voicelet.text.pack.numbers import NumberRules

Match = re.Match[str]
Say = Callable[[Match, RuleContext], str]
_Filter = Callable[[str, Match], str]

MAX_TEMPLATE_CHARS = 2000
MAX_SAID_CHARS = 4000
"""What one {group|filter} may say; a rule that would say more doesn't apply."""
MAX_REPLACED_CHARS = 100
_PART = re.compile(r"([^{}]+)|\{([^{}]*)\}|([{}])")
_STOP = "=stop"
_SENTENCE_MARKS = ".,;:!?"


@dataclass(frozen=True)
class TemplateParts:
    """What templates are made with: the pack's words.

    Attributes:
        tables: its tables and sets.
        rules: gives its number rules; they are read when the first number is.
        verbalizers: say digits and signs.
    """

    tables: Tables
    rules: Callable[[], NumberRules]
    verbalizers: Verbalizers


def compile_template(text: str, parts: TemplateParts, groups: tuple[str, ...]) -> Say:
    """What a template says of a match.

    Args:
        text: the template.
        parts: the pack's words.
        groups: names of the groups of the rule's pattern.

    Raises:
        PackError: a group, filter, table, column or rule set isn't there.
    """
    if len(text) > MAX_TEMPLATE_CHARS:
        raise PackError(f"a template is longer than {MAX_TEMPLATE_CHARS} characters")
    compiler = _Compiler(parts, groups)
    pieces: list[str | Say] = []
    for match in _PART.finditer(text):
        if match[3]:
            raise PackError(f"{text[:60]!r}: a brace stands alone; write {{group|filter}}")
        pieces.append(match[1] or compiler.expression(match[2]))
    if all(isinstance(piece, str) for piece in pieces):
        said = "".join(str(piece) for piece in pieces)
        return lambda match, context: said
    if len(pieces) == 1 and not isinstance(pieces[0], str):
        return pieces[0]
    return lambda match, context: "".join(
        [p if p.__class__ is str else p(match, context) for p in pieces]  # type: ignore[operator]
    )


def _stop(match: Match, context: RuleContext) -> str:
    """The full stop of an abbreviation that ends its sentence."""
    stop = match[0].endswith(".") and context.ends_sentence(match.end())
    return " ." if stop else ""


class _Compiler:
    def __init__(self, parts: TemplateParts, groups: tuple[str, ...]) -> None:
        self._parts = parts
        self._groups = groups
        say = parts.verbalizers
        self._plain: dict[str, Callable[[str], str]] = {
            "number": say.number,
            "pairs": say.pairs,
            "year": say.year,
            "camel": say.camel,
            "characters": say.characters,
            "roman": lambda text: str(roman_value(text) or ""),
            "letters": lambda text: "^" + text.upper() if text else "",
            "lower": str.lower,
            "upper": str.upper,
            "capital": str.capitalize,
            "lead": lambda text: "^" + text[:1].upper() if text else "",
            "tail": lambda text: text[1:],
            "marks": lambda text: " ".join(c for c in text if c in _SENTENCE_MARKS),
        }
        self._with_parameter: dict[str, Callable[[str], _Filter]] = {
            "spell": self._spell,
            "agree": self._agree,
            "of": self._of,
            "drop": lambda p: lambda text, match: "".join(c for c in text if c not in p),
            "replace": self._replace,
            "translate": self._translate,
            "strip": lambda p: lambda text, match: text.strip(p),
            "unprefix": lambda p: lambda text, match: text.removeprefix(p),
            "unsuffix": lambda p: lambda text, match: text.removesuffix(p),
            "pre": lambda p: lambda text, match: p + text if text else "",
            "post": lambda p: lambda text, match: text + p if text else "",
            "else": lambda p: lambda text, match: text or p,
            "first": self._first,
            "last": self._last,
        }
        self._with_option: dict[str, Callable[[str], _Filter]] = {
            "decimal": self._decimal,
            "digits": self._digits,
            "grouped": self._grouped,
            "numbers": lambda p: lambda text, match: say.numbers(text, p or " "),
            "address": lambda p: lambda text, match: say.address(text, p),
        }

    def expression(self, text: str) -> Say:
        """What stands between braces."""
        head, *filters = text.split("|")
        if head == _STOP and not filters:
            return _stop
        optional = head.startswith("?")
        names = head.removeprefix("?").split(",")
        for name in names:
            self.group(name)
        steps = [self._filter(f) for f in filters]
        first = names[0]
        if len(names) > 1:

            def argument(match: Match) -> str:
                return "".join(match[name] or "" for name in names)
        else:

            def argument(match: Match) -> str:
                return match[first] or ""

        def say(match: Match, context: RuleContext) -> str:
            said = argument(match)
            if optional and not said:
                return ""
            for step in steps:
                said = step(said, match)
                if len(said) > MAX_SAID_CHARS:
                    raise PackError(f"{text!r} says more than {MAX_SAID_CHARS} characters")
            return said

        return say

    def group(self, name: str) -> str:
        """The name of a group of the pattern."""
        if name not in self._groups:
            raise PackError(
                f"the pattern has no group {name!r}{did_you_mean(name, self._groups)}; it has"
                f" {', '.join(self._groups) or 'none'}"
            )
        return name

    def _filter(self, text: str) -> _Filter:
        name, colon, parameter = text.partition(":")
        if name in self._plain and not colon:
            plain = self._plain[name]
            return lambda said, match: plain(said)
        if name in self._with_parameter and parameter:
            return self._with_parameter[name](parameter)
        if name in self._with_option:
            return self._with_option[name](parameter)
        known = [*self._plain, *self._with_parameter, *self._with_option]
        if name in known:
            needs = "takes no parameter" if name in self._plain else "needs a parameter"
            raise PackError(f"the filter {name!r} {needs}: {text!r}")
        raise PackError(
            f"there is no filter {name!r}{did_you_mean(name, known)}; they are {', '.join(known)}"
        )

    def _count(self, name: str, parameter: str) -> int:
        if not (parameter.isdecimal() and 0 < int(parameter[:4]) <= 1000):
            raise PackError(f"the filter {name!r} takes a number from 1 to 1000")
        return int(parameter)

    def _first(self, parameter: str) -> _Filter:
        count = self._count("first", parameter)
        return lambda said, match: said[:count]

    def _last(self, parameter: str) -> _Filter:
        count = self._count("last", parameter)
        return lambda said, match: said[-count:]

    def _rule_set(self, name: str) -> str:
        rules = self._parts.rules()
        if not rules.has(name):
            known = rules.names
            raise PackError(
                f"there are no number rules {name!r}{did_you_mean(name, known)}; add them to"
                " numbers.rbnf"
            )
        return name

    def _spell(self, parameter: str) -> _Filter:
        rules, spell = self._rule_set(parameter), self._parts.verbalizers.spell
        return lambda said, match: spell(said, rules)

    def _decimal(self, parameter: str) -> _Filter:
        rules = self._rule_set(parameter) if parameter else ""
        number = self._parts.verbalizers.number
        return lambda said, match: number(said, rules)

    def _digits(self, parameter: str) -> _Filter:
        group = self._count("digits", parameter) if parameter else 0
        digits = self._parts.verbalizers.digits
        return lambda said, match: digits(said, group)

    def _grouped(self, parameter: str) -> _Filter:
        rules = self._rule_set(parameter) if parameter else ""
        grouped = self._parts.verbalizers.grouped
        return lambda said, match: grouped(said, rules)

    def _agree(self, parameter: str) -> _Filter:
        """`agree:TABLE@group`: by the rule set for the row's column "gender"."""
        name, at, key = parameter.partition("@")
        table = self._parts.tables.table(name)
        if not at:
            raise PackError(f"write agree:{name}@ and the group that holds the key")
        group, place = self.group(key), table.place("gender", f"agree:{parameter}")
        verbalizers = self._parts.verbalizers

        def say(said: str, match: Match) -> str:
            row = table.row(match[group] or "")
            return verbalizers.spell(said, verbalizers.gender_rules(row[place] if row else ""))

        return say

    def _of(self, parameter: str) -> _Filter:
        """`of:TABLE`, `of:TABLE.column`, `of:TABLE@group` (the plural of the number there)."""
        rest, at, counted = parameter.partition("@")
        name, dot, column = rest.partition(".")
        table = self._parts.tables.table(name)
        if at:
            return self._of_plural(parameter, name, self.group(counted))
        place = table.place(column, f"of:{parameter}") if dot else 0

        def say(said: str, match: Match) -> str:
            row = table.row(said)
            return row[place] if row else ""

        return say

    def _of_plural(self, parameter: str, name: str, group: str) -> _Filter:
        table, plural = self._parts.tables.table(name), self._parts.verbalizers.plural
        other = table.place("other", f"of:{parameter}")
        places = {c: table.columns.index(c) for c in CATEGORIES if c in table.columns}

        def say(said: str, match: Match) -> str:
            row = table.row(said)
            if row is None:
                return ""
            return row[places.get(plural(match[group] or ""), other)] or row[other]

        return say

    def _replace(self, parameter: str) -> _Filter:
        old, equals, new = parameter.partition("=")
        if not old or not equals:
            raise PackError("write replace:OLD=NEW")
        if len(new) > MAX_REPLACED_CHARS:
            raise PackError(f"replace: writes at most {MAX_REPLACED_CHARS} characters")
        return lambda said, match: said.replace(old, new)

    def _translate(self, parameter: str) -> _Filter:
        rows = self._parts.tables.table(parameter).rows
        return lambda said, match: "".join(rows[c][0] if c in rows else c for c in said)
