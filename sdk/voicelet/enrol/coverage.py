"""How many of the language's sounds a text holds."""

from __future__ import annotations

from voicelet.bundle import Bundle
from voicelet.text.frontend import TextFrontEnd
from voicelet.text.lexicon import Lexicon
from voicelet.text.phonemise import Phonemiser
from voicelet.text.phones import CONSONANTS, VOWELS, PhoneInventory

RARE = frozenset("aɑʔᵊᵻɐ")
"""Reduced or foreign sounds and variants that many speakers never make."""


def phonetic_coverage(phones: str, inventory: str) -> float:
    """Part of the common vowels and consonants of `inventory` that occur in `phones`, 0..1."""
    sounds = (set(VOWELS + CONSONANTS) & set(inventory)) - RARE
    return len(sounds & set(phones)) / len(sounds) if sounds else 0.0


def phones_of_text(text: str, bundle: Bundle) -> str:
    """All phones of a text by the bundle's lexicon, unknown words spelled out.

    Raises:
        BundleError: the bundle has no lexicon.
        TextError: the text can't be read.
    """
    phonemiser = Phonemiser(
        Lexicon.open(bundle.data_path("lexicon")), None, PhoneInventory(bundle.manifest.phones)
    )
    return " ".join(clause.phones for clause in TextFrontEnd(phonemiser, ssml=False).clauses(text))
