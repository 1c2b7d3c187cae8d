"""The text of a command: from the command line, a file, or standard input as it arrives."""

from __future__ import annotations

import argparse
import codecs
import os
import stat
import sys
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from voicelet.errors import ConfigError, TextError
from voicelet.text.encoding import check_text, decode_text, encoding_of, may_be_mark, refusal

if TYPE_CHECKING:
    from voicelet.text.language import Language

MAX_TEXT_BYTES = 16 << 20
_STANDARD_INPUT = "the text on standard input"
_CHUNK_BYTES = 1 << 12
"""A whole book may be waiting; its first sentence needn't wait while the rest is looked through."""


def add_text_options(parser: argparse.ArgumentParser) -> None:
    """Add `TEXT`, `--file` and `--encoding`."""
    parser.add_argument("text", nargs="*", metavar="TEXT", help="the text; - reads standard input")
    parser.add_argument("-f", "--file", metavar="FILE", help="read the text from a file")
    add_encoding_option(parser)


def add_encoding_option(parser: argparse.ArgumentParser) -> None:
    """Add `--encoding`."""
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="of the text that is read, such as cp1252, latin-1 or utf-16 (default: UTF-8, or what"
        " its byte order mark says)",
    )


def read_text(args: argparse.Namespace) -> str:
    """Return the text of the command line, of a file or of all of standard input (`-`).

    Raises:
        ConfigError: neither or both were given, or the file can't be read.
        TextError: the text is larger than 16 MB, or isn't text in the encoding.
    """
    words: list[str] = args.text
    if args.file is not None and words:
        raise ConfigError("give the text or --file, not both")
    if args.file is None and not words:
        raise ConfigError("nothing to say; give a text, - for standard input, or --file FILE")
    if args.file is None and words != ["-"]:
        return _of_words(" ".join(words), args.encoding)
    standard = args.file is None or args.file == "-"
    try:
        if standard:
            raw = _standard_input().read(MAX_TEXT_BYTES + 1)
        else:
            with open(args.file, "rb") as source:
                raw = source.read(MAX_TEXT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(args.file or "-", error) from None
    if len(raw) > MAX_TEXT_BYTES:
        raise TextError(f"the text is larger than {MAX_TEXT_BYTES >> 20} MB; split it")
    return decode_text(raw, _STANDARD_INPUT if standard else repr(args.file), args.encoding)


def arrives(args: argparse.Namespace) -> bool:
    """Whether the text comes through a pipe or a terminal, to be read with :func:`pieces`."""
    if not (args.text == ["-"] and args.file is None) and not (args.file == "-" and not args.text):
        return False
    try:
        return not stat.S_ISREG(os.fstat(_standard_input().fileno()).st_mode)
    except (OSError, ValueError):
        return True


def is_marks(piece: str) -> bool:
    """Whether a piece holds nothing but punctuation, signs of ASCII and blanks; never controls."""
    return bool(piece.strip()) and all(
        c.isspace() or unicodedata.category(c)[0] == "P" or (" " < c <= "~" and not c.isalnum())
        for c in piece
    )


def pieces(args: argparse.Namespace, language: Language, *, lines: bool) -> Iterator[str]:
    """Sentences of standard input, or its lines, each as soon as it has arrived.

    A piece that isn't text holds lone surrogates or controls; :func:`check_piece` refuses it.

    Raises:
        ConfigError: it can't be read.
        TextError: there is no such encoding, or what was decoded can't go on.
    """
    from voicelet.text.sentences import SentenceSplitter

    splitter = SentenceSplitter(language, lines=lines, ssml=args.ssml)
    source, decoder, start = _standard_input(), None, b""
    over = False
    while not over:
        try:
            raw = source.read1(_CHUNK_BYTES)  # type: ignore[attr-defined]
        except (OSError, ValueError) as error:
            raise _unreadable("-", error) from None
        over = not raw
        if decoder is None:
            start += raw
            if not over and may_be_mark(start):
                continue  # the rest of a byte order mark may be on its way
            name, size = encoding_of(start, args.encoding)
            raw = start[size:]
            # Strange bytes become lone surrogates, so that one line of them doesn't end it all.
            decoder = codecs.getincrementaldecoder(name)("surrogateescape")
        try:
            text = decoder.decode(raw, final=over)
        except UnicodeError:
            raise refusal(_STANDARD_INPUT, raw, "in the midst of it", args.encoding) from None
        yield from splitter.feed(text)
    yield from splitter.flush()


def check_piece(piece: str, line: int, encoding: str | None) -> None:
    """Refuse a piece that isn't text.

    Args:
        line: that it begins in, from 1.

    Raises:
        TextError: see `encoding.check_text`.
    """
    if any("\udc80" <= c <= "\udcff" for c in piece):
        raw = piece.encode("utf-8", "surrogateescape")
        raise refusal(_STANDARD_INPUT, raw, f"line {line}", encoding)
    check_text(piece, _STANDARD_INPUT, encoding=encoding, first_line=line)


def _of_words(text: str, encoding: str | None) -> str:
    """Arguments that aren't UTF-8 arrive with lone surrogates."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        pass
    try:
        raw = os.fsencode(text)
    except UnicodeEncodeError:
        raise TextError("the text on the command line isn't Unicode; use --file") from None
    return decode_text(raw, "the text on the command line", encoding)


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise ConfigError("standard input is closed; give a text or --file FILE")
    return sys.stdin.buffer


def _unreadable(name: str, error: Exception) -> ConfigError:
    reason = getattr(error, "strerror", None) or error
    return ConfigError(f"{name!r}: {reason}; check the path")
