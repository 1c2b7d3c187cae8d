"""EPUB 2 and 3: the reading order of a book, as chapters of paragraphs.

A book is a ZIP of XHTML.  Sizes are bounded before anything is unpacked and while it is, and
nothing is read twice, however often the book names it; how markup is read is in `markup`.
"""

from __future__ import annotations

import codecs
import io
import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from urllib.parse import unquote

from voicelet.errors import TextError
from voicelet.text.chapters import MAX_TITLE_CHARS, Chapter, Document
from voicelet.text.encoding import check_text, mark_of
from voicelet.text.markup import read_markup
from voicelet.text.rules import word_set

MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 256 << 20
MAX_PAGE_BYTES = 8 << 20
MAX_TEXT_BYTES = 64 << 20
"""Of all pages together; the longest novels have 10 MB."""
MAX_PARAGRAPHS = 500_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that the format allows
_DIRECTORY_ENTRY = b"PK\x01\x02"
_NAME_CHARS = 80
_TITLE_CHARS = 500
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._-]{1,30})""")
_DECLARABLE = re.compile(r"(utf|iso|iso8859|cp|windows|koi8|big5|gb|shift|euc|ascii|latin).*")
_BLOCKS = word_set(
    "address article aside blockquote body br caption dd div dl dt figcaption footer h1 h2 h3 h4 h5"
    " h6 header hr li main nav ol p pre section table td th tr ul"
)
_UNREAD = word_set("head math nav rt rp script style svg template code pre")
_HEADINGS = frozenset(("h1", "h2", "h3"))
_NAMING_FILES = frozenset(("rootfile", "item", "itemref", "cipherreference"))
_MAX_TAGS = 3 * MAX_ENTRIES


def read_epub(raw: bytes, name: str) -> Document:
    """Read a book.

    Args:
        raw: the file.
        name: for error messages.

    Raises:
        TextError: it isn't an EPUB, is damaged or encrypted, or larger than any book: more than
            20,000 files, 256 MB unpacked, 64 MB of text, 8 MB in a page or 500,000 paragraphs.
    """
    try:
        # zipfile reads the whole directory before anything can be asked of it.
        if raw.count(_DIRECTORY_ENTRY) > MAX_ENTRIES:
            raise TextError(f"{name!r} has more than {MAX_ENTRIES} files; this is no book")
        with zipfile.ZipFile(io.BytesIO(raw)) as book:
            if sum(i.file_size for i in book.infolist()) > MAX_UNPACKED_BYTES:
                raise TextError(f"{name!r} unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB")
            return _Book(book, name).document()
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        OSError,
        EOFError,
        NotImplementedError,
        OverflowError,
        ValueError,
        lzma.LZMAError,
    ) as error:
        raise TextError(
            f"{name!r} is damaged or isn't an EPUB ({error}); fetch or export it again"
        ) from None
    except RuntimeError as error:  # zipfile's word for an encrypted entry
        raise TextError(f"{name!r} is encrypted ({error}); voicelet can't read it") from None


class _Book:
    """A book that is being read, and how much of it has been."""

    def __init__(self, book: zipfile.ZipFile, name: str) -> None:
        self._book = book
        self._name = name
        self._bytes = 0
        self._paragraphs = 0

    def document(self) -> Document:
        """All of it."""
        container = read_markup(self._text("META-INF/container.xml"), _Tags)
        package = next(
            (a["full-path"] for t, a in container.tags if t == "rootfile" and "full-path" in a), ""
        )
        if not package:
            raise TextError(f"{self._name!r} isn't an EPUB: its container names no package")
        opf = read_markup(self._text(package), _Tags)
        encrypted = self._encrypted()
        chapters: list[Chapter] = []
        for place in self._places(opf, posixpath.dirname(package)):
            if place in encrypted:
                raise TextError(
                    f"{self._name!r} is encrypted (copy protection); voicelet can't read it"
                )
            chapters += self._chapters(self._text(place))
        return Document(opf.text("title"), opf.text("creator"), tuple(chapters))

    def _places(self, opf: _Tags, folder: str) -> Iterator[str]:
        """The pages in reading order, each once."""
        items = {a.get("id", ""): a for t, a in opf.tags if t == "item"}
        unread = set(self._book.namelist())
        for tag, attributes in opf.tags:
            item = items.get(attributes.get("idref", "")) if tag == "itemref" else None
            if item is None or attributes.get("linear") == "no":
                continue
            place = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
            if place in unread and "nav" not in item.get("properties", "").split():
                unread.remove(place)
                yield place

    def _encrypted(self) -> frozenset[str]:
        """What the book says is encrypted; fonts often are, and nobody reads them."""
        place = "META-INF/encryption.xml"
        if place not in self._book.NameToInfo:
            return frozenset()
        tags = read_markup(self._text(place), _Tags).tags
        return frozenset(
            posixpath.normpath(unquote(a.get("uri", ""))) for t, a in tags if t == "cipherreference"
        )

    def _text(self, entry: str) -> str:
        """A file of the book as text."""
        try:
            info = self._book.getinfo(entry)
        except KeyError:
            short = entry[:_NAME_CHARS]
            raise TextError(f"{self._name!r} isn't an EPUB: {short!r} is missing") from None
        if info.compress_type not in _METHODS:
            raise NotImplementedError("compressed in a way that EPUB doesn't allow")
        short = info.filename[:_NAME_CHARS]
        with self._book.open(info) as file:
            # The size in the directory may be a lie; read() alone would unpack all that there is.
            raw = file.read(min(info.file_size, MAX_PAGE_BYTES) + 1)
        self._bytes += len(raw)
        if len(raw) > MAX_PAGE_BYTES:
            raise TextError(
                f"{self._name!r}: the page {short!r} is larger than {MAX_PAGE_BYTES >> 20} MB;"
                " split it"
            )
        if self._bytes > MAX_TEXT_BYTES:
            raise TextError(
                f"{self._name!r} has more than {MAX_TEXT_BYTES >> 20} MB of text; split it"
            )
        text = decode_markup(raw)
        try:
            check_text(text, short)
        except TextError:
            raise ValueError(f"{short!r} isn't text") from None
        return text

    def _chapters(self, xhtml: str) -> Iterator[Chapter]:
        """A file of a book: usually one chapter, headed by its first headings."""
        page = read_markup(xhtml, _Page)
        page.flush()
        self._paragraphs += len(page.blocks)
        if self._paragraphs > MAX_PARAGRAPHS:
            raise TextError(f"{self._name!r} has more than {MAX_PARAGRAPHS} paragraphs; split it")
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


def decode_markup(raw: bytes) -> str:
    """XML as text: by its mark, else by what it says, else UTF-8, else Windows-1252."""
    marked, size = mark_of(raw)
    if marked is not None:
        return raw[size:].decode(marked, "replace")
    declared = _DECLARED.match(raw)
    for encoding in (declared[1].decode("ascii").lower() if declared else "", "utf-8"):
        if _DECLARABLE.fullmatch(encoding) and _is_known(encoding):
            try:
                return raw.decode(encoding)
            except UnicodeError:
                continue
    return raw.decode("cp1252", "replace")


def _is_known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


class _Tags:
    """Tags of an XML file that name files, with their attributes; the text of each kind's first."""

    def __init__(self) -> None:
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._texts: dict[str, str] = {}
        self._open = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Note a tag."""
        if tag in _NAMING_FILES:
            if len(self.tags) == _MAX_TAGS:
                raise ValueError("it lists more files than a book has")
            self.tags.append((tag, attributes))
        self._open = tag

    def end(self, tag: str) -> None:
        """Text after this belongs to no tag."""
        self._open = ""

    def data(self, text: str) -> None:
        """Note text."""
        if self._open and text.strip():
            self._texts.setdefault(self._open, " ".join(text[: 4 * _TITLE_CHARS].split()))

    def text(self, tag: str) -> str:
        """Text of the first such tag, or ""."""
        return self._texts.get(tag, "")[:_TITLE_CHARS].rstrip()


class _Page:
    """The blocks of a page that are read: (tag, text)."""

    def __init__(self) -> None:
        self.blocks: list[tuple[str, str]] = []
        self._words = io.StringIO()  # a list of pieces would take fifty times their room
        self._kind = ""
        self._unread = ""
        self._depth = 0
        """How many tags `_unread` are open."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """A tag opens."""
        if tag in _BLOCKS:
            self.flush()
            self._kind = tag
        if not self._unread and tag in _UNREAD:
            self._unread = tag
        if tag == self._unread:
            self._depth += 1
        if tag == "img" and not self._unread:
            self._words.write(attributes.get("alt", ""))

    def end(self, tag: str) -> None:
        """A tag closes."""
        if tag == self._unread:
            self._depth -= 1
            if not self._depth:
                self._unread = ""
        if tag in _BLOCKS:
            self.flush()

    def data(self, text: str) -> None:
        """Text of the block."""
        if not self._unread:
            self._words.write(text)

    def flush(self) -> None:
        """End a block."""
        if self._words.tell():
            words = " ".join(self._words.getvalue().split())
            self._words = io.StringIO()
            if any(c.isalnum() for c in words):
                if len(self.blocks) == MAX_PARAGRAPHS:
                    raise ValueError(f"more than {MAX_PARAGRAPHS} paragraphs in a page")
                self.blocks.append((self._kind, words))
        self._kind = ""
