"""The whole text front end: text or SSML in, clauses of words or of phones out, lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from voicelet.errors import TextError
from voicelet.text import ssml as ssml_document
from voicelet.text.cleanup import SourcePiece, plain_pieces
from voicelet.text.language import Language, find_language
from voicelet.text.phonemize import Phonemizer
from voicelet.text.rules import RuleContext
from voicelet.text.scanner import Boundary, Scanner, to_tokens
from voicelet.text.segment import (
    MAX_CLAUSE_CHARS,
    Item,
    NamedMark,
    Pause,
    Segmenter,
    SetProsody,
)
from voicelet.text.tune import Tunes
from voicelet.text.user_lexicon import UserLexicon
from voicelet.text.words import Clause, PhoneClause, Word

Ssml: TypeAlias = Literal["auto"] | bool
Pronunciations: TypeAlias = UserLexicon | Mapping[str, str] | str | Path | None


class ClausePhonemizer(Protocol):
    """What the front end needs of `voicelet.text.phonemize.Phonemizer`."""

    def phonemize(self, clause: Clause) -> PhoneClause:
        """The phones of one clause."""
        ...


@dataclass(frozen=True)
class _Options:
    lexicon: UserLexicon | None
    known: Callable[[str], bool] | None
    inline_phones: bool
    language: Language


def load_user_lexicon(source: Pronunciations) -> UserLexicon | None:
    """A user lexicon from a mapping or a file; None and lexicons pass through.

    Raises:
        LexiconError: it can't be read.
    """
    if source is None or isinstance(source, UserLexicon):
        return source
    return UserLexicon(source) if isinstance(source, Mapping) else UserLexicon.from_file(source)


def clauses(
    text: str,
    *,
    ssml: Ssml = "auto",
    user_lexicon: Pronunciations = None,
    max_clause_chars: int = MAX_CLAUSE_CHARS,
    known: Callable[[str], bool] | None = None,
    inline_phones: bool = True,
    language: Language | None = None,
) -> Iterator[Clause]:
    """Turn text into clauses of words, lazily: the first comes in milliseconds, however long it is.

    Text that holds nothing to say (empty, white space, punctuation) gives no clauses.

    Args:
        text: any string at all.
        ssml: read it as SSML; "auto" does so if it opens with <speak>.
        user_lexicon: the caller's pronunciations (mapping, file or UserLexicon).
        max_clause_chars: soft limit of a clause in spoken characters, at least 40.
        known: tells whether a lower-case word is in the lexicon; helps to tell a shouted word from
            an acronym.
        inline_phones: read `[[…]]` as phones; turn it off for text from elsewhere, in which such
            brackets mean something else.
        language: that the text is in; None is the default one.

    Raises:
        TextError: `text` isn't a string.
        SsmlError: the SSML is wrong (raised before the first clause).
        PhoneError: phones given inline aren't phones.
        LexiconError: the user lexicon can't be read.
    """
    if not isinstance(text, str):
        raise TextError(f"the text must be a str, not {type(text).__name__}; decode it first")
    language = language or find_language()
    options = _Options(load_user_lexicon(user_lexicon), known, inline_phones, language)
    if ssml is True or (ssml == "auto" and ssml_document.looks_like_ssml(text)):
        items = _ssml_items(ssml_document.parse(text), options)
    else:
        items = _scan(plain_pieces(text), options, newlines=True)
    return Segmenter(max_clause_chars, language.conjunctions, language.pauses).clauses(items)


class TextFrontEnd:
    """Text or SSML → clauses of phones, ready for the acoustic model.

    Holds no state between calls: threads may share one.

    Args:
        phonemizer: gives every clause its phones.
        ssml, user_lexicon, max_clause_chars, known, inline_phones, language: as in
            :func:`clauses`.

    Raises:
        LexiconError: the user lexicon can't be read.
    """

    def __init__(
        self,
        phonemizer: ClausePhonemizer,
        *,
        ssml: Ssml = "auto",
        user_lexicon: Pronunciations = None,
        max_clause_chars: int = MAX_CLAUSE_CHARS,
        known: Callable[[str], bool] | None = None,
        inline_phones: bool = True,
        language: Language | None = None,
    ) -> None:
        self._language = language or find_language()
        self._phonemizer = phonemizer
        self._ssml: Ssml = ssml
        self._lexicon = load_user_lexicon(user_lexicon)
        self._max_clause_chars = max_clause_chars
        self._in_lexicon = known
        self._inline_phones = inline_phones
        self._others: dict[str, TextFrontEnd] = {}

    def clauses(self, text: str, *, ssml: Ssml | None = None) -> Iterator[PhoneClause]:
        """Yield the clauses of `text` as phones, lazily.

        A clause whose `phones` are empty is only a pause or a place for SSML marks.

        Args:
            text: any string at all.
            ssml: overrides the setting of the front end.

        Raises:
            TextError, SsmlError, PhoneError: as in :func:`clauses`.
        """
        return (phone_clause for _, phone_clause in self.with_words(text, ssml=ssml))

    def with_words(
        self, text: str, *, ssml: Ssml | None = None
    ) -> Iterator[tuple[Clause, PhoneClause]]:
        """As :meth:`clauses`, each with the words that it was made of."""
        word_clauses = clauses(
            text,
            ssml=self._ssml if ssml is None else ssml,
            user_lexicon=self._lexicon,
            max_clause_chars=self._max_clause_chars,
            known=self._in_lexicon,
            inline_phones=self._inline_phones,
            language=self._language,
        )
        tunes = Tunes(self._language.melody)
        return ((clause, tunes(clause, self._phonemized(clause))) for clause in word_clauses)

    def in_language(self, tag: str) -> TextFrontEnd:
        """One that reads another language, or another variety of this one ("en-GB" for "en").

        Made once; this one where it reads that itself, or its phonemizer knows one language only.

        Args:
            tag: BCP 47.

        Raises:
            ConfigError: voicelet can't read the language.
        """
        language = find_language(tag)
        if language.tag == self._language.tag or not isinstance(self._phonemizer, Phonemizer):
            return self
        if language.tag not in self._others:
            phonemizer = self._phonemizer.in_language(language)
            self._others[language.tag] = TextFrontEnd(
                phonemizer,
                ssml=self._ssml,
                user_lexicon=self._lexicon,
                max_clause_chars=self._max_clause_chars,
                known=None if self._in_lexicon is None else phonemizer.knows,
                inline_phones=self._inline_phones,
                language=language,
            )
        return self._others[language.tag]

    @property
    def language(self) -> Language:
        """What it reads."""
        return self._language

    @property
    def phonemizer(self) -> ClausePhonemizer:
        """What gives clauses their phones."""
        return self._phonemizer

    @property
    def user_lexicon(self) -> UserLexicon | None:
        """The caller's pronunciations."""
        return self._lexicon

    def _phonemized(self, clause: Clause) -> PhoneClause:
        if clause.tokens:
            return self._phonemizer.phonemize(clause)
        return PhoneClause(
            "",
            pause_after_ms=clause.pause_after_ms,
            prosody=clause.prosody,
            marks=clause.marks,
            sentence_end=clause.sentence_end,
            pause_is_fixed=clause.pause_is_fixed,
        )


def _scan(
    pieces: Iterator[SourcePiece] | Sequence[SourcePiece],
    options: _Options,
    *,
    newlines: bool,
    final: bool = True,
    style: ssml_document.SsmlStyle | None = None,
    context: RuleContext | None = None,
) -> Iterator[Item]:
    return Scanner(
        pieces,
        lexicon=options.lexicon,
        context=context or RuleContext(known=options.known),
        newlines=newlines,
        final=final,
        inline_phones=options.inline_phones,
        emphasis=style.emphasis if style else "none",
        language=options.language,
    ).items()


def _ssml_items(events: Sequence[ssml_document.Event], options: _Options) -> Iterator[Item]:
    context = RuleContext(known=options.known)
    i = 0
    while i < len(events):
        event = events[i]
        if isinstance(event, (ssml_document.TextEvent, ssml_document.MarkEvent)):
            pieces, marks, i = _stretch(events, i)
            if not pieces:
                yield from (NamedMark(mark.name) for mark in marks)
                continue
            style = pieces[0].style
            final = i == len(events) or isinstance(events[i], ssml_document.BlockEvent)
            yield SetProsody(style.prosody)
            items = _scan(
                [piece.piece for piece in pieces],
                options,
                newlines=False,
                final=final,
                style=style,
                context=context,
            )
            yield from _with_marks(items, marks)
            continue
        i += 1
        if isinstance(event, ssml_document.SayEvent):
            yield SetProsody(event.style.prosody)
            yield from _say(event, options, context)
        elif isinstance(event, ssml_document.BreakEvent):
            yield Pause(event.pause_ms)
        else:
            context.previous = ""
            yield Boundary("paragraph" if event.paragraph else "line")


def _stretch(
    events: Sequence[ssml_document.Event], start: int
) -> tuple[list[ssml_document.TextEvent], list[ssml_document.MarkEvent], int]:
    """Text of one style and the marks in it, which are to change nothing; and where it ends."""
    pieces: list[ssml_document.TextEvent] = []
    marks: list[ssml_document.MarkEvent] = []
    i = start
    while i < len(events):
        event = events[i]
        if isinstance(event, ssml_document.MarkEvent):
            marks.append(event)
        elif isinstance(event, ssml_document.TextEvent) and (
            not pieces or event.style == pieces[0].style
        ):
            pieces.append(event)
        else:
            break
        i += 1
    return pieces, marks, i


def _with_marks(items: Iterator[Item], marks: Sequence[ssml_document.MarkEvent]) -> Iterator[Item]:
    """The items, with every mark before the first word that stands behind it in the source."""
    place = 0
    for item in items:
        if isinstance(item, Word):
            while place < len(marks) and marks[place].position <= item.span[0]:
                yield NamedMark(marks[place].name)
                place += 1
        yield item
    yield from (NamedMark(mark.name) for mark in marks[place:])


def _say(event: ssml_document.SayEvent, options: _Options, context: RuleContext) -> Iterator[Item]:
    if event.phones is not None:
        letters = "".join(c for c in event.text if c.isalpha() or c == "'")
        yield Word(letters, event.span, phones=event.phones, emphasis=event.style.emphasis)
        return
    text = event.alias if event.alias is not None else event.text
    rules = options.language.normalization
    reading = rules.say_as(text, event.interpret, event.format) if event.interpret else None
    if reading is not None:
        yield from to_tokens(
            reading,
            event.span,
            event.style.emphasis,
            lone_letters=rules.lone_letters,
            elisions=rules.elisions,
        )
        return
    yield from _scan(
        [SourcePiece(text, *event.span)],
        options,
        newlines=False,
        final=False,
        style=event.style,
        context=context,
    )
