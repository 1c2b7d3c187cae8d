"""The cohort and the calibration of voice verification, from people no test ever uses.

The cohort is spherical k-means over one mean d-vector a person, and no cluster of fewer than three
people is kept, so that the file that ships holds nobody's voiceprint.  Calibration pairs every
person's first recordings, as a profile, with every later utterance of everybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.enrolment.enrolment import GE2E_ENCODER_ID
from voicelet.speaker.voice_match import VoiceScale
from voicelet_export.errors import CorpusError

TEST_SHARE = 3
"""Every third person is kept for tests."""


def is_test_person(speaker: str, held_out: frozenset[str]) -> bool:
    """Whether a person's recordings may only be tested with: the held-out, and every third."""
    return speaker in held_out or hashlib.sha256(speaker.encode()).digest()[0] % TEST_SHARE == 0


@dataclass(frozen=True)
class SpokenClip:
    """One utterance: its d-vector [256] and seconds of speech."""

    d_vector: FloatArray
    seconds: float


@dataclass(frozen=True)
class VoiceMatchConfig:
    """How the scale is made.

    Attributes:
        clusters: of the cohort, before small ones are given up.
        least_people: in a cluster.
        profile_s: seconds of speech that make a profile.
        joins: how many utterances make one test recording; each number in turn.
        seed: of the k-means.
    """

    clusters: int = 60
    least_people: int = 3
    profile_s: float = 25.0
    joins: tuple[int, ...] = (1, 2, 4)
    seed: int = 0


People = Mapping[str, Sequence[SpokenClip]]


def unit(vectors: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Rows [..., n] brought to unit length."""
    rows = np.asarray(vectors, dtype=np.float64)
    found: npt.NDArray[np.float64] = rows / np.maximum(
        np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9
    )
    return found


def cluster(
    people: npt.NDArray[np.float64], clusters: int, least: int, seed: int
) -> npt.NDArray[np.float64]:
    """Spherical k-means of unit vectors [people, n]; no centre stands for fewer than `least`."""
    rng = np.random.default_rng(seed)
    centres = people[rng.choice(len(people), min(clusters, len(people)), replace=False)]
    for _ in range(200):
        nearest = (people @ centres.T).argmax(axis=1)
        sizes = np.bincount(nearest, minlength=len(centres))
        if sizes.min() < least and len(centres) > 1:
            centres = np.delete(centres, int(sizes.argmin()), axis=0)
            continue
        new = unit(np.stack([people[nearest == j].mean(axis=0) for j in range(len(centres))]))
        if np.allclose(new, centres):
            break
        centres = new
    nearest = (people @ centres.T).argmax(axis=1)
    kept = [j for j in range(len(centres)) if (nearest == j).sum() >= least]
    return unit(np.stack([people[nearest == j].mean(axis=0) for j in kept]))


def split_profile(
    spoken: Sequence[SpokenClip], profile_s: float
) -> tuple[SpokenClip | None, list[SpokenClip]]:
    """The first utterances that hold `profile_s` seconds, joined, and the others; None if few."""
    seconds = 0.0
    for count, one in enumerate(spoken, 1):
        seconds += one.seconds
        if seconds >= profile_s:
            return join(spoken[:count]), list(spoken[count:])
    return None, []


def join(spoken: Sequence[SpokenClip]) -> SpokenClip:
    """Utterances as one recording: d-vectors averaged by their seconds."""
    weights = np.array([one.seconds for one in spoken])
    mean = np.average(np.stack([one.d_vector for one in spoken]), axis=0, weights=weights)
    return SpokenClip(unit(mean).astype(np.float32), float(weights.sum()))


def groups(spoken: Sequence[SpokenClip], size: int) -> list[SpokenClip]:
    """Every `size` utterances joined."""
    return [join(spoken[i : i + size]) for i in range(0, len(spoken) - size + 1, size)]


def make_scale(people: People, config: VoiceMatchConfig = VoiceMatchConfig()) -> VoiceScale:
    """Cohort and calibration.

    Args:
        people: of training only; who has too few recordings for a profile joins the cohort only.

    Raises:
        CorpusError: too few people.
    """
    means = unit(np.stack([join(spoken).d_vector for spoken in people.values()]))
    cohort = cluster(means, config.clusters, config.least_people, config.seed)
    scale = VoiceScale(cohort.astype(np.float32), (1.0, 0.0, 0.0, 0.0), GE2E_ENCODER_ID)
    rows: list[tuple[float, float, bool]] = []
    tests = {name: split_profile(spoken, config.profile_s) for name, spoken in people.items()}
    for name, (profile, _) in tests.items():
        if profile is None:
            continue
        for other, (_, rest) in tests.items():
            for size in config.joins:
                for one in groups(rest, size):
                    found = scale.match(profile.d_vector, one.d_vector, one.seconds)
                    rows.append((found.normalized, one.seconds, name == other))
    if len({same for _, _, same in rows}) < 2:
        raise CorpusError("calibration needs at least two people with a minute of speech each")
    return replace(scale, weights=calibrate(rows))


def calibrate(rows: Sequence[tuple[float, float, bool]]) -> tuple[float, float, float, float]:
    """Weighted logistic regression of (score, seconds, same?), both answers weighing the same.

    Returns the weights of `VoiceScale`.
    """
    score = np.array([row[0] for row in rows])
    length = np.log(np.clip([row[1] for row in rows], 1.0, 30.0))
    design = np.stack([score, score * length, length, np.ones_like(score)], axis=1)
    found = calibrate_linear(design, np.array([row[2] for row in rows]))
    slope, per_second, seconds, offset = (float(w) for w in found)
    return slope, per_second, seconds, offset


def calibrate_linear(
    design: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Weights [features] of a logistic regression of `design` [trials, features].

    True and false trials weigh the same in all.  Newton's method with a small ridge.
    """
    target = np.asarray(same, dtype=np.float64)
    weight = np.where(target > 0, 0.5 / target.sum(), 0.5 / (1.0 - target).sum())
    found = np.zeros(design.shape[1])
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ found, -30.0, 30.0)))
        gradient = design.T @ (weight * (target - p)) - 1e-6 * found
        curvature = (design * (weight * p * (1.0 - p))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-6 * np.eye(len(found)), gradient)
        found += step * min(1.0, 5.0 / max(float(np.linalg.norm(step)), 1e-9))
        if np.abs(step).max() < 1e-9:
            break
    return found
