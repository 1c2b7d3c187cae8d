"""Markup of books: XHTML by expat, and what isn't well formed by a scanner that forgives.

Neither expands entities of a document's own, fetches anything or looks at a character more than a
few times, whatever the document holds: time and memory are linear in its length.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Protocol, TypeVar
from xml.parsers import expat

MAX_DEPTH = 256
"""Elements that may be open at once in XML; deeper pages are read by the scanner, which keeps no
list of them."""
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,31});")
_TAG_NAME = re.compile(r"[A-Za-z][^\s/>]*")
_BETWEEN = re.compile(r"[\s/=]*")
# A name, perhaps with a value; an unclosed quote takes all that is left, as in browsers.
_ATTRIBUTE = re.compile(r"""([^\s/>=]+)(?:\s*=\s*("[^"]*"?|'[^']*'?|[^\s>"']+))?""")
_RAW_TEXT = ("script", "style")


class MarkupReader(Protocol):
    """What takes the parts of a document; names are in small letters and without prefixes."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag opens."""
        ...

    def end(self, tag: str) -> None:
        """A tag closes."""
        ...

    def data(self, text: str) -> None:
        """Text, in pieces of any length."""
        ...


Reader = TypeVar("Reader", bound=MarkupReader)


def read_markup(source: str, make: Callable[[], Reader]) -> Reader:
    """Read a document.

    Args:
        source: XHTML or other XML, well formed or not.
        make: gives a new reader; a second one if the document turns out not to be well formed.

    Returns:
        The reader that was given all of the document.
    """
    reader = make()
    try:
        parse_xml(source, reader)
    except (expat.ExpatError, _UnsoundError):
        reader = make()
        scan(source, reader)
    return reader


class _UnsoundError(Exception):
    """XML that isn't for expat: a document type with declarations, or too deep."""


def parse_xml(source: str, reader: MarkupReader) -> None:
    """Give a well-formed document to `reader`, by expat.

    Raises:
        ExpatError: it isn't well formed.
        _UnsoundError: see there.
    """
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _UnsoundError
        reader.start(_local(tag), {_local(k): v for k, v in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        reader.end(_local(tag))

    def doctype(name: str, system: str | None, public: str | None, declares: bool) -> None:
        if declares:  # entities that multiply, attributes that every element repeats
            raise _UnsoundError

    def external(context: str, base: str | None, system: str | None, public: str | None) -> int:
        # Nothing is fetched: an empty DTD, after which expat takes unknown entities for declared
        # elsewhere instead of refusing them.  EPUB 2 is full of &nbsp; and the like.
        parser.ExternalEntityParserCreate(context).Parse(b"", True)
        return 1

    def skipped(name: str, is_parameter: bool) -> None:
        if not is_parameter:
            reader.data(_unescape(f"&{name};"))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = doctype
    parser.ExternalEntityRefHandler = external
    parser.SkippedEntityHandler = skipped
    parser.UseForeignDTD(True)
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
    # In one piece: expat before 2.6 begins a long token anew with every piece that it is given.
    parser.Parse(source.lstrip().encode("utf-8", "replace"), True)


def scan(source: str, reader: MarkupReader) -> None:
    """Give any document to `reader`.

    As HTML's own tokenizer it never goes back: what is opened and not closed reaches to the end.
    """
    at, size = 0, len(source)
    while at < size:
        begin = source.find("<", at)
        begin = size if begin < 0 else begin
        if begin > at:
            reader.data(_unescape(source[at:begin]))
        if begin == size:
            return
        name = _TAG_NAME.match(source, begin + 1)
        if name is not None:
            at = _start_tag(source, name, reader)
        elif source.startswith("</", begin):
            at = _past(source, ">", begin)
            closing = _TAG_NAME.match(source, begin + 2, at)
            if closing is not None:
                reader.end(_local(closing[0]))
        elif source.startswith("<![CDATA[", begin):
            at = _past(source, "]]>", begin)
            reader.data(source[begin + 9 : at].removesuffix("]]>"))
        elif source.startswith("<!--", begin):
            at = _past(source, "-->", begin + 4)
        elif source.startswith(("<!", "<?"), begin):
            at = _past(source, ">", begin)
            if _declares(source, begin, at):
                at = _past(source, ">", _past(source, "]", begin))
        else:
            reader.data("<")
            at = begin + 1


def _declares(source: str, begin: int, end: int) -> bool:
    """Whether this is a document type with declarations of its own, in brackets."""
    is_type = source[begin : begin + 9].upper() == "<!DOCTYPE"
    return is_type and source.find("[", begin, end) >= 0


def _start_tag(source: str, name: re.Match[str], reader: MarkupReader) -> int:
    """Give the tag whose name was found; where the text after it begins."""
    attributes: dict[str, str] = {}
    at = _skip(source, name.end())
    while (found := _ATTRIBUTE.match(source, at)) is not None:
        value = (found[2] or "").strip("\"'")
        attributes.setdefault(_local(found[1]), _unescape(value))
        at = _skip(source, found.end())
    if at >= len(source):
        return at
    at += 1  # what neither stands between attributes nor begins one is ">"
    tag = _local(name[0])
    reader.start(tag, attributes)
    if source[at - 2] == "/":
        reader.end(tag)
    elif tag in _RAW_TEXT:
        closing = source.find(f"</{name[0]}", at)
        return len(source) if closing < 0 else closing
    return at


def _skip(source: str, at: int) -> int:
    between = _BETWEEN.match(source, at)
    return at if between is None else between.end()


def _past(source: str, stop: str, start: int) -> int:
    """Where the text after the next `stop` begins; the end if there is none."""
    found = source.find(stop, start)
    return len(source) if found < 0 else found + len(stop)


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _unescape(text: str) -> str:
    """With characters for HTML's entities; unknown ones become a blank."""
    if "&" not in text:
        return text
    return _ENTITY.sub(_character, text)


def _character(entity: re.Match[str]) -> str:
    character = html.unescape(entity[0])
    return " " if character == entity[0] else character
