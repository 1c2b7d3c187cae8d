"""What the parts of the text front end hand to one another: words, marks, clauses, phones.

`clauses()` turns text into :class:`Clause`s; `Phonemizer` turns a :class:`Clause` into a
:class:`PhoneClause`.  A span is always `(start, end)` in the caller's own text, in code points, so
that word timings can be shown beside what the caller wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Emphasis: TypeAlias = Literal["none", "reduced", "moderate", "strong"]
Span: TypeAlias = tuple[int, int]

MARKS = '.,?!;:…—"()'
"""Punctuation that is kept: each of these is also a symbol of the phone inventory."""


@dataclass(frozen=True)
class Word:
    """One thing to pronounce.

    Attributes:
        text: the word as it is to be said: letters and apostrophes only, case kept, already spelled
            out ("twenty", "Doctor").  May be empty where `phones` came from inline `[[…]]`.
        span: start and end in the caller's original text.  The words of one expansion ("$5" is
            "five dollars") share their span.
        phones: given by the caller (`[[…]]`, SSML phoneme, user lexicon), in the symbols of the
            inventory, to be used as they are; may hold spaces.
        spell: say the letters one by one ("FBI").  A lower-case "s" or "'s" at the end of a spelled
            word is its plural or possessive ("CDs", "FBI's"), not a letter.
        emphasis: from SSML.
        capital: it has a capital that is to be heard.
        language: BCP 47 tag of the language whose word it is; "" for that of the text.
        joined: whether there is no space before it, where its phones are given.
        rule: id of the rule of a language pack that read it, and the rule's file; () for none.
    """

    text: str
    span: Span
    phones: str | None = None
    spell: bool = False
    emphasis: Emphasis = "none"
    capital: bool = False
    language: str = ""
    joined: bool = False
    rule: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Mark:
    """Punctuation to be kept as a phone: one of :data:`MARKS`."""

    text: str


Token: TypeAlias = Word | Mark


@dataclass(frozen=True)
class Prosody:
    """Factors for a whole clause, from SSML; 1, 0 and 1 leave the voice as it is.

    Attributes:
        speed: factor of the speaking rate, > 1 is faster.
        pitch_semitones: shift of f0.
        energy: factor of the loudness.
    """

    speed: float = 1.0
    pitch_semitones: float = 0.0
    energy: float = 1.0


@dataclass(frozen=True)
class InnerMark:
    """An SSML mark that is reached within a clause.

    Attributes:
        name: of the mark.
        at: what comes next: the index of a token (`Clause`) or of a phone (`PhoneClause`); the
            number of them where the clause is over by then.
    """

    name: str
    at: int


@dataclass(frozen=True)
class Clause:
    """A stretch of text that is synthesized in one piece.

    Attributes:
        tokens: words and marks, in order.  Empty where only a pause or marks are left to give
            (SSML that opens with a break, or ends with a mark).
        pause_after_ms: silence to add after it, in milliseconds.
        prosody: factors for the whole clause.
        marks: names of the SSML marks reached just before it.
        sentence_end: whether a sentence ends with it.
        inner_marks: SSML marks reached later, in order.
        aside: whether it stands in parentheses.
        pause_is_fixed: whether SSML asked for the pause, which then doesn't change with the speed.
    """

    tokens: tuple[Token, ...]
    pause_after_ms: int = 0
    prosody: Prosody = field(default_factory=Prosody)
    marks: tuple[str, ...] = ()
    sentence_end: bool = False
    inner_marks: tuple[InnerMark, ...] = ()
    aside: bool = False
    pause_is_fixed: bool = False


@dataclass(frozen=True)
class WordPhones:
    """Where a word lies in `PhoneClause.phones`.

    Attributes:
        text: the word as it was said.
        span: start and end in the caller's original text.
        start, end: its phones are `phones[start:end]`.
        capital: as in :class:`Word`.
    """

    text: str
    span: Span
    start: int
    end: int
    capital: bool = False


Turn: TypeAlias = Literal["rise", "fall", "go_on", "capital"]


@dataclass(frozen=True)
class Tone:
    """Where the pitch turns because of what a sentence is, not because of its phones.

    Attributes:
        turn: "rise" at the end of a question, "fall" at the end of a list or a choice, "go_on" (a
            little up) where more is to come, "capital" (higher as a whole) where a capital is to be
            heard.
        start, end: it turns over `phones[start:end]`, from the last stressed vowel on; a capital
            over the whole word.
    """

    turn: Turn
    start: int
    end: int


@dataclass(frozen=True)
class Accent:
    """A word that the writer emphasized (SSML emphasis).

    Attributes:
        level: how much; "reduced" is less than is usual.
        start, end: its phones are `phones[start:end]`.
    """

    level: Emphasis
    start: int
    end: int


@dataclass(frozen=True)
class PhoneClause:
    """A clause, ready for the acoustic model.

    Attributes:
        phones: symbols of the inventory; empty where the clause is only a pause or marks.
        words: where each word lies in `phones`, in order.
        tones: where the pitch turns, in order (`voicelet.text.tune`).
        exclaimed: whether it belongs to an exclamation.
        accents: words that SSML emphasizes, in order.
        pause_after_ms, prosody, marks, sentence_end, inner_marks, aside, pause_is_fixed: as in
            :class:`Clause`.
    """

    phones: str
    words: tuple[WordPhones, ...] = ()
    pause_after_ms: int = 0
    prosody: Prosody = field(default_factory=Prosody)
    marks: tuple[str, ...] = ()
    sentence_end: bool = False
    tones: tuple[Tone, ...] = ()
    exclaimed: bool = False
    accents: tuple[Accent, ...] = ()
    inner_marks: tuple[InnerMark, ...] = ()
    aside: bool = False
    pause_is_fixed: bool = False
