"""What a normalization rule is, and what it may look at."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


def word_set(text: str) -> frozenset[str]:
    """The words of `text`, for looking up."""
    return frozenset(text.split())


_NEXT_WORD = re.compile(r"[\"')]*\s+[\"'(]*([A-Z][A-Za-z]*)")


@dataclass
class RuleContext:
    """Where the scanner stands.

    Attributes:
        text: the window of clean text (at least 512 characters ahead, unless the text ends).
        previous: the last word that was said, or "" at the start of a sentence.
        final: whether the window reaches the end of the paragraph or document.
        known: whether a lower-case word is in the lexicon, where a lexicon can be asked.
        sentence_starters: capitalized words that seldom follow an abbreviation inside a sentence.
    """

    text: str = ""
    previous: str = ""
    final: bool = True
    known: Callable[[str], bool] | None = None
    sentence_starters: frozenset[str] = frozenset()

    def next_word(self, end: int) -> str:
        """The capitalized word after `end`, past white space and quotes, or ""."""
        match = _NEXT_WORD.match(self.text, end)
        return match.group(1) if match else ""

    def ends_sentence(self, end: int) -> bool:
        """Whether a full stop that belongs to an abbreviation ending at `end` ends a sentence."""
        following = self.text[end : end + 40].lstrip("\"')")
        if not following.strip():
            return self.final
        if following.startswith("\n\n"):
            return True
        return self.next_word(end) in self.sentence_starters


Handler = Callable[["re.Match[str]", RuleContext], "str | None"]
"""Says a match, as a string of words; None where the rule doesn't apply after all.

In the string a word that starts with "^" is spelled, and a lone mark (", . ;") is a mark.
"""


@dataclass(frozen=True)
class Rule:
    """A pattern, matched where the scanner stands, and what to say."""

    pattern: re.Pattern[str]
    say: Handler


def rule(pattern: str, flags: int = 0) -> Callable[[Handler], Rule]:
    """Decorate a handler to make a :class:`Rule` of it."""
    return lambda handler: Rule(re.compile(pattern, flags), handler)
