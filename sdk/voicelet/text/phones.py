"""The phone inventory: one symbol a character, in the convention of the training corpus.

IPA with single letters for diphthongs (A = eɪ, I = aɪ, O = oʊ, W = aʊ, Y = ɔɪ), affricates (ʤ, ʧ)
and the flap (T = ɾ); ˈ and ˌ stand before the stressed vowel; punctuation is kept, for it carries
the pauses and the tune.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voicelet.errors import PhoneError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PAD = "_"
"""Index 0: the silent token that opens and closes every sequence."""

VOWELS = "AIOWYaeiuæɑɐɔəɚɛɜɪʊʌᵊᵻ"
CONSONANTS = "bdfhjklmnpstvwzðŋɡɹʃʒʤʧθTʔ"
STRESS = "ˈˌ"
PUNCTUATION = ' .,?!;:"()…—'

ENGLISH_SYMBOLS = PAD + PUNCTUATION + STRESS + CONSONANTS + VOWELS
"""Every symbol, in the order of its index.  Frozen: trained weights depend on it."""

MULTILINGUAL_SYMBOLS = ENGLISH_SYMBOLS + "oyøœɒQɨ\u0303rɾʁxɣβçʝɲʎɥʦʣcː"
"""Every symbol of `MODEL_LANGUAGES`; English ones keep their index.  Frozen like them.

Beside IPA: Q is əʊ, the combining tilde marks the vowel before it as nasal, ː as long.
"""

MULTILINGUAL_VOWELS = VOWELS + "oyøœɒQɨ"
"""Vowels among `MULTILINGUAL_SYMBOLS`."""

MODIFIERS = "\u0303ː"
"""Symbols that belong to the one before them: nasal, long."""

MODEL_LANGUAGES = ("en", "es", "fr", "it", "pt-br")
"""Languages in the order of their index.  Frozen: trained weights depend on it."""


@dataclass(frozen=True)
class PhoneInventory:
    """Symbols and their indices.

    Attributes:
        symbols: one character a symbol, index 0 is the pad that opens and closes a sequence.
    """

    symbols: str = ENGLISH_SYMBOLS

    def __post_init__(self) -> None:
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("a phone inventory can't hold a symbol twice")

    def encode(self, phones: str) -> npt.NDArray[np.int64]:
        """Turn a phone string into indices, with the pad at both ends.

        Returns:
            int64 [len(phones) + 2].

        Raises:
            PhoneError: a symbol isn't in the inventory.
        """
        index = {s: i for i, s in enumerate(self.symbols)}
        try:
            inner = [index[p] for p in phones]
        except KeyError as error:
            raise PhoneError(
                f"{error.args[0]!r} is not a phone of this voice; it knows {self.symbols[1:]}"
            ) from None
        import numpy as np  # reading text needs none of it

        return np.array([0, *inner, 0], dtype=np.int64)

    def decode(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> str:
        """Inverse of :meth:`encode`, pads dropped."""
        return "".join(self.symbols[int(i)] for i in indices if int(i) != 0)

    def missing(self, phones: str) -> str:
        """The symbols of `phones` that the inventory lacks, each once, in order."""
        return "".join(dict.fromkeys(p for p in phones if p not in self.symbols))


def starts_with_vowel(phones: str) -> bool:
    """Whether the first sound, stress marks aside, is a vowel."""
    return phones.lstrip(STRESS)[:1] in tuple(MULTILINGUAL_VOWELS)


def strengthened(phones: str) -> str:
    """`phones` with a primary stress: a secondary one raised, or the first vowel stressed."""
    if "ˈ" in phones:
        return phones
    if "ˌ" in phones:
        return phones.replace("ˌ", "ˈ", 1)
    at = next((i for i, phone in enumerate(phones) if phone in MULTILINGUAL_VOWELS), None)
    return phones if at is None else phones[:at] + "ˈ" + phones[at:]


def weakened(phones: str) -> str:
    """`phones` with its primary stresses made secondary."""
    return phones.replace("ˈ", "ˌ")


def unstressed(phones: str) -> str:
    """`phones` without any stress."""
    return phones.replace("ˈ", "").replace("ˌ", "")
