"""Documents to read aloud: plain text, Markdown and EPUB, cut into chapters.

What is for the eye only (images, code, link targets, table rules) is left out; what is left is
paragraphs, which the front end separates by longer pauses than sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from voicelet.errors import TextError
from voicelet.text.chapters import MAX_TITLE_CHARS, Chapter, Document
from voicelet.text.encoding import decode_text
from voicelet.text.language import Language
from voicelet.text.pack.packaged import find_language

__all__ = ["Chapter", "Document", "chapters_of", "markdown_chapters", "plain", "read_document"]

SUFFIXES = (".txt", ".text", ".md", ".markdown", ".epub")
MAX_BYTES = 64 << 20


def read_document(
    path: str | Path, language: Language | None = None, *, encoding: str | None = None
) -> Document:
    """Read a .txt, .md or .epub file.

    Args:
        language: whose headings part plain text into chapters; None is the default one.
        encoding: of a .txt or .md file, such as "cp1252"; None for what its byte order mark says,
            else UTF-8.  An .epub says its own.

    Raises:
        TextError: it can't be read, is larger than 64 MB, is damaged, holds no text or is in
            another encoding.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise TextError(f"{file.name!r}: voicelet reads {', '.join(SUFFIXES)}; convert it first")
    if suffix == ".epub" and encoding is not None:
        raise TextError(
            f"{file.name!r}: an .epub says what it is written in; leave the encoding out"
        )
    try:
        with file.open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TextError(f"{file.name!r}: {reason}; check the path") from None
    if len(raw) > MAX_BYTES:
        raise TextError(f"{file.name!r} is larger than {MAX_BYTES >> 20} MB; split it")
    if suffix == ".epub":
        from voicelet.text.epub import read_epub

        document = read_epub(raw, file.name)
    else:
        text = decode_text(raw, repr(file.name), encoding)
        marked = suffix in (".md", ".markdown")
        chapters = markdown_chapters(text) if marked else chapters_of(text, language)
        document = Document("", "", tuple(chapters))
    if not document.chapters:
        raise TextError(f"{file.name!r} holds no text that can be spoken")
    return document


def chapters_of(text: str, language: Language | None = None) -> Iterator[Chapter]:
    """Plain text: blank lines part paragraphs; a short line such as "Chapter 3" heads a chapter.

    Args:
        language: that the text is in; None is the default one.
    """
    is_heading = (language or find_language()).chapter_heading.fullmatch
    title, paragraphs = "", list[str]()
    for block in re.split(r"\n[ \t]*\n+", text.replace("\r\n", "\n").replace("\r", "\n")):
        paragraph = " ".join(block.split())
        if paragraph and len(paragraph) <= MAX_TITLE_CHARS and is_heading(paragraph):
            yield from _chapter(title, paragraphs)
            title, paragraphs = paragraph, []
        elif paragraph:
            paragraphs.append(paragraph)
    yield from _chapter(title, paragraphs)


_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_ATX = re.compile(r" {0,3}(#{1,6})[ \t](.*)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(.*)")
_REFERENCE = re.compile(r" {0,3}\[[^\]\n]{1,200}\]:[ \t]*\S+.*")


def markdown_chapters(text: str) -> Iterator[Chapter]:
    """Markdown: headings of the first two levels begin chapters, deeper ones are paragraphs."""
    title, paragraphs, open_block = "", list[str](), list[str]()
    fence = ""

    def close() -> None:
        paragraph = plain(" ".join(open_block))
        open_block.clear()
        if paragraph:
            paragraphs.append(paragraph)

    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        mark = _FENCE.match(line)
        if fence or mark:  # code isn't read
            if mark and not fence:
                close()
                fence = mark[1]
            elif mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
            continue
        heading = _ATX.fullmatch(line)
        underline = _UNDERLINE.fullmatch(line)
        if heading is not None or (underline is not None and len(open_block) == 1):
            level = len(heading[1]) if heading else 1 + (underline is not None and "-" in line)
            words = plain(_without_closing(heading[2]) if heading else open_block.pop())
            close()
            if level <= 2:
                yield from _chapter(title, paragraphs)
                title, paragraphs = words[:MAX_TITLE_CHARS], []
            elif words:
                paragraphs.append(words if words[-1] in ".!?:…" else words + ".")
        elif not line.strip() or _RULE.fullmatch(line) or _is_table_rule(line):
            close()
        elif _REFERENCE.fullmatch(line):
            continue
        elif (item := _ITEM.fullmatch(line)) is not None:
            close()
            open_block.append(item[1])
        elif line.lstrip().startswith("|"):
            close()
            cells = ", ".join(c.strip() for c in line.strip().strip("|").split("|"))
            open_block.append(cells)
        else:
            open_block.append(re.sub(r"^[ \t]*(?:>[ \t]?)+", "", line).strip())
    close()
    yield from _chapter(title, paragraphs)


def _without_closing(heading: str) -> str:
    """Without the "##" that may close a heading.  A pattern for this takes cubic time."""
    return heading.strip(" \t").rstrip("#").rstrip(" \t")


def _is_table_rule(line: str) -> bool:
    """Whether a line is the rule below the head of a table, or another row of dashes."""
    return "--" in line and not line.strip(" \t:|-")


# Repetitions are bounded: hostile text must not cost quadratic time.
_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<!--.{0,1000}?-->", re.DOTALL), " "),
    (re.compile(r"!\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"\[([^\]\n]{1,500})\]\([^)\n]{0,2000}\)"), r"\1"),
    (re.compile(r"\[([^\]\n]{1,500})\]\[[^\]\n]{0,200}\]"), r"\1"),
    (re.compile(r"\[\^[^\]\n]{1,50}\]"), ""),
    (re.compile(r"<((?:https?|mailto):[^>\s]{1,500})>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^>\n]{0,500}>"), " "),
    (re.compile(r"(`{1,3})(.{1,500}?)\1"), r"\2"),
    (re.compile(r"(?<!\\)(\*{1,3})(?=\S)(.{1,500}?)(?<=[^\s\\])\1"), r"\2"),
    (re.compile(r"(?<!\w)(_{1,3})(?=\S)(.{1,500}?)(?<=\S)\1(?!\w)"), r"\2"),
    (re.compile(r"~~(?=\S)(.{1,500}?)(?<=\S)~~"), r"\1"),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)


def plain(markdown: str) -> str:
    """Inline Markdown as the words that are seen."""
    for pattern, words in _INLINE:
        markdown = pattern.sub(words, markdown)
    return " ".join(markdown.split())


def _chapter(title: str, paragraphs: Iterable[str]) -> Iterator[Chapter]:
    spoken_paragraphs = tuple(p for p in paragraphs if any(c.isalnum() for c in p))
    if spoken_paragraphs or any(c.isalnum() for c in title):
        yield Chapter(title, spoken_paragraphs)
