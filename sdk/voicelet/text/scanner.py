"""One pass over clean text: at every position the first rule that applies gives the words.

The text comes in chunks and is seen through a window that always reaches :data:`LOOKAHEAD`
characters on, so that a book costs no more memory than a sentence, and every pattern is bounded, so
that the time is linear whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from voicelet.text.cleanup import Cleaner, SourcePiece
from voicelet.text.ipa import ipa_phones
from voicelet.text.language import Language
from voicelet.text.pack.packaged import find_language
from voicelet.text.rules import RuleContext, RuleIndex, letter_class
from voicelet.text.user_lexicon import UserLexicon
from voicelet.text.words import MARKS, Emphasis, Mark, Span, Token, Word

LOOKAHEAD = 640
_BEHIND = 96
MAX_WORD_LETTERS = 40

_LETTER = r"[^\W\d_²³¹⁰-⁹¼-¾⅐-⅞]"
_WORD = re.compile(_LETTER + "{1,40}(?:'" + _LETTER + "{1,20}){0,3}")
_ADDRESS = re.compile(r"[^\s@./:]{1,81}(?:@|\.\w|://|\.-)|[\w.-]{1,80}@")
_PHONES = re.compile(r"\[\[([^\[\]\n]{1,400})\]\]")
_SPACE = re.compile(r"[ \n]+")
_BULLET = re.compile(r"(?:[-*+•–]|#{1,6}) ")
_REST = re.compile(r"\.{2,}|…+|[?!‽]+|-{2,}|[—]+| ?[-–—] (?! )|[.,;:()\"\[\]{}|]")
_ONLY_MARKS = frozenset(',;:?)"{}|')


@lru_cache(maxsize=32)
def _plain_word(letters: str, apostrophes: bool) -> re.Pattern[str]:
    """Most words are lower-case letters that no rule changes: they are taken without asking any."""
    lower, _ = letter_class(letters)
    ending = rf"(?:'[{lower}]{{1,3}})?" if apostrophes else ""
    return re.compile(rf"[{lower}]{{2,40}}{ending}(?=[ ,\n]|[;:?!)\"](?:[ \n]|$))")


@dataclass(frozen=True)
class Boundary:
    """A break between lines ("line") or paragraphs ("paragraph") of the text."""

    kind: Literal["line", "paragraph"]


Item: TypeAlias = Token | Boundary


def to_tokens(
    reading: str,
    span: Span,
    emphasis: Emphasis = "none",
    *,
    lone_letters: frozenset[str],
    elisions: frozenset[str] = frozenset(),
    rule: tuple[str, ...] = (),
) -> list[Token]:
    """Turn the result of a rule ("one , ^FBI twenty-two") into tokens that all have `span`.

    `lone_letters` are words by themselves ("a"); all others are spelled where they stand alone.
    `elisions` ("l'") are words of their own before what follows them.  `rule` is who read them.
    """
    tokens: list[Token] = []
    for part in reading.split():
        if part in MARKS:
            tokens.append(Mark(part))
            continue
        if part[0] == "^":
            letters = "".join(c for c in part if c.isalpha() or c == "'")
            if letters:
                tokens.append(Word(letters, span, spell=True, emphasis=emphasis, rule=rule))
            continue
        for word in part.split("-"):
            letters = "".join(c for c in word if c.isalpha() or c == "'").strip("'")
            head, apostrophe, rest = letters.partition("'")
            if rest and head.lower() + apostrophe in elisions:
                tokens.append(Word(head + apostrophe, span, emphasis=emphasis, rule=rule))
                letters = rest
            if letters:
                spell = len(letters) == 1 and letters.lower() not in lone_letters
                tokens.append(Word(letters, span, spell=spell, emphasis=emphasis, rule=rule))
    return tokens


class Scanner:
    """Reads pieces of source text as words, marks and boundaries.

    Args:
        pieces: the source, in order.
        lexicon: the caller's pronunciations; they go before every rule.
        context: the state to start from (`known`, and `previous` across SSML elements).
        newlines: whether line breaks mean anything (not in SSML).
        final: whether the paragraph ends where the pieces end.
        inline_phones: read `[[…]]` as phones.
        emphasis: given to every word.
        language: whose rules read the text; None is the default one.
    """

    def __init__(
        self,
        pieces: Iterable[SourcePiece],
        *,
        lexicon: UserLexicon | None = None,
        context: RuleContext | None = None,
        newlines: bool = True,
        final: bool = True,
        inline_phones: bool = True,
        emphasis: Emphasis = "none",
        language: Language | None = None,
    ) -> None:
        self._language = language or find_language()
        self._rules = self._language.normalization
        self._plain = _plain_word(self._rules.letters, not self._rules.elisions)
        self._chunks = Cleaner(newlines, self._rules.cleanup).clean(pieces)
        self._lexicon = lexicon if lexicon is not None and len(lexicon) else None
        self._context = context or RuleContext()
        self._context.text = ""
        self._context.final = False
        self._context.sentence_starters = self._rules.sentence_starters
        self._context.letters = self._rules.letters
        self._final = final
        self._inline = inline_phones
        self._emphasis = emphasis
        self._text = ""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._at = 0
        self._unfinished = True

    def items(self) -> Iterator[Item]:
        """Yield what is read, in order.

        Raises:
            PhoneError: `[[…]]` holds something that isn't a phone.
        """
        while True:
            self._fill()
            if self._at >= len(self._text):
                return
            start = self._at
            items = self._step()
            if self._at <= start:
                raise AssertionError("a rule consumed nothing")
            for item in items:
                self._remember(item)
                yield item

    def _fill(self) -> None:
        if len(self._text) - self._at >= LOOKAHEAD or not self._unfinished:
            return
        drop = max(0, self._at - _BEHIND)
        self._text, self._at = self._text[drop:], self._at - drop
        del self._starts[:drop], self._ends[:drop]
        while len(self._text) - self._at < LOOKAHEAD:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._unfinished = False
                break
            self._text += chunk.text
            self._starts += chunk.starts
            self._ends += chunk.ends
        self._context.text = self._text
        self._context.final = self._final and not self._unfinished

    def _remember(self, item: Item) -> None:
        if isinstance(item, Word):
            self._context.previous = item.text
        elif isinstance(item, Boundary) or item.text in ".?!":
            self._context.previous = ""

    def _step(self) -> list[Item]:
        text, at = self._text, self._at
        char = text[at]
        if char in " \n":
            return self._white_space()
        if self._lexicon is not None and not (at and text[at - 1].isalnum() and char.isalnum()):
            items = self._user_word(self._lexicon)
            if items:
                return items
        if char.isalpha():
            return self._letters()
        if "0" <= char <= "9":
            number = self._address(self._rules.at_addresses)
            number = self._apply(self._rules.at_digits) if number is None else number
            return self._skip(1) if number is None else number
        return self._symbol()

    def _letters(self) -> list[Item]:
        text, at = self._text, self._at
        plain = self._plain.match(text, at)
        if plain and plain[0] not in self._rules.abbreviated and not (at and text[at - 1] in "#@"):
            users = self._rules.at_plain_words
            items = None if users is None or _glued(text, at) else self._apply(users)
            if items is not None:
                return items
            self._at = plain.end()
            return [Word(plain[0], self._span(at, plain.end()), emphasis=self._emphasis)]
        if _glued(text, at):
            items = None
        else:
            items = self._address(self._rules.at_addresses)
            items = self._apply(self._rules.at_letters) if items is None else items
        return self._plain_word() if items is None else items

    def _plain_word(self) -> list[Item]:
        match = _WORD.match(self._text, self._at)
        if not match:
            return self._skip(1)
        start, word = self._at, match[0]
        head, apostrophe, rest = word.partition("'")
        if rest and head.lower() + apostrophe in self._rules.elisions:
            self._at = start + len(head) + 1
            return [Word(head + "'", self._span(start, self._at), emphasis=self._emphasis)]
        if not apostrophe and self._text.startswith("'", match.end()):
            head = f"{word}'"  # before a number or a quotation: l'11, d'"or"
            if head.lower() in self._rules.elisions:
                self._at = start + len(head)
                return [Word(head, self._span(start, self._at), emphasis=self._emphasis)]
        self._at = match.end()
        return list(self._tokens(word, self._span(start, match.end())))

    def _address(self, rules: RuleIndex) -> list[Item] | None:
        return self._apply(rules) if _ADDRESS.match(self._text, self._at) else None

    def _apply(self, rules: RuleIndex) -> list[Item] | None:
        """Items of the first rule that matches and applies; None if there is none."""
        text, at = self._text, self._at
        for rule in rules.at(text[at]):
            match = rule.pattern.match(text, at)
            if match is None or match.end() == at or _splits(text, match.end()):
                continue
            reading = rule.say(match, self._context)
            if reading is not None:
                self._at = match.end()
                source = (rule.name, rule.file) if rule.name else ()
                return list(self._tokens(reading, self._span(at, self._at), source))
        return None

    def _user_word(self, lexicon: UserLexicon) -> list[Item] | None:
        match = lexicon.match(self._text, self._at)
        if not match:
            return None
        end, entry = match
        start = self._at
        ending = self._rules.possessive
        after = end + len(ending)
        possessive = (
            bool(ending)
            and self._text.startswith(ending, end)
            and not self._text[after : after + 1].isalpha()
        )
        self._at = after if possessive else end
        span = self._span(start, self._at)
        if entry.phones is None:
            return list(self._tokens(entry.respelling + ending * possessive, span))
        phones = self._language.pronunciation.add_s(entry.phones) if possessive else entry.phones
        letters = "".join(c for c in self._text[start:end] if c.isalpha() or c == "'")
        return [Word(letters, span, phones=phones, emphasis=self._emphasis)]

    def _symbol(self) -> list[Item]:
        text, at = self._text, self._at
        if text[at] == "[" and self._inline and (match := _PHONES.match(text, at)):
            self._at = match.end()
            span = self._span(at, match.end())
            return [Word("", span, phones=ipa_phones(match[1]), emphasis=self._emphasis)]
        if text[at] == "'":
            contraction = self._rules.contraction.match(text, at)
            if contraction and not (at and text[at - 1].isalnum()):
                self._at = contraction.end()
                span = self._span(at, self._at)
                return [Word(contraction[0], span, emphasis=self._emphasis)]
        items = None
        if text[at] == "'":
            items = self._apply(self._rules.at_apostrophes)
        elif text[at] not in _ONLY_MARKS and (text[at] != "(" or text[at + 1 : at + 2].isdecimal()):
            items = self._apply(self._rules.at_symbols)
        if items is not None:
            return items
        match = _REST.match(text, at)
        if not match:
            return self._skip(1)
        return self._mark(match)

    def _mark(self, match: re.Match[str]) -> list[Item]:
        text, run = self._text, match[0]
        start, self._at = self._at, match.end()
        before = text[start - 1 : start] if start else ""
        after = text[match.end() : match.end() + 1]
        if run[0] in "?!‽":
            return [Mark("?" if "?" in run or "‽" in run else "!")]
        if run[0] == "…" or run.startswith(".."):
            return [Mark("…")]
        if run == ".":
            if before.isalnum() and (after.islower() or after.isdecimal()):
                return list(self._tokens(self._rules.dot, self._span(start, self._at)))
            return [Mark(".")]
        if run.strip()[0] in "-–—":
            dash = "—" in run or len(run) > 1
            if run[-1] == " ":
                self._at -= 1  # the space is left for `_white_space`
                dash = dash and before in (" ", "\n", "")
            return [Mark("—")] if dash else []
        return [Mark({"[": "(", "{": "(", "]": ")", "}": ")", "|": ","}.get(run, run))]

    def _white_space(self) -> list[Item]:
        match = _SPACE.match(self._text, self._at)
        if match is None:
            return self._skip(1)
        start, self._at = self._at, match.end()
        breaks = match[0].count("\n")
        if not breaks:
            return []
        bullet = _BULLET.match(self._text, self._at)
        if bullet:
            self._at = bullet.end()
        if breaks > 1:
            return [Boundary("paragraph")]
        line = self._text[max(0, start - 60) : start].rpartition("\n")[2]
        following = self._text[self._at : self._at + 1]
        # Hard-wrapped prose has long lines; a short one before a capital is a heading or a verse.
        short = len(line) < 50 and (following.isupper() or following.isdecimal())
        return [Boundary("line")] if bullet or short else []

    def _tokens(self, reading: str, span: Span, rule: tuple[str, ...] = ()) -> list[Token]:
        rules = self._rules
        return to_tokens(
            reading,
            span,
            self._emphasis,
            lone_letters=rules.lone_letters,
            elisions=rules.elisions,
            rule=rule,
        )

    def _skip(self, count: int) -> list[Item]:
        self._at += count
        return []

    def _span(self, start: int, end: int) -> Span:
        return self._starts[start], max(self._ends[start:end])


def _splits(text: str, end: int) -> bool:
    """Whether a match that ends here cuts a word in two, before a letter such as "é"."""
    after = text[end : end + 1]
    return not after.isascii() and after.isalpha() and text[end - 1].isalpha()


def _glued(text: str, at: int) -> bool:
    """Whether a word goes on here that began with other letters (longer than a word may be)."""
    return at > 0 and text[at - 1].isalpha()
