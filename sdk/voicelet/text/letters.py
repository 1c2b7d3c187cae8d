"""Letters: a way from any script to a-z.

The lexicon and the letter-to-sound model know the letters a-z, those that the language has beside
them, and the apostrophe.  A name in another script is still to be said somehow: accents are
dropped, Greek and Cyrillic go letter by letter, syllabic scripts (kana, Hangul, the Indic ones) by
the Unicode names of their signs.  Chinese characters have no such name and are left out.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_DIRECT = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "th", "þ": "th", "ł": "l",
    "ı": "i", "ŋ": "ng", "’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "`": "'",
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th", "ι": "i",
    "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p", "ρ": "r", "σ": "s",
    "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "h", "ψ": "ps", "ω": "o",
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ж": "zh", "з": "z", "и": "i",
    "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ь": "",
    "ы": "y", "э": "e", "ю": "yu", "я": "ya", "і": "i", "є": "ye", "ґ": "g", "ј": "y", "љ": "ly",
    "њ": "ny", "ћ": "ch", "ђ": "dj", "џ": "j",
}  # fmt: skip


@lru_cache(maxsize=512)
def _latin_letter(character: str) -> str:
    """One lower-case character as letters a-z, an apostrophe, or nothing."""
    if "a" <= character <= "z" or character == "'":
        return character
    if character in _DIRECT:
        return _DIRECT[character]
    plain = unicodedata.normalize("NFKD", character).casefold()
    name = unicodedata.name(character, "")
    # A Hangul syllable comes apart into letters; its own name holds the whole reading.
    if plain != character and not name.startswith("HANGUL SYLLABLE"):
        return "".join(_latin_letter(c) for c in plain if not unicodedata.combining(c))
    if "IDEOGRAPH" in name or not unicodedata.category(character).startswith("L"):
        return ""
    sign = name.split(" WITH ")[0].split()[-1:]
    letters = "".join(c for c in "".join(sign).lower() if "a" <= c <= "z")
    if name.startswith(("HANGUL SYLLABLE", "HIRAGANA", "KATAKANA")) or len(letters) <= 2:
        return letters
    # An alphabet's letter has a name (BEH, GIMEL): its beginning is its sound.
    first_vowel = next((i for i, c in enumerate(letters) if c in "aeiou"), len(letters))
    return letters[: max(1, first_vowel)]


def to_latin(text: str, letters: str = "") -> str:
    """`text` in lower-case letters a-z and apostrophes; what can't be read is left out.

    Args:
        letters: letters beyond a-z that the language has itself, which are kept.
    """
    if letters:
        text = unicodedata.normalize("NFC", text)
    return "".join(c if c in letters else _latin_letter(c) for c in text.lower())
