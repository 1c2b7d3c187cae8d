"""Books that mean harm, or are written by careless tools: bounded work, and a clear word."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.text.test_document import CONTAINER, ONE, OPF, book
from voicelet.errors import TextError
from voicelet.text import epub, markup
from voicelet.text.epub import read_epub


def page(body: str, **changes: bytes | str | None) -> bytes:
    return book(**{"OPS/text/one.xhtml": body, "OPS/text/two b.xhtml": None, **changes})


def spoken(raw: bytes) -> str:
    return "\n".join(chapter.text for chapter in read_epub(raw, "x.epub").chapters)


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each read of an archive gave."""
    sizes: list[int] = []
    read = zipfile.ZipExtFile.read

    def counted(self: zipfile.ZipExtFile, n: int | None = -1) -> bytes:
        data = read(self, n)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    return sizes


def test_a_page_named_a_thousand_times_is_read_once(unpacked: list[int]) -> None:
    long = "<p>" + "word " * 20_000 + "</p>"
    again = OPF.replace('<itemref idref="a"/>', '<itemref idref="a"/>' * 1000)
    aliases = "".join(f'<item id="a{i}" href="text/../text/one.xhtml"/>' for i in range(1000))
    again = again.replace("</manifest>", aliases + "</manifest>")
    again = again.replace("</spine>", "".join(f'<itemref idref="a{i}"/>' for i in range(1000)))
    raw = page(long, **{"OPS/book.opf": again})
    assert len(raw) < 20_000
    assert spoken(raw).count("word") == 20_000
    assert sum(unpacked) < 2 * len(long) + len(again)


@pytest.mark.parametrize(
    "evil", ["<a ", "<a b='", "<![CDATA[", "<!--", "<?", "<svg>", "<b>", "<p>"]
)
def test_two_megabytes_of_unclosed_tags_are_gone_through_once(
    evil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    past, start = markup._past, markup._start_tag

    def counted_past(source: str, stop: str, at: int) -> int:
        nonlocal steps
        end = past(source, stop, at)
        steps += end - at
        return end

    def counted_start(source: str, name: Any, reader: Any) -> int:
        nonlocal steps
        end = start(source, name, reader)
        steps += end - name.start()
        return end

    monkeypatch.setattr(markup, "_past", counted_past)
    monkeypatch.setattr(markup, "_start_tag", counted_start)
    body = "<p>Hello there.</p>" + evil * ((2 << 20) // len(evil))
    raw = page(body)
    assert len(raw) < 30_000
    assert spoken(raw).startswith("Hello there.")
    assert 0 < steps <= 3 * len(body)


def test_cdata_is_text_and_odd_declarations_are_skipped() -> None:
    """Some of these ended html.parser with an AssertionError."""
    for evil in (
        "<![CDATA[Hello <there>]]>",
        "Hello <![if !IE]>&lt;there><![endif]>",
        "Hello <![x[> &lt;there>",
        "Hello <!>&lt;there>",
        "Hello <![CDATA[<there>",
    ):
        assert spoken(page(f"<p>{evil}</p>")).startswith("Hello <there>")


def lying(raw: bytes, name: bytes, size: int) -> bytes:
    """With another size in the directory, where readers look."""
    at = raw.rindex(name, 0, raw.rindex(b"PK\x05\x06")) - 46
    assert raw[at : at + 4] == b"PK\x01\x02"
    return raw[: at + 24] + struct.pack("<I", size) + raw[at + 28 :]


def test_no_more_is_unpacked_than_the_directory_says(
    monkeypatch: pytest.MonkeyPatch, unpacked: list[int]
) -> None:
    given = 0
    make = zipfile._get_decompressor  # type: ignore[attr-defined]

    class Counted:
        def __init__(self, *kind: Any) -> None:
            self._inner = make(*kind)

        def decompress(self, *arguments: Any) -> bytes:
            nonlocal given
            data: bytes = self._inner.decompress(*arguments)
            given += len(data)
            return data

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    monkeypatch.setattr(zipfile, "_get_decompressor", Counted)
    bomb = page("<p>" + "a " * (100 << 20) + "</p>")
    with pytest.raises(TextError, match=r"damaged|larger than"):
        read_epub(lying(bomb, b"OPS/text/one.xhtml", 1000), "x.epub")
    assert given < 1 << 20


def test_limits_are_said() -> None:
    with pytest.raises(TextError, match="larger than 8 MB"):
        read_epub(page(" " * (9 << 20)), "x.epub")
    pages = {f"OPS/p{i}.xhtml": " " * (8 << 20) for i in range(9)}
    items = "".join(f'<item id="p{i}" href="p{i}.xhtml"/>' for i in range(9))
    spine = "".join(f'<itemref idref="p{i}"/>' for i in range(9))
    with pytest.raises(TextError, match="more than 64 MB of text"):
        read_epub(book(**{"OPS/book.opf": f"<package>{items}{spine}</package>", **pages}), "x")
    with pytest.raises(TextError, match="500000 paragraphs"):
        read_epub(page("<p>a" * 600_000), "x.epub")
    with pytest.raises(TextError, match="lists more files"):
        read_epub(page("", **{"OPS/book.opf": "<item/>" * 60_001}), "x.epub")


def test_a_directory_of_many_files_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(epub.MAX_ENTRIES + 1):
            archive.writestr(f"{number}", b"")

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the directory was read")

    monkeypatch.setattr(zipfile.ZipFile, "__init__", never)
    with pytest.raises(TextError, match="more than 20000 files"):
        read_epub(out.getvalue(), "x.epub")


def test_thousands_of_chapters_take_one_look_each(monkeypatch: pytest.MonkeyPatch) -> None:
    names = 0
    namelist = zipfile.ZipFile.namelist

    def counted(self: zipfile.ZipFile) -> list[str]:
        nonlocal names
        names += len(namelist(self))
        return namelist(self)

    monkeypatch.setattr(zipfile.ZipFile, "namelist", counted)
    count = 5000
    items = "".join(f'<item id="p{i}" href="p{i}"/>' for i in range(count))
    spine = "".join(f'<itemref idref="p{i}"/>' for i in range(count))
    pages = {f"OPS/p{i}": f"<p>Page {i}.</p>" for i in range(count)}
    raw = book(**{"OPS/book.opf": f"<package>{items}{spine}</package>", **pages})
    assert len(read_epub(raw, "x.epub").chapters) == count
    assert names < 2 * count


def test_methods_that_the_format_lacks_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        for name, text in (("META-INF/container.xml", CONTAINER), ("OPS/book.opf", OPF)):
            archive.writestr(name, text)
    with pytest.raises(TextError, match="compressed in a way that EPUB doesn't allow"):
        read_epub(out.getvalue(), "x.epub")


def test_names_are_shortened_in_messages_and_titles_are_bounded() -> None:
    far = f'<container><rootfile full-path="{"x" * 60_000}"/></container>'
    with pytest.raises(TextError) as caught:
        read_epub(page("", **{"META-INF/container.xml": far}), "x.epub")
    assert len(str(caught.value)) < 300
    wordy = OPF.replace("The Lamp", "The " * 50_000)
    assert len(read_epub(page(ONE, **{"OPS/book.opf": wordy}), "x.epub").title) <= 500


def test_a_page_says_its_own_encoding() -> None:
    text = "<p>Žluťoučký café</p>"
    head = '<?xml version="1.0" encoding="{}"?>'
    for name in ("iso-8859-2", "windows-1250", "UTF-16", "utf-8"):
        raw = page((head.format(name) + text.replace("é", "é")).encode(name))
        assert spoken(raw) == "Žluťoučký café"
    odd = (head.format("punycode") + "<p>café</p>").encode("cp1252")
    assert spoken(page(odd)) == "café"


def test_what_is_encrypted_or_no_text_is_not_read_as_noise() -> None:
    listed = (
        '<encryption><EncryptedData xmlns:enc="x"><enc:CipherData><enc:CipherReference'
        ' URI="OPS/text/one.xhtml"/></enc:CipherData></EncryptedData></encryption>'
    )
    with pytest.raises(TextError, match="encrypted"):
        read_epub(page(ONE, **{"META-INF/encryption.xml": listed}), "x.epub")
    fonts = listed.replace("text/one.xhtml", "font.otf")
    assert "late" in spoken(page(ONE, **{"META-INF/encryption.xml": fonts}))
    with pytest.raises(TextError, match="isn't text"):
        read_epub(page(bytes(range(256)) * 40), "x.epub")  # type: ignore[arg-type]


def test_a_nested_document_is_read(tmp_path: Path) -> None:
    assert spoken(page("<div>" * 5000 + "deep" + "</div>" * 5000)) == "deep"
    assert spoken(page("<svg>" * 50_000 + "x" + "</svg>" * 50_000 + "<p>seen</p>")) == "seen"
    assert spoken(page("<head><rt>" * 50_000 + "</svg>" * 50_000)) == ""
