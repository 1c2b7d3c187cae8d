"""How well a speaker encoder tells people apart: the equal error rate of verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample
from voicelet.audio.vad import speech_segments
from voicelet.speaker.encoder import RunnableGraph, d_vector
from voicelet_export.corpus.reader import iterate_corpus, read_rows

RATE_HZ = 16000
Speech = Mapping[str, Sequence[FloatArray]]


@dataclass(frozen=True)
class EerReport:
    """What an evaluation found.

    Attributes:
        eer: rate at which as many true pairs are refused as false pairs are accepted, 0..1.
        threshold: the cosine at which that happens.
        same_mean, different_mean: mean cosine of pairs of one person and of two.
        n_same, n_different: pairs compared.
    """

    eer: float
    threshold: float
    same_mean: float
    different_mean: float
    n_same: int
    n_different: int


def equal_error_rate(same: npt.ArrayLike, different: npt.ArrayLike) -> tuple[float, float]:
    """Equal error rate (0..1) and its threshold, of scores of true and of false pairs.

    The threshold is the one between two neighbouring scores at which false rejections and false
    acceptances come closest; the rate is their mean there.

    Raises:
        ValueError: there are no true or no false pairs.
    """
    true = np.sort(np.ravel(np.asarray(same, np.float64)))
    false = np.sort(np.ravel(np.asarray(different, np.float64)))
    if len(true) == 0 or len(false) == 0:
        raise ValueError("an equal error rate needs true and false pairs")
    scores = np.unique(np.concatenate([true, false]))
    thresholds = np.concatenate([[scores[0] - 1e-6], (scores[:-1] + scores[1:]) / 2])
    rejected = np.searchsorted(true, thresholds, side="left") / len(true)
    accepted = 1.0 - np.searchsorted(false, thresholds, side="left") / len(false)
    best = int(np.argmin(np.abs(rejected - accepted)))
    return float((rejected[best] + accepted[best]) / 2), float(thresholds[best])


def read_speech(
    corpus: Path, speakers: Sequence[str], per_speaker: int, least_s: float = 1.6
) -> dict[str, list[FloatArray]]:
    """Read utterances at 16 kHz, silences removed, as enrolment does.

    Args:
        corpus: a packed corpus.
        speakers: whose.
        per_speaker: at most so many of each, the first that hold `least_s` seconds of speech.
    """
    wanted = set(speakers)
    ids: dict[str, str] = {}
    seen: dict[str, int] = {}
    for row in read_rows(corpus):
        name = row["speaker"]
        if name in wanted and row["seconds"] > least_s and seen.get(name, 0) < per_speaker:
            seen[name] = seen.get(name, 0) + 1
            ids[row["id"]] = name
    speech: dict[str, list[FloatArray]] = {}
    for utterance in iterate_corpus(corpus, set(ids)):
        wave = resample(utterance.samples, utterance.sample_rate_hz, RATE_HZ)
        parts = [wave[int(a * RATE_HZ) : int(b * RATE_HZ)] for a, b in speech_segments(wave)]
        kept = np.concatenate(parts) if parts else wave[:0]
        if len(kept) >= least_s * RATE_HZ:
            speech.setdefault(utterance.speaker, []).append(kept)
    return speech


def group_speech(speech: Speech, size: int) -> dict[str, list[FloatArray]]:
    """Join every `size` utterances of a person into one longer recording."""
    return {
        name: [np.concatenate(waves[i : i + size]) for i in range(0, len(waves) - size + 1, size)]
        for name, waves in speech.items()
    }


def evaluate_encoder(graph: RunnableGraph, speech: Speech) -> EerReport:
    """Compare every recording with every other.

    Args:
        graph: a speaker encoder.
        speech: speaker → recordings at 16 kHz.
    """
    names, vectors = [], []
    for name, waves in speech.items():
        for wave in waves:
            names.append(name)
            vectors.append(d_vector(graph, wave))
    labels = np.array(names)
    table = np.stack(vectors)
    cosine = table @ table.T
    upper = np.triu(np.ones_like(cosine, dtype=bool), 1)
    alike = labels[:, None] == labels[None, :]
    same, different = cosine[upper & alike], cosine[upper & ~alike]
    eer, threshold = equal_error_rate(same, different)
    return EerReport(
        eer, threshold, float(same.mean()), float(different.mean()), len(same), len(different)
    )
