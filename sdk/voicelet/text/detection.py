"""Which of a few languages a sentence is in, by its small words and its letters.

A sentence gets a point in a language for every word (or sign, such as "¿") that is one of the
language's commonest, and for every word with letters beyond a-z that are all of its alphabet; it
loses one for a word with a letter that the language hasn't.  The language before holds on unless
another one is clearly better, so that a name or a quoted word changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from voicelet.text.cleanup import SourcePiece
from voicelet.text.language import Language
from voicelet.text.ssml import Event, MarkEvent, TextEvent

MIN_WORDS = 2
"""A shorter sentence keeps the language of the one before."""
MAX_CHARS = 2000
"""So much of a sentence is looked at."""

_SENTENCE = re.compile(
    r"[^.!?…。！？\n]{1,4000}(?:[.!?…。！？]+[\"'”’»)\]]*(?=\s|$))?\s*|\s+|[.!?…。！？]+\s*"
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’](?=[^\W\d_]))?|[¿¡]")


class LanguageDetector:
    """Tells the languages of a voice apart.

    Args:
        languages: tag → language; the first is what a text begins with unless it is clear.
    """

    def __init__(self, languages: Mapping[str, Language]) -> None:
        self._tags = tuple(languages)
        self._words = [language.common_words for language in languages.values()]
        self._letters = [frozenset(x.normalization.letters) for x in languages.values()]

    def detect(self, sentence: str, previous: str) -> str:
        """The language of a sentence.

        Args:
            previous: of the sentence before; it is kept where nothing else is clearly better.
        """
        tokens = [t.lower().replace("’", "'") for t in _TOKEN.findall(sentence[:MAX_CHARS])]
        count = sum(token[0].isalpha() for token in tokens)
        if count < MIN_WORDS:
            return previous
        scores = {
            tag: self._score(tokens, self._words[n], self._letters[n])
            for n, tag in enumerate(self._tags)
        }
        best = max(self._tags, key=lambda tag: scores[tag])
        ranks = sorted(scores.values(), reverse=True)
        is_tie = len(ranks) > 1 and ranks[0] == ranks[1]
        # One small word may be a part of a name; of three words it is enough.
        if is_tie or scores[best] < min(2, max(1, count / 3)):
            return previous
        margin = 1 if scores.get(previous, 0) <= 0 else 2
        return best if scores[best] - scores.get(previous, 0) >= margin else previous

    @staticmethod
    def _score(tokens: Sequence[str], words: frozenset[str], letters: frozenset[str]) -> int:
        score = 0
        for token in tokens:
            if token in words:
                score += 1
            elif not token.isascii() and token not in "¿¡":
                strange = {c for c in token if not c.isascii() and c not in "'’"}
                score += 1 if strange <= letters else -1
        return score

    def stretches(self, text: str, first: str) -> Iterator[tuple[str, int, int]]:
        """Sentences of a text with their languages: tag, start, end; nothing is left out.

        Args:
            first: what holds before the first sentence that is clear.
        """
        tag = first
        for match in _SENTENCE.finditer(text):
            tag = self.detect(match[0], tag)
            yield tag, match.start(), match.end()

    def events(self, events: Sequence[Event], first: str) -> list[Event]:
        """SSML whose text has a language wherever it doesn't say one that isn't `first`."""
        found: list[Event] = []
        tag = first
        for is_text, group in groupby(events, lambda e: isinstance(e, (TextEvent, MarkEvent))):
            run = list(group)
            if not is_text:
                found += run
                continue
            texts = [e.piece.text for e in run if isinstance(e, TextEvent)]
            stretches = list(self.stretches("".join(texts), tag))
            tag = stretches[-1][0] if stretches else tag
            place = 0
            for event in run:
                if not isinstance(event, TextEvent):
                    found.append(event)
                    continue
                end = place + len(event.piece.text)
                if event.style.language is None:
                    found += _cut(event, place, stretches, first)
                else:
                    found.append(event)
                place = end
        return found


def _cut(
    event: TextEvent, place: int, stretches: Sequence[tuple[str, int, int]], first: str
) -> Iterator[TextEvent]:
    """A text event in parts of one language each; `place` is where it begins."""
    piece = event.piece
    size = len(piece.text)
    inside = [(tag, max(a, place), min(b, place + size)) for tag, a, b in stretches]
    inside = [(tag, a, b) for tag, a, b in inside if a < b]
    if piece.end - piece.start != size:  # an entity
        inside = [(inside[0][0], place, place + size)]
    for tag, group in groupby(inside, lambda part: part[0]):
        parts = list(group)
        start, end = parts[0][1] - place, parts[-1][2] - place
        text = piece.text[start:end]
        source = piece
        if len(text) != size:
            source = SourcePiece(text, piece.start + start, piece.start + end)
        style = event.style if tag == first else replace(event.style, language=tag)
        yield TextEvent(source, style)
