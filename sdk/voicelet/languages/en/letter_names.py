"""The English names of the letters."""

from __future__ import annotations

NAMES = {
    "a": "A", "b": "bi", "c": "si", "d": "di", "e": "i", "f": "ɛf", "g": "ʤi", "h": "Aʧ",
    "i": "I", "j": "ʤA", "k": "kA", "l": "ɛl", "m": "ɛm", "n": "ɛn", "o": "O", "p": "pi",
    "q": "kju", "r": "ɑɹ", "s": "ɛs", "t": "ti", "u": "ju", "v": "vi", "w": "dʌbəlju",
    "x": "ɛks", "y": "wI", "z": "zi",
}  # fmt: skip
"""The name of each letter, without its stress."""

_VOWELS = "AIOeiuɑɛʌ"


def spelled(letters: str) -> str:
    """Phones of letters said one by one: secondary stress, the primary on the last.

    An ɹ before a vowel is doubled, as the corpus links it ("PRS" is pˌiˌɑɹɹˈɛs).
    """
    names = [NAMES[c] for c in letters if c in NAMES]
    out = ""
    for index, name in enumerate(names):
        stress = "ˈ" if index == len(names) - 1 else "ˌ"
        at = next(i for i, phone in enumerate(name) if phone in _VOWELS)
        name = name[:at] + stress + name[at:]
        if name.endswith("ju") and len(name) > 3:  # w: dˈʌbəljˌu
            name = name[:-1] + "ˌu"
        out += ("ɹ" if out.endswith("ɹ") and at == 0 else "") + name
    return out
