"""SSML, the subset that makes sense for one voice, parsed safely into a flat list of events.

Known elements: speak, p, s, break, prosody, say-as, sub, phoneme, emphasis, mark, lang.
`audio`, `voice`, `desc`, `w` and `token` are passed over and their text is kept;
`metadata`, `meta` and `lexicon` are passed over with their text.  Any other element is an error,
since a typo that is silently dropped is worse than one that is named.  `xml:lang` is read on any
element, and holds for what is in it.

There is no way to declare entities: a document type is refused outright, so nothing can expand or
be fetched.  Depth and size are limited.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from xml.parsers import expat

from voicelet.config import did_you_mean
from voicelet.errors import PhoneError, SsmlError
from voicelet.text.cleanup import SourcePiece
from voicelet.text.ipa import ipa_phones, own_phones
from voicelet.text.rules import word_set
from voicelet.text.ssml_values import (
    break_ms,
    combine,
    emphasis_level,
    language_tag,
    prosody_of,
)
from voicelet.text.words import Emphasis, Prosody, Span

MAX_DEPTH = 32
MAX_CHARS = 2_000_000
MAX_NAME_CHARS = 200

_KNOWN = word_set("speak p s break prosody say-as sub phoneme emphasis mark lang")
_TRANSPARENT = word_set("audio voice desc w token paragraph sentence")
_SILENT = word_set("metadata meta lexicon")
_ROOT = re.compile(
    r"\s*(?:<\?xml\b[^>]{0,200}\?>\s*)?(?:<!--.{0,2000}?-->\s*)?<speak[\s/>]", re.DOTALL
)
_DECLARED = re.compile(r"\s*<(?:\?xml|!DOCTYPE|speak[\s/>])")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class SsmlStyle:
    """What holds for a stretch of text.

    Attributes:
        prosody: of prosody elements.
        emphasis: of emphasis elements.
        language: BCP 47 tag of the innermost `xml:lang`; None where there is none, or an empty one.
    """

    prosody: Prosody = field(default_factory=Prosody)
    emphasis: Emphasis = "none"
    language: str | None = None


@dataclass(frozen=True)
class TextEvent:
    """Text to be read, as it stands in the source."""

    piece: SourcePiece
    style: SsmlStyle


@dataclass(frozen=True)
class SayEvent:
    """An element that says how to read its text: say-as (`interpret`), sub (`alias`), phoneme."""

    text: str
    span: Span
    style: SsmlStyle
    interpret: str = ""
    format: str = ""
    alias: str | None = None
    phones: str | None = None


@dataclass(frozen=True)
class BreakEvent:
    """A pause, in milliseconds; 0 joins what stands around it."""

    pause_ms: int


@dataclass(frozen=True)
class MarkEvent:
    """A named place.

    Attributes:
        name: of it.
        position: where it stands in the caller's text, in code points.
    """

    name: str
    position: int = 0


@dataclass(frozen=True)
class BlockEvent:
    """The start or end of a paragraph or sentence."""

    paragraph: bool


Event: TypeAlias = TextEvent | SayEvent | BreakEvent | MarkEvent | BlockEvent


def looks_like_ssml(text: str) -> bool:
    """Whether `text` opens with a <speak> element (perhaps after an XML declaration)."""
    return _ROOT.match(text.lstrip("\ufeff \t\r\n")[:3000]) is not None


def parse(text: str) -> list[Event]:
    """Parse an SSML document, or a fragment of one without its <speak>.

    Raises:
        SsmlError: it is too large or too deep, not well formed, declares a document type, or uses
            an element or a value that isn't supported; the message names the line.
        PhoneError: a phoneme element holds symbols the voice doesn't know.
    """
    if len(text) > MAX_CHARS:
        raise SsmlError(f"{len(text)} characters of SSML are too many; send at most {MAX_CHARS}")
    return _Parser(text).run()


@dataclass
class _Frame:
    """An open element: its style, and, where it gathers its text, what to do with it."""

    name: str
    style: SsmlStyle
    gathers: bool = False
    attributes: dict[str, str] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    span: Span | None = None


class _Parser:
    def __init__(self, text: str) -> None:
        lead = len(text) - len(text.lstrip("\ufeff \t\r\n"))
        body = _ILLEGAL.sub(" ", text[lead:])  # one character for one: offsets don't change
        self._wrap = "" if _DECLARED.match(body) else "<speak>"
        self._source = (self._wrap + body + ("</speak>" if self._wrap else "")).encode()
        self._shift = lead - len(self._wrap)
        self._byte, self._char = 0, 0
        self.events: list[Event] = []
        self._frames: list[_Frame] = []
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = False
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._pending: tuple[str, int] | None = None

    def run(self) -> list[Event]:
        try:
            self._parser.Parse(self._source, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            remedy = (
                "; write & as &amp;, < as &lt; and close every element"
                if error.code != expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]
                else "; put the text inside <speak>…</speak>"
            )
            raise SsmlError(
                f"line {error.lineno}: SSML is not well formed: {reason}{remedy}"
            ) from None
        return self.events

    def _fail(self, message: str) -> SsmlError:
        return SsmlError(f"line {self._parser.CurrentLineNumber}: {message}")

    def _doctype(self, *_: object) -> None:
        raise self._fail("a document type is not allowed in SSML; remove <!DOCTYPE …>")

    def _position(self) -> int:
        """The offset in the caller's text of what the parser is looking at."""
        now = self._parser.CurrentByteIndex
        self._char += len(self._source[self._byte : now].decode())
        self._byte = now
        return self._char + self._shift

    def _flush(self, end: int) -> None:
        """Turn the character data seen last into a piece, now that its end is known."""
        if self._pending is None:
            return
        text, start = self._pending
        self._pending = None
        frame = self._frames[-1]
        gatherer = next((f for f in self._frames if f.gathers), None)
        if gatherer is not None:
            gatherer.text.append(text)
            first = gatherer.span[0] if len(gatherer.text) > 1 and gatherer.span else start
            gatherer.span = (first, end)
        elif not any(f.name in _SILENT for f in self._frames):
            self.events.append(TextEvent(SourcePiece(text, start, end), frame.style))

    def _characters(self, text: str) -> None:
        at = self._position()
        self._flush(at)
        self._pending = (text, at)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self._position()
        self._flush(at)
        if len(self._frames) >= MAX_DEPTH:
            raise self._fail(f"elements nest deeper than {MAX_DEPTH}; flatten the document")
        name = name.rpartition(":")[2]
        if name not in _KNOWN | _TRANSPARENT | _SILENT:
            raise self._fail(
                f"<{name[:40]}> is not supported{did_you_mean(name[:40], _KNOWN)}; remove the tag"
            )
        if not self._frames and name != "speak":
            raise self._fail("the outermost element must be <speak>; wrap the text in it")
        style = self._frames[-1].style if self._frames else SsmlStyle()
        try:
            if "xml:lang" in attributes:
                style = replace(style, language=language_tag(attributes["xml:lang"]))
            frame = self._open(name, attributes, style, at)
        except SsmlError as error:
            raise self._fail(str(error)) from None
        frame.span = (at, at) if frame.gathers else None
        self._frames.append(frame)

    def _open(self, name: str, attributes: dict[str, str], style: SsmlStyle, at: int) -> _Frame:
        inside = any(f.gathers for f in self._frames)
        if name in ("p", "s", "paragraph", "sentence"):
            self.events.append(BlockEvent(name[0] == "p"))
        elif name == "break" and not inside:
            self.events.append(BreakEvent(break_ms(attributes)))
        elif name == "mark" and not inside:
            if not attributes.get("name"):
                raise SsmlError("<mark> needs a name; write <mark name='here'/>")
            self.events.append(MarkEvent(attributes["name"][:MAX_NAME_CHARS], at))
        elif name == "lang" and "xml:lang" not in attributes:
            raise SsmlError("<lang> needs a language; write <lang xml:lang='fr'>")
        elif name == "prosody":
            style = replace(style, prosody=combine(style.prosody, prosody_of(attributes)))
        elif name == "emphasis":
            style = replace(style, emphasis=emphasis_level(attributes))
        elif name in ("say-as", "sub", "phoneme") and not inside:
            needed = {"say-as": "interpret-as", "sub": "alias", "phoneme": "ph"}[name]
            if needed not in attributes:
                raise SsmlError(f"<{name}> needs the attribute {needed}")
            return _Frame(name, style, True, attributes)
        return _Frame(name, style)

    def _end(self, _: str) -> None:
        at = self._position()
        self._flush(at)
        frame = self._frames.pop()
        if frame.gathers:
            self._say(frame, at)
        elif frame.name in ("p", "s", "paragraph", "sentence"):
            self.events.append(BlockEvent(frame.name[0] == "p"))

    def _say(self, frame: _Frame, end: int) -> None:
        text, attributes = "".join(frame.text), frame.attributes
        span = frame.span or (end, end)
        if span[0] == span[1]:  # an empty element: what is said for it stands where its tag does
            span = (span[0], max(end, span[0] + 1))
        alias, phones = None, None
        if frame.name == "sub":
            alias = attributes["alias"]
        elif frame.name == "phoneme":
            try:
                phones = self._phones(attributes)
            except PhoneError as error:
                line = self._parser.CurrentLineNumber
                raise PhoneError(f"line {line}: {error}") from None
        self.events.append(
            SayEvent(
                text,
                span,
                frame.style,
                *_interpretation(attributes),
                alias,
                phones,
            )
        )

    def _phones(self, attributes: dict[str, str]) -> str:
        alphabet = attributes.get("alphabet", "ipa").strip().lower()
        if alphabet == "ipa":
            return ipa_phones(attributes["ph"])
        if alphabet == "x-voicelet":
            return own_phones(attributes["ph"])
        raise self._fail(f"the alphabet {alphabet[:40]!r} is unknown; use 'ipa' or 'x-voicelet'")


def _interpretation(attributes: dict[str, str]) -> tuple[str, str]:
    """What a say-as asks for, and its format; older documents write "time:hms12", "vxml:time"."""
    interpret = attributes.get("interpret-as", "").strip().lower()
    kind, _, behind = interpret.removeprefix("vxml:").partition(":")
    return kind, attributes.get("format", "").strip().lower() or behind
