"""Is it synthetic?  Clips of unseen people, and of engines that were never heard in training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from benchmarks.attacks import pitch, rerecorded, speed
from benchmarks.verification.people import corpus_of
from benchmarks.verification.scores import score_trials
from benchmarks.verification.tables import Row, Tell
from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample
from voicelet.speaker.origin import SPOKEN_REFUSED
from voicelet.speaker.synthetic_speech import SAMPLE_RATE_HZ, synthetic_log_odds
from voicelet_export.corpus.effects import add_noise, coloured_noise
from voicelet_export.train.synthetic_speech import (
    AS_IT_IS,
    CLIP_RATE_HZ,
    REAL,
    Clip,
    as_corpus,
    coded,
    read_clips,
)

READING_S = 8.0
"""About as long as a consent sentence: recordings of people are joined until they are."""

_BOOTSTRAPS = 2000


def _noisy(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    return add_noise(samples, coloured_noise(len(samples), rng, 0.0), 20.0, CLIP_RATE_HZ)


CONDITIONS: dict[str, Callable[[FloatArray, np.random.Generator], FloatArray]] = {
    AS_IT_IS: lambda samples, rng: samples,
    "MP3": lambda samples, rng: coded(samples, CLIP_RATE_HZ, "mp3", 0.6),
    "noise 20 dB": _noisy,
    "speed +10 %": speed(1.1),
    "speed -10 %": speed(1.0 / 1.1),
    "pitch -3 semitones": pitch(-3.0),
    "played again": rerecorded,
}
"""What happens to speech of people and machines alike."""


def readings(clips: Iterable[Clip]) -> list[Clip]:
    """Recordings of people joined, person by person, into readings of 8 s; the rest as it is.

    A person with less than 8 s gives one reading of all there is.
    """
    out: list[Clip] = []
    waiting: dict[str, list[FloatArray]] = defaultdict(list)
    given: set[str] = set()
    for clip in clips:
        if clip.kind != REAL:
            out.append(clip)
            continue
        waiting[clip.speaker].append(clip.samples)
        if sum(map(len, waiting[clip.speaker])) >= READING_S * CLIP_RATE_HZ:
            out.append(Clip(REAL, clip.speaker, np.concatenate(waiting.pop(clip.speaker))))
            given.add(clip.speaker)
    short = [(s, parts) for s, parts in waiting.items() if s not in given]
    return out + [Clip(REAL, s, np.concatenate(parts)) for s, parts in short]


def measure_conditions(clips: Path, tell: Tell) -> list[tuple[Clip, str, float | None]]:
    """Log odds of the test clips under every condition."""
    rng = np.random.default_rng(0)
    found: list[tuple[Clip, str, float | None]] = []
    for number, clip in enumerate(readings(read_clips(clips / "test"))):
        source = clip.samples if clip.kind == REAL else as_corpus(clip.samples)
        for condition, change in CONDITIONS.items():
            low = resample(change(source, rng), CLIP_RATE_HZ, SAMPLE_RATE_HZ)
            found.append((clip, condition, synthetic_log_odds(low)))
        if number % 50 == 0:
            tell(f"{number} clips")
    return found


def origin_rows(clips: Path, tell: Tell) -> list[Row]:
    """The detector of synthetic speech on the clips below `test`; see `read_clips`.

    Rows of each kind of synthetic speech and condition, then of the people of each corpus whose
    readings would be refused as a spoken consent.
    """
    found = measure_conditions(clips, tell)
    rows: list[Row] = []
    for condition in CONDITIONS:
        some = [(clip, odds) for clip, where, odds in found if where == condition]
        real = [(clip, odds) for clip, odds in some if clip.kind == REAL and odds is not None]
        for kind in sorted({clip.kind for clip, _ in some} - {REAL}):
            said = [(clip, odds) for clip, odds in some if clip.kind == kind and odds is not None]
            scored = score_trials(
                [odds for _, odds in said],
                [odds for _, odds in real],
                SPOKEN_REFUSED,
                people=[clip.speaker for clip, _ in said],
                false_people=[clip.speaker for clip, _ in real],
            )
            rows.append({"synthetic": kind, "condition": condition, **scored.row()})
            tell(f"{kind}, {condition}: EER {100 * scored.eer:.1f} %")
        rows += refusal_rows([(c, o) for c, o in some if c.kind == REAL], condition)
    return rows


def refusal_rows(real: list[tuple[Clip, float | None]], condition: str) -> list[Row]:
    """How many readings of people would be refused, of each corpus and of all."""
    rows: list[Row] = []
    corpora = sorted({corpus_of(clip.speaker) for clip, _ in real})
    for corpus in [*corpora, "all"]:
        some = [(c, o) for c, o in real if corpus in ("all", corpus_of(c.speaker))]
        refused = np.array([odds is None or odds >= SPOKEN_REFUSED for _, odds in some])
        low, high = share_interval(refused, [clip.speaker for clip, _ in some])
        rows.append(
            {
                "people": corpus,
                "condition": condition,
                "readers": len({clip.speaker for clip, _ in some}),
                "readings": len(some),
                "refused": float(refused.mean()),
                "refused_low": low,
                "refused_high": high,
            }
        )
    return rows


def share_interval(hits: np.ndarray, people: list[str]) -> tuple[float, float]:
    """A 95 % interval of a share of trials, several of which may be one person's.

    Bootstraps over the people; with no hit, or hits only, Clopper and Pearson's bound on as many
    trials as there are people.
    """
    names, index = np.unique(people, return_inverse=True)
    count = np.bincount(index)
    hit = np.bincount(index, weights=hits.astype(np.float64))
    if not hit.any():
        return 0.0, 1.0 - 0.025 ** (1.0 / len(names))
    if hits.all():
        return float(0.025 ** (1.0 / len(names))), 1.0
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(names), (_BOOTSTRAPS, len(names)))
    shares = hit[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(low), float(high)
