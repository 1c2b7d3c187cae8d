"""Text that arrives little by little, cut into pieces that can be spoken before the rest is there.

What ends a sentence is for the front end to say ("Dr. Smith" holds no end); this asks it about the
neighbourhood of every mark that may be one.  A sentence is over when a word of the next one is
there or a line ends after it, a paragraph with an empty line, an SSML document with its last tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from voicelet.text.front_end import clauses
from voicelet.text.language import Language
from voicelet.text.pack.packaged import find_language
from voicelet.text.ssml import looks_like_ssml

MAX_PIECE_CHARS = 1 << 14
"""Text without an end of a sentence is cut at a blank when there is this much of it."""
MAX_SSML_CHARS = 2_000_000
_NEIGHBOURHOOD_CHARS = 120
_MARKS_ASKED = 8
"""How many marks at the end are asked about at a time; where none of them ends a sentence, the
cut is made when more has arrived."""
_PROLOGUE_CHARS = 3000
"""An SSML document's root stands within this much of it."""
# The blanks after the mark and the whole next word are looked at, but don't belong to the match.
_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*(?=(?P<gap>\s+)(?P<next>\S+)\s|(?P<line>[ \t\r]*\n))")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*")
_ROOT = re.compile(r"<(?:speak(?:[\s/>]|$)|\?xml|!--)")
_LAST_TAG = re.compile(r"</speak\s*>")


class SentenceSplitter:
    """Takes text as it comes and gives whole sentences, in order, with nothing left out.

    Args:
        language: of the text; None is the default one.
        lines: give each line as soon as it ends instead.
        ssml: all of the text is one SSML document without a root, to be given at the end.
    """

    def __init__(
        self, language: Language | None = None, *, lines: bool = False, ssml: bool = False
    ) -> None:
        self._language = language or find_language()
        starters = self._language.normalization.sentence_starters
        self._opener = max(starters, key=lambda word: (len(word), word), default="Ba")
        """Begins a sentence, to ask whether what stands before it is one."""
        self._lines = lines
        self._whole = ssml and not lines
        self._rest = ""
        self._seen = 0
        """How much of the rest was looked through for an end, without finding one."""
        self._refused = -1
        """Marks up to here don't end a sentence."""

    def feed(self, text: str) -> Iterator[str]:
        """Add text; yields what is complete now: none, one or several sentences a piece."""
        self._rest += text
        while cut := self._cut():
            piece, self._rest = self._rest[:cut], self._rest[cut:]
            self._seen, self._refused = 0, -1
            yield piece

    def flush(self) -> Iterator[str]:
        """The text is over; yields what is left of it."""
        piece, self._rest = self._rest, ""
        if piece:
            yield piece

    def _cut(self) -> int:
        """Where what is complete ends; 0 if nothing is."""
        rest, seen = self._rest, self._seen
        self._seen = len(rest)
        if self._lines:
            return rest.find("\n", seen) + 1 or self._cut_if_long(MAX_PIECE_CHARS)
        if self._whole:
            return self._cut_if_long(MAX_SSML_CHARS)
        if _may_be_ssml(rest):
            if looks_like_ssml(rest):
                tag = None
                if ">" in rest[seen:]:
                    tag = _LAST_TAG.search(rest, max(0, rest.rfind("<", 0, seen)))
                return tag.end() if tag else self._cut_if_long(MAX_SSML_CHARS)
            if len(rest) < _PROLOGUE_CHARS:
                return 0
        new = rest[seen:]
        if not new or (new[-1].isalnum() and new.isalnum()):
            return self._cut_if_long(MAX_PIECE_CHARS)  # nothing ends amid a word
        end = 0
        if "\n" in new:
            for paragraph in _PARAGRAPH.finditer(rest, max(0, rest.rfind("\n", 0, seen))):
                end = paragraph.end()
        # A mark that was seen may have waited for the word after it.
        start = max(end, _before_two_words(rest[:seen]))
        marks = [m for m in _END.finditer(rest, start) if m.start() > self._refused]
        for mark in marks[: -_MARKS_ASKED - 1 : -1]:
            if cut := self._cut_at(mark):
                return cut
        # At the end of a line the next word wasn't there yet, and may tell more.
        self._refused = max((m.start() for m in marks if m["line"] is None), default=self._refused)
        return end or self._cut_if_long(MAX_PIECE_CHARS)

    def _cut_at(self, mark: re.Match[str]) -> int:
        """Where the next sentence begins, if a sentence ends with this mark; else 0."""
        rest = self._rest
        start = 0
        if mark.start() > _NEIGHBOURHOOD_CHARS:
            start = mark.start() - _NEIGHBOURHOOD_CHARS
            start += len(rest[start : mark.end()]) - len(rest[start : mark.end()].lstrip())
            start = rest.find(" ", start, mark.start()) + 1 or start
        cut, following = mark.end("line"), self._opener
        if mark["line"] is None:
            cut, following = mark.end("gap"), mark["next"][:_NEIGHBOURHOOD_CHARS]
        before = cut - start
        probe = rest[start:cut] + following
        is_over = False
        for clause in clauses(probe, ssml=False, inline_phones=False, language=self._language):
            spans = [token.span for token in clause.tokens if hasattr(token, "span")]
            if not spans:
                continue
            if spans[0][0] >= before:
                return cut if is_over else 0
            is_over = clause.sentence_end and spans[-1][1] <= before
        return 0

    def _cut_if_long(self, limit: int) -> int:
        if len(self._rest) < limit:
            return 0
        return max(self._rest.rfind(c, 1, limit) for c in " \t\n") + 1 or limit


def _may_be_ssml(text: str) -> bool:
    """Whether text begins, or may go on, as an SSML document does."""
    head = text[:_PROLOGUE_CHARS].lstrip("\ufeff \t\r\n")
    if len(head) < len("<speak") and head:
        return any(opening.startswith(head) for opening in ("<speak", "<?xml", "<!--"))
    return _ROOT.match(head) is not None


def _before_two_words(text: str) -> int:
    """Where the last two words of a text begin, and the blanks before them."""
    parts = text.rsplit(None, 2)
    return len(parts[0]) if len(parts) == 3 else 0
