"""Words and marks to the phone string the acoustic model speaks from.

Every word gets its phones from the first source that knows it: the caller (`Word.phones`), the
letters' names (`Word.spell`), the lexicon in the sense the context asks for, a regular ending on a
known stem, the letter-to-sound model, and the letters' names again for what can't be pronounced.
Then the phrase rules of the language join, weaken and link the words.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Protocol

from voicelet.errors import PhoneError
from voicelet.text.language import Language, Pronunciation, SpokenWord
from voicelet.text.letters import to_latin
from voicelet.text.lexicon import Lexicon
from voicelet.text.pack.entry import ENTRY_SYMBOLS, parse_entry
from voicelet.text.pack.packaged import find_language
from voicelet.text.phones import MULTILINGUAL_VOWELS, PhoneInventory, strengthened, weakened
from voicelet.text.words import (
    Accent,
    Clause,
    Emphasis,
    InnerMark,
    Mark,
    PhoneClause,
    Word,
    WordPhones,
)

PHRASE_MARKS = frozenset(".,?!;:…—()")
"""Marks that end a phrase; a quote alone doesn't."""

CACHED_WORDS = 4096

_VOWELS = frozenset(MULTILINGUAL_VOWELS)
_NOTATION = frozenset(ENTRY_SYMBOLS + string.ascii_lowercase)
"""What a lexicon may hold beside the phones of its words."""


class LetterToSound(Protocol):
    """What the phonemizer needs of `voicelet.text.g2p`."""

    def phones(self, word: str) -> str:
        """Phones of a word of the language's letters and apostrophes; "" where it finds none."""
        ...


@dataclass
class _PhraseWord:
    """A word on its way through the phrase rules.

    `fixed`: the phrase may not change the form (the caller gave it, or asked for its emphasis).
    `after_quote`: a quotation mark comes before it.  `joined`: no space before it.
    """

    word: Word
    spoken: SpokenWord
    fixed: bool = False
    after_quote: bool = False
    joined: bool = False

    def say(self, phones: str) -> None:
        """Change its phones."""
        if phones != self.spoken.phones:
            self.spoken = replace(self.spoken, phones=phones)


class Phonemizer:
    """Clauses of words → clauses of phones.  Only a cache is kept; threads may share it.

    Args:
        lexicon: the bundle's lexicon; None for a language that it isn't of.
        g2p: the bundle's letter-to-sound model; without one, and without rules of the language,
            unknown words are spelled.
        inventory: the symbols the voice knows.
        language: whose endings, letters and phrases these are; None is the default one.

    Raises:
        PhoneError: the lexicon uses symbols that the inventory lacks.
    """

    def __init__(
        self,
        lexicon: Lexicon | None,
        g2p: LetterToSound | None,
        inventory: PhoneInventory,
        language: Language | None = None,
    ) -> None:
        missing = "" if lexicon is None else inventory.missing(lexicon.symbols)
        if set(missing) - _NOTATION:
            raise PhoneError(f"the lexicon uses {missing!r}, which this voice can't say")
        self._lexicon = lexicon
        self._language = language or find_language()
        self._rules = self._language.pronunciation
        self._longest_clitic = max(map(len, self._rules.phrases.clitics), default=0)
        self._g2p = g2p
        self._inventory = inventory
        self._word: Callable[[str, tuple[str, ...]], str] = lru_cache(CACHED_WORDS)(self._pronounce)

    def knows(self, word: str) -> bool:
        """Whether the lexicon has `word` (any case), or the stem of its regular ending."""
        return self._known(self.key(word), ()) is not None

    def key(self, text: str) -> str:
        """The form of a word that the lexicons are asked for.

        With its accents where the language's own lexicon has it so ("exposé"), else :func:`to_key`.
        """
        if not text.isascii():
            written = unicodedata.normalize("NFC", text.lower()).replace("’", "'")
            if self._rules.words(written) is not None:
                return written
        return to_key(text, self._rules.letters)

    def look_up(self, key: str) -> str | None:
        """What the language's own lexicon or else the bundle's says of a key, as it stands there.

        Words that hold sounds the voice doesn't know are passed over.
        """
        said = self._rules.words(key)
        if said is not None and not self._inventory.missing(parse_entry(said).phones):
            return said
        return None if self._lexicon is None else self._lexicon.get(key)

    def in_language(self, language: Language) -> Phonemizer:
        """One for another language, or another variety of this one.

        A variety shares the bundle's lexicon and letter-to-sound model.
        """
        if language.tag.split("-")[0] != self._language.tag.split("-")[0]:
            return Phonemizer(None, None, self._inventory, language)
        return Phonemizer(self._lexicon, self._g2p, self._inventory, language)

    @property
    def language(self) -> Language:
        """Whose words these are."""
        return self._language

    @property
    def lexicon(self) -> Lexicon | None:
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
        return self._spoken(word, self.key(word.text), senses).phones

    def guesses(self, key: str) -> bool:
        """Whether the letter-to-sound model finds a pronunciation for letters."""
        pronounceable = bool(set(key) & self._rules.vowel_letters)
        return pronounceable and bool(set(self._g2p_phones(key)) & _VOWELS)

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
        keys = [self.key(word.text) for word in words]
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
            spoken = self._spoken(token, keys[place], senses)
            if spoken.phones:
                fixed = token.phones is not None or token.spell or token.emphasis != "none"
                joined = token.joined and not after_quote
                phrase_words[index] = _PhraseWord(token, spoken, fixed, after_quote, joined)
                after_quote = False
            place += 1
        return phrase_words

    def _spoken(self, word: Word, key: str, senses: tuple[str, ...]) -> SpokenWord:
        if word.phones is not None:
            missing = self._inventory.missing(word.phones)
            if missing:
                raise PhoneError(
                    f"the phones given for {word.text!r} hold {missing!r}; this voice knows"
                    f" {self._inventory.symbols[1:]}"
                )
            return SpokenWord(key, word.phones.strip())
        if word.spell:
            return SpokenWord(key, _emphasized(self._rules.spelled(word.text), word.emphasis))
        entry = parse_entry(self._word(key, senses))
        classes = entry.classes | self._rules.phrases.classes_of(key)
        return SpokenWord(key, _emphasized(entry.phones, word.emphasis), entry.latent, classes)

    def _pronounce(self, key: str, senses: tuple[str, ...]) -> str:
        """What is known of a word, as a lexicon would say it."""
        known = self._known(key, senses)
        if known is not None:
            return known
        parts = [part for part in re.split(r"[-\s]+", key) if part.strip("'")]
        if len(parts) > 1 or parts != [key]:
            return self._compound(parts)
        if not set(key) & self._rules.vowel_letters:
            return self._rules.spelled(key)
        phones = self._g2p_phones(key)
        return phones if set(phones) & _VOWELS else self._rules.spelled(key)

    def _compound(self, parts: Sequence[str]) -> str:
        """One group, its parts linked as words are."""
        phrases = self._rules.phrases
        said, before = "", SpokenWord("", "")
        for part in parts:
            entry = parse_entry(self._word(part, ()))
            classes = entry.classes | phrases.classes_of(part)
            word = SpokenWord(part, entry.phones, entry.latent, classes)
            if said:
                linked = phrases.linked(replace(before, phones=said), word, "word")
                said, word = linked.before, replace(word, phones=linked.after)
            said, before = said + word.phones, word
        return said

    def _known(self, key: str, senses: tuple[str, ...]) -> str | None:
        for sense in senses:
            if said := self.look_up(f"{key}|{sense}"):
                return said
        if senses and (said := self._rules.inflected(key, self._look_up_sense, senses)):
            return said
        return self.look_up(key) or self._rules.inflected(key, self.look_up, ())

    def _look_up_sense(self, key: str) -> str | None:
        return self.look_up(key) if "|" in key else None

    def _g2p_phones(self, key: str) -> str:
        if self._rules.letter_to_sound is not None:
            return self._rules.letter_to_sound(key)
        return self._g2p.phones(key) if self._g2p is not None else ""

    def _shape(self, phrase: list[_PhraseWord]) -> None:
        """Apply the phrase rules, in place: groups, then forms, then links."""
        rules = self._rules.phrases
        keys = [word.spoken.key for word in phrase]
        grouped = [False] * len(phrase)
        place = 0
        while place < len(phrase):
            size = self._group_at(phrase, keys, place)
            if size:
                parts = rules.clitics[tuple(keys[place : place + size])]
                for offset, (part, is_joined) in enumerate(parts):
                    phrase[place + offset].say(part)
                    phrase[place + offset].joined = is_joined
                    grouped[place + offset] = True
            elif place and rules.joined(keys[place - 1], keys[place]):
                phrase[place].joined = not phrase[place].after_quote
            place += size or 1
        stressed_after = False
        spoken = [word.spoken for word in phrase]
        for place in reversed(range(len(phrase))):
            word = phrase[place]
            if not word.fixed and not grouped[place]:
                word.say(rules.in_phrase(spoken, place, stressed_after))
            stressed_after = stressed_after or "ˈ" in word.spoken.phones
        for word, following in pairwise(phrase):
            if word.word.phones is None and not following.after_quote:
                linked = rules.linked(word.spoken, following.spoken)
                word.say(linked.before)
                if following.word.phones is None:
                    following.say(linked.after)
                following.joined = following.joined or linked.joined
        self._rewrite(phrase)

    def _rewrite(self, phrase: Sequence[_PhraseWord]) -> None:
        """Let the rules go over each stretch of words whose phones the caller didn't give."""
        for given, stretch in groupby(phrase, key=lambda word: word.word.phones is not None):
            if not given:
                words = list(stretch)
                said = self._rules.phrases.rewritten([word.spoken.phones for word in words])
                for word, phones in zip(words, said, strict=True):
                    word.say(phones)

    def _group_at(self, phrase: Sequence[_PhraseWord], keys: Sequence[str], place: int) -> int:
        """How many words from `place` on are said as one group; 0 for none."""
        rules = self._rules.phrases
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


def to_key(text: str, letters: str = "") -> str:
    """A word in the letters of a language, apostrophes and hyphens, all in lower case.

    Args:
        letters: the language's letters beyond a-z.
    """
    if text.isascii() and text.isalpha():
        return text.lower()
    return "-".join(to_latin(part, letters) for part in re.split(r"[-‐‑\s]+", text))


def _emphasized(phones: str, emphasis: Emphasis) -> str:
    if emphasis in ("moderate", "strong"):
        return strengthened(phones)
    return weakened(phones) if emphasis == "reduced" else phones


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
            text += phrase_word.spoken.phones
            words.append(WordPhones(token.text, token.span, start, len(text), token.capital))
            no_space = False
    return text, tuple(words), [*starts, len(text)]
