"""Phones that a caller writes: the inventory's own symbols, or everyday IPA, which is converted."""

from __future__ import annotations

import re

from voicelet.errors import PhoneError
from voicelet.text.phones import PUNCTUATION, PhoneInventory

MAX_PHONES = 400

_IPA = {
    "eɪ": "A", "aɪ": "I", "oʊ": "O", "əʊ": "O", "aʊ": "W", "ɔɪ": "Y", "ɔj": "Y", "aj": "I",
    "ej": "A", "ow": "O", "aw": "W", "d͡ʒ": "ʤ", "t͡ʃ": "ʧ", "dʒ": "ʤ", "tʃ": "ʧ", "ɝ": "ɜɹ",
    "ɚ": "əɹ", "ɜː": "ɜɹ", "ɾ": "T", "r": "ɹ", "ɫ": "l", "g": "ɡ", "ɒ": "ɑ", "o": "O",
    "'": "ˈ", "ʲ": "", "ʰ": "", "̩": "", "͡": "", "ː": "", "ˑ": "", ".": "", "‿": "", "̯": "",
    "ɨ": "ᵻ", "ʍ": "w", "x": "k", "ɵ": "O", "ɘ": "ə", "y": "u", "ø": "ɜ",
}  # fmt: skip
_PATTERN = re.compile("|".join(sorted(map(re.escape, _IPA), key=len, reverse=True)))


def own_phones(text: str, inventory: PhoneInventory | None = None) -> str:
    """Check phones written in the inventory's own symbols.

    Raises:
        PhoneError: a symbol isn't in the inventory, there is none, or there are too many.
    """
    accepted = inventory or PhoneInventory()
    phones = " ".join(text.replace("g", "ɡ").replace("'", "ˈ").split())
    if not phones.strip(PUNCTUATION + accepted.symbols[0]):
        raise PhoneError(f"{text[:40]!r} holds no phones; write some, such as [[həlˈO]]")
    if len(phones) > MAX_PHONES:
        raise PhoneError(f"{len(phones)} phones at once are too many; give at most {MAX_PHONES}")
    missing = accepted.missing(phones) + ("_" if accepted.symbols[0] in phones else "")
    if missing:
        raise PhoneError(f"{missing!r} is not a phone; use these: {accepted.symbols[1:]}")
    return phones


def ipa_phones(text: str, inventory: PhoneInventory | None = None) -> str:
    """Convert IPA ("həˈloʊ") to the inventory's symbols ("həˈlO"); its own symbols pass too.

    Raises:
        PhoneError: as :func:`own_phones`.
    """
    if len(text) > 4 * MAX_PHONES:
        raise PhoneError(f"{len(text)} phones at once are too many; give at most {MAX_PHONES}")
    bare = text.strip().strip("/")
    return own_phones(_PATTERN.sub(lambda m: _IPA[m[0]], bare), inventory)
