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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voicelet.errors import ConfigError

EDGE = "#"
"""Stands before and after what is rewritten."""

LONGEST_CONTEXT = 64
"""Characters that a context may reach."""

LONGEST_INPUT = 1000
"""Characters that are rewritten at once; the rest of a longer word is left out."""

_MACRO = re.compile(r"\{\{([^{}]+)\}\}")
_LITERAL = re.compile(r"[^\\\[\](){}.*+?|^$#]+")


class RewritingPass:
    """One pass: its rules, tried in order at every place.

    Args:
        rules: rows of left context, letters, right context, output.
        macros: named parts of patterns.
        left_is_output: whether left contexts look at the output.
        drop_rest: whether characters that no rule fits are left out.

    Raises:
        ConfigError: a row hasn't four strings, or a pattern isn't a pattern.
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
        """Rewrite `text`; its edges are added here, and taken away."""
        text = f"{EDGE}{text[:LONGEST_INPUT]}{EDGE}"
        output, place, last = EDGE, 1, len(text) - 1
        while place < last:
            left = output if self._left_is_output else text[:place]
            left = left[-LONGEST_CONTEXT:]
            for rule in self._candidates(text[place]):
                match = rule.match(text, place, left)
                if match is not None:
                    output += rule.output.replace("{0}", match.group())
                    place = match.end()
                    break
            else:
                output += "" if self._drop_rest else text[place]
                place += 1
        return output[1:]

    def _candidates(self, first: str) -> list[_Rule]:
        """The rules that may fit where `first` stands; found once a character."""
        found = self._by_first.get(first)
        if found is None:
            found = [r for r in self._rules if r.first is None or r.first == first]
            self._by_first[first] = found
        return found

    def _rule(self, row: Sequence[str]) -> _Rule:
        if len(row) != 4 or not all(isinstance(part, str) for part in row):
            raise ConfigError(
                f"a letter rule is a row of four strings (left, letters, right, output), not {row}"
            )
        left, letters, right, output = row
        if not letters:
            raise ConfigError(f"the letter rule {list(row)} has no letters; give it some")
        literal = _LITERAL.fullmatch(letters)
        return _Rule(
            first=letters[0] if literal else None,
            left=self._compile(f"(?:{left})(?![\\s\\S])") if left else None,
            letters=self._compile(f"(?:{letters})(?={right})" if right else letters),
            output=output,
        )

    def _compile(self, pattern: str) -> re.Pattern[str]:
        for _ in range(8):
            pattern, count = _MACRO.subn(self._expand, pattern)
            if not count:
                break
        try:
            return re.compile(pattern)
        except re.error as error:
            raise ConfigError(f"a letter rule's pattern {pattern!r} is wrong: {error}") from None

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
    """`first`: the only character it can begin with, or None."""

    first: str | None
    left: re.Pattern[str] | None
    letters: re.Pattern[str]
    output: str

    def match(self, text: str, place: int, before: str) -> re.Match[str] | None:
        match = self.letters.match(text, place)
        if match is None or match.end() == place or match.end() >= len(text):
            return None
        if self.left is not None and self.left.search(before) is None:
            return None
        return match


class LetterRules:
    """The letter-to-sound rules of a language.  Safe to share between threads.

    Args:
        data: the content of `letters.json`.

    Raises:
        ConfigError: an unknown key, or a rule or pattern that is wrong; the message says which.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        unknown = set(data) - {"format", "macros", "passes", "license", "sources"}
        if unknown or data.get("format") != 1:
            raise ConfigError(
                f"letter rules have format 1 and the keys macros, passes, license and sources;"
                f" not {', '.join(sorted(unknown)) or 'format ' + repr(data.get('format'))}"
            )
        macros = data.get("macros", {})
        self._passes = [_open_pass(entry, macros) for entry in data.get("passes", ())]

    def phones(self, word: str) -> str:
        """Phones of a word in lower case; "" where no rule fits a letter of it."""
        for rewrite in self._passes:
            word = rewrite(word)
        return word


def _open_pass(entry: Mapping[str, Any], macros: Mapping[str, str]) -> RewritingPass:
    unknown = set(entry) - {"name", "rules", "left", "rest"}
    if unknown:
        raise ConfigError(f"a pass of letter rules has no key {', '.join(sorted(unknown))}")
    left, rest = entry.get("left", "input"), entry.get("rest", "keep")
    if left not in ("input", "output") or rest not in ("keep", "drop"):
        raise ConfigError(
            f"in the pass {entry.get('name', '')!r} of the letter rules, left is input or output"
            f" and rest is keep or drop; not {left!r} and {rest!r}"
        )
    return RewritingPass(
        entry.get("rules", ()),
        macros,
        left_is_output=left == "output",
        drop_rest=rest == "drop",
    )
