"""The whole text front end: text or SSML in, clauses of words or of phones out, lazily."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from voicelet.errors import ConfigError, TextError
from voicelet.text import ssml as ssml_document
from voicelet.text.cleanup import SourcePiece, plain_pieces
from voicelet.text.detection import LanguageDetector
from voicelet.text.foreign import ClausePhonemizer, clause_language, phonemize
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
Known: TypeAlias = Callable[[str], bool]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OtherLanguage:
    """A language that stands inside a text of another.

    Attributes:
        language: whose rules read it.
        known: tells whether a lower-case word is in its lexicon.
    """

    language: Language
    known: Known | None = None


class Languages(Protocol):
    """The languages that a voice speaks, as packs read them."""

    def find(self, tag: str) -> Language:
        """The language of a BCP 47 tag.

        Raises:
            ConfigError: the voice doesn't speak it, or no pack reads it.
        """
        ...

    def readable(self) -> Sequence[Language]:
        """All that the voice speaks and that can be read, the first first."""
        ...


FindOther: TypeAlias = Callable[[str], "OtherLanguage | None"]
"""The language of an `xml:lang` inside a text; None where the text's own reads it."""


@dataclass(frozen=True)
class _Options:
    lexicon: UserLexicon | None
    known: Known | None
    inline_phones: bool
    language: Language
    find: FindOther | None = None
    other: str = ""
    """Tag of the language, where it isn't the text's."""

    def within(self, tag: str | None) -> _Options:
        """What holds for a stretch that is marked as being in a language."""
        other = self.find(tag) if tag and self.find is not None else None
        if other is None:
            return self
        tag = other.language.tag
        return replace(self, language=other.language, known=other.known, other=tag)


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
    find: FindOther | None = None,
    detector: LanguageDetector | None = None,
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
        find: the languages of stretches that SSML marks; without it, `language` reads them.
        detector: tells which language each sentence is in that SSML doesn't say of.

    Raises:
        TextError: `text` isn't a string.
        SsmlError: the SSML is wrong (raised before the first clause).
        PhoneError: phones given inline aren't phones.
        LexiconError: the user lexicon can't be read.
    """
    if not isinstance(text, str):
        raise TextError(f"the text must be a str, not {type(text).__name__}; decode it first")
    language = language or find_language()
    options = _Options(load_user_lexicon(user_lexicon), known, inline_phones, language, find)
    if ssml is True or (ssml == "auto" and ssml_document.looks_like_ssml(text)):
        events = ssml_document.parse(text)
        if detector is not None:
            events = detector.events(events, language.tag)
        items = _ssml_items(events, options)
    elif detector is not None:
        items = _detected(text, options, detector)
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
        languages: those that stretches inside a text may be in; without them, `language` reads
            all of it.

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
        languages: Languages | None = None,
    ) -> None:
        self._language = language or find_language()
        self._languages = languages
        self._detector: LanguageDetector | None = None
        self._root = self
        self._unread: set[str] = set()
        self._phonemizer = phonemizer
        self._ssml: Ssml = ssml
        self._lexicon = load_user_lexicon(user_lexicon)
        self._max_clause_chars = max_clause_chars
        self._in_lexicon = known
        self._inline_phones = inline_phones
        self._others: dict[str, TextFrontEnd] = {}

    def clauses(
        self,
        text: str,
        *,
        ssml: Ssml | None = None,
        detect: bool = False,
        strict: bool = False,
    ) -> Iterator[PhoneClause]:
        """Yield the clauses of `text` as phones, lazily.

        A clause whose `phones` are empty is only a pause or a place for SSML marks.

        Args:
            text: any string at all.
            ssml: overrides the setting of the front end.
            detect: find out which of the voice's languages each sentence is in.
            strict: raise where SSML names a language that the voice doesn't speak; else such a
                stretch is read in the language of the text, with one warning in the log.

        Raises:
            TextError, SsmlError, PhoneError: as in :func:`clauses`.
            ConfigError: with `strict`, a language is missing.
        """
        found = self.with_words(text, ssml=ssml, detect=detect, strict=strict)
        return (phone_clause for _, phone_clause in found)

    def with_words(
        self,
        text: str,
        *,
        ssml: Ssml | None = None,
        detect: bool = False,
        strict: bool = False,
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
            find=None if self._languages is None else partial(self._find_other, strict),
            detector=self._detecting() if detect else None,
        )
        return self._phonemized_all(word_clauses)

    def _phonemized_all(
        self, word_clauses: Iterator[Clause]
    ) -> Iterator[tuple[Clause, PhoneClause]]:
        tunes: dict[str, Tunes] = {}
        for clause in word_clauses:
            tag = clause_language(clause)
            if tag not in tunes:
                tunes[tag] = Tunes(self.reader_of(tag).language.melody)
            yield clause, tunes[tag](clause, self._phonemized(clause))

    def in_language(self, tag: str) -> TextFrontEnd:
        """One that reads another language, or another variety of this one ("en-GB" for "en").

        Made once; this one where it reads that itself, or its phonemizer knows one language only.

        Args:
            tag: BCP 47.

        Raises:
            ConfigError: voicelet can't read the language.
        """
        root = self._root
        find = find_language if self._languages is None else self._languages.find
        language = find(tag)
        if language.tag == root.language.tag or not isinstance(root.phonemizer, Phonemizer):
            return root
        if language.tag not in root._others:
            phonemizer = root.phonemizer.in_language(language)
            other = TextFrontEnd(
                phonemizer,
                ssml=self._ssml,
                user_lexicon=self._lexicon,
                max_clause_chars=self._max_clause_chars,
                known=None if root._in_lexicon is None else phonemizer.knows,
                inline_phones=self._inline_phones,
                language=language,
                languages=self._languages,
            )
            other._root = root
            root._others[language.tag] = other
        return root._others[language.tag]

    def reader_of(self, tag: str) -> TextFrontEnd:
        """The front end of a word's language (`Word.language`)."""
        return self._root._others.get(tag, self._root) if tag else self

    def _find_other(self, strict: bool, tag: str) -> OtherLanguage | None:
        """The language of a stretch; None where it is that of the text, or is missing."""
        own, wanted = self._language.tag.lower(), tag.lower()
        if own == wanted or own.startswith(f"{wanted}-"):
            return None
        try:
            other = self.in_language(tag)
        except ConfigError as error:
            if strict:
                raise
            if wanted not in self._unread:
                self._unread.add(wanted)
                log.warning("%s; it is read as %r instead", error, self._language.tag)
            return None
        if other is self:
            return None
        return OtherLanguage(other.language, other._in_lexicon)

    def _detecting(self) -> LanguageDetector:
        if self._detector is None:
            own = self._language
            known = () if self._languages is None else self._languages.readable()
            others = {x.tag: x for x in known if x.tag.split("-")[0] != own.tag.split("-")[0]}
            self._detector = LanguageDetector({own.tag: own, **others})
        return self._detector

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
            return phonemize(clause, self._phonemizer, lambda tag: self.reader_of(tag).phonemizer)
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


def _detected(text: str, options: _Options, detector: LanguageDetector) -> Iterator[Item]:
    """The items of plain text, each stretch of sentences of one language read by it."""
    stretches = detector.stretches(text, options.language.tag)
    for tag, group in groupby(stretches, lambda stretch: stretch[0]):
        inner, last = options.within(tag), ""
        pieces = (piece for _, start, end in group for piece in plain_pieces(text, start, end))
        for item in _of_language(_scan(pieces, inner, newlines=True), inner):
            yield item
            last = item.kind if isinstance(item, Boundary) else ""
        if not last:
            yield Boundary("line")  # where the language changes, a sentence is over


def _of_language(items: Iterator[Item], options: _Options) -> Iterator[Item]:
    """The items, with every word's language where it isn't the text's."""
    if not options.other:
        return items
    return (
        replace(item, language=options.other) if isinstance(item, Word) else item for item in items
    )


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
            inner = options.within(style.language)
            context.known = inner.known
            items = _scan(
                [piece.piece for piece in pieces],
                inner,
                newlines=False,
                final=final,
                style=style,
                context=context,
            )
            yield from _with_marks(_of_language(items, inner), marks)
            continue
        i += 1
        if isinstance(event, ssml_document.SayEvent):
            yield SetProsody(event.style.prosody)
            inner = options.within(event.style.language)
            context.known = inner.known
            yield from _of_language(_say(event, inner, context), inner)
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
