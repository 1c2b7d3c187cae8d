"""The linear model that chooses between the readings of a homograph: fit, prune, round, measure.

A maximum-entropy model with a Gaussian prior, over the features of
`voicelet.text.pack.linear`; what the pack's rules say is one of them.  After a first fit only the
features with the largest weights are kept, the model is fit again on those and rounded to eight
bits.  Sentences are few, so it is measured by cross-validation: whole sentences are held out.
"""

from __future__ import annotations

import logging
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from voicelet.text.pack.homographs import HomographData, Homographs
from voicelet.text.pack.linear import LinearModel, feature_numbers, pack_weights
from voicelet_export.corpus.homographs import HomographExample
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Lookup = Callable[[str], "str | None"]


@dataclass(frozen=True)
class HomographTraining:
    """How the model is fit.

    Attributes:
        features: at most so many are kept; each takes five bytes.
        least_count: a feature must occur in so many sentences.
        own_prior: precision of the prior of a word's own weights.
        shared_prior: of the weights that words share.
        spoken_weight: how much a spoken-style sentence counts, a Wikipedia sentence counts 1.
        rarity: a sentence counts (sentences of the word's commonest reading / sentences of its
            own reading) to this power more, for texts differ in which reading is common.
        points_per_nat: points of a weight for each unit of log-odds.
        iterations: of the optimizer, at most.
        folds: parts of the cross-validation.
        seed: of the parts.
    """

    features: int = 24_000
    least_count: int = 2
    own_prior: float = 0.1
    shared_prior: float = 0.05
    spoken_weight: float = 3.0
    rarity: float = 0.3
    points_per_nat: float = 24.0
    iterations: int = 80
    folds: int = 5
    seed: int = 1


@dataclass(frozen=True)
class FeatureRows:
    """Examples as numbers: for every sense of a word but its first, a row of features.

    Attributes:
        rows: for each example, for each such sense, the numbers of its features.
        shared: the numbers that more than one word uses.
        targets: for each example, which sense is right.
    """

    rows: list[list[NDArray[np.uint32]]]
    shared: frozenset[int]
    targets: list[int]


def feature_rows(examples: Sequence[HomographExample], homographs: Homographs) -> FeatureRows:
    """The examples' features, as the product computes them.

    Raises:
        CorpusError: the pack lacks a sense.
    """
    rows: list[list[NDArray[np.uint32]]] = []
    targets: list[int] = []
    shared: set[int] = set()
    for example in examples:
        entry, found = homographs.features(example.keys, example.place, example.texts)
        if entry is None:  # read by rules alone: nothing to learn
            rows.append([])
            targets.append(0)
            continue
        if example.sense not in entry.senses:
            raise CorpusError(
                f"the pack has no sense {example.sense!r} of {example.word!r};"
                ' add it to "senses" in homographs.json'
            )
        strings = [feature.encode() for feature in found]
        senses = []
        for prefixes in entry.prefixes(example.word):
            by_prefix = [feature_numbers(prefix, strings) for prefix in prefixes]
            shared.update(*by_prefix[1:])
            senses.append(np.array([n for numbers in by_prefix for n in numbers], np.uint32))
        rows.append(senses)
        targets.append(entry.senses.index(example.sense))
    return FeatureRows(rows, frozenset(shared), targets)


def fit(
    data: FeatureRows,
    chosen: Sequence[int],
    importance: Sequence[float],
    training: HomographTraining,
) -> LinearModel:
    """The model of some of the examples.

    Args:
        data: all examples.
        chosen: indices of those to fit.
        importance: how much each of those counts.
        training: how.
    """
    counts = Counter(int(n) for i in chosen for row in data.rows[i] for n in set(row.tolist()))
    kept = sorted(n for n, count in counts.items() if count >= training.least_count)
    weights = _fit_kept(data, chosen, importance, training, kept)
    if len(kept) > training.features:
        strength = {n: abs(w) * counts[n] ** 0.5 for n, w in zip(kept, weights)}
        kept = sorted(sorted(kept, key=lambda n: -strength[n])[: training.features])
        weights = _fit_kept(data, chosen, importance, training, kept)
    points = np.clip(np.rint(weights * training.points_per_nat), -127, 127).astype(int)
    return LinearModel(pack_weights({n: int(p) for n, p in zip(kept, points) if p}))


def _fit_kept(
    data: FeatureRows,
    chosen: Sequence[int],
    importance: Sequence[float],
    training: HomographTraining,
    kept: Sequence[int],
) -> Floats:
    column_of = {number: column for column, number in enumerate(kept)}
    columns: list[int] = []
    ends, example_of, right = [0], [], []
    for index, i in enumerate(chosen):
        for sense, row in enumerate(data.rows[i], 1):
            columns += [column_of[n] for n in row.tolist() if n in column_of]
            ends.append(len(columns))
            example_of.append(index)
            right.append(float(data.targets[i] == sense))
    matrix = csr_matrix(
        (np.ones(len(columns)), np.array(columns), np.array(ends)), shape=(len(right), len(kept))
    )
    groups, targets = np.array(example_of), np.array(right)
    counted = np.array(importance)
    prior = np.array(
        [training.shared_prior if n in data.shared else training.own_prior for n in kept]
    )

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = matrix @ weights
        top = np.zeros(len(chosen))
        np.maximum.at(top, groups, scores)
        raised = np.exp(scores - top[groups])
        total = np.exp(-top) + np.bincount(groups, raised, len(chosen))
        right_scores = np.bincount(groups, scores * targets, len(chosen))
        value = np.sum(counted * (np.log(total) + top - right_scores))
        slope = matrix.T @ (counted[groups] * (raised / total[groups] - targets))
        return (
            float(value + 0.5 * np.sum(prior * weights**2)),
            slope + prior * weights,
        )

    result = minimize(
        loss,
        np.zeros(len(kept)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": training.iterations},
    )
    return np.asarray(result.x)


def folds(examples: Sequence[HomographExample], count: int, seed: int) -> list[list[int]]:
    """Indices of the examples in so many parts, each reading of each word spread evenly."""
    by_reading: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        by_reading[example.word, example.sense].append(index)
    parts: list[list[int]] = [[] for _ in range(count)]
    shuffle = random.Random(seed)
    at = 0
    for reading in sorted(by_reading):
        members = by_reading[reading]
        shuffle.shuffle(members)
        for index in members:
            parts[at % count].append(index)
            at += 1
    return parts


def importance_of(
    examples: Sequence[HomographExample], spoken_from: int, training: HomographTraining
) -> list[float]:
    """How much each example counts; those from index `spoken_from` on are spoken-style."""
    counts = Counter((example.word, example.sense) for example in examples)
    most: dict[str, int] = defaultdict(int)
    for (word, _), count in counts.items():
        most[word] = max(most[word], count)
    return [
        (training.spoken_weight if index >= spoken_from else 1.0)
        * float(most[example.word] / counts[example.word, example.sense]) ** training.rarity
        for index, example in enumerate(examples)
    ]


@dataclass(frozen=True)
class HomographScore:
    """How many examples of a kind were read right.

    Attributes:
        right, count: of all.
        by_word: the word → right, count.
    """

    right: int
    count: int
    by_word: dict[str, tuple[int, int]]

    @property
    def share(self) -> float:
        """Of all examples, those that were right."""
        return self.right / max(1, self.count)


def score(examples: Sequence[HomographExample], chosen: Sequence[bool]) -> HomographScore:
    """Add up which examples were read right."""
    by_word: dict[str, tuple[int, int]] = {}
    for example, right in zip(examples, chosen):
        before = by_word.get(example.word, (0, 0))
        by_word[example.word] = (before[0] + right, before[1] + 1)
    return HomographScore(sum(chosen), len(examples), dict(sorted(by_word.items())))


def is_right(example: HomographExample, homographs: Homographs, lookup: Lookup) -> bool:
    """Whether an example gets the phones of its reading.

    Args:
        example: the example.
        homographs: the pack's.
        lookup: phones of `word` or `word|sense`.
    """
    senses = homographs(example.keys, example.place, example.texts)
    keys = [*(f"{example.word}|{sense}" for sense in senses), example.word]
    said = next((phones for key in keys if (phones := lookup(key))), None)
    wanted = lookup(f"{example.word}|{example.sense}") or lookup(example.word)
    return said is not None and said == wanted


def train_homographs(
    wikipedia: Sequence[HomographExample],
    spoken: Sequence[HomographExample],
    homographs: Homographs,
    training: HomographTraining,
) -> LinearModel:
    """The model of all examples.

    Raises:
        CorpusError: the pack lacks a sense.
    """
    examples = [*wikipedia, *spoken]
    importance = importance_of(examples, len(wikipedia), training)
    return fit(feature_rows(examples, homographs), range(len(examples)), importance, training)


def cross_validate(
    wikipedia: Sequence[HomographExample],
    spoken: Sequence[HomographExample],
    data: HomographData,
    lookup: Lookup,
    training: HomographTraining,
) -> tuple[HomographScore, HomographScore]:
    """How many are read right by models that didn't see them: Wikipedia's, the spoken ones.

    Args:
        wikipedia, spoken: the examples.
        data: the pack's rules and margins.
        lookup: phones of `word` or `word|sense`.
        training: how.

    Raises:
        CorpusError: the pack lacks a sense.
    """
    examples = [*wikipedia, *spoken]
    rows = feature_rows(examples, Homographs(data))
    importance = importance_of(examples, len(wikipedia), training)
    right = [False] * len(examples)
    parts = zip(
        folds(wikipedia, training.folds, training.seed),
        folds(spoken, training.folds, training.seed),
    )
    for number, (of_wikipedia, of_spoken) in enumerate(parts, 1):
        tested = {*of_wikipedia, *(len(wikipedia) + index for index in of_spoken)}
        seen = [index for index in range(len(examples)) if index not in tested]
        model = fit(rows, seen, [importance[index] for index in seen], training)
        homographs = Homographs(data, model)
        for index in tested:
            right[index] = is_right(examples[index], homographs, lookup)
        log.info(
            "part %d of %d: %.2f %% of %d",
            number,
            training.folds,
            100 * sum(right[index] for index in tested) / max(1, len(tested)),
            len(tested),
        )
    cut = len(wikipedia)
    return score(wikipedia, right[:cut]), score(spoken, right[cut:])
