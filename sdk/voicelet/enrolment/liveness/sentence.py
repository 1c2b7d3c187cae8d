"""The sentence a person reads aloud to consent: fresh, random, and about ten seconds long.

Six words of a list of common nouns that sound unlike one another are drawn anew for every
enrolment, so that no recording made before can hold them in that order.
"""

from __future__ import annotations

import math
import random
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from importlib import resources

from voicelet.bundle import Bundle
from voicelet.bundle.store import read_data
from voicelet.errors import ConsentError
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.lexicon import Lexicon
from voicelet.text.pack.packaged import find_language
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import PhoneInventory
from voicelet.text.words import Span
from voicelet.trust.consent.sentence import FORM, MONTHS

LANGUAGE = "en"
"""Of the sentences and their words."""
WORDS = 6
NAMED_DAY = timedelta(hours=24)
"""The sentence names its day; the next day it is stale, wherever on earth it was drawn."""

_PRODUCT = {"Voicelet": "[[vˈYslət]]"}
_ORDINAL = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


@dataclass(frozen=True)
class ConsentSentence:
    """What is to be read aloud.

    Attributes:
        text: the whole sentence, as shown to the reader.
        words: its random words, in order.
        created: when it was drawn, ISO 8601 in UTC.
    """

    text: str
    words: tuple[str, ...]
    created: str

    def age(self, now: datetime | None = None) -> timedelta:
        """Time since it was drawn.

        Raises:
            ConsentError: `created` is no time.
        """
        try:
            drawn = datetime.fromisoformat(self.created.replace("Z", "+00:00"))
            return (now or datetime.now(timezone.utc)) - drawn
        except (ValueError, TypeError) as error:
            raise ConsentError(
                f"the consent sentence has no sound time ({error}); draw a new one"
            ) from error


@lru_cache(maxsize=1)
def word_list() -> tuple[str, ...]:
    """The words that sentences draw from, each once, in alphabetical order."""
    source = resources.files(__package__).joinpath("words.txt")
    return tuple(source.read_text(encoding="utf-8").split())


def entropy_bits() -> float:
    """Randomness of a sentence: the base-2 logarithm of how many there are for one day."""
    return math.log2(math.perm(len(word_list()), WORDS))


def random_sentence(
    now: datetime | None = None, rng: random.Random | None = None
) -> ConsentSentence:
    """A sentence that nothing remembers: no consent can be given with it.

    Args:
        now: with a time zone; the present without it.
        rng: the system's own randomness without one.
    """
    time = now or datetime.now(timezone.utc)
    words = tuple((rng or secrets.SystemRandom()).sample(word_list(), WORDS))
    day = f"{MONTHS[time.month - 1]} {time.day}{_ORDINAL.get(time.day, 'th')}, {time.year}"
    text = (
        f"Today is {day}, and I let Voicelet learn my voice: "
        f"{', '.join(words[:-1])} and {words[-1]}."
    )
    stamp = time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ConsentSentence(text, words, stamp)


def consent_sentence() -> ConsentSentence:
    """Draw a sentence for somebody to read aloud: about 10 s, 50 bits of randomness.

        sentence = consent_sentence()
        print(sentence.text)

    This device remembers it (see `issued`): it has to be read within 15 minutes, here, and serves
    for one consent.  Neither its words nor its time can be chosen: a sentence that was read before
    would count again.

    Raises:
        ConsentError: it can't be remembered, as on a full disk.
    """
    from voicelet.enrolment.liveness.issued import issued_sentences

    sentence = random_sentence()
    issued_sentences().add(sentence.text)
    return sentence


def parse_sentence(text: str) -> ConsentSentence:
    """The sentence whose text this is, as one that was written down and read later.

    Raises:
        ConsentError: it is none of :func:`consent_sentence`.
    """
    match = FORM.fullmatch(" ".join(text.split())) if isinstance(text, str) else None
    words = tuple(re.split(r", | and ", match["words"])) if match else ()
    if match is None or len(words) != WORDS or not set(words) <= set(word_list()):
        raise ConsentError(
            "this isn't a sentence that voicelet asked for; draw one with consent_sentence()"
        )
    try:
        month = MONTHS.index(match["month"]) + 1
        # Noon: right to half a day wherever on earth it was drawn.
        day = datetime(int(match["year"]), month, int(match["day"]), 12, tzinfo=timezone.utc)
    except ValueError as error:
        raise ConsentError("the consent sentence names no real day; draw a new one") from error
    return ConsentSentence(match[0], words, day.strftime("%Y-%m-%dT%H:%M:%SZ"))


@dataclass(frozen=True)
class SentencePhones:
    """A sentence as phones.

    Attributes:
        phones: symbols of the inventory.
        slots: start and end of each random word in `phones`.
    """

    phones: str
    slots: tuple[tuple[int, int], ...]


class SentenceReader:
    """Pronounces sentences by a bundle's lexicon, which knows every word of the list.

    Raises:
        BundleError: the bundle has no lexicon.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._lexicon = Lexicon(read_data(bundle, "lexicon"))
        language = find_language(LANGUAGE)
        inventory = PhoneInventory(bundle.manifest.phones)
        phonemizer = Phonemizer(self._lexicon, None, inventory, language)
        self._front = TextFrontEnd(phonemizer, ssml=False, user_lexicon=_PRODUCT, language=language)

    def word_phones(self) -> tuple[str, ...]:
        """Phones of every word of the list."""
        pronunciations = (self._lexicon.get(word) for word in word_list())
        return tuple(phones for phones in pronunciations if phones)

    def phones(self, sentence: ConsentSentence) -> SentencePhones:
        """Pronounce a sentence and find its random words.

        Raises:
            ConsentError: its words aren't in its text, as in one that was put together by hand.
            TextError: the text can't be read.
        """
        phones = ""
        positions: dict[Span, tuple[int, int]] = {}
        for clause in self._front.clauses(sentence.text):
            phones += " " if phones else ""
            for word in clause.words:
                positions.setdefault(word.span, (len(phones) + word.start, len(phones) + word.end))
            phones += clause.phones
        slots = [positions.get(span, (0, 0)) for span in _spans(sentence)]
        if any(start == end for start, end in slots):
            raise ConsentError("the consent sentence can't be pronounced; draw a new one")
        return SentencePhones(phones, tuple(slots))


def _spans(sentence: ConsentSentence) -> list[Span]:
    """Where the random words stand in the text."""
    spans: list[Span] = []
    place = 0
    for text in sentence.words:
        start = sentence.text.find(text, place)
        if start < 0 or not text:
            raise ConsentError("the consent sentence doesn't hold its own words; draw a new one")
        place = start + len(text)
        spans.append((start, place))
    if not spans:
        raise ConsentError("the consent sentence has no random words; draw a new one")
    return spans
