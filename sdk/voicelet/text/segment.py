"""Words and marks become clauses: what is synthesized in one piece, and the pauses between them.

A clause is a sentence where that is short enough.  Longer sentences are cut near the soft limit,
preferably after a semicolon or colon, then after a comma, then before a conjunction, then between
any two words.  The first clause of a text ends at its first comma if something has been said by
then, so that the listener waits less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from voicelet.text.language import MAX_PAUSE_MS, Pauses
from voicelet.text.scanner import Boundary
from voicelet.text.words import Clause, InnerMark, Mark, Prosody, Token, Word

MAX_CLAUSE_CHARS = 120
"""Soft limit of a clause, in characters as spoken; the hard limit is a third more."""
MIN_CLAUSE_CHARS = 20
"""A long sentence is not cut, and the first clause doesn't end, before this many."""
MIN_REST_CHARS = 15
"""The first clause isn't cut off if less than this is left of its sentence."""
MAX_MARKS_IN_ROW = 3

_STRONG = ".?!…"
_WEAK = ",;:"
_SPLIT_GAIN = {";": 110.0, ":": 100.0, ",": 60.0, ")": 55.0, '"': 40.0}
_CLOSERS = (Mark('"'), Mark(")"))
_CONJUNCTION_GAIN = 30.0
_EXPANSION_LOSS = 45.0


@dataclass(frozen=True)
class Pause:
    """An explicit break."""

    pause_ms: int


@dataclass(frozen=True)
class NamedMark:
    """An SSML mark."""

    name: str


@dataclass(frozen=True)
class SetProsody:
    """From here on clauses have this prosody."""

    prosody: Prosody


Item: TypeAlias = Token | Boundary | Pause | NamedMark | SetProsody


@dataclass
class _End:
    """An end that was reached, and waits for what follows it."""

    pause_ms: int
    sentence: bool
    explicit: bool = False
    closing: bool = False
    """Whether a full stop is due if no mark stands there."""
    aside: bool = False
    """Whether a parenthesis closed."""


def _spoken_chars(token: Token) -> int:
    if isinstance(token, Mark):
        return 0
    if token.phones is not None:
        return len(token.phones) + 1
    return len(token.text) * (3 if token.spell else 1) + 1


class Segmenter:
    """Groups items into clauses, as they come.

    Args:
        max_clause_chars: soft limit of a clause in spoken characters, at least 40.
        conjunctions: lower-case words before which a long sentence may be cut.
        pauses: how long the language pauses.
    """

    def __init__(
        self,
        max_clause_chars: int = MAX_CLAUSE_CHARS,
        conjunctions: frozenset[str] = frozenset(),
        pauses: Pauses | None = None,
    ) -> None:
        self._pauses = pauses or Pauses()
        self._conjunctions = conjunctions
        self._soft = max(40, max_clause_chars)
        self._hard = self._soft * 4 // 3
        self._tokens: list[Token] = []
        self._chars = 0
        self._words = 0
        self._end: _End | None = None
        self._quoted = False
        self._first = True
        self._early: tuple[int, int] | None = None
        """Where the first clause may end: token count and characters up to there."""
        self._prosody = Prosody()
        self._names: list[str] = []
        """SSML marks that no word has come after yet."""
        self._leading: list[str] = []
        """Those before the first word of the clause."""
        self._inner: list[InnerMark] = []
        self._opens = False
        """Whether a parenthesis opened just before."""
        self._aside = False
        self._whole = False
        """Whether the aside began with a sentence, so that it may hold several."""

    def clauses(self, items: Iterable[Item]) -> Iterator[Clause]:
        """Yield each clause as soon as it is known to be over."""
        for item in items:
            if isinstance(item, Word):
                yield from self._word(item)
            elif isinstance(item, Mark):
                yield from self._mark(item.text)
            elif isinstance(item, Boundary):
                pause = (
                    self._pauses.paragraph_ms
                    if item.kind == "paragraph"
                    else self._pauses.sentence_ms
                )
                self._reach(_End(pause, True, closing=True, aside=True))
                self._quoted = False
            elif isinstance(item, Pause):
                if self._words:
                    self._place_marks(len(self._tokens))
                self._break(item.pause_ms)
            elif isinstance(item, NamedMark):
                if self._end is not None and not self._words:
                    yield from self._flush()  # a break comes before it
                self._names.append(item.name)
            elif item.prosody != self._prosody:
                yield from self._flush()
                self._prosody = item.prosody
        if self._end is None or not self._end.explicit:
            self._end = _End(0, True, closing=True)
        yield from self._flush()
        if self._names:
            yield self._clause([], 0, False)

    def _reach(self, end: _End) -> None:
        if self._end is None:
            if self._words:
                self._end = end
        elif not self._end.explicit:
            self._end.pause_ms = max(self._end.pause_ms, end.pause_ms)
            self._end.sentence = True
            self._end.closing = self._end.closing or end.closing
            self._end.aside = self._end.aside or end.aside
        else:
            self._end.sentence = True

    def _break(self, pause_ms: int) -> None:
        if self._end is None:
            if pause_ms:
                self._end = _End(pause_ms, False, explicit=True)
            return
        before = self._end.pause_ms if self._end.explicit else 0
        self._end.pause_ms = min(before + pause_ms, MAX_PAUSE_MS)
        self._end.explicit = True

    def _word(self, word: Word) -> Iterator[Clause]:
        if self._end is not None:
            last = self._last_strong()
            lower = word.text[:1].islower()
            if last == "…" and lower and not self._end.closing:
                # "Well… perhaps": a hesitation, not an end.
                self._tokens = [Mark(",") if t == Mark("…") else t for t in self._tokens]
                self._end.sentence = False
                if not self._end.explicit:
                    self._end.pause_ms = self._pauses.ellipsis_ms
            elif (
                last in ("?", "!")
                and lower
                and self._tokens[-1] in _CLOSERS
                and (not self._end.closing)
            ):
                # '"Really?" he asked': the sentence goes on.
                self._end.sentence = False
                if not self._end.explicit:
                    self._end.pause_ms = self._pauses.clause_ms
            yield from self._flush()
        if self._opens:
            yield from self._open(word)
        if self._words:
            self._place_marks(len(self._tokens))
        else:
            self._leading += self._names
            self._names = []
        self._tokens.append(word)
        self._words += 1
        self._chars += _spoken_chars(word)
        if self._early and self._chars - self._early[1] >= MIN_REST_CHARS:
            yield self._cut(self._early[0])
        while self._chars > self._hard:
            yield self._cut(self._best_cut())

    def _mark(self, text: str) -> Iterator[Clause]:
        if text == "—":
            self._dash()
            return
        if self._opens:
            if text == ")":
                self._opens = False  # there is nothing in it
                return
            yield from self._open(None)
        opening = text == "(" or (text == '"' and not self._quoted)
        if text == '"':
            self._quoted = not self._quoted
        if opening:
            if self._end is not None:
                yield from self._flush()
        elif self._end is not None and (self._end.explicit or text in _WEAK):
            return
        if not self._allowed(text, opening):
            return
        if text == "(" and not self._aside:
            self._opens = True
            return
        self._tokens.append(Mark(text))
        if text == ")" and self._aside and self._words:
            if self._end is None:
                self._end = _End(self._pauses.aside_ms, False)
            self._end.aside = True
        elif text in _STRONG:
            pause = self._pauses.trailed_off_ms if text == "…" else self._pauses.sentence_ms
            self._reach(_End(pause, True, aside=not self._whole))
        elif (
            self._first and not opening and self._early is None and self._chars >= MIN_CLAUSE_CHARS
        ):
            self._early = (len(self._tokens), self._chars)

    def _dash(self) -> None:
        """A clause ends at a dash, as at a comma, but with a longer pause."""
        if self._end is None and self._words:
            if self._allowed(",", False):
                self._tokens.append(Mark(","))
            self._end = _End(self._pauses.dash_ms, False)

    def _open(self, word: Word | None) -> Iterator[Clause]:
        """Begin an aside, now that it is known what follows its parenthesis."""
        self._opens = False
        before = next((t for t in reversed(self._tokens) if isinstance(t, Word)), None)
        glued = word and before and word.span[0] - before.span[1] == 1  # "word(s)"
        if before is not None and not glued:
            if not isinstance(self._tokens[-1], Mark):
                self._tokens.append(Mark(","))
            self._end = _End(self._pauses.aside_ms, False)
            yield from self._flush()
        self._aside, self._whole = not glued, before is None
        self._tokens.append(Mark("("))

    def _place_marks(self, at: int) -> None:
        """The SSML marks that wait are reached before this token."""
        self._inner += [InnerMark(name, at) for name in self._names]
        self._names = []

    def _allowed(self, text: str, opening: bool) -> bool:
        """Whether a mark adds anything where it stands; a weak one may give way to a stronger."""
        tail = self._tokens[-MAX_MARKS_IN_ROW:]
        if len(tail) == MAX_MARKS_IN_ROW and all(isinstance(t, Mark) for t in tail):
            return False
        if not self._words:
            return opening and not (tail and tail[-1] == Mark(text))
        last = self._tokens[-1]
        if not isinstance(last, Mark):
            return True
        if last.text == text or (text in _WEAK and last.text in _WEAK + "("):
            return False
        if text in _STRONG and last.text in _WEAK:
            self._tokens.pop()
        return not (text in _STRONG and last.text in _STRONG)

    def _last_strong(self) -> str:
        for token in reversed(self._tokens[-MAX_MARKS_IN_ROW:]):
            if isinstance(token, Mark) and token.text in _STRONG:
                return token.text
        return ""

    def _best_cut(self) -> int:
        """How many tokens the first part of a sentence gets that is too long."""
        best, best_score, chars = 1, float("-inf"), 0
        for i, token in enumerate(self._tokens[:-1]):
            chars += _spoken_chars(token)
            if chars > self._hard and best_score > float("-inf"):
                break
            following = self._tokens[i + 1]
            if isinstance(following, Mark) and not (following.text in '("' and _is_word(token)):
                continue
            score = -0.7 * abs(chars - self._soft) - 200.0 * (chars < MIN_CLAUSE_CHARS)
            if isinstance(token, Mark):
                if token.text == "(":
                    continue
                score += _SPLIT_GAIN.get(token.text, 0.0)
            elif isinstance(following, Word):
                if following.text.lower() in self._conjunctions:
                    score += _CONJUNCTION_GAIN
                if following.span == token.span:
                    score -= _EXPANSION_LOSS
            if score > best_score:
                best, best_score = i + 1, score
        return best

    def _cut(self, count: int) -> Clause:
        """Take the first `count` tokens as a clause; the sentence goes on."""
        head, self._tokens = self._tokens[:count], self._tokens[count:]
        self._chars = sum(map(_spoken_chars, self._tokens))
        self._words = sum(map(_is_word, self._tokens))
        later = [InnerMark(m.name, m.at - count) for m in self._inner if m.at > count]
        leading = [m.name for m in self._inner if m.at == count]
        self._inner = [m for m in self._inner if m.at < count]
        pause = self._pauses.clause_ms if isinstance(head[-1], Mark) else 0
        clause = self._clause(head, pause, False)
        self._leading, self._inner = leading, later
        return clause

    def _flush(self) -> Iterator[Clause]:
        """Yield the items gathered so far, with the end that was reached, if any."""
        tokens, end = self._tokens, self._end or _End(0, False)
        had_words = self._words > 0
        self._tokens, self._chars, self._words, self._end = [], 0, 0, None
        if had_words:
            if end.closing and not any(
                isinstance(t, Mark) and t.text in _STRONG for t in tokens[-MAX_MARKS_IN_ROW:]
            ):
                if isinstance(tokens[-1], Mark) and tokens[-1].text in _WEAK:
                    tokens.pop()
                tokens.append(Mark("."))
            yield self._clause(tokens, end.pause_ms, end.sentence, end.explicit)
        elif end.explicit:
            yield self._clause([], end.pause_ms, False, True)
        if end.aside:
            self._aside = False

    def _clause(
        self, tokens: list[Token], pause_ms: int, sentence: bool, fixed: bool = False
    ) -> Clause:
        names, inner = self._leading, self._inner
        self._leading, self._inner, self._early = [], [], None
        if tokens:
            self._first = False
        else:
            names, self._names = self._names, []
        return Clause(
            _settled(tokens),
            pause_ms,
            self._prosody,
            tuple(names),
            sentence,
            tuple(InnerMark(m.name, min(m.at, len(tokens))) for m in inner),
            self._aside,
            fixed,
        )


def _is_word(token: Token) -> bool:
    return isinstance(token, Word)


def _settled(tokens: list[Token]) -> tuple[Token, ...]:
    """An ellipsis becomes a full stop at the end and a comma elsewhere.

    Neither it nor the dash occurs in the phone strings the voices learn from.
    """
    last = next((i for i in range(len(tokens) - 1, -1, -1) if _is_word(tokens[i])), -1)
    return tuple(
        Mark("." if i > last else ",") if isinstance(t, Mark) and t.text == "…" else t
        for i, t in enumerate(tokens)
    )
