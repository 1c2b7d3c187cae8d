"""Where a recording comes from: voicelet itself, another synthesizer, or a person.

Two separate answers.  Voicelet's own mark is proof and refuses a recording at enrolment.  That
speech sounds synthetic is a likelihood (`speaker/synthetic_speech.py`): a hint at enrolment, where
somebody's only recordings may be old and processed; but a spoken consent is refused for it, since
its speaker is there and can read again (`docs/reference/verification.md` has the error rates).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.audio.level import normalize_level
from voicelet.audio.resample import resample
from voicelet.audio.vad import speech_segments
from voicelet.errors import LivenessRejectedError
from voicelet.speaker.synthetic_speech import SAMPLE_RATE_HZ, synthetic_log_odds
from voicelet.trust.watermark.detect import MIN_SECONDS, Detection, detect_watermark
from voicelet.trust.watermark.thorough import ThoroughSearch

# The part of a recording that is examined: its speech, pauses removed, at one level.


RATE_HZ = 24000
"""Of the waveform that goes in."""

LOW_RATE_HZ = SAMPLE_RATE_HZ
"""Of the speech that comes out."""


def speech_16k(samples_24k: FloatArray) -> FloatArray:
    """Speech of a recording [n] at 24 kHz: float32 at 16 kHz, empty where nobody speaks."""
    low = resample(normalize_level(samples_24k, RATE_HZ), RATE_HZ, LOW_RATE_HZ)
    parts = [low[int(a * LOW_RATE_HZ) : int(b * LOW_RATE_HZ)] for a, b in speech_segments(low)]
    return np.concatenate([np.zeros(0, dtype=np.float32), *parts])


log = logging.getLogger(__name__)

MAX_LISTENED_S = 180.0
"""Enrolment uses no more speech than this."""

MAX_FILE_BYTES = 512 << 20

LIKELY_SYNTHETIC = 0.0
"""Log odds from which speech is called likely synthetic."""

SPOKEN_REFUSED = 1.2
"""Log odds from which a spoken consent is refused: above those of 97 in 100 readings by 76 people
who neither trained the detector nor test it."""


@dataclass(frozen=True)
class RecordingOrigin:
    """What is known of where a recording comes from.

    Attributes:
        mark: the search for voicelet's own mark; None for less than half a second.
        synthetic_log_odds: positive speaks for synthetic; None where too short to say.
    """

    mark: Detection | None
    synthetic_log_odds: float | None

    @property
    def made_by_voicelet(self) -> bool:
        """Whether voicelet's mark was found."""
        return self.mark is not None and self.mark.found

    @property
    def synthetic_probability(self) -> float | None:
        """That the speech is synthetic, where both answers are as likely beforehand, 0..1."""
        odds = self.synthetic_log_odds
        return None if odds is None else 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, odds))))

    @property
    def likely_synthetic(self) -> bool:
        """Whether it sounds synthetic, or is marked."""
        odds = self.synthetic_log_odds
        return self.made_by_voicelet or (odds is not None and odds >= LIKELY_SYNTHETIC)


def origin_of(samples_24k: FloatArray, *, scales: bool = True) -> RecordingOrigin:
    """Look for the mark of voicelet, and for signs of synthesis.

    Args:
        samples_24k: mono float [n] at 24 kHz, pauses left in.
        scales: find the mark after changes of speed and pitch, and in pieces, as well
            (`ThoroughSearch`): 0.1 s of one core for a second of audio.

    Raises:
        EngineError: the detector can't be run.
    """
    mark = None
    if len(samples_24k) >= MIN_SECONDS * RATE_HZ:
        thorough = ThoroughSearch() if scales else None
        mark = detect_watermark(samples_24k, RATE_HZ, scales=False, thorough=thorough)
    return RecordingOrigin(mark, synthetic_log_odds(resample(samples_24k, RATE_HZ, SAMPLE_RATE_HZ)))


def refusal(origin: RecordingOrigin) -> str | None:
    """Why a recording of this origin can't be enrolled, with the remedy; None if it can."""
    if origin.made_by_voicelet:
        return (
            "it was synthesized by voicelet (its mark was found); only a person's own speech can be"
            " enrolled"
        )
    return None


def spoken_refusal(origin: RecordingOrigin) -> str | None:
    """Why a consent that was spoken like this is refused, with the remedy; None if it isn't."""
    odds = origin.synthetic_log_odds
    if origin.made_by_voicelet:
        return refusal(origin)
    if odds is None:
        return (
            "its sound is too dull to tell a person from a machine (as over a telephone); record it"
            " with another microphone, or in a program that keeps the treble"
        )
    if odds >= SPOKEN_REFUSED:
        return (
            f"it sounds synthesized or played back (log odds {odds:+.1f}, {SPOKEN_REFUSED:+.1f} are"
            " refused); the speaker has to read it into a microphone, with effects and noise"
            " removal off"
        )
    return None


def hint(origin: RecordingOrigin) -> str | None:
    """What a person should be asked about, though nothing is refused for it; None if nothing."""
    odds = origin.synthetic_log_odds
    if odds is None or odds < LIKELY_SYNTHETIC:
        return None
    return (
        f"it sounds synthesized or heavily processed (log odds {odds:+.1f}); if it is a recording"
        " of a person, switch effects and noise removal off"
    )


def check_origin(recordings: Sequence[tuple[str, FloatArray]]) -> list[RecordingOrigin]:
    """Refuse recordings that were synthesized.

    Args:
        recordings: what messages call each, and its samples, float32 [n] at 24 kHz with its pauses;
            of each the first minutes are listened to.

    What merely sounds synthetic is logged as a warning.

    Raises:
        LivenessRejectedError: naming every such recording.
    """
    origins, reasons = [], []
    for name, wave in recordings:
        origin = origin_of(wave[: int(MAX_LISTENED_S * RATE_HZ)])
        reason, advice = refusal(origin), hint(origin)
        if reason is not None:
            reasons.append(f"{name}: {reason}")
        elif advice is not None:
            log.warning("%s: %s", name, advice)
        origins.append(origin)
    if reasons:
        raise LivenessRejectedError(reasons, "the recordings were refused")
    return origins
