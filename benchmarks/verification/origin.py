"""Is it synthetic?  Clips of unseen people, and of engines that were never heard in training."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.verification.scores import score_trials
from benchmarks.verification.tables import Row, Tell
from voicelet.audio.features import FloatArray
from voicelet.speaker.origin import LIKELY_SYNTHETIC
from voicelet.speaker.synthetic_speech import synthetic_log_odds
from voicelet_export.train.synthetic_speech import REAL, coded, noisy, read_clips

CONDITIONS = ("as it is", "coded", "noise 20 dB")


def origin_rows(clips: Path, tell: Tell) -> list[Row]:
    """The detector of synthetic speech on the clips below `test`; see `read_clips`."""
    rng = np.random.default_rng(0)
    odds: dict[tuple[str, str], list[float]] = defaultdict(list)
    people: dict[str, list[str]] = defaultdict(list)
    unsaid = 0
    for number, clip in enumerate(read_clips(clips / "test")):
        forms: tuple[FloatArray, ...] = (
            clip.samples,
            coded(clip.samples, number),
            noisy(clip.samples, 20.0, rng),
        )
        found = [synthetic_log_odds(form) for form in forms]
        if any(one is None for one in found):
            unsaid += 1
            continue
        people[clip.kind].append(clip.speaker)
        for condition, one in zip(CONDITIONS, found):
            odds[clip.kind, condition].append(float(one or 0.0))
    tell(f"of {unsaid} clips nothing can be said (short, or dull)")
    rows: list[Row] = []
    for condition in CONDITIONS:
        real = odds[REAL, condition]
        for kind in sorted(set(people) - {REAL}):
            scored = score_trials(
                odds[kind, condition],
                real,
                LIKELY_SYNTHETIC,
                people=people[kind],
                false_people=people[REAL],
            )
            rows.append({"synthetic": kind, "condition": condition, **scored.row()})
            tell(f"{kind}, {condition}: EER {100 * scored.eer:.1f} %")
    return rows
