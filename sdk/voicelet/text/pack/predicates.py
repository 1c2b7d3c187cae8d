"""The predicates of a pack: what a case of a rule may ask of the match and of what stands around.

"prev @greetings", "not has dot", "range h 0 24 or is h 99": a name, what it takes, "not" before it,
" or " between several.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from voicelet.config import did_you_mean
from voicelet.errors import PackError
from voicelet.text.pack.patterns import END, Macros, Pattern
from voicelet.text.pack.tables import Tables
from voicelet.text.pack.verbalizers import Verbalizers, roman_value
from voicelet.text.rules import RuleContext

Match = re.Match[str]
Test = Callable[[Match, RuleContext], bool]

BEFORE_CHARS = 32
"""How far "before" looks back."""


class Predicates:
    """Compiles the predicates of one rule.

    Args:
        tables: tables and sets.
        macros: for patterns.
        verbalizers: know what groups digits.
        groups: names of the groups of the rule's pattern.
        where: the rule's name for messages.
    """

    def __init__(
        self,
        tables: Tables,
        macros: Macros,
        verbalizers: Verbalizers,
        groups: tuple[str, ...],
        where: str,
    ) -> None:
        self._tables = tables
        self._macros = macros
        self._verbalizers = verbalizers
        self._groups = groups
        self._where = where
        self.steps = 0
        """What the patterns of all that was compiled cost at most, if they are checked."""
        self._kinds: dict[str, Callable[[str], Test]] = {
            "prev": self._prev,
            "prev-as-written": self._prev_as_written,
            "prev-capital": self._bare(
                lambda m, c: c.previous[:1].isupper() and len(c.previous) > 1
            ),
            "sentence-start": self._bare(lambda m, c: not c.previous),
            "next-capital": self._bare(lambda m, c: bool(c.next_word(m.end()))),
            "ends-sentence": self._bare(lambda m, c: c.ends_sentence(m.end())),
            "no-lexicon": self._bare(lambda m, c: c.known is None),
            "shouting": self._bare(lambda m, c: c.shouting(m.start(), m.end())),
            "before": self._before,
            "after": self._after,
            "has": self._has,
            "in": self._in,
            "is": self._is,
            "like": self._like,
            "range": self._range,
            "greater": self._two(lambda a, b: a > b),
            "follows": self._two(lambda a, b: (a + 1) % 100 == b % 100),
            "divides": self._two(lambda a, b: a > 0 and b % a == 0),
            "same": self._same,
            "same-before": self._same_before,
            "same-after": self._same_after,
            "roman": self._roman,
            "known": self._known,
        }

    def compile(self, text: str) -> Test:
        """The test that `text` describes.

        Raises:
            PackError: there is no such predicate, or what it takes is wrong.
        """
        if " or " in text:
            tests = [self.compile(part) for part in text.split(" or ")]
            return lambda match, context: any(test(match, context) for test in tests)
        if text.startswith("not "):
            inner = self.compile(text[4:])
            return lambda match, context: not inner(match, context)
        name, _, argument = text.partition(" ")
        if name not in self._kinds:
            raise PackError(
                f"there is no predicate {name!r}{did_you_mean(name, self._kinds)}; they are"
                f" {', '.join(self._kinds)}"
            )
        return self._kinds[name](argument)

    def _bare(self, test: Test) -> Callable[[str], Test]:
        def make(argument: str) -> Test:
            if argument:
                raise PackError(f"the predicate takes nothing, not {argument!r}")
            return test

        return make

    def _group(self, name: str) -> str:
        if name not in self._groups:
            raise PackError(
                f"the pattern has no group {name!r}{did_you_mean(name, self._groups)}; it has"
                f" {', '.join(self._groups) or 'none'}"
            )
        return name

    def _split(self, argument: str, count: int, what: str) -> list[str]:
        words = argument.split(" ", count - 1)
        if len(words) != count or not all(words):
            raise PackError(f"{argument!r}: the predicate takes {what}")
        self._group(words[0])
        return words

    def _words(self, argument: str) -> frozenset[str]:
        if argument.startswith("@"):
            return self._tables.words(argument[1:])
        if not argument:
            raise PackError("the predicate takes words, or @ and the name of a set")
        return frozenset(argument.split())

    def _pattern(self, source: str, places: int = 1) -> Pattern:
        """A pattern that is tried at `places` of the text."""
        pattern = Pattern(source, self._macros, self._where)
        if self._macros.check:
            self.steps += places * pattern.parsed().steps
        return pattern

    def _prev(self, argument: str) -> Test:
        words = self._words(argument)
        return lambda m, c: c.previous.lower() in words

    def _prev_as_written(self, argument: str) -> Test:
        words = self._words(argument)
        return lambda m, c: c.previous in words

    def _before(self, argument: str) -> Test:
        pattern = self._pattern(f"(?:{argument}){END}", BEFORE_CHARS + 1)

        def test(m: Match, c: RuleContext) -> bool:
            start = m.start()
            return pattern.search(c.text[max(0, start - BEFORE_CHARS) : start]) is not None

        return test

    def _after(self, argument: str) -> Test:
        pattern = self._pattern(argument)
        return lambda m, c: pattern.match(c.text, m.end()) is not None

    def _has(self, argument: str) -> Test:
        group = self._group(argument)
        return lambda m, c: bool(m[group])

    def _in(self, argument: str) -> Test:
        group, name = self._split(argument, 2, "a group, and @ with the name of a set")
        if not name.startswith("@"):
            raise PackError(f"{argument!r}: write @ before the name of a set or table")
        words = self._tables.words(name[1:])
        return lambda m, c: m[group] in words

    def _is(self, argument: str) -> Test:
        group, texts = self._split(argument, 2, "a group and its texts, parted by |")
        options = frozenset(texts.split("|"))
        return lambda m, c: (m[group] or "") in options

    def _like(self, argument: str) -> Test:
        group, source = self._split(argument, 2, "a group and a pattern")
        pattern = self._pattern(source)
        return lambda m, c: pattern.fullmatch(m[group] or "") is not None

    def _number(self, text: str | None) -> int | None:
        digits = self._verbalizers.plain(text or "").partition(".")[0]
        return int(digits) if digits.isdecimal() else None

    def _range(self, argument: str) -> Test:
        group, low, high = self._split(argument, 3, "a group, the least and the most")
        if not (low.isdecimal() and high.isdecimal() and len(low + high) <= 36):
            raise PackError(f"{argument!r}: the least and the most are whole numbers")
        least, most = int(low), int(high)

        def test(m: Match, c: RuleContext) -> bool:
            number = self._number(m[group])
            return number is not None and least <= number <= most

        return test

    def _two(self, compare: Callable[[int, int], bool]) -> Callable[[str], Test]:
        def make(argument: str) -> Test:
            first, second = self._split(argument, 2, "two groups")
            self._group(second)

            def test(m: Match, c: RuleContext) -> bool:
                a, b = self._number(m[first]), self._number(m[second])
                return a is not None and b is not None and compare(a, b)

            return test

        return make

    def _same(self, argument: str) -> Test:
        first, second = self._split(argument, 2, "two groups")
        self._group(second)
        return lambda m, c: (m[first] or "") == (m[second] or "")

    def _same_before(self, argument: str) -> Test:
        group = self._group(argument)

        def test(m: Match, c: RuleContext) -> bool:
            return bool(m[group]) and c.text.endswith(m[group], 0, m.start())

        return test

    def _same_after(self, argument: str) -> Test:
        group = self._group(argument)

        def test(m: Match, c: RuleContext) -> bool:
            return bool(m[group]) and c.text.startswith(m[group], m.end())

        return test

    def _roman(self, argument: str) -> Test:
        group = self._group(argument)
        return lambda m, c: roman_value(m[group] or "") is not None

    def _known(self, argument: str) -> Test:
        group = self._group(argument)

        def test(m: Match, c: RuleContext) -> bool:
            return c.known is not None and c.known((m[group] or "").lower())

        return test
