"""The benchmark's parts: each gives rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verification.people import corpus_of, read_people, split_people
from benchmarks.verification.scores import score_trials
from benchmarks.verification.text import Trial, text_trials
from benchmarks.verification.voice import (
    CHANGES,
    Pair,
    compare,
    compare_profiles,
    embed_people,
    profiles,
)
from voicelet.enrolment.liveness.transcript import log_odds
from voicelet.profiles.guard import DEFAULT_GUARD
from voicelet_export.train.voice_match import calibrate_linear

Row = dict[str, Any]
Tell = Callable[[str], None]


def text_rows(corpus: Path, limit: int, tell: Tell) -> list[Row]:
    """The sentence check on test people."""
    _, test = split_people(read_people(corpus))
    trials = list(text_trials(corpus, _first(test, limit)))
    rows = []
    for name in ("speechocean762", "librispeech"):
        some = [t for t in trials if corpus_of(t.speaker) == name]
        for kind, false in (("six other words", "other_words"), ("another text", "other_text")):
            if some:
                scored = score_trials(
                    [log_odds(t.right) for t in some],
                    [log_odds(getattr(t, false)) for t in some],
                    0.0,
                    people=[t.speaker for t in some],
                    false_people=[t.speaker for t in some],
                )
                rows.append({"readers": name, "false trials": kind, **scored.row()})
                tell(f"text, {name}, {kind}: EER {100 * scored.eer:.1f} %")
    return rows


def fit_text(corpus: Path, limit: int) -> list[float]:
    """Weights of `log_odds`, from people that no test uses.

    Goodness, margin and offset of the random words; then slope and offset of the whole.
    """
    train, _ = split_people(read_people(corpus))
    trials = list(text_trials(corpus, _first(train, limit), seed=2))
    words = [(t.right, t.other_words) for t in trials]
    texts = [(t.right, t.other_text) for t in trials]
    same = np.array([True, False] * len(trials))
    pairs = np.array([[f.goodness, f.margin, 1.0] for pair in words for f in pair])
    wholes = np.array([[f.whole, 1.0] for pair in texts for f in pair])
    return [float(w) for d in (pairs, wholes) for w in calibrate_linear(d, same)]


def voice_rows(corpus: Path, limit: int, tell: Tell) -> list[Row]:
    """Verification, the list of protected voices and the duplicate guard on test people."""
    people = read_people(corpus)
    _, test = split_people(people)
    chosen = [s for s in test if people[s]["utterances"] >= 8][: limit or None]
    genders = {s: str(people[s].get("gender")) for s in chosen}
    clean = embed_people(corpus, chosen, "as recorded", 20)
    made = profiles(clean)
    rows: list[Row] = []
    for change in CHANGES:
        spoken = clean if change == "as recorded" else embed_people(corpus, chosen, change, 14)
        for size in (1, 2, 4) if change == "as recorded" else (2,):
            pairs = list(compare(made, spoken, genders, size))
            seconds = _seconds(spoken, made, size)
            rows += _voice_scores(pairs, change, seconds, tell)
    guard = list(compare_profiles(clean))
    rows.append(
        {
            "what": "profile against profile",
            "recording": "as recorded",
            "speech s": 20.0,
            **_scored(guard, lambda p: p.ratio, DEFAULT_GUARD.min_log_likelihood_ratio),
        }
    )
    return rows


def _voice_scores(pairs: Sequence[Pair], change: str, seconds: float, tell: Tell) -> list[Row]:
    same_gender = [p for p in pairs if not p.gender_differs]
    kinds: tuple[tuple[str, Sequence[Pair], Callable[[Pair], float], bool], ...] = (
        ("cosine alone", pairs, lambda p: p.cosine, False),
        ("verification", pairs, lambda p: p.ratio, True),
        ("verification, one sex", same_gender, lambda p: p.ratio, True),
        ("protected voices", pairs, lambda p: p.listed, False),
    )
    rows = []
    for what, some, score, ratios in kinds:
        found = _scored(some, score, 0.0 if ratios else np.nan, ratios)
        rows.append({"what": what, "recording": change, "speech s": round(seconds, 1), **found})
        tell(f"{what}, {change}, {seconds:.1f} s: EER {100 * found['eer']:.2f} %")
    return rows


def _scored(
    pairs: Iterable[Pair], score: Callable[[Pair], float], threshold: float, ratios: bool = True
) -> Row:
    some = list(pairs)
    true = [p for p in some if p.profile == p.speaker]
    false = [p for p in some if p.profile != p.speaker]
    found = score_trials(
        [score(p) for p in true],
        [score(p) for p in false],
        threshold,
        people=[p.speaker for p in true],
        false_people=[p.speaker for p in false],
        ratios=ratios,
    ).row()
    ordered = np.sort([score(p) for p in false])
    at = float(ordered[int(0.999 * (len(ordered) - 1))])
    found["miss at 0.1 % false alarms"] = float(np.mean([score(p) < at for p in true]))
    found["threshold of 0.1 %"] = at
    if np.isnan(threshold):
        found["miss"] = found["false_alarm"] = None
    return found


def _seconds(spoken: Any, made: Any, size: int) -> float:
    lengths = [one.seconds for s in made for one in list(spoken[s])[made[s][1] :]]
    return float(np.mean(lengths)) * size


def _first(speakers: Sequence[str], limit: int) -> list[str]:
    """At most `limit` of either corpus, all if 0."""
    kept: list[str] = []
    for name in ("speechocean762", "librispeech"):
        kept += [s for s in speakers if corpus_of(s) == name][: limit or None]
    return kept


__all__ = ["Row", "Trial", "fit_text", "text_rows", "voice_rows"]
