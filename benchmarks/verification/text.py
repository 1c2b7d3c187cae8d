"""Is the sentence that was asked for the one that was read?  Readers of the corpora, word by word.

Nobody has read a consent sentence to us, so real readings stand in: six words of what somebody read
are taken for the random words.  A false trial asks for six other words of the list in their places,
everything else being right (the hardest attack: a true recording with the wrong words), or for
another person's text altogether.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.corpora import TarCorpus
from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample
from voicelet.bundle import open_bundle
from voicelet.enrolment.liveness.sentence import SentencePhones, word_list
from voicelet.enrolment.liveness.transcript import TextFit, text_fit
from voicelet.speaker.phone_posteriors import phone_posteriors
from voicelet.text.g2p import NeuralG2P
from voicelet.text.lexicon import Lexicon
from voicelet.text.phones import PUNCTUATION, STRESS
from voicelet_export.corpus.transcripts import TranscriptReader

WORDS = 6
_LEAST_PHONES = 4
_JOINED = 4  # speechocean762 has short sentences
_READINGS = 2  # of each of its people


@dataclass(frozen=True)
class Trial:
    """How well one reading fits the right words, other words in their place, and another text."""

    speaker: str
    seconds: float
    right: TextFit
    other_words: TextFit
    other_text: TextFit


@dataclass(frozen=True)
class _Reading:
    speaker: str
    utterances: tuple[str, ...]
    phones: str
    words: tuple[tuple[int, int], ...]


def text_trials(corpus: Path, speakers: Sequence[str], seed: int = 1) -> Iterator[Trial]:
    """Score the readings of some speakers of the corpus `real`."""
    source = TarCorpus(corpus)
    bundle = open_bundle(None)
    lexicon = Lexicon.open(bundle.data_path("lexicon"))
    reader = TranscriptReader(lexicon, NeuralG2P(bundle.graph_path("g2p")[0]))
    listed = [phones for phones in map(lexicon.get, word_list()) if phones]
    rng = random.Random(seed)
    readings = [r for s in speakers for r in _readings(source, reader, s)]
    for place, reading in enumerate(readings):
        if len(reading.words) < WORDS // 2:
            continue
        wave = _joined(source, reading.utterances)
        log_posterior, log_prior = phone_posteriors(wave)
        slots = sorted(rng.sample(reading.words, min(WORDS, len(reading.words))))
        other = readings[(place + len(readings) // 2) % len(readings)]
        fits = [
            text_fit(log_posterior, log_prior, asked, listed)
            for asked in (
                SentencePhones(reading.phones, tuple(slots)),
                _replaced(reading.phones, slots, rng.sample(listed, len(slots))),
                _drawn(other, rng),
            )
        ]
        yield Trial(reading.speaker, len(wave) / 24000.0, fits[0], fits[1], fits[2])


def _readings(source: TarCorpus, reader: TranscriptReader, speaker: str) -> list[_Reading]:
    ids = sorted(i for i, row in source.rows.items() if row["speaker"] == speaker)
    size = _JOINED if len(ids) > 1 else 1
    parts = [tuple(ids[i : i + size]) for i in range(0, len(ids), size)][:_READINGS]
    return [_pronounced(source, reader, speaker, part) for part in parts if len(part) == size]


def _pronounced(
    source: TarCorpus, reader: TranscriptReader, speaker: str, ids: tuple[str, ...]
) -> _Reading:
    phones, words = "", []
    for utterance in ids:
        clause = reader.phones(reader.read(source.rows[utterance]["text"]).tokens)
        phones += " " if phones else ""
        words += [(len(phones) + w.start, len(phones) + w.end) for w in clause.words]
        phones += clause.phones
    long = [(a, b) for a, b in words if _spoken(phones[a:b]) >= _LEAST_PHONES]
    return _Reading(speaker, ids, phones, tuple(long))


def _spoken(phones: str) -> int:
    return sum(p not in PUNCTUATION + STRESS for p in phones)


def _joined(source: TarCorpus, ids: Sequence[str]) -> FloatArray:
    parts = [source.read(i) for i in ids]
    return np.concatenate([resample(samples, rate, 24000) for samples, rate in parts])


def _replaced(
    phones: str, slots: Sequence[tuple[int, int]], words: Sequence[str]
) -> SentencePhones:
    text, places, last = "", [], 0
    for (start, end), word in zip(slots, words):
        text += phones[last:start]
        places.append((len(text), len(text) + len(word)))
        text += word
        last = end
    return SentencePhones(text + phones[last:], tuple(places))


def _drawn(reading: _Reading, rng: random.Random) -> SentencePhones:
    slots = sorted(rng.sample(reading.words, min(WORDS, len(reading.words))))
    return SentencePhones(reading.phones, tuple(slots))
