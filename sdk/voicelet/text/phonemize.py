"""Words and marks to the phone string the acoustic model speaks from.

Every word gets its phones from the first source that knows it: the caller (`Word.phones`), the
letters' names (`Word.spell`), the lexicon in the sense the context asks for, a regular ending on a
known stem, the letter-to-sound model, and the letters' names again for what can't be pronounced.
Then the phrase rules of the language join, weaken and link the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from voicelet.errors import PhoneError
from voicelet.text.language import Language, Pronunciation, find_language
from voicelet.text.letters import to_latin
from voicelet.text.lexicon import Lexicon
from voicelet.text.phones import VOWELS, PhoneInventory, strengthened, weakened
from voicelet.text.words import (
    Accent,
    Clause,
    InnerMark,
    Mark,
    PhoneClause,
    Word,
    WordPhones,
)

PHRASE_MARKS = frozenset(".,?!;:…—()")
"""Marks that end a phrase; a quote alone doesn't."""

CACHED_WORDS = 4096


class LetterToSound(Protocol):
    """What the phonemizer needs of `voicelet.text.g2p`."""

    def phones(self, word: str) -> str:
        """Phones of a word of letters a-z and apostrophes; "" where it finds none."""
        ...


@dataclass
class _PhraseWord:
    """A word on its way through the phrase rules.

    `fixed`: the phrase may not change the form (the caller gave it, or asked for its emphasis).
    `after_quote`: a quotation mark comes before it.  `joined`: no space before it.
    """

    word: Word
    key: str
    phones: str
    fixed: bool = False
    after_quote: bool = False
    joined: bool = False


class Phonemizer:
    """Clauses of words → clauses of phones.  Only a cache is kept; threads may share it.

    Args:
        lexicon: the bundle's lexicon.
        g2p: the bundle's letter-to-sound model; without one, unknown words are spelled.
        inventory: the symbols the voice knows.
        language: whose endings, letters and phrases these are; None is the default one.

    Raises:
        PhoneError: the lexicon uses symbols that the inventory lacks.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        g2p: LetterToSound | None,
        inventory: PhoneInventory,
        language: Language | None = None,
    ) -> None:
        missing = inventory.missing(lexicon.symbols)
        if missing:
            raise PhoneError(f"the lexicon uses {missing!r}, which this voice can't say")
        self._lexicon = lexicon
        self._rules = (language or find_language()).pronunciation
        self._longest_clitic = max(map(len, self._rules.clitics), default=0)
        self._g2p = g2p
        self._inventory = inventory
        self._word: Callable[[str, tuple[str, ...]], str] = lru_cache(CACHED_WORDS)(self._pronounce)

    def knows(self, word: str) -> bool:
        """Whether the lexicon has `word` (any case), or the stem of its regular ending."""
        return self._known(to_key(word), ()) is not None

    @property
    def lexicon(self) -> Lexicon:
        """The bundle's."""
        return self._lexicon

    @property
    def rules(self) -> Pronunciation:
        """The language's."""
        return self._rules

    def pronounce(self, word: Word, senses: tuple[str, ...] = ()) -> str:
        """Phones of a word alone, before its phrase changes them.

        Raises:
            PhoneError: as :meth:`phonemize`.
        """
        return self._word_phones(word, to_key(word.text), senses)

    def guesses(self, key: str) -> bool:
        """Whether the letter-to-sound model finds a pronunciation for letters."""
        pronounceable = bool(set(key) & self._rules.vowel_letters)
        return pronounceable and bool(set(self._g2p_phones(key)) & set(VOWELS))

    def phonemize(self, clause: Clause) -> PhoneClause:
        """Phones of one clause, and where each of its words lies in them.

        Raises:
            PhoneError: a `Word.phones` holds a symbol the voice doesn't know.
        """
        phrase_words = self._phrase_words(clause)
        phrase: list[_PhraseWord] = []
        for token, phrase_word in zip(clause.tokens, phrase_words, strict=True):
            if phrase_word is not None:
                phrase.append(phrase_word)
            elif isinstance(token, Mark) and token.text in PHRASE_MARKS:
                self._shape(phrase)
                phrase = []
        self._shape(phrase)
        phones, words, starts = _assemble(clause, phrase_words)
        emphasized = [w.word.emphasis for w in phrase_words if w is not None]
        return PhoneClause(
            phones=phones,
            words=words,
            pause_after_ms=clause.pause_after_ms,
            prosody=clause.prosody,
            marks=clause.marks,
            sentence_end=clause.sentence_end,
            accents=tuple(
                Accent(level, word.start, word.end)
                for level, word in zip(emphasized, words, strict=True)
                if level != "none"
            ),
            inner_marks=tuple(InnerMark(m.name, starts[m.at]) for m in clause.inner_marks),
            aside=clause.aside,
            pause_is_fixed=clause.pause_is_fixed,
        )

    def _phrase_words(self, clause: Clause) -> list[_PhraseWord | None]:
        """For every token of the clause, its word with phones; None for marks and silent words."""
        words = [token for token in clause.tokens if isinstance(token, Word)]
        keys = [to_key(word.text) for word in words]
        texts = [word.text for word in words]
        phrase_words: list[_PhraseWord | None] = [None] * len(clause.tokens)
        place, after_quote = 0, False
        for index, token in enumerate(clause.tokens):
            if isinstance(token, Mark):
                after_quote = True
                continue
            senses: tuple[str, ...] = ()
            if token.phones is None and not token.spell:
                senses = self._rules.senses(keys, place, texts)
            phones = self._word_phones(token, keys[place], senses)
            if phones:
                fixed = token.phones is not None or token.spell or token.emphasis != "none"
                phrase_words[index] = _PhraseWord(token, keys[place], phones, fixed, after_quote)
                after_quote = False
            place += 1
        return phrase_words

    def _word_phones(self, word: Word, key: str, senses: tuple[str, ...]) -> str:
        if word.phones is not None:
            missing = self._inventory.missing(word.phones)
            if missing:
                raise PhoneError(
                    f"the phones given for {word.text!r} hold {missing!r}; this voice knows"
                    f" {self._inventory.symbols[1:]}"
                )
            return word.phones.strip()
        phones = self._spell(word.text) if word.spell else self._word(key, senses)
        if word.emphasis in ("moderate", "strong"):
            return strengthened(phones)
        return weakened(phones) if word.emphasis == "reduced" else phones

    def _pronounce(self, key: str, senses: tuple[str, ...]) -> str:
        known_phones = self._known(key, senses)
        if known_phones is not None:
            return known_phones
        parts = [part for part in re.split(r"[-\s]+", key) if part.strip("'")]
        if len(parts) > 1 or parts != [key]:
            linked = ""
            for part in parts:  # a compound: one group, its parts linked as words are
                phones = self._word(part, ())
                linked = self._rules.linked("", linked, phones) + phones
            return linked
        if not set(key) & self._rules.vowel_letters:
            return self._spell(key)
        phones = self._g2p_phones(key)
        return phones if set(phones) & set(VOWELS) else self._spell(key)

    def _known(self, key: str, senses: tuple[str, ...]) -> str | None:
        for sense in senses:
            if phones := self._lexicon.get(f"{key}|{sense}"):
                return phones
        return self._lexicon.get(key) or self._rules.inflected(key, self._lexicon.get)

    def _g2p_phones(self, key: str) -> str:
        return self._g2p.phones(key) if self._g2p is not None else ""

    def _spell(self, text: str) -> str:
        """Letter names; a closing lower-case s or 's of otherwise capital letters is an ending."""
        plural = re.fullmatch(r"(.*[A-Z].*?)(?:['’]s|s)", text)
        phones = self._rules.spelled(to_latin(plural.group(1) if plural else text))
        return self._rules.add_s(phones) if plural and phones else phones

    def _shape(self, phrase: list[_PhraseWord]) -> None:
        """Apply the phrase rules, in place: groups, then forms, then links."""
        rules = self._rules
        keys = [word.key for word in phrase]
        grouped = [False] * len(phrase)
        place = 0
        while place < len(phrase):
            size = self._group_at(phrase, keys, place)
            if size:
                parts = rules.clitics[tuple(keys[place : place + size])].split("|")
                for offset, part in enumerate(parts):
                    phrase[place + offset].phones = part
                    phrase[place + offset].joined = offset > 0
                    grouped[place + offset] = True
            elif place and rules.joined(keys[place - 1], keys[place]):
                phrase[place].joined = not phrase[place].after_quote
            place += size or 1
        stressed_after = False
        for place in reversed(range(len(phrase))):
            word = phrase[place]
            if not word.fixed and not grouped[place]:
                word.phones = rules.in_phrase(keys, place, word.phones, stressed_after)
            stressed_after = stressed_after or "ˈ" in word.phones
        for word, following in pairwise(phrase):
            if word.word.phones is None and not following.after_quote:
                word.phones = rules.linked(word.key, word.phones, following.phones)

    def _group_at(self, phrase: Sequence[_PhraseWord], keys: Sequence[str], place: int) -> int:
        """How many words from `place` on are said as one group; 0 for none."""
        rules = self._rules
        for size in range(min(self._longest_clitic, len(phrase) - place), 1, -1):
            members = phrase[place : place + size]
            closes = place + size == len(phrase)
            if closes and keys[-1] in rules.strong_at_end:
                continue  # "to be.": the last word stands alone, and strong
            if (
                tuple(keys[place : place + size]) in rules.clitics
                and not any(member.fixed for member in members)
                and not any(member.after_quote for member in members[1:])
            ):
                return size
        return 0


def to_key(text: str) -> str:
    """The form of a word the lexicon is asked for: letters a-z, apostrophes and hyphens."""
    return "-".join(to_latin(part) for part in re.split(r"[-‐‑\s]+", text))


def _assemble(
    clause: Clause, phrase_words: Sequence[_PhraseWord | None]
) -> tuple[str, tuple[WordPhones, ...], list[int]]:
    """The phone string: a space between words, marks on the word before, openers on the next.

    Returns:
        the phones, where each word lies in them, and where each token begins; the last is the end.
    """
    text, words = "", []
    starts: list[int] = []
    no_space = True  # at the start and after an opening mark
    quoted = False
    last = len(clause.tokens) - 1
    for index, (token, phrase_word) in enumerate(zip(clause.tokens, phrase_words, strict=True)):
        starts.append(len(text))
        if isinstance(token, Mark):
            # A quote that began in an earlier clause closes at this one's end.
            opening = token.text == "(" or (token.text == '"' and not quoted and index < last)
            if token.text == '"':
                quoted = not quoted
            if opening:
                text += ("" if no_space else " ") + token.text
                no_space = True
            elif text:
                text += token.text
                no_space = False
        elif phrase_word is not None:
            text += "" if no_space or phrase_word.joined else " "
            start = starts[index] = len(text)
            text += phrase_word.phones
            words.append(WordPhones(token.text, token.span, start, len(text), token.capital))
            no_space = False
    return text, tuple(words), [*starts, len(text)]
