"""What the conditions of a rule ask for: what stands around a match, and what its groups are."""

from __future__ import annotations

import random

from tests.golden.text.sampling import drawn_from
from voicelet.errors import PackError
from voicelet.text.pack.config import RuleConfig
from voicelet.text.pack.patterns import Pattern

NEXT_CAPITAL = " Anna"


class Contexts:
    """Changes strings that a rule matches so that one of its cases may hold.

    Args:
        rule: its cases say what they ask for.
        pattern: of the rule.
        rng: draws the case, and what it is given.
    """

    def __init__(self, rule: RuleConfig, pattern: Pattern, rng: random.Random) -> None:
        self._cases = [tuple(map(str, case.get("when", ()))) for case in rule.cases]
        self._pattern = pattern
        self._macros = pattern._macros
        self._rng = rng
        self._tests: list[str] = []

    def fitted(self, drawn: str) -> str:
        """`drawn`, its groups as a case asks for; the case then holds for :meth:`around`."""
        case = self._rng.choice(self._cases) if self._cases else ()
        self._tests = [self._rng.choice(test.split(" or ")) for test in case]
        for test in self._tests:
            kind, _, rest = test.partition(" ")
            group, _, wanted = rest.partition(" ")
            match = self._pattern.match(drawn, 0)
            if match is None or kind not in ("is", "in", "like", "range"):
                continue
            if group not in match.groupdict() or match[group] is None:
                continue
            value = self._value(kind, wanted)
            changed = drawn[: match.start(group)] + value + drawn[match.end(group) :]
            if value and self._pattern.match(changed, 0):
                drawn = changed
        return drawn

    def around(self, drawn: str) -> str:
        """`drawn` between what the case asks for."""
        for test in self._tests:
            kind, _, wanted = test.partition(" ")
            if kind in ("prev", "prev-as-written"):
                drawn = f"{self._word(wanted)} {drawn}"
            elif kind == "prev-capital":
                drawn = NEXT_CAPITAL.strip() + f" {drawn}"
            elif kind == "before":
                drawn = self._text(wanted) + drawn
            elif kind == "after":
                drawn += self._text(wanted)
            elif kind == "next-capital":
                drawn += NEXT_CAPITAL
            elif kind == "shouting":
                drawn = f"THIS {drawn} WAS ALL THAT THERE IS"
        return drawn

    def _value(self, kind: str, wanted: str) -> str:
        if kind == "is":
            return self._rng.choice(wanted.split("|"))
        if kind == "in":
            return self._word(wanted)
        if kind == "range":
            low, high = (int(end) for end in wanted.split())
            return str(self._rng.randint(low, high))
        return self._text(wanted)

    def _word(self, wanted: str) -> str:
        word = self._rng.choice(wanted.split())
        if not word.startswith("@"):
            return word
        return self._rng.choice(sorted(self._macros._tables.words(word[1:])) or [""])

    def _text(self, wanted: str) -> str:
        try:
            return drawn_from(Pattern(wanted, self._macros, "a condition"), self._rng)
        except PackError:  # a pattern with " or " inside, cut in two
            return ""
