"""What a lexicon says of a word: its phones, a consonant that is heard only before some words, and
the classes that the rules of the phrase ask for.

    les      le(z)/det          lez before a vowel, for the class `det` allows it
    petit    pəti(t)/adj
    haricot  aʁikˈo/noun.h      two classes: a noun, and one that isn't linked to
    ami      amˈi

"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voicelet.text.phones import MULTILINGUAL_SYMBOLS, PUNCTUATION

_CLASSES = re.compile(r"[a-z]{1,12}(?:\.[a-z]{1,12}){0,5}")
_LATENT = re.compile(r"([^()]+)\(([^()]+)\)")
_PHONES = frozenset(MULTILINGUAL_SYMBOLS) - frozenset(PUNCTUATION) - {"_"}

ENTRY_SYMBOLS = "()/."
"""What a lexicon file may hold beside phones and the letters of classes."""


@dataclass(frozen=True)
class Entry:
    """A word as a lexicon has it.

    Attributes:
        phones: said in any case.
        latent: said after them where a rule of the phrase says so; "" for nothing.
        classes: names that the rules of the phrase know.
    """

    phones: str
    latent: str = ""
    classes: frozenset[str] = frozenset()


def parse_entry(text: str) -> Entry:
    """Take a lexicon's entry apart.

    What isn't one ("a/B") is taken as phones, as it stands.
    """
    if "(" not in text and "/" not in text:
        return Entry(text)
    said, _, names = text.partition("/")
    classes = frozenset(names.split(".")) if _CLASSES.fullmatch(names) else frozenset[str]()
    latent = _LATENT.fullmatch(said)
    return Entry(latent[1], latent[2], classes) if latent else Entry(said, "", classes)


def entry_symbols(text: str) -> str:
    """What of an entry is no phone and no part of its notation; "" for a sound one."""
    said, slash, names = text.partition("/")
    if slash and not _CLASSES.fullmatch(names):
        return f"/{names}"
    if "(" in said or ")" in said:
        latent = _LATENT.fullmatch(said)
        if latent is None:
            return said
        said = latent[1] + latent[2]
    return "".join(dict.fromkeys(c for c in said if c not in _PHONES))
