"""Which phones of a transcript belong to which word.

The teacher corpus gives whole strings: ``In the end.`` and ``ɪnðɪ ˈɛnd.``.  Phones come in groups
between spaces; a group is mostly one word, sometimes several ("in the"), and rarely a word is
several groups.  A dynamic program over words and groups finds the pairing whose phones lie nearest
to what a lexicon (or, for unknown words, the letters themselves) would say.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from voicelet.text.phones import STRESS, VOWELS

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?")
_BREAKS = re.compile(r'[\s.,?!;:"()—…]+')
_SHAPES = ((1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 3))
_NO_STRESS = str.maketrans("", "", STRESS)
_ROUGH = {
    **dict(zip("abcdefghijklm", "æbkdɛfɡhɪʤklm", strict=True)),
    **dict(zip("nopqrstuvwyz", "nɑpkɹstʌvwiz", strict=True)),
    "x": "ks",
}


@dataclass(frozen=True)
class Group:
    """Words and the phone groups they are said with; mostly one of each."""

    words: tuple[str, ...]
    phones: tuple[str, ...]


@dataclass
class Readings:
    """What a corpus says.

    Attributes:
        words: lower-case word → how often it is said in which way, where it stands alone.
        groups: words said as one group → in which ways.
        skipped: texts whose words and groups could not be paired.
    """

    words: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    groups: dict[tuple[str, ...], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    skipped: int = 0


def rough_phones(word: str) -> str:
    """A letter-by-letter guess, good enough to tell neighbours apart."""
    return "".join(_ROUGH.get(letter, "") for letter in word.lower())


def _substitution(a: str, b: str) -> float:
    if a == b:
        return 0.0
    if a in VOWELS and b in VOWELS:
        return 0.35
    if a in "tdTʔ" and b in "tdTʔ":
        return 0.2
    if a in "szʃʒ" and b in "szʃʒ":
        return 0.4
    return 1.6 if (a in VOWELS) != (b in VOWELS) else 1.0


@lru_cache(maxsize=1 << 17)
def _distance(a: str, b: str) -> float:
    row = [0.8 * j for j in range(len(b) + 1)]
    for i, x in enumerate(a, 1):
        new = [0.8 * i]
        for j, y in enumerate(b, 1):
            new.append(min(row[j] + 0.8, new[-1] + 0.8, row[j - 1] + _substitution(x, y)))
        row = new
    return row[-1]


def pair(text: str, phones: str, lookup: Callable[[str], str | None]) -> list[Group] | None:
    """Pair the words of `text` with the groups of `phones`; None where that can't be done.

    Args:
        lookup: a lower-case word's phones in any similar convention, or None.
    """
    words = _WORD.findall(text)
    groups = [group for group in _BREAKS.split(phones) if group]
    expected = [lookup(word.lower()) or rough_phones(word) for word in words]
    expected = [phones.translate(_NO_STRESS) for phones in expected]
    said = [group.translate(_NO_STRESS) for group in groups]
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    for i in range(len(words) + 1):
        for j in range(len(groups) + 1):
            if (i, j) not in best:
                continue
            so_far = best[i, j][0]
            for a, b in _SHAPES:
                to = (i + a, j + b)
                if to[0] > len(words) or to[1] > len(groups):
                    continue
                cost = so_far + (0.0 if a == b else 0.3)
                cost += _distance("".join(expected[i : i + a]), "".join(said[j : j + b]))
                if to not in best or cost < best[to][0]:
                    best[to] = (cost, (i, j))
    at = (len(words), len(groups))
    if at not in best:
        return None
    out: list[Group] = []
    while at != (0, 0):
        start = best[at][1]
        out.append(Group(tuple(words[start[0] : at[0]]), tuple(groups[start[1] : at[1]])))
        at = start
    return out[::-1]


def read(texts: Iterable[tuple[str, str]], lexicon: Mapping[str, str]) -> Readings:
    """Collect the readings of `(text, phones)` pairs, helped by any similar lexicon."""

    def lookup(word: str) -> str | None:
        found = lexicon.get(word)
        if found is None and word.endswith("s"):
            stem = lexicon.get(word.removesuffix("s").removesuffix("'"))
            found = stem and stem + "z"
        return found

    readings = Readings()
    for text, phones in texts:
        groups = pair(text, phones, lookup)
        if groups is None:
            readings.skipped += 1
            continue
        for group in groups:
            key = tuple(word.lower().replace("’", "'") for word in group.words)
            if len(key) == 1 and len(group.phones) == 1:
                readings.words[key[0]][group.phones[0]] += 1
            else:
                readings.groups[key][" ".join(group.phones)] += 1
    return readings
