"""Which cases of which rules a text reaches."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from voicelet.text.pack import rules as pack_rules
from voicelet.text.pack.config import RuleConfig
from voicelet.text.pack.patterns import Pattern
from voicelet.text.pack.predicates import Test
from voicelet.text.pack.rules import RuleMaker, _Handler
from voicelet.text.pack.templates import Say
from voicelet.text.rules import RuleContext

Place = tuple[str, int]
"""A rule's id and the number of one of its cases, from 1 on."""


class Reached:
    """What has been reached since it was made or cleared.

    Attributes:
        count: how often each case said something.
        rules: every rule there is, by its id.
        patterns: its pattern.
    """

    def __init__(self) -> None:
        self.count: Counter[Place] = Counter()
        self.rules: dict[str, RuleConfig] = {}
        self.patterns: dict[str, Pattern] = {}

    def places(self) -> list[Place]:
        """Every case that says something, of every rule."""
        return [
            (name, number)
            for name, rule in self.rules.items()
            for number, case in enumerate(rule.cases, 1)
            if case.get("say") is not None
        ]


@contextmanager
def counting(reached: Reached) -> Iterator[None]:
    """Packs that are opened inside count what is reached, for as long as they live."""

    class Counted(_Handler):
        def __init__(
            self, maker: RuleMaker, config: RuleConfig, pattern: Pattern, where: str
        ) -> None:
            super().__init__(maker, config, pattern, where)
            self._id = config.id
            reached.rules[config.id] = config
            reached.patterns[config.id] = pattern

        def prepare(self) -> list[tuple[tuple[Test, ...], Say | None]]:
            if self._cases is None:
                cases = enumerate(super().prepare(), 1)
                self._cases = [
                    (tests, say and self._counted((self._id, n), say)) for n, (tests, say) in cases
                ]
            return self._cases

        @staticmethod
        def _counted(place: Place, say: Say) -> Callable[[re.Match[str], RuleContext], str]:
            def counted(match: re.Match[str], context: RuleContext) -> str:
                said = say(match, context)
                reached.count[place] += 1
                return said

            return counted

    with patch.object(pack_rules, "_Handler", Counted):
        yield
