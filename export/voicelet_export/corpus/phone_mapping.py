"""From one pronunciation convention to another, learnt from words known in both.

A permissive lexicon and the training corpus write American English alike but not the same (the
corpus has dᵻpˈɑɹtmənt and pˈælɪs where the lexicon has dəpˈɑɹtmənt and pˈæləs).  An averaged
perceptron (Freund & Schapire 1999; Collins 2002) goes along the source's phones and chooses what
each becomes, from the phones around it, the letters it was written with and where it stands.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from voicelet.text.phones import MODIFIERS, STRESS, VOWELS

_LETTER_SOUNDS = {
    "a": "æAɑɔəɛʌɪ", "b": "b", "c": "ksʃʧ", "d": "dʤTt", "e": "ɛiəɪᵻɜ", "f": "fv", "g": "ɡʤʒ",
    "h": "h", "i": "ɪIiəᵻj", "j": "ʤj", "k": "k", "l": "l", "m": "m", "n": "nŋ", "o": "ɑOɔʌəʊuW",
    "p": "pf", "q": "k", "r": "ɹ", "s": "szʃʒ", "t": "tTʔʃʧθð", "u": "ʌuʊjəɜ", "v": "v",
    "w": "wW", "x": "kɡsz", "y": "iIjɪ", "z": "z",
}  # fmt: skip


def units(phones: str) -> list[str]:
    """Phones, each with the stress mark before it and the tilde or length mark after it."""
    out: list[str] = []
    mark = ""
    for phone in phones:
        if phone in STRESS:
            mark = phone
        elif phone in MODIFIERS and out:
            out[-1] += phone
        else:
            out.append(mark + phone)
            mark = ""
    return out


def is_vowel(unit: str) -> bool:
    return unit[-1] in VOWELS


def _distance(a: str, b: str) -> float:
    if a == b:
        return 0.0
    if a[-1] == b[-1]:
        return 0.3
    if is_vowel(a) and is_vowel(b):
        return 0.5
    return 3.0 if is_vowel(a) != is_vowel(b) else 1.0


def align_units(source: Sequence[str], target: Sequence[str]) -> list[tuple[str, ...]]:
    """For every unit of `source` the units of `target` it became.

    Insertions go with the unit before, or with the first where there is none before.
    """
    rows, columns = len(source), len(target)
    cost = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        for j in range(columns + 1):
            if i or j:
                cost[i][j] = min(
                    cost[i - 1][j - 1] + _distance(source[i - 1], target[j - 1])
                    if i and j
                    else 1e9,
                    cost[i - 1][j] + 0.9 if i else 1e9,
                    cost[i][j - 1] + 0.9 if j else 1e9,
                )
    out: list[list[str]] = [[] for _ in source]
    i, j = rows, columns
    waiting: list[str] = []
    while i or j:
        here = cost[i][j]
        if i and j and here == cost[i - 1][j - 1] + _distance(source[i - 1], target[j - 1]):
            out[i - 1] = [target[j - 1], *waiting]
            waiting, i, j = [], i - 1, j - 1
        elif i and here == cost[i - 1][j] + 0.9:
            out[i - 1] = waiting
            waiting, i = [], i - 1
        else:
            waiting = [target[j - 1], *waiting]
            j -= 1
    if waiting and out:
        out[0] = [*waiting, *out[0]]
    return [tuple(found) for found in out]


def letters_of_units(word: str, source: Sequence[str]) -> list[int]:
    """For every unit the index of the letter it is likeliest written with."""
    rows, columns = len(source), len(word)
    cost = [[1e9] * (columns + 1) for _ in range(rows + 1)]
    back = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
    cost[0] = [0.6 * j for j in range(columns + 1)]
    for j in range(1, columns + 1):
        back[0][j] = (0, j - 1)
    for i in range(1, rows + 1):
        cost[i][0] = cost[i - 1][0] + 1.0
        back[i][0] = (i - 1, 0)
        for j in range(1, columns + 1):
            phone = source[i - 1][-1]
            match = phone in _LETTER_SOUNDS.get(word[j - 1], "")
            alike = (phone in VOWELS) == (word[j - 1] in "aeiouy")
            step = 0.0 if match else 0.7 if alike else 2.0
            options = (
                (cost[i - 1][j - 1] + step, (i - 1, j - 1)),
                (cost[i][j - 1] + 0.6, (i, j - 1)),
                (cost[i - 1][j] + 1.0, (i - 1, j)),
            )
            cost[i][j], back[i][j] = min(options)
    places = [0] * rows
    i, j = rows, columns
    while i:
        a, b = back[i][j]
        if a == i - 1:
            places[i - 1] = max(0, j - 1)
        i, j = a, b
    return places


def _features(
    word: str, source: Sequence[str], place: int, letters: Sequence[int]
) -> Iterator[str]:
    def unit(at: int) -> str:
        return source[at] if 0 <= at < len(source) else "#"

    def bare(at: int) -> str:
        return unit(at)[-1]

    padded = f"###{word}####"
    at = letters[place] + 3
    vowels = [k for k, u in enumerate(source) if is_vowel(u)]
    before = sum(k < place for k in vowels)
    after = sum(k > place for k in vowels)
    stressed = next((k for k in vowels if source[k][0] == "ˈ"), -1)
    side = "s" if place == stressed else "b" if place < stressed else "a"
    near = sum(min(place, stressed) < k < max(place, stressed) for k in vowels)
    me, one_before, one_after = unit(place), bare(place - 1), bare(place + 1)
    yield f"{me}"
    yield f"{me} l{padded[at]}"
    yield f"{me} l{padded[at - 1 : at + 2]}"
    yield f"{me} l{padded[at - 2 : at + 1]}"
    yield f"{me} l{padded[at : at + 3]}"
    yield f"{me} l{padded[at - 2 : at + 3]}"
    yield f"{me} l{padded[at : at + 4]}"
    yield f"{me} l{padded[at - 3 : at + 1]}"
    yield f"{me} -{one_before}"
    yield f"{me} +{one_after}"
    yield f"{me} {one_before}{one_after}"
    yield f"{me} +{one_after}{unit(place + 2)}"
    yield f"{me} -{unit(place - 2)}{one_before}"
    yield f"{me} l{padded[at]} {one_before}{one_after}"
    yield f"{me} l{padded[at]} +{one_after}{unit(place + 2)}"
    yield f"{me} v{min(before, 3)}.{min(after, 3)}"
    yield f"{me} l{padded[at]} v{min(before, 3)}.{min(after, 3)}"
    yield f"{me} l{padded[at]} {side}{min(near, 2)} v{min(after, 2)} +{one_after}"
    yield f"{me} s{word[-3:]} v{min(after, 3)}"
    yield f"{me} s{word[-4:]} v{min(after, 3)}"
    yield f"{me} s{word[-5:]} v{min(after, 3)}"
    yield f"{me} p{word[:2]} v{min(before, 2)}"
    yield f"{me} p{word[:3]} v{min(before, 2)} {side}"
    yield f"{me} w{word} {place}"


@dataclass(frozen=True)
class ConventionConfig:
    """How a converter is trained.

    Attributes:
        epochs: passes over the words.
        seed: of their order.
    """

    epochs: int = 8
    seed: int = 1


class ConventionConverter:
    """Rewrites pronunciations of one convention in another.  Made by :meth:`train`."""

    def __init__(
        self,
        weights: Mapping[str, Mapping[tuple[str, ...], float]],
        choices: Mapping[str, Sequence[tuple[str, ...]]],
    ) -> None:
        self._weights = weights
        self._choices = choices

    @classmethod
    def train(
        cls, pairs: Iterable[tuple[str, str, str]], config: ConventionConfig | None = None
    ) -> ConventionConverter:
        """Learn from `(word, source phones, target phones)`, the words in letters a-z."""
        config = config or ConventionConfig()
        samples: list[tuple[list[str], str, tuple[str, ...]]] = []
        counts: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        for word, source_phones, target_phones in pairs:
            source, target = units(source_phones), units(target_phones)
            letters = letters_of_units(word, source)
            for place, became in enumerate(align_units(source, target)):
                features = list(_features(word, source, place, letters))
                samples.append((features, source[place], became))
                counts[source[place]][became] += 1
        # A change seen once is a word's own, not the convention's.
        choices = {
            unit: [became for became, n in found.most_common() if n > 1 or became == (unit,)]
            or [(unit,)]
            for unit, found in counts.items()
        }
        weights: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        totals: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        order = random.Random(config.seed)
        step = 0
        for _ in range(config.epochs):
            order.shuffle(samples)
            for features, unit, became in samples:
                step += 1
                if became not in choices[unit]:
                    continue
                guess = _best(features, choices[unit], weights)
                if guess == became:
                    continue
                for feature in features:
                    row, total = weights[feature], totals[feature]
                    for label, change in ((became, 1.0), (guess, -1.0)):
                        row[label] = row.get(label, 0.0) + change
                        total[label] = total.get(label, 0.0) + change * step
        averaged = {
            feature: {
                label: value - totals[feature][label] / max(1, step) for label, value in row.items()
            }
            for feature, row in weights.items()
        }
        return cls(averaged, choices)

    def convert(self, word: str, phones: str) -> str:
        """`phones` of `word` in the target convention."""
        source = units(phones)
        letters = letters_of_units(word, source)
        out: list[str] = []
        for place, unit in enumerate(source):
            choices = self._choices.get(unit, [(unit,)])
            if len(choices) == 1:
                out += choices[0]
                continue
            features = list(_features(word, source, place, letters))
            out += _best(features, choices, self._weights)
        return _one_primary(out)


def _best(
    features: Sequence[str],
    choices: Sequence[tuple[str, ...]],
    weights: Mapping[str, Mapping[tuple[str, ...], float]],
) -> tuple[str, ...]:
    if len(choices) == 1:
        return choices[0]
    scores = dict.fromkeys(choices, 0.0)
    for feature in features:
        for label, weight in weights.get(feature, {}).items():
            if label in scores:
                scores[label] += weight
    return max(choices, key=lambda label: scores[label])


def _one_primary(found: Sequence[str]) -> str:
    """The word keeps a single primary stress: the choices were made one by one."""
    out = list(found)
    primary = [i for i, unit in enumerate(out) if unit[0] == "ˈ"]
    for i in primary[1:]:
        out[i] = "ˌ" + out[i][1:]
    if not primary:
        second = next((i for i, unit in enumerate(out) if unit[0] == "ˌ"), None)
        if second is not None:
            out[second] = "ˈ" + out[second][1:]
    return "".join(out)
