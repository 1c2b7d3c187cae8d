"""One pass over clean text: at every place the first rule that applies says what stands there.

The text comes in chunks and is seen through a window that always reaches :data:`LOOKAHEAD`
characters on, so that a book costs no more memory than a sentence, and every pattern is bounded, so
that the time is linear whatever the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from voicelet.text.cleanup import Cleaner, SourcePiece
from voicelet.text.ipa import ipa_phones
from voicelet.text.language import Language, find_language
from voicelet.text.rules import Rule, RuleContext
from voicelet.text.user_lexicon import UserLexicon
from voicelet.text.words import MARKS, Emphasis, Mark, Span, Token, Word

LOOKAHEAD = 640
_BEHIND = 96
MAX_WORD_LETTERS = 40

_EASY = re.compile(r"[a-z]{2,40}(?:'[a-z]{1,3})?(?=[ ,\n]|[;:?!)\"](?:[ \n]|$))")
_LETTER = r"[^\W\d_²³¹⁰-⁹¼-¾⅐-⅞]"
_WORD = re.compile(_LETTER + "{1,40}(?:'" + _LETTER + "{1,20}){0,3}")
_ADDRESS = re.compile(r"[^\s@./:]{1,81}(?:@|\.\w|://|\.-)|[\w.-]{1,80}@")
_PHONES = re.compile(r"\[\[([^\[\]\n]{1,400})\]\]")
_SPACE = re.compile(r"[ \n]+")
_BULLET = re.compile(r"(?:[-*+•–]|#{1,6}) ")
_REST = re.compile(r"\.{2,}|…+|[?!‽]+|-{2,}|[—]+| ?[-–—] (?! )|[.,;:()\"\[\]{}|]")
_ONLY_MARKS = frozenset(',;:?!)"[]{}|')


@dataclass(frozen=True)
class Boundary:
    """A break between lines ("line") or paragraphs ("paragraph") of the text."""

    kind: Literal["line", "paragraph"]


Item: TypeAlias = Token | Boundary


def spoken(
    said: str, span: Span, emphasis: Emphasis = "none", *, lone_letters: frozenset[str]
) -> list[Token]:
    """Turn what a rule says ("one , ^FBI twenty-two") into tokens that all have `span`.

    `lone_letters` are words by themselves ("a"); all others are spelled where they stand alone.
    """
    tokens: list[Token] = []
    for part in said.split():
        if part in MARKS:
            tokens.append(Mark(part))
            continue
        if part[0] == "^":
            letters = "".join(c for c in part if c.isalpha() or c == "'")
            if letters:
                tokens.append(Word(letters, span, spell=True, emphasis=emphasis))
            continue
        for word in part.split("-"):
            letters = "".join(c for c in word if c.isalpha() or c == "'").strip("'")
            if letters:
                spell = len(letters) == 1 and letters.lower() not in lone_letters
                tokens.append(Word(letters, span, spell=spell, emphasis=emphasis))
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
        self._rules = self._language.normalisation
        self._chunks = Cleaner(newlines).clean(pieces)
        self._lexicon = lexicon if lexicon is not None and len(lexicon) else None
        self._context = context or RuleContext()
        self._context.text = ""
        self._context.final = False
        self._context.sentence_starters = self._rules.sentence_starters
        self._final = final
        self._inline = inline_phones
        self._emphasis = emphasis
        self._text = ""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._at = 0
        self._more = True

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
        if len(self._text) - self._at >= LOOKAHEAD or not self._more:
            return
        drop = max(0, self._at - _BEHIND)
        self._text, self._at = self._text[drop:], self._at - drop
        del self._starts[:drop], self._ends[:drop]
        while len(self._text) - self._at < LOOKAHEAD:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._more = False
                break
            self._text += chunk.text
            self._starts += chunk.starts
            self._ends += chunk.ends
        self._context.text = self._text
        self._context.final = self._final and not self._more

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
            found = self._user_word(self._lexicon)
            if found:
                return found
        if char.isalpha():
            return self._letters()
        if "0" <= char <= "9":
            said = self._address(self._rules.address_rules)
            said = self._apply(self._rules.digit_rules) if said is None else said
            return self._skip(1) if said is None else said
        return self._sign()

    def _letters(self) -> list[Item]:
        text, at = self._text, self._at
        easy = _EASY.match(text, at)
        if easy and easy[0] not in self._rules.abbreviated and not (at and text[at - 1] in "#@"):
            self._at = easy.end()
            return [Word(easy[0], self._span(at, easy.end()), emphasis=self._emphasis)]
        if _glued(text, at):
            found = None
        else:
            found = self._address(self._rules.address_rules)
            found = self._apply(self._rules.letter_rules) if found is None else found
        return self._plain_word() if found is None else found

    def _plain_word(self) -> list[Item]:
        found = _WORD.match(self._text, self._at)
        if not found:
            return self._skip(1)
        start, self._at = self._at, found.end()
        return list(self._spoken(found[0], self._span(start, found.end())))

    def _address(self, rules: tuple[Rule, ...]) -> list[Item] | None:
        return self._apply(rules) if _ADDRESS.match(self._text, self._at) else None

    def _apply(self, rules: tuple[Rule, ...]) -> list[Item] | None:
        """The first rule that matches and agrees; None if there is none."""
        for rule in rules:
            found = rule.pattern.match(self._text, self._at)
            if found is None or found.end() == self._at or _splits(self._text, found.end()):
                continue
            said = rule.say(found, self._context)
            if said is not None:
                start, self._at = self._at, found.end()
                return list(self._spoken(said, self._span(start, found.end())))
        return None

    def _user_word(self, lexicon: UserLexicon) -> list[Item] | None:
        found = lexicon.match(self._text, self._at)
        if not found:
            return None
        end, entry = found
        start = self._at
        possessive = (
            self._text[end : end + 2] == "'s" and not self._text[end + 2 : end + 3].isalpha()
        )
        self._at = end + 2 * possessive
        span = self._span(start, self._at)
        if entry.phones is None:
            return list(self._spoken(entry.respelling + "'s" * possessive, span))
        phones = self._language.pronunciation.add_s(entry.phones) if possessive else entry.phones
        letters = "".join(c for c in self._text[start:end] if c.isalpha() or c == "'")
        return [Word(letters, span, phones=phones, emphasis=self._emphasis)]

    def _sign(self) -> list[Item]:
        text, at = self._text, self._at
        if text[at] == "[" and self._inline and (found := _PHONES.match(text, at)):
            self._at = found.end()
            span = self._span(at, found.end())
            return [Word("", span, phones=ipa_phones(found[1]), emphasis=self._emphasis)]
        if text[at] == "'":
            contraction = self._rules.contraction.match(text, at)
            if contraction and not (at and text[at - 1].isalnum()):
                self._at = contraction.end()
                span = self._span(at, self._at)
                return [Word(contraction[0], span, emphasis=self._emphasis)]
        said = None
        if text[at] == "'":
            said = self._apply(self._rules.apostrophe_rules)
        elif text[at] not in _ONLY_MARKS and (text[at] != "(" or text[at + 1 : at + 2].isdecimal()):
            said = self._apply(self._rules.symbol_rules)
        if said is not None:
            return said
        found = _REST.match(text, at)
        if not found:
            return self._skip(1)
        return self._mark(found)

    def _mark(self, found: re.Match[str]) -> list[Item]:
        text, run = self._text, found[0]
        start, self._at = self._at, found.end()
        before = text[start - 1 : start] if start else ""
        after = text[found.end() : found.end() + 1]
        if run[0] in "?!‽":
            return [Mark("?" if "?" in run or "‽" in run else "!")]
        if run[0] == "…" or run.startswith(".."):
            return [Mark("…")]
        if run == ".":
            if before.isalnum() and (after.islower() or after.isdecimal()):
                return list(self._spoken(self._rules.dot, self._span(start, self._at)))
            return [Mark(".")]
        if run.strip()[0] in "-–—":
            dash = "—" in run or len(run) > 1
            if run[-1] == " ":
                self._at -= 1  # white space is read as such
                dash = dash and before in (" ", "\n", "")
            return [Mark("—")] if dash else []
        return [Mark({"[": "(", "{": "(", "]": ")", "}": ")", "|": ","}.get(run, run))]

    def _white_space(self) -> list[Item]:
        found = _SPACE.match(self._text, self._at)
        if found is None:
            return self._skip(1)
        start, self._at = self._at, found.end()
        breaks = found[0].count("\n")
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

    def _spoken(self, said: str, span: Span) -> list[Token]:
        return spoken(said, span, self._emphasis, lone_letters=self._rules.lone_letters)

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
