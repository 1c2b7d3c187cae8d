"""Bytes that somebody calls text, as text: UTF-8, or what a mark or the caller says; never a guess.

A wrong guess is spoken: Latin-1 as "replacement character", a picture as minutes of noise.
"""

from __future__ import annotations

import codecs
import re

from voicelet.errors import TextError

# Longest first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# All but tab, line ends, form feed, ^Z (of DOS) and escape (of terminals).
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x19\x1c-\x1f\x7f]")
_TEXT_A_CONTROL = 50
"""Old files have a stray control here and there, which isn't spoken; a binary file is full of them
and has NUL, which text never has."""
_SAMPLE_BYTES = 4096


def check_encoding(name: str) -> str:
    """The name of an encoding of text, as Python spells it.

    Raises:
        TextError: Python has no such encoding, or it isn't one of text.
    """
    try:
        "a".encode(name)  # an empty text is never looked at
        return codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        raise TextError(
            f"there is no encoding {name[:40]!r} of text; try utf-8, latin-1, cp1252 or utf-16"
        ) from None


def mark_of(raw: bytes) -> tuple[str | None, int]:
    """The encoding that a byte order mark names, and its length; None and 0 without one."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return encoding, len(mark)
    return None, 0


def may_be_mark(start: bytes) -> bool:
    """Whether a byte order mark may go on after the first bytes of a text."""
    return any(mark.startswith(start) and mark != start for mark, _ in _MARKS)


def encoding_of(start: bytes, encoding: str | None = None) -> tuple[str, int]:
    """How to decode a text: Python's name of the encoding, and the length of the mark to leave out.

    Args:
        start: of the text, four bytes at least where it has them.
        encoding: that somebody asked for; None for what the mark says, else UTF-8.

    Raises:
        TextError: there is no such encoding.
    """
    marked, size = mark_of(start)
    if marked is not None and (encoding is None or _same_family(encoding, marked)):
        return marked, size
    return check_encoding(encoding or "utf-8"), 0


def decode_text(raw: bytes, what: str, encoding: str | None = None) -> str:
    """The text in `raw`.

    Args:
        raw: a whole file.
        what: its name, for messages.
        encoding: of the text; None for what its byte order mark says, else UTF-8.

    Raises:
        TextError: it is something else, or no text at all; the message says what to do.
    """
    name, size = encoding_of(raw, encoding)
    raw = raw[size:]
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise refusal(what, raw, f"line {line}", encoding) from None
    check_text(text, what, raw, encoding)
    return text


def check_text(
    text: str, what: str, raw: bytes = b"", encoding: str | None = None, *, first_line: int = 1
) -> None:
    """Refuse what decodes but isn't text.

    Raises:
        TextError: it is full of controls, as binary files are, or holds NUL, as UTF-16 does.
    """
    control = _CONTROLS.search(text)
    if control is None:
        return
    if "\0" in text or len(_CONTROLS.findall(text)) > 1 + len(text) // _TEXT_A_CONTROL:
        line = text.count("\n", 0, control.start()) + first_line
        raise refusal(what, raw or text.encode("utf-8", "replace"), f"line {line}", encoding)


def refusal(what: str, raw: bytes, where: str, encoding: str | None = None) -> TextError:
    """The error for bytes that aren't text in the encoding that was asked for.

    Args:
        what: the name of the file, for the message.
        raw: the bytes, or the first of them.
        where: the place of the fault, in words.
        encoding: that was asked for; None if none was.
    """
    sample = raw[:_SAMPLE_BYTES]
    asked = f"{encoding} text" if encoding else "UTF-8 text"
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 4 > len(sample) and min(even, odd) * 8 < max(even, odd):
        wide = "utf-16-be" if even > odd else "utf-16-le"
        return TextError(
            f"{what} isn't {asked} ({where}); it looks like UTF-16: add --encoding {wide}"
        )
    if len(_CONTROLS.findall(sample.decode("latin-1"))) * _TEXT_A_CONTROL > len(sample):
        return TextError(
            f"{what} isn't text, or not {asked} ({where}); give a text file, or say what it is"
            " written in with --encoding"
        )
    return TextError(
        f"{what} isn't {asked} ({where}); if it is in an older encoding, add --encoding cp1252"
        " (Western European) or the one it was saved in, or save it as UTF-8"
    )


def _same_family(encoding: str, marked: str) -> bool:
    """Whether an encoding that was asked for and the one of the mark agree."""
    asked = check_encoding(encoding)
    return marked == asked or marked.startswith(asked + "-") or asked == marked + "-sig"
