"""Letters to phones by ordered rewriting rules, for languages that are written as they are said.

The rules are data (`letters.json` of a language pack), in passes as in the rule systems of Elovitz
et al. (1976) and the two-level tradition: a pass goes along its input from left to right; where a
rule's letters stand between its left and right context, its output is written and its letters are
passed over; of the rules that fit the first is taken.  The next pass reads what this one wrote.  A
pass that writes ˈ before the stressed letter, one that turns letters into phones and one that adds
secondary stresses make a language.

    {"format": 1,
     "macros": {"V": "[aeiouáéíóú]"},
     "passes": [{"name": "stress", "rules": [["", "[áéíóú]", "", "ˈ{0}"]]},
                {"name": "sounds", "rest": "drop",
                 "rules": [["", "c", "[eiéí]", "θ"], ["", "c", "", "k"]]}]}

A rule is a row of four: left context, letters, right context, output.  The first three are portable
patterns; `#` stands before and after the word, `{{NAME}}` is a macro, and `{0}` in the output is
the letters themselves.  What no rule fits is kept, or left out where `rest` is "drop".  The left
context is looked for in the pass's input, or in its output so far where `left` is "output".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from voicelet.config import from_mapping
from voicelet.errors import ConfigError, PackError

EDGE = "#"
"""Stands before and after what is rewritten."""

LONGEST_CONTEXT = 64
"""Characters that a context may reach."""

LONGEST_INPUT = 1000
"""Characters that are rewritten at once; the rest of a longer word is left out."""

MAX_PASSES = 40
MAX_OUTPUT_CHARS = 60
"""Length of what a rule writes, `{0}` not filled in."""

MAX_PATTERN_CHARS = 20_000
"""Length of a pattern, its macros expanded."""

_MACRO = re.compile(r"\{\{([^{}]+)\}\}")
_SIMPLE = re.compile(r"(?:[^\\\[\](){}.*+?|^$]|\[[^\\\[\]^&~|-]+\])*")
_CHARACTERS = re.compile(r"\[([^\]]+)\]|([\s\S])")


class RewritingPass:
    """One pass: its rules, tried in order at every place.

    Args:
        rules: rows of left context, letters, right context, output.
        macros: named parts of patterns.
        left_is_output: whether left contexts look at the output.
        drop_rest: whether characters that no rule fits are left out.

    Raises:
        ConfigError: a row hasn't four strings, or there is no such macro.
    """

    def __init__(
        self,
        rules: Sequence[Sequence[str]],
        macros: Mapping[str, str] | None = None,
        *,
        left_is_output: bool = False,
        drop_rest: bool = False,
    ) -> None:
        self._macros = dict(macros or {})
        self._left_is_output = left_is_output
        self._drop_rest = drop_rest
        self._rules = [self._rule(row) for row in rules]
        self._by_first: dict[str, list[_Rule]] = {}

    def __call__(self, text: str) -> str:
        """Rewrite `text`; its edges are added here, and taken away.

        Raises:
            ConfigError: a rule's pattern is wrong.
        """
        text = f"{EDGE}{text[:LONGEST_INPUT]}{EDGE}"
        output, place, last = EDGE, 1, len(text) - 1
        while place < last:
            left = output if self._left_is_output else text[:place]
            left = left[-LONGEST_CONTEXT:]
            for rule in self._candidates(text[place]):
                end = rule.here(text, place)
                if place < end <= last and (rule.left is None or rule.left(left)):
                    output += rule.output.replace("{0}", text[place:end])
                    place = end
                    break
            else:
                output += "" if self._drop_rest else text[place]
                place += 1
        return output[1:]

    def check(self) -> int:
        """Check every pattern; returns what they cost together in the worst place of a word.

        Raises:
            PackError: one is wrong, isn't portable or could take too long.
        """
        # The packs of this package are never parsed.
        from voicelet.text.pack.regex import parse
        from voicelet.text.pack.syntax_tree import peak

        costs = []
        for rule in self._rules:
            first = tuple((ord(c), ord(c)) for c in rule.first)
            for part in (rule.here, rule.left):
                if isinstance(part, (_Match, _Ending)):
                    parsed = parse(part.pattern)
                    _compiled(parsed.python)
                    costs.append((first or parsed.first, part.places * parsed.steps))
        return peak(costs)

    def _candidates(self, first: str) -> list[_Rule]:
        """The rules that may fit where `first` stands; found once a character."""
        found = self._by_first.get(first)
        if found is None:
            found = [r for r in self._rules if not r.first or first in r.first]
            self._by_first[first] = found
        return found

    def _rule(self, row: Sequence[str]) -> _Rule:
        is_row = isinstance(row, (list, tuple)) and len(row) == 4
        if not is_row or not all(isinstance(part, str) for part in row):
            raise ConfigError(
                "a letter rule is a row of four strings (left, letters, right, output), not"
                f" {row!r:.200}"
            )
        if len(row[3]) > MAX_OUTPUT_CHARS:
            raise ConfigError(f"a letter rule writes at most {MAX_OUTPUT_CHARS} characters")
        left, letters, right = (self._expanded(part) for part in row[:3])
        if not letters:
            raise ConfigError(f"the letter rule {list(row)} has no letters; give it some")
        here = _here(_characters(letters), _characters(right)) or _Match(letters, right)
        before = None if not left else _ends(_characters(left)) or _Ending(left)
        simple = _characters(letters)
        return _Rule(simple[0] if simple else "", before, here, row[3])

    def _expanded(self, pattern: str) -> str:
        if pattern.count("{{") > 200:
            raise ConfigError("a pattern of the letter rules has over 200 macros")
        for _ in range(8):
            pattern, count = _MACRO.subn(self._expand, pattern)
            if not count:
                break
            if len(pattern) > MAX_PATTERN_CHARS:
                raise ConfigError(
                    f"the letter rules have a pattern of more than {MAX_PATTERN_CHARS} characters"
                    " with its macros"
                )
        return pattern

    def _expand(self, match: re.Match[str]) -> str:
        try:
            return self._macros[match.group(1)]
        except KeyError:
            raise ConfigError(
                f"the letter rules know no macro {match.group(1)!r}; they have "
                f"{', '.join(sorted(self._macros)) or 'none'}"
            ) from None


@dataclass(frozen=True)
class _Rule:
    """A rule, ready to be tried.

    Attributes:
        first: the characters that it can begin with; "" where it takes a look to know.
        left: whether the text before is its left context; None where it has none.
        here: where its letters end if they and the right context stand at a place, else -1.
        output: what is written.
    """

    first: str
    left: Callable[[str], bool] | None
    here: Callable[[str, int], int]
    output: str


class _Match:
    """A pattern that is compiled when it is first tried, since a pack has hundreds."""

    places = 1
    """Of the text, at which it is tried."""

    def __init__(self, letters: str, right: str) -> None:
        self.pattern = f"(?:{letters})(?={right})" if right else letters
        self._compiled: re.Pattern[str] | None = None

    def __call__(self, text: str, place: int) -> int:
        if self._compiled is None:
            self._compiled = _compiled(self.pattern)
        match = self._compiled.match(text, place)
        return match.end() if match else -1


class _Ending:
    """A left context that is a pattern."""

    places = LONGEST_CONTEXT + 1

    def __init__(self, left: str) -> None:
        self.pattern = f"(?:{left})(?![\\s\\S])"
        self._compiled: re.Pattern[str] | None = None

    def __call__(self, before: str) -> bool:
        if self._compiled is None:
            self._compiled = _compiled(self.pattern)
        return self._compiled.search(before) is not None


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError(f"a letter rule's pattern {pattern!r} is wrong: {error}") from None


def _characters(pattern: str) -> tuple[str, ...] | None:
    """For each place the characters that may stand there; None if the pattern is more than that."""
    if not _SIMPLE.fullmatch(pattern):
        return None
    return tuple(m.group(1) or m.group(2) for m in _CHARACTERS.finditer(pattern))


def _here(
    letters: tuple[str, ...] | None, right: tuple[str, ...] | None
) -> Callable[[str, int], int] | None:
    if letters is None or right is None:
        return None
    places, length = letters + right, len(letters)

    def here(text: str, place: int) -> int:
        if place + len(places) > len(text):
            return -1
        for offset, characters in enumerate(places, place):
            if text[offset] not in characters:
                return -1
        return place + length

    return here


def _ends(left: tuple[str, ...] | None) -> Callable[[str], bool] | None:
    if left is None:
        return None
    length = len(left)

    def ends(before: str) -> bool:
        tail = before[-length:]
        return len(tail) == length and all(c in some for c, some in zip(tail, left, strict=True))

    return ends


@dataclass(frozen=True)
class PassConfig:
    """A pass of `letters.json`.

    Attributes:
        name: for messages.
        rules: rows of left context, letters, right context, output.
        left: what left contexts look at.
        rest: what becomes of characters that no rule fits.
    """

    name: str = ""
    rules: tuple[Any, ...] = ()
    left: Literal["input", "output"] = "input"
    rest: Literal["keep", "drop"] = "keep"


@dataclass(frozen=True)
class LetterRulesConfig:
    """`letters.json`.

    Attributes:
        format: 1.
        macros: named parts of patterns.
        passes: each reads what the one before wrote.
        license, sources: of the rules; nothing reads them.
    """

    format: int
    macros: dict[str, str] = field(default_factory=dict)
    passes: tuple[PassConfig, ...] = ()
    license: str = ""
    sources: Any = None

    def __post_init__(self) -> None:
        if self.format != 1:
            raise ConfigError(f"letter rules have format 1, not {self.format}")
        if len(self.passes) > MAX_PASSES:
            raise ConfigError(f"letter rules have at most {MAX_PASSES} passes")
        for name, part in self.macros.items():
            if len(part) > MAX_PATTERN_CHARS:
                raise ConfigError(
                    f"the macro {name!r} is longer than {MAX_PATTERN_CHARS} characters"
                )


class LetterRules:
    """The letter-to-sound rules of a language.  Safe to share between threads.

    Args:
        data: the content of `letters.json`.

    Raises:
        ConfigError: an unknown key, or a rule or pattern that is wrong; the message says which.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        config = from_mapping(LetterRulesConfig, data, "letter rules")
        self._passes = [
            RewritingPass(
                entry.rules,
                config.macros,
                left_is_output=entry.left == "output",
                drop_rest=entry.rest == "drop",
            )
            for entry in config.passes
        ]

    def phones(self, word: str) -> str:
        """Phones of a word in lower case; "" where no rule fits a letter of it."""
        for rewrite in self._passes:
            word = rewrite(word)
        return word

    def check(self) -> None:
        """Check every pattern, and what a letter costs, since a pack may come from a stranger.

        Raises:
            PackError: one is wrong, isn't portable, or they could take too long.
        """
        from voicelet.text.pack.regex import MAX_PACK_STEPS

        steps = sum(rewrite.check() for rewrite in self._passes)
        if steps > MAX_PACK_STEPS:
            raise PackError(
                f"a word could make the letter rules try {steps:,} steps at a letter;"
                f" {MAX_PACK_STEPS:,} are allowed: bound their repeats lower, or let them begin"
                " with fewer letters"
            )
