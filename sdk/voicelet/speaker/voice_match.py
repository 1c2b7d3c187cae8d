"""Do two recordings hold the same voice?  A calibrated answer from their d-vectors.

The cosine alone means little: some voices are like many others, and some recordings sound like all
that were made with the same microphone.  So it is measured against how alike either side is to a
cohort (adaptive symmetric normalization, "AS-norm": Cumani et al., "Comparison of speaker
recognition approaches for real applications", 2011), and a logistic regression makes the result a
log-likelihood ratio (Brümmer & du Preez, "Application-independent evaluation of speaker detection",
2006).  The packaged cohort holds no person's voiceprint: each of its vectors is the mean of three
people or more.  `voicelet-export voice-match` makes it; `docs/reference/verification.md` has the
error rates.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import EngineError
from voicelet.files import NPZ_ERRORS
from voicelet.speaker.vector import D_VECTOR_SIZE

SCALE_FILE = "voice_match.npz"
NEAREST = 8
"""Members of the cohort that count: those most like the voice."""

_LEAST_S = 1.0
_MOST_S = 30.0


@dataclass(frozen=True)
class VoiceMatch:
    """How alike two voices are.

    Attributes:
        cosine: of the d-vectors, -1..1.
        normalized: the cosine by AS-norm, in standard deviations.
        log_likelihood_ratio: natural logarithm; positive speaks for one person.
    """

    cosine: float
    normalized: float
    log_likelihood_ratio: float

    @property
    def probability(self) -> float:
        """That it is one person, where both answers are as likely beforehand, 0..1."""
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, self.log_likelihood_ratio))))


@dataclass(frozen=True)
class VoiceScale:
    """What turns d-vectors into calibrated scores.

    Attributes:
        cohort: unit vectors [members, 256].
        weights: of the normalized score, of its product with the log of the seconds, of the log
            of the seconds, and the offset.
        encoder_id: whose d-vectors these are.
    """

    cohort: FloatArray = field(repr=False)
    weights: tuple[float, float, float, float]
    encoder_id: str

    def match(self, first: npt.ArrayLike, second: npt.ArrayLike, speech_s: float) -> VoiceMatch:
        """Compare two d-vectors [256] of unit length.

        Args:
            speech_s: seconds of speech of the shorter recording.
        """
        a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
        cosine = float(a @ b)
        normalized = 0.5 * sum((cosine - m) / s for m, s in (self._near(a), self._near(b)))
        slope, per_second, seconds, offset = self.weights
        length = math.log(min(max(speech_s, _LEAST_S), _MOST_S))
        ratio = slope * normalized + per_second * normalized * length + seconds * length + offset
        return VoiceMatch(cosine, normalized, ratio)

    def _near(self, vector: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Mean and deviation of the cosines with the nearest of the cohort."""
        nearest = np.sort(np.einsum("md,d->m", self.cohort, vector))[-NEAREST:]
        return float(nearest.mean()), max(float(nearest.std()), 1e-3)


def encode_scale(scale: VoiceScale) -> bytes:
    """A scale as the contents of `voice_match.npz`."""
    file = io.BytesIO()
    np.savez(
        file,
        cohort=np.asarray(scale.cohort, dtype=np.float16),
        weights=np.asarray(scale.weights, dtype=np.float64),
        encoder_id=np.array(scale.encoder_id),
    )
    return file.getvalue()


def decode_scale(data: bytes) -> VoiceScale:
    """Inverse of :func:`encode_scale`.

    Raises:
        EngineError: it isn't one.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            cohort = np.asarray(file["cohort"], dtype=np.float32)
            slope, per_second, seconds, offset = (float(w) for w in file["weights"])
            encoder_id = str(file["encoder_id"])
    except NPZ_ERRORS as error:
        raise EngineError(
            f"the voice scale is damaged ({error}); install voicelet again"
        ) from error
    if cohort.ndim != 2 or cohort.shape[1] != D_VECTOR_SIZE or len(cohort) < NEAREST:
        raise EngineError("the voice scale has no cohort; install voicelet again")
    cohort /= np.maximum(np.linalg.norm(cohort, axis=1, keepdims=True), 1e-9)
    return VoiceScale(cohort, (slope, per_second, seconds, offset), encoder_id)


@lru_cache(maxsize=1)
def voice_scale() -> VoiceScale:
    """The scale inside the package.

    Raises:
        EngineError: it is missing or damaged.
    """
    try:
        data = resources.files(__package__).joinpath(SCALE_FILE).read_bytes()
    except OSError as error:
        raise EngineError(
            f"the voice scale is missing from this installation ({error}); install voicelet again"
        ) from error
    return decode_scale(data)
