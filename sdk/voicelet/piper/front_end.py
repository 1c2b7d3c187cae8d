"""Front ends of voices that voicelet's English one can't speak for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from voicelet.errors import SsmlError, TextError
from voicelet.text.front_end import Ssml
from voicelet.text.reading import PLAIN, Reading
from voicelet.text.ssml import looks_like_ssml
from voicelet.text.words import PhoneClause, WordPhones

MAX_CHARS = 200
_SENTENCE = re.compile(r"[^.!?…。！？\n]*(?:[.!?…。！？]+[\"'”’»)]*|\n|\Z)")
_WORD = re.compile(r"\w[\w'’-]*")
_PAUSE_MS = 200


class CharacterFrontEnd:
    """Text as it is, sentence by sentence: for voices trained on characters."""

    def clauses(
        self, text: str, *, ssml: Ssml | None = None, reading: Reading = PLAIN
    ) -> Iterator[PhoneClause]:
        """Yield the sentences of a text; a very long one is cut at a space.

        Raises:
            TextError: `text` isn't a string, or its marks or capitals are to be spoken.
            SsmlError: SSML is asked for, which this voice doesn't read.
        """
        if not isinstance(text, str):
            raise TextError(f"the text must be a str, not {type(text).__name__}; decode it first")
        if reading != PLAIN:
            raise TextError(
                "this voice reads characters as they are and has no names for them; leave out "
                "punctuation, capitals and key"
            )
        if ssml is True or (ssml in (None, "auto") and looks_like_ssml(text)):
            raise SsmlError("this voice reads characters, not SSML; give plain text")
        return self._sentences(text)

    def _sentences(self, text: str) -> Iterator[PhoneClause]:
        for match in _SENTENCE.finditer(text):
            for start, end in _pieces(text, *match.span()):
                words = tuple(
                    WordPhones(w[0], w.span(), w.start() - start, w.end() - start)
                    for w in _WORD.finditer(text, start, end)
                )
                if words:
                    whole = end == match.end()
                    pause_ms = _PAUSE_MS if whole else 0
                    spoken = " ".join(text[start:end].split("\n"))
                    yield PhoneClause(spoken, words, pause_ms, sentence_end=whole)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end - start > MAX_CHARS:
        space = text.rfind(" ", start + 1, start + MAX_CHARS)
        cut = space if space > start else start + MAX_CHARS
        yield start, cut
        start = cut + (text[cut] == " ")
    yield start, end


class NoFrontEnd:
    """Refuses text in a language that voicelet can't read.

    Args:
        language: of the voice.
    """

    def __init__(self, language: str) -> None:
        self._language = language

    def clauses(
        self, text: str, *, ssml: Ssml | None = None, reading: Reading = PLAIN
    ) -> Iterator[PhoneClause]:
        """Raise.

        Raises:
            TextError: always.
        """
        raise TextError(
            f"this voice speaks {self._language!r}, and voicelet reads English texts only; give "
            "its phonemes (IPA) to synthesize_phones()"
        )
