"""What a normalization rule is, and what it may look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

_INDEXED_CHARS = 2048


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, for looking up."""
    return frozenset(text.split())


@lru_cache(maxsize=32)
def letter_class(letters: str) -> tuple[str, str]:
    """Lower-case and upper-case letters for the inside of a pattern's class: a-z and `letters`."""
    capitals = (c.upper() for c in letters)
    upper = "".join(c for c in capitals if len(c) == 1)
    return "a-z" + re.escape(letters), "A-Z" + re.escape(upper)


@lru_cache(maxsize=32)
def _next_word(letters: str) -> re.Pattern[str]:
    lower, upper = letter_class(letters)
    return re.compile(rf"[\"')]*\s+[\"'(¿¡]*([{upper}][{lower}{upper}]*)")


@lru_cache(maxsize=32)
def _long_words(letters: str) -> re.Pattern[str]:
    lower, upper = letter_class(letters)
    return re.compile(rf"[{lower}{upper}]{{2,}}")


@dataclass
class RuleContext:
    """Where the scanner stands.

    Attributes:
        text: the window of clean text (at least 512 characters ahead, unless the text ends).
        previous: the last word that was said, or "" at the start of a sentence.
        final: whether the window reaches the end of the paragraph or document.
        known: whether a lower-case word is in the lexicon, where a lexicon can be asked.
        sentence_starters: capitalized words that seldom follow an abbreviation inside a sentence.
        letters: lower-case letters of the language beyond a-z.
    """

    text: str = ""
    previous: str = ""
    final: bool = True
    known: Callable[[str], bool] | None = None
    sentence_starters: frozenset[str] = frozenset()
    letters: str = ""

    def next_word(self, end: int) -> str:
        """The capitalized word after `end`, past white space and quotes, or ""."""
        match = _next_word(self.letters).match(self.text, end)
        return match.group(1) if match else ""

    def ends_sentence(self, end: int) -> bool:
        """Whether a full stop that belongs to an abbreviation ending at `end` ends a sentence."""
        following = self.text[end : end + 40].lstrip("\"')")
        if not following.strip():
            return self.final
        if following.startswith("\n\n"):
            return True
        return self.next_word(end) in self.sentence_starters

    def shouting(self, start: int, end: int) -> bool:
        """Whether the words around `start:end` are in capitals as well."""
        before = self.text[max(0, start - 60) : start].rpartition("\n\n")[2]
        after = self.text[end : end + 60].partition("\n\n")[0]
        around = _long_words(self.letters).findall(f"{before} {after}")
        return len(around) >= 2 and sum(w.isupper() for w in around) >= 0.7 * len(around)


Handler = Callable[["re.Match[str]", RuleContext], "str | None"]
"""Says a match, as a string of words; None where the rule doesn't apply after all.

In the string a word that starts with "^" is spelled, and a lone mark (", . ;") is a mark.
"""


class Matcher(Protocol):
    """What a rule needs of a pattern: compiled, or to be compiled when it is first used."""

    def match(self, text: str, at: int, /) -> re.Match[str] | None:
        """The match that begins at `at`."""
        ...


@dataclass(frozen=True)
class Rule:
    """A pattern, matched where the scanner stands, and what to say.

    Attributes:
        pattern: what has to stand there.
        say: how it is said.
        name: the rule's id, for explanations and messages.
        file: where it is written.
        may_begin: whether a match may begin with a character, where that can be known beforehand.
    """

    pattern: Matcher
    say: Handler
    name: str = ""
    may_begin: Callable[[str], bool] | None = None
    file: str = ""


class RuleIndex:
    """Rules by the character that they may begin with, so that few are tried at a place.

    Args:
        rules: in the order of trying.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._by_char: dict[str, tuple[Rule, ...]] = {}

    def at(self, char: str) -> tuple[Rule, ...]:
        """The rules to try where `char` stands, in order."""
        rules = self._by_char.get(char)
        if rules is None:
            if len(self._by_char) >= _INDEXED_CHARS:
                self._by_char.clear()
            rules = tuple(r for r in self._rules if r.may_begin is None or r.may_begin(char))
            self._by_char[char] = rules
        return rules


def rule(pattern: str, flags: int = 0) -> Callable[[Handler], Rule]:
    """Decorate a handler to make a :class:`Rule` of it."""
    return lambda handler: Rule(re.compile(pattern, flags), handler)
