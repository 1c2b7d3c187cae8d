"""From voicelet's phones to the ids that a Piper voice was trained on.

Piper's English voices speak eSpeak-style IPA, one code point a phoneme, with a pad after each.  A
voicelet phone is one to three of those; who owns which id is kept, for word timings and labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.errors import PhoneError
from voicelet.text.phones import PUNCTUATION, STRESS, VOWELS

PAD, BEGIN, END = "_", "^", "$"

_IPA = {
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "ʤ": "dʒ", "ʧ": "tʃ", "T": "ɾ",
    "ᵊ": "ə", "—": ",", "…": "...",
}  # fmt: skip
_SHORT_O = re.compile("[ŋnfθs]|l[ts]")
"""What follows the o of "long", "on", "off", "cloth", "cross" and "salt"."""
_DROPPED = "()"  # brackets say nothing to a voice that has hardly seen them


@dataclass(frozen=True)
class PiperIds:
    """What a Piper graph is given.

    Attributes:
        ids: int64 [M], with begin, end and the pads between.
        owner: int64 [M], for each id the index of the voicelet token it belongs to: 0 is the
            opening pad, 1 the first phone, and so on to the closing pad.
    """

    ids: npt.NDArray[np.int64]
    owner: npt.NDArray[np.int64]


class PiperPhones:
    """The phoneme map of one voice.

    Args:
        id_map: `phoneme_id_map` of the voice's JSON: phoneme → its ids.

    Raises:
        PhoneError: the map lacks pad, begin or end.
    """

    def __init__(self, id_map: Mapping[str, Sequence[int]]) -> None:
        self._ids = {symbol: [int(i) for i in ids] for symbol, ids in id_map.items() if ids}
        missing = [s for s in (PAD, BEGIN, END) if s not in self._ids]
        if missing:
            raise PhoneError(
                f"the voice's phoneme_id_map lacks {' '.join(missing)}; "
                "fetch the JSON that belongs to the voice"
            )

    def encode(self, phones: str) -> PiperIds:
        """Map phones of voicelet's inventory; a phoneme that the voice lacks is left out.

        Args:
            phones: without pads.

        Returns:
            ids and their owners; `owner` runs from 0 to `len(phones) + 1` without going back.
        """
        ids, owner = list(self._ids[BEGIN]), [0] * len(self._ids[BEGIN])
        pad = self._ids[PAD]
        ids += pad
        owner += [0] * len(pad)
        for token, symbols in enumerate(_spell(phones), start=1):
            for symbol in symbols:
                for value in self._ids.get(symbol, ()):
                    ids += [value, *pad]
                    owner += [token] * (1 + len(pad))
        ids += self._ids[END]
        owner += [len(phones) + 1] * len(self._ids[END])
        return PiperIds(np.array(ids, np.int64), np.array(owner, np.int64))


def _spell(phones: str) -> list[str]:
    """The IPA of each phone ("" for one that its neighbour already covers).

    Voicelet's phones distinguish less than eSpeak's: long and short o, the article's vowel and the
    length of unstressed i and u follow from their neighbours, as they mostly do in eSpeak's words.
    """
    symbols = [("" if p in _DROPPED else _IPA.get(p, p)) for p in phones]
    for i, phone in enumerate(phones):
        following = phones[i + 1 : i + 2]
        if phone == "ɜ" and following == "ɹ":
            symbols[i] = "ɜː"
            if not _opens_vowel(phones[i + 2 : i + 3]):
                symbols[i + 1] = ""
        elif phone == "ə" and following == "ɹ" and not _opens_vowel(phones[i + 2 : i + 3]):
            symbols[i], symbols[i + 1] = "ɚ", ""
        elif phone == "ə" and _word(phones, i) in ("ə", "ən"):
            symbols[i] = "ɐ"
        elif phone in _LONG and _LONG[phone](phones, i):
            symbols[i] = phone + "ː"
    return symbols


def _opens_vowel(phone: str) -> bool:
    return phone != "" and phone in VOWELS + STRESS


def _is_long_o(phones: str, index: int) -> bool:
    return _SHORT_O.match(phones, index + 1) is None


def _is_long_i(phones: str, index: int) -> bool:
    if phones[index + 1 : index + 2] == "ə":
        return False  # "theatre", "idea"
    return _is_stressed(phones, index) or _is_only_vowel(phones, index)


def _is_long_u(phones: str, index: int) -> bool:
    return (
        _is_stressed(phones, index)
        or _is_only_vowel(phones, index)
        or _opens_vowel(phones[index + 1 : index + 2])  # "usual", "genuine"
    )


def _is_stressed(phones: str, index: int) -> bool:
    """Whether a stress mark stands before the vowel, its glide aside ("jˈu", "ˈju")."""
    before = phones[max(0, index - 2) : index]
    marks = tuple(STRESS)
    return before[-1:] in marks or (before[-1:] in ("j", "w") and before[:1] in marks)


def _is_only_vowel(phones: str, index: int) -> bool:
    """Whether the vowel is all that its word has: "you", "she", "through"."""
    return sum(p in VOWELS for p in _word(phones, index)) == 1


def _word(phones: str, index: int) -> str:
    """The word around a phone."""
    start = end = index
    while start and phones[start - 1] not in PUNCTUATION:
        start -= 1
    while end < len(phones) and phones[end] not in PUNCTUATION:
        end += 1
    return phones[start:end]


_LONG: dict[str, Callable[[str, int], bool]] = {
    "ɑ": lambda phones, index: True,
    "ɔ": _is_long_o,
    "i": _is_long_i,
    "u": _is_long_u,
}
"""Vowels that may be long, and when they are."""
