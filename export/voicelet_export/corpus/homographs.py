"""Sentences with homographs whose reading is known, to train and to measure the choice of reading.

Two kinds of file are read:

- WikipediaHomographData (Gorman, Mazovetskiy and Nikolaev 2018, Apache-2.0):
  `homograph TAB wordid TAB start_byte TAB end_byte TAB sentence`, with a heading.
- Spoken-style sentences: `word TAB sense TAB sentence`, no heading; the word's first occurrence in
  the sentence is meant.

Both are read as the product reads them: normalized, cut into clauses, the words in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from voicelet.text.front_end import clauses
from voicelet.text.phonemize import to_key
from voicelet.text.rules import word_set
from voicelet.text.words import Word
from voicelet_export.errors import CorpusError

_SENSES = {
    "aged": "past", "blessed_vrb": "past", "learned_vrb": "past", "animate_adj-nou": "adj",
    "august": "noun", "august_nam": "name", "axes_nou-vrb": "ax",
    "bass": "music", "bass_corp": "fish", "bologna": "food", "bologna_geo": "name",
    "bow_nou-ship": "verb", "celtic": "adj", "celtic_adj-nou-sports": "sport",
    "close_adj-nou": "adj",
    "content_adj-nou-vrb": "adj", "correlate_nou-vrb": "verb", "intrigue_nou-vrb": "verb",
    "jesus": "name", "jesus_es": "spanish", "job": "noun", "job_bible": "name",
    "lead_nou": "metal", "lead_nou-vrb": "verb", "mate": "noun", "mate_nou": "drink",
    "mobile": "adj", "mobile_geo": "city", "mobile_nou-art": "art", "polish_geo": "name",
    "ravel_nou": "verb", "read_past": "past", "read_present": "present", "reading_en": "noun",
    "reading_geo": "name", "rerelease": "noun", "rodeo": "noun", "rodeo_geo": "name",
    "row_1": "line", "row_2": "quarrel", "sake": "noun", "sake_jp": "drink",
    "wound_nou-vrb": "noun", "wound_vrb": "past", "affect": "verb", "compress": "verb",
    "dove": "noun", "isolate": "verb", "minute": "noun", "sow": "verb", "transform": "verb",
}  # fmt: skip
"""Word ids whose sense in the pack doesn't follow from their ending."""

_BEFORE_PREDICATE = word_set(
    """is are was were be been being am i'm he's she's it's that's we're they're you're isn't aren't
    wasn't weren't so very too really more get gets got getting become becomes became feel feels
    felt look looks looked seem seems seemed"""
)
_AFTER_PREDICATE = word_set("with about that because over at")


@dataclass(frozen=True)
class HomographExample:
    """A homograph in its clause.

    Attributes:
        word: in lower case.
        sense: the reading that is right, as the pack names it.
        keys: the clause's words, lower case.
        place: of the homograph among them.
        texts: the words as written.
    """

    word: str
    sense: str
    keys: tuple[str, ...]
    place: int
    texts: tuple[str, ...]


def sense_of_word_id(word_id: str) -> str:
    """The pack's name of a reading of WikipediaHomographData ("abuse_vrb" → "verb").

    Adjective and noun are alike in sound wherever both are in one id; they are "noun" here.
    """
    if word_id in _SENSES:
        return _SENSES[word_id]
    kind = word_id.partition("_")[2]
    return {"vrb": "verb", "adj": "adj", "nam": "name"}.get(kind, "noun")


def read_wikipedia_homographs(path: Path, *, corrected: bool = True) -> Iterator[HomographExample]:
    """The examples of a file of WikipediaHomographData, in its order.

    Args:
        path: the file.
        corrected: read "upset" as an adjective that follows its noun ("she was upset") as the
            verb is; the data has one reading for adjective and noun, and only the noun, and an
            adjective before its noun, are stressed on the first syllable.

    Raises:
        CorpusError: the file isn't such a file.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].split("\t")[:2] != ["homograph", "wordid"]:
        raise CorpusError(f"{path} isn't a file of WikipediaHomographData: its heading is missing")
    for number, line in enumerate(lines[1:], 2):
        fields = line.split("\t")
        if len(fields) != 5:
            raise CorpusError(f"{path}, line {number}: five columns were expected")
        word, word_id, first_byte, end_byte, sentence = fields
        encoded = sentence.encode()
        start = len(encoded[: int(first_byte)].decode())
        end = start + len(encoded[int(first_byte) : int(end_byte)].decode())
        found = _in_clause(sentence, start, end, word.lower())
        if found is not None:
            example = HomographExample(word.lower(), sense_of_word_id(word_id), *found)
            yield _corrected(example) if corrected else example


def _corrected(example: HomographExample) -> HomographExample:
    if example.word != "upset" or example.sense != "noun":
        return example
    before = example.keys[example.place - 1] if example.place else ""
    after = example.keys[example.place + 1 : example.place + 2]
    predicate = before in _BEFORE_PREDICATE or (
        after and after[0] in _AFTER_PREDICATE and before not in ("a", "an", "the", "this")
    )
    return replace(example, sense="verb") if predicate else example


def read_spoken_homographs(path: Path) -> Iterator[HomographExample]:
    """The examples of a file of spoken-style sentences, in its order.

    Raises:
        CorpusError: a line isn't three columns, or lacks its word.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.split("\t")
        if len(fields) != 3:
            raise CorpusError(f"{path}, line {number}: write word, sense and sentence")
        word, sense, sentence = fields
        match = re.search(rf"(?<![\w'])({re.escape(word)})(?![\w'])", sentence, re.IGNORECASE)
        found = _in_clause(sentence, match.start(), match.end(), word) if match else None
        if found is None:
            raise CorpusError(f"{path}, line {number}: {word!r} isn't in the sentence")
        yield HomographExample(word, sense, *found)


def _in_clause(
    sentence: str, start: int, end: int, word: str
) -> tuple[tuple[str, ...], int, tuple[str, ...]] | None:
    """Keys, place and texts of the clause with `word`; None if it isn't read as that word."""
    for clause in clauses(sentence, ssml=False, inline_phones=False):
        words = [token for token in clause.tokens if isinstance(token, Word)]
        for place, token in enumerate(words):
            # "close" of "close-up" isn't a word by itself: the lexicon is asked for the whole.
            if token.span[0] < end and start < token.span[1] and to_key(token.text) == word:
                keys = tuple(to_key(w.text) for w in words)
                return keys, place, tuple(w.text for w in words)
    return None
