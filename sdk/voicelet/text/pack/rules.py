"""rules.json → rules: patterns with their cases, each made when it is first needed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicelet.config import did_you_mean, from_mapping
from voicelet.errors import ConfigError, PackError
from voicelet.text.pack.config import CaseConfig, RuleConfig
from voicelet.text.pack.patterns import Macros, Pattern
from voicelet.text.rules import Rule, RuleContext

if TYPE_CHECKING:
    from voicelet.text.pack.predicates import Test
    from voicelet.text.pack.templates import Say, TemplateParts

_log = logging.getLogger(__name__)

PLACES = ("digit", "letter", "symbol", "apostrophe", "address")
"""Where the scanner may stand."""

SAY_AS = "say-as:"

MOST_SAID, MOST_SAID_PER_CHAR = 400, 60
"""A rule that says more than so many characters, and so many a character read, doesn't apply."""

MAX_RULES = 2000
MAX_CASES = 200


@dataclass(frozen=True)
class SayAsRule:
    """How the text of an SSML say-as is read.

    Attributes:
        interpret, form: values of `interpret-as` and `format`; "" is for formats that have no
            rule of their own.
        pattern: of the whole text.
        rule: what it says.
    """

    interpret: str
    form: str
    pattern: Pattern
    rule: Rule


@dataclass(frozen=True)
class PackRules:
    """The rules of a pack.

    Attributes:
        by_place: place → its rules, in the order of trying.
        say_as: rules for SSML say-as, in the order of trying.
    """

    by_place: dict[str, tuple[Rule, ...]]
    say_as: tuple[SayAsRule, ...]

    def behind(self, users: Sequence[PackRules]) -> PackRules:
        """These rules after a user's; one with the id of a user's is left out."""
        own = {rule.name for user in users for rules in user.by_place.values() for rule in rules}
        own |= {entry.rule.name for user in users for entry in user.say_as}
        places = {
            place: (
                *(rule for user in users for rule in user.by_place[place]),
                *(rule for rule in rules if rule.name not in own),
            )
            for place, rules in self.by_place.items()
        }
        say_as = (
            *(entry for user in users for entry in user.say_as),
            *(entry for entry in self.say_as if entry.rule.name not in own),
        )
        return PackRules(places, say_as)

    def read_as(self, text: str, interpret: str, form: str) -> str | None:
        """The notation of the rules for the text of a say-as; None where no rule reads it."""
        context = RuleContext(text=text, final=True)
        entries = [entry for entry in self.say_as if entry.interpret == interpret]
        if not any(entry.form == form for entry in entries):
            form = ""
        for entry in entries:
            match = entry.pattern.fullmatch(text) if entry.form == form else None
            said = entry.rule.say(match, context) if match else None
            if said is not None:
                return said
        return None


class RuleMaker:
    """Makes the rules of one pack.

    Args:
        macros: for patterns.
        parts: gives what templates are made with, when the first rule needs it.
        where: the pack's rules.json, for messages.
    """

    def __init__(self, macros: Macros, parts: Callable[[], TemplateParts], where: str) -> None:
        self._macros = macros
        self._parts = parts
        self._where = where

    def rules(self, configs: Iterable[RuleConfig], check: bool) -> PackRules:
        """The rules by place.

        Args:
            configs: in the order of trying.
            check: make every rule now, so that what is wrong shows at once.

        Raises:
            PackError: an id comes twice, a place isn't there, or (with `check`) a rule is wrong.
        """
        places: dict[str, list[Rule]] = {place: [] for place in PLACES}
        say_as: list[SayAsRule] = []
        ids: set[str] = set()
        for config in configs:
            where = f"{self._where}, rule {config.id!r}"
            if config.id in ids:
                raise PackError(f"{where}: the id comes twice")
            ids.add(config.id)
            if len(ids) > MAX_RULES or len(config.cases) > MAX_CASES:
                raise PackError(f"{where}: over {MAX_RULES} rules or {MAX_CASES} cases in a rule")
            pattern = Pattern(config.match, self._macros, where)
            handler = _Handler(self, config, pattern, where)
            rule = Rule(pattern, handler, config.id, pattern.may_begin, self._where)
            if check:
                handler.prepare()
            for place in config.at.split("|"):
                if place.startswith(SAY_AS):
                    interpret, _, form = place.removeprefix(SAY_AS).partition(":")
                    say_as.append(SayAsRule(interpret, form, pattern, rule))
                elif place in places:
                    places[place].append(rule)
                else:
                    known = [*PLACES, SAY_AS + "date"]
                    raise PackError(
                        f"{where}: there is no place {place!r}{did_you_mean(place, known)}; they"
                        f" are {', '.join(known)}"
                    )
        if check:
            self._check_cost(places)
        return PackRules({place: tuple(rules) for place, rules in places.items()}, tuple(say_as))

    def _check_cost(self, places: Mapping[str, Sequence[Rule]]) -> None:
        """Refuse rules that take too long together: at a place, all of them may be tried."""
        from voicelet.text.pack.regex import MAX_PACK_STEPS  # known packs are never parsed
        from voicelet.text.pack.syntax_tree import peak

        for place, rules in places.items():
            parsed = [
                (r.pattern.parsed(), r.say.steps)
                for r in rules
                if isinstance(r.pattern, Pattern) and isinstance(r.say, _Handler)
            ]
            steps = peak((p.first, p.steps + of_cases) for p, of_cases in parsed)
            if steps > MAX_PACK_STEPS:
                raise PackError(
                    f"{self._where}: a text could make the rules at {place!r} try {steps:,} steps"
                    f" together; {MAX_PACK_STEPS:,} are allowed: bound their repeats lower, or let"
                    " them begin with fewer characters"
                )

    def cases(
        self, config: RuleConfig, groups: tuple[str, ...], where: str
    ) -> tuple[list[tuple[tuple[Test, ...], Say | None]], int]:
        """The cases of a rule, compiled, and the steps that their conditions take at most.

        Raises:
            PackError: a predicate or template is wrong.
        """
        # A text that no rule reads pays for none of these.
        from voicelet.text.pack.predicates import Predicates
        from voicelet.text.pack.templates import compile_template

        parts = self._parts()
        predicates = Predicates(parts.tables, self._macros, parts.verbalizers, groups, where)
        made = []
        for number, raw in enumerate(config.cases, 1):
            try:
                case = from_mapping(CaseConfig, raw, "the case")
                tests = tuple(predicates.compile(test) for test in case.when)
                say = None
                if case.say is not None:
                    say = compile_template(case.say, parts, groups)
            except (PackError, ConfigError) as error:
                raise PackError(f"{where}, case {number}: {error}") from None
            made.append((tests, say))
        return made, predicates.steps


class _Handler:
    """What a rule says: of the first case whose conditions hold, its template.

    Attributes:
        steps: what its conditions cost in the worst text, once prepared, if they are checked.
    """

    def __init__(self, maker: RuleMaker, config: RuleConfig, pattern: Pattern, where: str) -> None:
        self.steps = 0
        self._make: Callable[[], tuple[list[tuple[tuple[Test, ...], Say | None]], int]] = lambda: (
            maker.cases(config, pattern.groups(), where)
        )
        self._cases: list[tuple[tuple[Test, ...], Say | None]] | None = None
        self._where, self._has_warned = where, False

    def prepare(self) -> list[tuple[tuple[Test, ...], Say | None]]:
        """The cases, made at the first call."""
        if self._cases is None:
            self._cases, self.steps = self._make()
        return self._cases

    def __call__(self, match: re.Match[str], context: RuleContext) -> str | None:
        try:
            said = self._said(match, context)
        except PackError as error:
            # What no check could foresee: the other rules may do, and the sentence is spoken.
            if not self._has_warned:
                self._has_warned = True
                _log.warning("%s doesn't apply: %s", self._where, error)
            return None
        if said is not None and len(said) > MOST_SAID + MOST_SAID_PER_CHAR * len(match[0]):
            return None
        return said

    def _said(self, match: re.Match[str], context: RuleContext) -> str | None:
        cases = self._cases
        for tests, say in self.prepare() if cases is None else cases:
            for test in tests:
                if not test(match, context):
                    break
            else:
                return None if say is None else say(match, context)
        return None
