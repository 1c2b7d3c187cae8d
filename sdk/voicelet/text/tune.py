"""Sentence intonation by rule: questions rise, choices and lists fall, exclamations are louder.

The voice learnt its melody from read prose, which holds few questions.  So where a melody carries
meaning, it is set by rules that grammars of spoken English agree on (Pierrehumbert &
Hirschberg 1990; Wells 2006, "English Intonation", 2.2-2.9): yes-no questions, tags and statements
with a question mark rise from the last stressed syllable; questions with wh-words fall; in
"tea or coffee?" and in lists every item goes up a little, and the last one falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from voicelet.text.language import Melody
from voicelet.text.phones import MULTILINGUAL_VOWELS, PUNCTUATION
from voicelet.text.words import Clause, Mark, PhoneClause, Tone, Turn, Word, WordPhones

_STRONG = ".?!…"
_BREAKS = ",;:()"
LIST_ITEM_WORDS = 4
"""A stretch between commas is an item of a list if it has no more words than this."""


class Tunes:
    """Finds the tones of one text's clauses, given in order; it remembers how a sentence began.

    Args:
        melody: the words of the language that show what a sentence asks.
    """

    def __init__(self, melody: Melody) -> None:
        self._melody = melody
        self._is_wh_question: bool | None = None  # whether the sentence began with a wh-word
        self._alone = False  # and with that word alone ("Why, then, did you go?")
        self._items = 0  # stretches of a list that the sentence's clauses before this one held

    def __call__(self, clause: Clause, phone_clause: PhoneClause) -> PhoneClause:
        """The clause with its tones.

        Args:
            clause: words and marks.
            phone_clause: what the phonemizer made of it.
        """
        phrases = _phrases(clause, phone_clause)
        if not phone_clause.phones or not phrases:
            return phone_clause
        if self._is_wh_question is None:
            self._is_wh_question = (
                _first_word(phrases[0], self._melody) in self._melody.question_words
            )
            self._alone = (
                len([w for w in phrases[0] if w.text.lower() not in self._melody.openers]) == 1
            )
        closing = _closing(clause)
        tones: list[Tone] = []
        if closing == "?":
            tones = self._question(phrases, phone_clause)
        elif _is_list(phrases, self._melody, self._items):
            tones = _list_tones(phrases, phone_clause, closing, self._melody)
        elif not closing and _ends_at_comma(clause) and _are_items(phrases[1:], self._melody):
            tones = _rising_tones(phrases, phone_clause)
            self._items += len(phrases)
        if clause.sentence_end or closing:
            self._is_wh_question, self._items = None, 0
        return replace(phone_clause, tones=tuple(tones), exclaimed=closing == "!")

    def _question(self, phrases: list[list[Word]], phone_clause: PhoneClause) -> list[Tone]:
        last = [word.text.lower() for word in phrases[-1]]
        words = self._melody
        first_word = _first_word(phrases[-1], words)
        wh = first_word in words.question_words or (
            bool(self._is_wh_question) and (self._alone or first_word not in words.asking)
        )
        choice = _choice(last, words)
        if choice and not wh:
            before = sum(map(len, phrases[:-1])) + choice
            tones = [_tone("go_on", phone_clause, 0, before), _tone("fall", phone_clause, before)]
        elif len(phrases) > 2 and not wh and _is_list(phrases, words):
            return _list_tones(phrases, phone_clause, "?", words)
        else:
            tones = [] if wh else [_tone("rise", phone_clause, 0)]
        return [tone for tone in tones if tone is not None]


def _closing(clause: Clause) -> str:
    """The strong mark that ends the clause, or ""."""
    for token in reversed(clause.tokens):
        if isinstance(token, Word):
            break
        if token.text in _STRONG:
            return token.text
    return ""


def _phrases(clause: Clause, phone_clause: PhoneClause) -> list[list[Word]]:
    """The words between the breaks, in step with `phone_clause.words`; no phrase is empty."""
    phrases: list[list[Word]] = [[]]
    index = 0
    for token in clause.tokens:
        if isinstance(token, Mark):
            if token.text in _BREAKS:
                phrases.append([])
        elif phone_clause.words[index : index + 1] and (
            (phone_clause.words[index].text, phone_clause.words[index].span)
            == (token.text, token.span)
        ):  # a word without phones isn't there
            phrases[-1].append(token)
            index += 1
    return [phrase for phrase in phrases if phrase]


def _first_word(phrase: Sequence[Word], melody: Melody) -> str:
    """What a phrase begins with, past "and", "oh", "in" and the like; "what" for "what's"."""
    words = [word.text.lower().replace("’", "'") for word in phrase]
    first = next((word for word in words if word not in melody.openers), words[-1])
    stem = first.split("'")[0]
    return stem if stem in melody.question_words else first


def _choice(words: Sequence[str], melody: Melody) -> int:
    """How many words stand before the "or" of a choice; 0 if there is none."""
    for place in range(len(words) - 2, 0, -1):
        if words[place] == melody.choice and words[place + 1] not in melody.no_choice:
            return place
    return 0


def _ends_at_comma(clause: Clause) -> bool:
    """Whether it ends at a comma."""
    last = clause.tokens[-1]
    return isinstance(last, Mark) and last.text == ","


def _are_items(phrases: Sequence[Sequence[Word]], melody: Melody) -> bool:
    """Whether all are short, and none is set off by "after", "with", "but"."""
    short = all(len(phrase) <= LIST_ITEM_WORDS for phrase in phrases)
    return short and bool(phrases) and all(p[0].text.lower() not in melody.openers for p in phrases)


def _is_list(phrases: Sequence[Sequence[Word]], melody: Melody, before: int = 0) -> bool:
    """Whether it says "pears, plums, and figs", or "pears, plums and figs".

    `before` items may have been said by an earlier clause.
    """
    if len(phrases) < (1 if before else 2):
        return False
    texts = [word.text.lower() for word in phrases[-1]]
    joined = [place for place, text in enumerate(texts) if text in melody.coordinators]
    if not joined or not all(len(phrase) <= LIST_ITEM_WORDS for phrase in phrases[1:-1]):
        return False
    if joined[0] == 0:  # a comma before "and": two items at least stand before it
        return len(phrases) + before > 2 and len(texts) <= LIST_ITEM_WORDS + 2
    limit = LIST_ITEM_WORDS if len(phrases) + before > 2 else LIST_ITEM_WORDS - 2
    return joined[0] <= limit and len(texts) - joined[0] <= limit + 1


def _rising_tones(phrases: Sequence[Sequence[Word]], phone_clause: PhoneClause) -> list[Tone]:
    """A rise at the end of every phrase."""
    ends = [0]
    for phrase in phrases:
        ends.append(ends[-1] + len(phrase))
    tones = [_tone("go_on", phone_clause, begin, end) for begin, end in pairwise(ends)]
    return [tone for tone in tones if tone is not None]


def _list_tones(
    phrases: Sequence[Sequence[Word]], phone_clause: PhoneClause, closing: str, melody: Melody
) -> list[Tone]:
    """A rise at the end of every item, a fall at the end of the last."""
    items = [list(phrase) for phrase in phrases]
    last = items[-1]
    inner = next(i for i, word in enumerate(last) if word.text.lower() in melody.coordinators)
    if inner:  # "plums and figs": the last phrase holds two items
        items[-1:] = [last[:inner], last[inner:]]
    tones = _rising_tones(items[:-1], phone_clause)
    falls = _tone("fall", phone_clause, sum(map(len, items[:-1]))) if closing else None
    return [*tones, falls] if falls else tones


def _tone(turn: Turn, phone_clause: PhoneClause, begin: int, end: int | None = None) -> Tone | None:
    """A tone over the words `begin` to `end` from their last stress mark on."""
    words = phone_clause.words[begin:end]
    if not words:
        return None
    start, stop = _nucleus(phone_clause.phones, words)
    return Tone(turn, start, stop) if start < stop else None


def _nucleus(phones: str, words: Sequence[WordPhones]) -> tuple[int, int]:
    first, stop = words[0].start, words[-1].end
    while stop > first and phones[stop - 1] in PUNCTUATION:
        stop -= 1
    for mark in "ˈˌ":
        place = phones.rfind(mark, first, stop)
        if place >= 0:
            return place, stop
    vowels = [place for place in range(first, stop) if phones[place] in MULTILINGUAL_VOWELS]
    return (vowels[-1] if vowels else first), stop
