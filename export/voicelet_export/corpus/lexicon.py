"""The bundle's lexicon: open pronunciations, said the way the training corpus says them.

Sources: the `misaki` package's American lexicons (Apache-2.0) and the phone strings of the teacher
corpus.  A word the corpus says takes its most frequent reading there; every other word is converted
from misaki's convention to the corpus' (`phone_mapping.py`).  What the word lists of English's pack
say goes before both.  Words that a regular ending or the letter-to-sound model already says right
are left out of the file.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import voicelet
from voicelet.text.lexicon import encode_lexicon
from voicelet.text.pack.entry import parse_entry
from voicelet.text.pack.lexicon import read_words
from voicelet.text.pack.packaged import find_language
from voicelet.text.phones import CONSONANTS, STRESS, VOWELS, PhoneInventory
from voicelet_export.corpus.phone_mapping import ConventionConfig, ConventionConverter
from voicelet_export.corpus.word_alignment import Readings, read

WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")
SYMBOLS = STRESS + CONSONANTS + VOWELS
"""Symbols of a lexicon: an inventory's without pad and punctuation."""

PACK = Path(voicelet.__file__).parent / "languages" / "en"
"""English's pack.  Its word lists go before a bundle's lexicon, and into the next one built."""

DROPPED = ("used|past", "unpeople|noun", "consist|noun", "arsenic|adj")
"""Senses of the sources that mislead more than they help."""

_SENSES = {"VERB": "verb", "NOUN": "noun", "ADJ": "adj", "VBD": "past", "ADV": "adv"}


def inflected(word: str, lookup: Callable[[str], str | None]) -> str | None:
    """Phones of a regular English inflection of a word that `lookup` knows, or None."""
    return find_language("en").pronunciation.inflected(word, lookup, ())


@dataclass(frozen=True)
class LexiconSource:
    """A lexicon in its own convention: word → phones, and `word|sense` → phones."""

    words: dict[str, str]
    senses: dict[str, str]


def read_misaki(*paths: Path) -> LexiconSource:
    """Read misaki's JSON lexicons, the later path winning.

    Lower case wins over capitalized; words in capitals (read letter by letter, or no English words)
    are left to the front end.
    """
    words: dict[str, str] = {}
    senses: dict[str, str] = {}
    for path in paths:
        raw = json.loads(path.read_text(encoding="utf-8"))
        for word, value in sorted(raw.items(), key=lambda item: item[0].islower()):
            key = word.lower()
            if not WORD.fullmatch(key) or (word.isupper() and len(word) > 1):
                continue
            readings = value if isinstance(value, dict) else {"DEFAULT": value}
            for tag, phones in readings.items():
                if not phones:
                    continue
                phones = to_inventory(phones)
                if PhoneInventory().missing(phones) or " " in phones:
                    continue
                if tag == "DEFAULT":
                    words[key] = phones
                elif tag in _SENSES:
                    senses[f"{key}|{_SENSES[tag]}"] = phones
    return LexiconSource(words, senses)


def to_inventory(phones: str) -> str:
    """The part of the conversion that has no exception: symbols, and the linking ɹ."""
    phones = phones.replace("ɾ", "T").replace("ʔn", "ʔᵊn").replace("ᵊ", "ə").replace("ʔə", "ʔᵊ")
    phones = phones.replace("hw", "w")
    return re.sub(f"([əʊ])ɹ([{STRESS}]?[{VOWELS}])", r"\1ɹɹ\2", phones)


def read_corpus(metadata: Path) -> list[tuple[str, str]]:
    """The different `(text, phones)` of the teacher corpus' metadata.jsonl."""
    rows = map(json.loads, metadata.read_text(encoding="utf-8").splitlines())
    return list(dict.fromkeys((row["text"], row["phonemes"]) for row in rows))


def usual_readings(readings: Readings) -> dict[str, str]:
    """Each word's most frequent reading, without what its neighbours did to it."""
    usual = {}
    for word, counts in readings.words.items():
        if not WORD.fullmatch(word):
            continue
        bare: Counter[str] = Counter()
        for phones, count in counts.items():
            if phones.endswith("ɹɹ"):
                phones = phones[:-1]
            if word in ("it", "at"):
                phones = phones.replace("T", "t")
            bare[phones] += count
        usual[word] = bare.most_common(1)[0][0]
    return usual


def train_converter(
    source: LexiconSource, usual: Mapping[str, str], config: ConventionConfig | None = None
) -> ConventionConverter:
    """Learn the corpus' convention from the words that both know (function words aside)."""
    pairs = [
        (word, source.words[word], phones)
        for word, phones in sorted(usual.items())
        if word in source.words and "ˈ" in phones
    ]
    return ConventionConverter.train(pairs, config)


def in_corpus_convention(
    source: LexiconSource, usual: Mapping[str, str], converter: ConventionConverter
) -> dict[str, str]:
    """Every word and sense of both sources, as the corpus says or would say it."""
    entries: dict[str, str] = {}
    for word, phones in source.words.items():
        regular = inflected(word, usual.get)
        # The corpus knows its stem, and the source inflects it regularly: so does the corpus.
        if regular and inflected(word, source.words.get) == phones:
            entries[word] = regular
        else:
            entries[word] = converter.convert(word, phones)
    entries.update(usual)
    for key, phones in source.senses.items():
        entries[key] = converter.convert(key.partition("|")[0], phones)
    for key in DROPPED:
        entries.pop(key, None)
    names = {
        name: parse_entry(said).phones for name, said in read_words(PACK / "names.tsv").items()
    }
    entries = {**names, **entries, **read_words(PACK / "lexicon.tsv")}
    return {
        key: phones
        for key, phones in entries.items()
        if phones and len(phones) <= 255 and not PhoneInventory(SYMBOLS).missing(phones)
    }


def pruned(
    entries: Mapping[str, str],
    keep: Iterable[str],
    guess: Callable[[str], str] | None = None,
) -> dict[str, str]:
    """Drop what the front end says right without the file.

    Args:
        keep: words to keep in any case (the frequent ones: a lookup is faster than a guess).
        guess: the letter-to-sound model.
    """
    kept = set(keep)
    dropped: set[str] = set()

    def look_up(word: str) -> str | None:
        return None if word in dropped else entries.get(word)

    # Short words first: what an ending is put on must stay.
    for word in sorted(entries, key=len):
        if word in kept or "|" in word:
            continue
        regular = inflected(word, look_up)  # its stem is another word: never itself
        said = regular or (guess(word) if guess else None)
        if said == entries[word]:
            dropped.add(word)
    return {word: phones for word, phones in entries.items() if word not in dropped}


def write(entries: Mapping[str, str], path: Path) -> int:
    """Write `entries` as a bundle's lexicon file; returns its bytes."""
    data = encode_lexicon(entries, SYMBOLS)
    path.write_bytes(data)
    return len(data)


def usual_of_corpus(metadata: Path, source: LexiconSource) -> dict[str, str]:
    """The usual readings of the teacher corpus' words."""
    return usual_readings(read(read_corpus(metadata), source.words))
