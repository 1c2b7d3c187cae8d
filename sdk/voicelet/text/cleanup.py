"""Unicode clean-up: whatever a caller sends becomes a small, known alphabet, with a map back.

After clean-up a text holds Latin letters (composed, accents kept), ASCII digits and punctuation, a
few symbols that the rules read aloud (½ ² × …), letters of other scripts and emoji, single spaces
and newlines.  NFKC is applied cluster by cluster, except where it would change what is said
("2½" must not become "21/2").  Everything invisible goes: controls, NUL, zero-width and
right-to-left marks, lone surrogates, private and unassigned code points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

CHUNK_CHARS = 2048
"""Characters of the source that are cleaned at a time."""

_MAX_CLUSTER = 32
_PLAIN_RUN = re.compile(r"[!-_a-~]+(?: [!-_a-~]+)*")

_SAME = frozenset("…¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞²³¹⁰⁴⁵⁶⁷⁸⁹⁻⁺™©®ªº№℠")
"""Kept as they are, since NFKC would lose what they mean; rules of a language read them."""

_TABLE = {
    **dict.fromkeys("‘’‚‛′ʹʻʼʽˈ`´＇", "'"),
    **dict.fromkeys("“”„‟«»″‹›〝〞「」『』", '"'),
    **dict.fromkeys("‐‑\u00ad", "-"),
    **dict.fromkeys("‒–", "–"),
    **dict.fromkeys("―⸺⸻", "—"),
    **dict.fromkeys("\r\n\x0b\x0c\x85\u2028", "\n"),
    "\u2029": "\n\n",
    "\t": " ",
    "\u00ad": "",
    "、": ",",
    "。": ".",
    "،": ",",
    "؛": ";",
    "؟": "?",
    "।": ".",
    "⁄": "/",
    "ﬀ": "ff",
    "℠": "",
}


@dataclass(frozen=True)
class SourcePiece:
    """A stretch of source: `text` stands at `start:end` of the caller's text.

    Where the lengths agree, character i stands at `start + i`; otherwise (an XML entity) every
    character maps to the whole stretch.
    """

    text: str
    start: int
    end: int


@dataclass
class Cleaned:
    """Clean text with, for every character, where it came from.

    Attributes:
        text: the clean characters.
        starts, ends: character i came from `source[starts[i]:ends[i]]`.
    """

    text: str = ""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


def plain_pieces(text: str, start: int = 0, stop: int | None = None) -> Iterator[SourcePiece]:
    """Cut `text[start:stop]` into pieces of about :data:`CHUNK_CHARS`, never inside a character
    cluster."""
    stop = len(text) if stop is None else stop
    while start < stop:
        end = min(start + CHUNK_CHARS, stop)
        limit = min(end + _MAX_CLUSTER, stop)
        while end < limit and _continues(text[end]):
            end += 1
        yield SourcePiece(text[start:end], start, end)
        start = end


def _continues(char: str) -> bool:
    return char in "\u200d\ufe0e\ufe0f\n" or unicodedata.combining(char) != 0


@lru_cache(maxsize=4096)
def _clean_cluster(cluster: str) -> str:
    base = cluster[0]
    if base in _TABLE:
        return _TABLE[base]
    if base in _SAME:
        return base
    category = unicodedata.category(base)
    if category[0] == "Z":
        return " "
    if category[0] == "C":
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(base))
    chars = []
    for char in unicodedata.normalize("NFKC", cluster):
        kind = unicodedata.category(char)
        if kind[0] in "MC":
            continue
        chars.append(" " if kind[0] == "Z" else _TABLE.get(char, char))
    return "".join(chars)


class Cleaner:
    """Cleans pieces one after another; white space is collapsed across their borders too.

    Args:
        newlines: keep line and paragraph breaks; otherwise (XML) they are spaces.
        table: character → what it becomes in this language.
    """

    def __init__(self, newlines: bool = True, table: Mapping[str, str] | None = None) -> None:
        self._newlines = newlines
        self._table = table or {}
        self._blank = ""
        """White space seen but not yet given out: "", " ", "\\n" or "\\n\\n"."""
        self._at = (0, 0)
        self._begun = False
        self._carriage = False

    def clean(self, pieces: Iterable[SourcePiece]) -> Iterator[Cleaned]:
        """Yield the clean text of each piece, in order; white space at both ends is dropped."""
        for piece in pieces:
            yield self._clean_piece(piece)

    def _clean_piece(self, piece: SourcePiece) -> Cleaned:
        cleaned = Cleaned()
        parts: list[str] = []
        text, exact = piece.text, len(piece.text) == piece.end - piece.start
        i = 0
        while i < len(text):
            run = _PLAIN_RUN.match(text, i)
            stop = run.end() if run else i
            if stop < len(text) and unicodedata.combining(text[stop]):
                stop -= 1  # a combining mark belongs to the letter before it
            if run and stop > i and text[stop - 1] != " ":
                self._flush(parts, cleaned)
                parts.append(text[i:stop])
                i = stop
                if exact:
                    cleaned.starts.extend(range(piece.start + run.start(), piece.start + i))
                    cleaned.ends.extend(range(piece.start + run.start() + 1, piece.start + i + 1))
                else:
                    cleaned.starts.extend([piece.start] * (i - run.start()))
                    cleaned.ends.extend([piece.end] * (i - run.start()))
                continue
            j = i + 1
            limit = min(len(text), i + _MAX_CLUSTER)
            while j < limit and unicodedata.combining(text[j]):
                j += 1
            start, end = (piece.start + i, piece.start + j) if exact else (piece.start, piece.end)
            char = text[i]
            # "\r\n" is one line break, not two.
            if char == "\n" and self._carriage:
                clean = ""
            elif char in self._table:
                clean = self._table[char]
            else:
                clean = _clean_cluster(text[i : min(j, i + 4)])
            self._carriage = char == "\r"
            for c in clean:
                if c in " \n":
                    self._space(c, start, end)
                else:
                    self._flush(parts, cleaned)
                    parts.append(c)
                    cleaned.starts.append(start)
                    cleaned.ends.append(end)
            i = j
        cleaned.text = "".join(parts)
        return cleaned

    def _space(self, char: str, start: int, end: int) -> None:
        if char == "\n" and self._newlines:
            self._blank = "\n\n" if "\n" in self._blank else "\n"
        elif not self._blank:
            self._blank = " "
        self._at = (start, end)

    def _flush(self, parts: list[str], cleaned: Cleaned) -> None:
        if self._blank and self._begun:
            parts.append(self._blank)
            cleaned.starts.extend([self._at[0]] * len(self._blank))
            cleaned.ends.extend([self._at[1]] * len(self._blank))
        self._blank = ""
        self._begun = True
        self._carriage = False
