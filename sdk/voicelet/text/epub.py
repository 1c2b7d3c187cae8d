"""EPUB 2 and 3: the reading order of a book, as chapters of paragraphs.

A book is a ZIP of XHTML.  Everything is read with Python's HTML parser, which expands no entities
of a document's own and fetches nothing; sizes are bounded before anything is unpacked.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import unquote

from voicelet.errors import TextError
from voicelet.text.chapters import MAX_TITLE_CHARS, Chapter, Document, decode
from voicelet.text.rules import word_set

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 256 << 20
_BLOCKS = word_set(
    "address article aside blockquote body br caption dd div dl dt figcaption footer h1 h2 h3 h4 h5"
    " h6 header hr li main nav ol p pre section table td th tr ul"
)
_UNREAD = word_set("head math nav rt rp script style svg template code pre")
_HEADINGS = frozenset(("h1", "h2", "h3"))


def read_epub(raw: bytes, name: str) -> Document:
    """Read a book.

    Args:
        raw: the file.
        name: for error messages.

    Raises:
        TextError: it isn't an EPUB, is damaged or encrypted, or unpacks to more than 256 MB.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as book:
            if len(book.infolist()) > MAX_ENTRIES:
                raise TextError(f"{name!r} has more than {MAX_ENTRIES} files; this is no book")
            if sum(i.file_size for i in book.infolist()) > MAX_UNPACKED_BYTES:
                raise TextError(f"{name!r} unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB")
            return _read(book, name)
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        NotImplementedError,
        ValueError,
        lzma.LZMAError,
    ) as error:
        raise TextError(f"{name!r} is damaged or isn't an EPUB ({error})") from None
    except RuntimeError as error:  # zipfile's word for an encrypted entry
        raise TextError(f"{name!r} is encrypted ({error}); voicelet can't read it") from None


def _read(book: zipfile.ZipFile, name: str) -> Document:
    container = _Tags(_text(book, "META-INF/container.xml", name))
    package = next(
        (a["full-path"] for t, a in container.tags if t == "rootfile" and "full-path" in a), ""
    )
    if not package:
        raise TextError(f"{name!r} isn't an EPUB: its container names no package")
    opf = _Tags(_text(book, package, name))
    items = {a.get("id", ""): a for t, a in opf.tags if t == "item"}
    chapters: list[Chapter] = []
    for tag, attributes in opf.tags:
        item = items.get(attributes.get("idref", "")) if tag == "itemref" else None
        if item is None or attributes.get("linear") == "no" or "nav" in item.get("properties", ""):
            continue
        place = posixpath.normpath(
            posixpath.join(posixpath.dirname(package), unquote(item.get("href", "")))
        )
        if place in book.namelist():
            chapters += _chapters(_text(book, place, name))
    return Document(opf.text("dc:title"), opf.text("dc:creator"), tuple(chapters))


def _text(book: zipfile.ZipFile, entry: str, name: str) -> str:
    try:
        return decode(book.read(entry))
    except KeyError:
        raise TextError(f"{name!r} isn't an EPUB: {entry!r} is missing") from None


def _chapters(xhtml: str) -> Iterator[Chapter]:
    """A file of a book: usually one chapter, headed by its first headings."""
    page = _Page()
    page.feed(xhtml)
    page.close()
    page.flush()
    title: list[str] = []
    paragraphs: list[str] = []
    for kind, words in page.blocks:
        if kind not in _HEADINGS:
            paragraphs.append(words)
        elif not paragraphs:
            title.append(words)  # "Chapter 1" and its name in two headings
        else:
            paragraphs.append(words if words[-1] in ".!?:…" else words + ".")
    if title or paragraphs:
        yield Chapter(" ".join(title)[:MAX_TITLE_CHARS], tuple(paragraphs))


class _Tags(HTMLParser):
    """All tags of an XML file with their attributes, and the text of each."""

    def __init__(self, xml: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._texts: dict[str, str] = {}
        self._open = ""
        self.feed(xml)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag.removeprefix("opf:"), {k: v or "" for k, v in attrs}))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self._texts.setdefault(self._open, " ".join(data.split()))

    def text(self, tag: str) -> str:
        """Text of the first such tag, or ""."""
        return self._texts.get(tag, "")


class _Page(HTMLParser):
    """The blocks of a page that are read: (tag, text)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[tuple[str, str]] = []
        self._words: list[str] = []
        self._kind = ""
        self._unread: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.flush()
            self._kind = tag
        if tag in _UNREAD:
            self._unread.append(tag)
        if tag == "img" and not self._unread:
            self._words.append(dict(attrs).get("alt") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _UNREAD:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unread:
            while self._unread.pop() != tag:
                pass
        if tag in _BLOCKS:
            self.flush()

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._words.append(data)

    def flush(self) -> None:
        """End a block."""
        words = " ".join("".join(self._words).split())
        self._words.clear()
        if any(c.isalnum() for c in words):
            self.blocks.append((self._kind, words))
        self._kind = ""
