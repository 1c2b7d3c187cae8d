"""Regular English endings, so that a lexicon needs the stem only.

's, s' and -s say s, z or ᵻz; -ed says t, d or ᵻd; -ing says ɪŋ; a final t between a vowel (or ɹ)
and the ending's vowel is flapped, as in the training corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from voicelet.text.phones import VOWELS

SIBILANTS = "szʃʒʧʤ"
VOICELESS = "ptkfθʔ"
Lookup = Callable[[str], "str | None"]


def inflected(word: str, lookup: Lookup) -> str | None:
    """Phones of a regular inflection whose stem `lookup` knows, or None.

    Args:
        word: lower case, with straight apostrophes.
        lookup: phones of a word, or None.
    """
    for stem, add in _readings(word):
        phones = lookup(stem)
        if phones:
            return add(phones)
    return None


def _readings(word: str) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Stems the word may come from, the likeliest first, and how its phones are had from theirs."""
    if word.endswith("'s"):
        yield word[:-2], add_s
    elif word.endswith("s'"):
        yield word[:-1], lambda phones: phones
        yield word[:-2], add_s
    elif word.endswith("s") and len(word) > 3 and word[-2] not in "s'":
        if word.endswith("ies"):
            yield word[:-3] + "y", add_s
        yield word[:-1], add_s
        if word.endswith("es") and word[-3] in "sxzho":
            yield word[:-2], add_s
    elif word.endswith("ed") and len(word) > 4:
        if word.endswith("ied"):
            yield word[:-3] + "y", add_ed
        yield from ((stem, add_ed) for stem in _verb_stems(word[:-2]))
    elif word.endswith(("ing", "in'")) and len(word) > 5:
        ending = "ɪŋ" if word.endswith("g") else "ᵻn"
        for stem in _verb_stems(word[:-3]):
            yield stem, lambda phones: _with_vowel(phones, ending)


def _verb_stems(stem: str) -> Iterator[str]:
    doubled = len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] in "bdfgklmnprtvz"
    # "hoping" is from hope, "hopping" from hop, "walking" from walk, "falling" from fall.
    if doubled and stem[-1] not in "lfz":
        yield stem[:-1]
    if (len(stem) > 1 and stem[-1] in "cgsvuz") or stem[-2:-1] in tuple("aeiou"):
        yield stem + "e"
    yield stem
    if doubled:
        yield stem[:-1]
    yield stem + "e"


def add_s(phones: str) -> str:
    """The plural, possessive or third person of a word with these phones."""
    last = phones[-1]
    if last in SIBILANTS:
        return phones + "ᵻz"
    return phones + ("s" if last in VOICELESS else "z")


def add_ed(phones: str) -> str:
    """The regular past of a verb with these phones."""
    last = phones[-1]
    if last in "tdT":
        return _with_vowel(phones, "ᵻd")
    return phones + ("t" if last in VOICELESS + "sʃʧ" else "d")


def _with_vowel(phones: str, ending: str) -> str:
    if phones[-1] == "t" and len(phones) > 1 and phones[-2] in VOWELS + "ɹ":
        phones = phones[:-1] + "T"
    elif phones.endswith(("əɹ", "ʊɹ")):  # the corpus links these with a second ɹ
        phones += "ɹ"
    return phones + ending
