"""Books into chapters: what is read, what isn't, and what hostile files get."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.errors import TextError
from voicelet.text.document import Chapter, chapters_of, markdown_chapters, plain, read_document
from voicelet.text.epub import read_epub

CONTAINER = (
    '<?xml version="1.0"?><container><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)
OPF = """<?xml version="1.0"?><package xmlns:dc="http://purl.org/dc/elements/1.1/">
<metadata><dc:title>The Lamp</dc:title><dc:creator>A. Writer</dc:creator></metadata>
<manifest>
 <item id="b" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
 <item id="a" href="text/one.xhtml" media-type="application/xhtml+xml"/>
 <item id="toc" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>
 <item id="note" href="text/note.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine><itemref idref="toc"/><itemref idref="a"/><itemref idref="b"/>
<itemref idref="note" linear="no"/><itemref idref="lost"/></spine></package>"""
ONE = """<html><head><title>x</title><style>p {}</style></head><body><h1>Chapter One</h1>
<h2>The Door</h2><p>It was <em>late</em>; the&nbsp;rain&#8217;s noise&hellip;</p>
<script>no()</script>
<p>&ldquo;Come in,&rdquo; she said.<br/>He did.</p><ul><li>first</li><li>second</li></ul>
<ruby>kan<rt>reading</rt></ruby><h3>Later</h3><p>***</p><p>The end of it.</p></body></html>"""


def book(**changes: bytes | str | None) -> bytes:
    files: dict[str, bytes | str | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": OPF,
        "OPS/nav.xhtml": "<nav><ol><li>Contents</li></ol></nav>",
        "OPS/text/one.xhtml": ONE,
        "OPS/text/two b.xhtml": "<body><p>Second.</p></body>",
        "OPS/text/note.xhtml": "<p>A note.</p>",
        **changes,
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            if content is not None:
                archive.writestr(name, content)
    return out.getvalue()


def test_a_book_is_read_in_its_own_order(tmp_path: Path) -> None:
    (tmp_path / "lamp.epub").write_bytes(book())
    document = read_document(tmp_path / "lamp.epub")
    assert (document.title, document.author) == ("The Lamp", "A. Writer")
    assert [c.title for c in document.chapters] == ["Chapter One The Door", ""]
    assert document.chapters[0].paragraphs == (
        "It was late; the rain’s noise…",
        "“Come in,” she said.",
        "He did.",
        "first",
        "second",
        "kan",
        "Later.",
        "The end of it.",
    )
    assert document.chapters[0].text.startswith("Chapter One The Door.\n\nIt was late")
    assert document.chapters[1].paragraphs == ("Second.",)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04" + bytes(50), "damaged"),
        (book()[:-30], "damaged"),
        (book(**{"META-INF/container.xml": None}), "missing"),
        (book(**{"META-INF/container.xml": "<container/>"}), "names no package"),
        (book(**{"OPS/book.opf": None}), "missing"),
    ],
)
def test_what_is_no_book_is_said(raw: bytes, why: str) -> None:
    with pytest.raises(TextError, match=why):
        read_epub(raw, "x.epub")


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = book(**{"OPS/text/one.xhtml": bytes(257 << 20)})
    assert len(bomb) < 1 << 20
    with pytest.raises(TextError, match="unpacks to more than 256 MB"):
        read_epub(bomb, "x.epub")


def test_entities_of_a_document_s_own_are_not_expanded() -> None:
    evil = '<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><p>One &b; two</p>'
    chapters = read_epub(book(**{"OPS/text/one.xhtml": evil}), "x.epub").chapters
    assert "aaaa" not in chapters[0].text and "two" in chapters[0].text


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_book_gives_text_or_a_clear_error(data: st.DataObject) -> None:
    raw = bytearray(book())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_epub(bytes(raw), "x.epub")
    except TextError:
        pass


LONG = "Chapters are long, he said, and part of it is"


def test_plain_text_in_chapters() -> None:
    text = (
        "\ufeffA Tale\r\n\r\nCHAPTER I. The Start\r\n\r\nOnce\r\nupon a time.\r\n \r\n***\r\n\r\n"
    )
    text += f"{LONG}\n\nPart Two\n\nThe end."
    found = list(chapters_of(text.lstrip("\ufeff")))
    assert found == [
        Chapter("", ("A Tale",)),
        Chapter("CHAPTER I. The Start", ("Once upon a time.", LONG)),
        Chapter("Part Two", ("The end.",)),
    ]  # fmt: skip


MARKDOWN = """
Intro with a [link](http://x.y/z) and ![a cat](cat.png).

# First *chapter* #

Text `code` and **bold _words_** that
go on. A snake_case_name stays.[^1]

```python
print("never read")
```

- one
- [x] two
1. three

| a | b |
|---|---|
| c | d |

### Deeper

> quoted
> lines

Second
------
<!-- hidden -->Shown \\*stars\\*.

[ref]: http://nowhere
"""


def test_markdown_is_read_as_it_is_seen() -> None:
    first, chapter, second = markdown_chapters(MARKDOWN)
    assert first == Chapter("", ("Intro with a link and a cat.",))
    assert chapter.title == "First chapter"
    assert chapter.paragraphs == (
        "Text code and bold words that go on. A snake_case_name stays.",
        "one",
        "two",
        "three",
        "a, b",
        "c, d",
        "Deeper.",
        "quoted lines",
    )
    assert second == Chapter("Second", ("Shown *stars*.",))


def test_no_markdown_takes_forever() -> None:
    for evil in ("*a" * 9_000, "[" * 9_000, "`" * 9_000, "<!--" * 9_000, "_ " * 9_000):
        assert len(plain(evil)) <= len(evil)  # unbounded patterns would take hours
        list(markdown_chapters(evil))


def test_no_line_of_markdown_takes_cubic_time() -> None:
    """Each of these took minutes or hours."""
    rows = ["# a" + " " * 50_000 + "x", "-" * 50_000 + "x", "| :" + "-" * 50_000 + ":x"]
    for evil in rows:
        (chapter,) = markdown_chapters(evil)
        assert "x" in chapter.text
    assert not list(markdown_chapters("|" + "-" * 50_000 + "|"))


def test_encodings_and_refusals(tmp_path: Path) -> None:
    encodings = {"a.txt": "utf-8", "b.txt": "utf-8-sig", "c.txt": "utf-16", "d.md": "utf-32"}
    for name, encoding in encodings.items():
        (tmp_path / name).write_bytes("café".encode(encoding))
        assert read_document(tmp_path / name).chapters[0].text == "café"
    (tmp_path / "old.txt").write_bytes("café".encode("cp1252"))
    with pytest.raises(TextError, match="'old.txt' isn't UTF-8 text .* --encoding cp1252"):
        read_document(tmp_path / "old.txt")
    assert read_document(tmp_path / "old.txt", encoding="latin-1").chapters[0].text == "café"
    (tmp_path / "empty.txt").write_bytes(b"\n\n ... \n")
    with pytest.raises(TextError, match="no text"):
        read_document(tmp_path / "empty.txt")
    with pytest.raises(TextError, match="convert it"):
        read_document(tmp_path / "a.pdf")
    with pytest.raises(TextError, match="No such file"):
        read_document(tmp_path / "lost.txt")
