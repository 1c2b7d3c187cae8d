"""Text or SSML → words, marks, boundaries and pauses, which the segmenter makes clauses of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, groupby
from typing import TYPE_CHECKING, TypeAlias

from voicelet.text import ssml as ssml_document
from voicelet.text.capitals import with_capitals
from voicelet.text.cleanup import SourcePiece, plain_pieces
from voicelet.text.keys import key_items
from voicelet.text.language import Language
from voicelet.text.reading import PLAIN, Reading
from voicelet.text.rules import RuleContext
from voicelet.text.scanner import Boundary, Scanner, to_tokens
from voicelet.text.segment import Item, NamedMark, Pause, SetProsody
from voicelet.text.spoken_marks import spoken_marks
from voicelet.text.user_lexicon import UserLexicon
from voicelet.text.words import Mark, Span, Word

if TYPE_CHECKING:
    from voicelet.text.detection import LanguageDetector

Known: TypeAlias = Callable[[str], bool]
"""Whether a lower-case word is in the lexicon."""

MAX_LONE_CHARS = 200
"""A text of marks alone is spoken by their names if it isn't longer than this."""


@dataclass(frozen=True)
class OtherLanguage:
    """A language that stands inside a text of another.

    Attributes:
        language: whose rules read it.
        known: tells whether a lower-case word is in its lexicon.
    """

    language: Language
    known: Known | None = None


FindOther: TypeAlias = Callable[[str], "OtherLanguage | None"]
"""The language of an `xml:lang` inside a text; None where the text's own reads it."""


@dataclass(frozen=True)
class TextOptions:
    """How a text is read.

    Attributes:
        lexicon: the caller's pronunciations.
        known: tells whether a lower-case word is in the lexicon.
        inline_phones: `[[…]]` holds phones.
        language: whose rules read it.
        reading: what a screen reader asks for.
        find: gives the languages of stretches that are in another one.
        other: tag of `language`, where it isn't the text's; else "".
    """

    lexicon: UserLexicon | None
    known: Known | None
    inline_phones: bool
    language: Language
    reading: Reading = PLAIN
    find: FindOther | None = None
    other: str = ""

    def within(self, tag: str | None) -> TextOptions:
        """What holds for a stretch that is marked as being in a language."""
        other = self.find(tag) if tag and self.find is not None else None
        if other is None:
            return self
        tag = other.language.tag
        return replace(self, language=other.language, known=other.known, other=tag)


def text_items(
    text: str, options: TextOptions, *, ssml: bool, detector: LanguageDetector | None = None
) -> Iterator[Item]:
    """The items of a text, in order and lazily.

    Args:
        text: any string.
        options: how it is read.
        ssml: it is an SSML document.
        detector: tells which language each sentence is in that SSML doesn't say of.

    Raises:
        SsmlError: the SSML is wrong (at once).
        PhoneError: phones given inline aren't phones (as the items come).
    """
    if options.reading.key:
        capitals = options.reading.capitals
        return iter(key_items(text, options.language, capitals, _reader(options)))
    if ssml:
        events = ssml_document.parse(text)
        if detector is not None:
            events = detector.events(events, options.language.tag)
        return _never_silent(text, options, partial(_ssml_items, events))
    if detector is not None:
        return _never_silent(text, options, partial(_detected, text, detector=detector))
    return _never_silent(text, options, lambda o: _scan(plain_pieces(text), o, newlines=True))


def _never_silent(
    text: str, options: TextOptions, read: Callable[[TextOptions], Iterator[Item]]
) -> Iterator[Item]:
    """The items of a text, capitals made known; those of its marks' names if it has no words."""
    reading, before = options.reading, list[Item]()
    everything = replace(options, reading=replace(reading, punctuation="all"))
    if len(text.strip()) > MAX_LONE_CHARS:
        items = read(options)
    elif not any(c.isalnum() for c in text):
        items = _unasked(read(everything))
    else:
        items = read(options)
        for item in items:
            before.append(item)
            if isinstance(item, Word):
                break
        else:  # SSML, whose tags are letters, may hold marks alone, too
            before, items = [], _unasked(read(everything))
    items = chain(before, items)
    if reading.capitals == "none":
        return items
    return with_capitals(items, text, options.language.characters(), reading.capitals)


def _unasked(items: Iterator[Item]) -> Iterator[Item]:
    """Marks that are named and no more: whoever sends "?" alone asks nothing."""
    return (item for item in items if not (isinstance(item, Mark) and item.text in ("?", "!")))


def _reader(options: TextOptions) -> Callable[[str, Span], Sequence[Item]]:
    """Reads short texts that aren't the caller's own words."""

    def read(text: str, span: Span) -> Sequence[Item]:
        pieces = [SourcePiece(text, *span)] if text else []
        return list(_scan(pieces, replace(options, reading=PLAIN), newlines=False, final=False))

    return read


def _scan(
    pieces: Iterator[SourcePiece] | Sequence[SourcePiece],
    options: TextOptions,
    *,
    newlines: bool,
    final: bool = True,
    style: ssml_document.SsmlStyle | None = None,
    context: RuleContext | None = None,
) -> Iterator[Item]:
    if options.reading.punctuation != "none":
        pieces = spoken_marks(
            pieces,
            options.language.characters(),
            options.reading,
            inline_phones=options.inline_phones,
        )
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


def _detected(text: str, options: TextOptions, detector: LanguageDetector) -> Iterator[Item]:
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


def _of_language(items: Iterator[Item], options: TextOptions) -> Iterator[Item]:
    """The items, with every word's language where it isn't the text's."""
    if not options.other:
        return items
    return (
        replace(item, language=options.other) if isinstance(item, Word) else item for item in items
    )


def _ssml_items(events: Sequence[ssml_document.Event], options: TextOptions) -> Iterator[Item]:
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


def _say(
    event: ssml_document.SayEvent, options: TextOptions, context: RuleContext
) -> Iterator[Item]:
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
