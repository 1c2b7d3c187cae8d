"""Lists of protected voices: people who never want to be cloned, without their voiceprints.

A template is the signs of a d-vector's random projections (Charikar, "Similarity estimation
techniques from rounding algorithms", 2002), drawn anew from a salt for each list, with some signs
flipped at random (randomised response, Warner 1965).  That is enough to recognise the voice, not
enough to rebuild the voiceprint exactly or to link two lists by their bytes.  Whoever holds a list
can still test whether a recording matches it: a list protects voices, it doesn't hide them.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.enrol.speaker import D_VECTOR_SIZE
from voicelet.enrol.voice_match import NEAREST, voice_scale

BITS = 1024
FLIP = 0.1
"""Probability that a sign is turned round."""

_MATCH_ONE = 2.45
_MATCH_TENFOLD = 0.65
"""Of 1 % false alarms a list: what that takes for one voice, and for each ten times as many."""

SALT_BYTES = 16


@dataclass(frozen=True)
class Listed:
    """A voice found on a list: its place (from 0), its label, and how well it agrees."""

    index: int
    label: str
    score: float


@dataclass(frozen=True)
class ProtectedVoices:
    """A list of protected voices.

    Attributes:
        name: of the list.
        salt: 16 bytes, its own.
        labels: what its keeper calls each voice; may be empty.
        templates: bool [voices, bits].
        encoder_id: whose d-vectors were projected.
        public_key: Ed25519 key of the device that signed it, 32 bytes; empty before it is signed.
    """

    name: str
    salt: bytes = field(repr=False)
    labels: tuple[str, ...]
    templates: npt.NDArray[np.bool_] = field(repr=False)
    encoder_id: str
    public_key: bytes = b""

    def find(self, d_vector: npt.ArrayLike) -> Listed | None:
        """The listed voice that a d-vector [256] is, the best match; None if it is none."""
        if not len(self.templates):
            return None
        scores = self.scores(d_vector)
        best = int(scores.argmax())
        if scores[best] < self.threshold:
            return None
        return Listed(best, self.labels[best], float(scores[best]))

    @property
    def threshold(self) -> float:
        """Score from which a voice is a listed one; higher for a longer list."""
        return _MATCH_ONE + _MATCH_TENFOLD * math.log10(max(1, len(self.templates)))

    def scores(self, d_vector: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Agreement with every template [voices], by AS-norm against the packaged cohort."""
        cohort = _signs(voice_scale().cohort, self.salt)
        own = _signs(np.asarray(d_vector, dtype=np.float32)[None], self.salt)
        likeness = _agreement(own, self.templates)[0]
        mean, deviation = _nearest(_agreement(own, cohort))
        means, deviations = _nearest(_agreement(self.templates, cohort))
        found: npt.NDArray[np.float64] = 0.5 * (
            (likeness - mean[0]) / deviation[0] + (likeness - means) / deviations
        )
        return found


def protect(
    name: str,
    voices: Mapping[str, npt.ArrayLike],
    encoder_id: str,
    *,
    salt: bytes | None = None,
    rng: np.random.Generator | None = None,
) -> ProtectedVoices:
    """Make a list of d-vectors.

    Args:
        voices: label → d-vector [256].
        salt, rng: only for tests; fresh randomness without them.
    """
    salt = salt or secrets.token_bytes(SALT_BYTES)
    generator = rng or np.random.default_rng(secrets.randbits(256))
    vectors = np.stack([np.asarray(v, dtype=np.float32) for v in voices.values()])
    signs = _signs(vectors, salt)
    flipped = signs ^ (generator.random(signs.shape) < FLIP)
    return ProtectedVoices(name, salt, tuple(voices), flipped, encoder_id)


def _signs(vectors: FloatArray, salt: bytes) -> npt.NDArray[np.bool_]:
    """Signs of the projections [n, bits]; what all voices share is taken out first."""
    seed = int.from_bytes(hashlib.sha256(b"voicelet protected" + salt).digest(), "big")
    planes = np.random.Generator(np.random.PCG64(seed)).standard_normal((D_VECTOR_SIZE, BITS))
    centred = np.asarray(vectors, dtype=np.float64) - voice_scale().cohort.mean(axis=0)
    found: npt.NDArray[np.bool_] = centred @ planes > 0.0
    return found


def _agreement(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """1 where all signs agree, 0 for half of them: [first, second]."""
    a, b = first * 2.0 - 1.0, second * 2.0 - 1.0
    found: npt.NDArray[np.float64] = a @ b.T / BITS
    return found


def _nearest(
    likeness: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    near = np.sort(likeness, axis=1)[:, -NEAREST:]
    return near.mean(axis=1), np.maximum(near.std(axis=1), 1e-3)
