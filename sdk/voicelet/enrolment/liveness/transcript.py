"""Is the sentence that was asked for the one that was read?

The sentence's phones are force-aligned to the recording, whatever was said.  Then every random
word is compared on its frames in two ways: against the unconstrained best phone
of each frame (the goodness of pronunciation of Witt & Young, "Phone-level pronunciation scoring",
2000), and against every other word of the list, placed wherever in those frames it fits best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.enrolment.liveness.sentence import SentencePhones
from voicelet.speaker.alignment import AlignConfig, ForcedAligner, IntArray
from voicelet.text.phones import PUNCTUATION, STRESS, PhoneInventory

_ALIGN = AlignConfig()
_STATES = 2  # frames a phone lasts at least, as in the aligner
_ROOM_FRAMES = 8  # a rival may begin and end this much earlier or later
_WORDS = (3.51, 9.06, -2.71)
_WHOLE = (15.6, 23.1)
_UNSPOKEN = frozenset(PUNCTUATION + STRESS)


@dataclass(frozen=True)
class WordFit:
    """How well one random word fits its place.

    Attributes:
        goodness: mean over its frames of the log posterior of its phones less that of the best
            phone, nats; 0 is perfect.
        margin: how many standard deviations it fits better than the other words of the list.
    """

    goodness: float
    margin: float


@dataclass(frozen=True)
class TextFit:
    """How well a recording fits a sentence.

    Attributes:
        goodness, margin: as in `WordFit`, means over the random words.
        whole: the goodness of all of the sentence.
        words: of each random word, in order.
    """

    goodness: float
    margin: float
    whole: float
    words: tuple[WordFit, ...]


NO_FIT = TextFit(-9.0, -9.0, -9.0, ())


@dataclass(frozen=True)
class _Rivals:
    """Chains of states of many words: [words, states], and how many states each word has."""

    symbols: IntArray
    states: IntArray


def _chains(words: Sequence[str], inventory: PhoneInventory) -> _Rivals:
    rows = [np.repeat(inventory.encode(word)[1:-1], _STATES) for word in words]
    states = np.array([len(row) for row in rows], dtype=np.int64)
    table = np.zeros((len(rows), int(states.max())), dtype=np.int64)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return _Rivals(table, states)


@lru_cache(maxsize=4)
def _list_chains(words: tuple[str, ...], symbols: str) -> _Rivals:
    return _chains(words, PhoneInventory(symbols))


def _best_ratios(emission: FloatArray, rivals: _Rivals) -> npt.NDArray[np.float64]:
    """Best path of each word through any stretch of the frames, as mean log ratio a state.

    Args:
        emission: [frames, symbols], 0 for the best symbol of each frame.
    """
    score = np.full(rivals.symbols.shape, -np.inf)
    best = np.full(len(score), -np.inf)
    rows, last = np.arange(len(score)), rivals.states - 1
    for frame in emission:
        entering = np.zeros_like(score)
        entering[:, 1:] = score[:, :-1]
        score = np.maximum(score, entering) + frame[rivals.symbols]
        best = np.maximum(best, score[rows, last])
    ratios: npt.NDArray[np.float64] = best / rivals.states
    return ratios


def text_fit(
    log_posterior: FloatArray,
    log_prior: FloatArray,
    sentence: SentencePhones,
    words: Sequence[str],
    inventory: PhoneInventory = PhoneInventory(),
) -> TextFit:
    """Score a recording against a sentence.

    Args:
        log_posterior: [frames, symbols] of the recording (see `phone_posteriors`).
        log_prior: [symbols].
        sentence: its phones, and which of them are the random words.
        words: phones of every word of the list, the rivals.

    Returns:
        The fit; `NO_FIT` where the recording is too short for the sentence.
    """
    tokens = inventory.encode(sentence.phones)
    if len(log_posterior) < len(tokens) or not sentence.slots:
        return NO_FIT
    alignment = ForcedAligner(log_prior, inventory, _ALIGN).align(log_posterior, tokens)
    starts = alignment.starts
    ends = starts + alignment.durations_frames
    own = np.maximum(log_posterior, _ALIGN.floor)
    ratio = own - log_posterior.max(axis=1, keepdims=True)
    scaled = own - _ALIGN.prior_weight * log_prior
    emission = scaled - scaled.max(axis=1, keepdims=True)
    rivals = _list_chains(tuple(words), inventory.symbols)
    fits = []
    for first, last in sentence.slots:
        states = [
            i + 1 for i in range(first, last) if sentence.phones[i] not in _UNSPOKEN
        ]  # + 1 for the pad
        total = sum(float(ratio[starts[i] : ends[i], tokens[i]].sum()) for i in states)
        frames = int(alignment.durations_frames[states].sum())
        low = max(0, int(starts[first + 1]) - _ROOM_FRAMES)
        window = emission[low : int(ends[last]) + _ROOM_FRAMES]
        word = sentence.phones[first:last]
        claimed = float(_best_ratios(window, _chains([word], inventory))[0])
        others = _best_ratios(window, rivals)[[w != word for w in words]]
        finite = others[np.isfinite(others)]
        margin = -9.0
        if np.isfinite(claimed) and len(finite) > 1:
            margin = (claimed - float(finite.mean())) / max(float(finite.std()), 1e-3)
        fits.append(WordFit(total / frames, margin))
    all_states = [i + 1 for i, p in enumerate(sentence.phones) if p not in _UNSPOKEN]
    total = sum(float(ratio[starts[i] : ends[i], tokens[i]].sum()) for i in all_states)
    return TextFit(
        float(np.mean([fit.goodness for fit in fits])),
        float(np.mean([fit.margin for fit in fits])),
        total / int(alignment.durations_frames[all_states].sum()),
        tuple(fits),
    )


def log_odds(fit: TextFit) -> float:
    """Logarithm of the odds that the sentence was read, where both answers are as likely before.

    The lesser of two odds, each by logistic regression on readers of the corpora whom no test uses
    (`python -m benchmarks.verification fit-text`): that these random words were read and not
    others, and that this text was and not another.  Neither can make up for the other.
    """
    goodness, margin, offset = _WORDS
    words = goodness * fit.goodness + margin * fit.margin + offset
    return min(words, _WHOLE[0] * fit.whole + _WHOLE[1])


def text_probability(fit: TextFit) -> float:
    """Probability that the sentence was read, 0..1; see :func:`log_odds`."""
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, log_odds(fit)))))
