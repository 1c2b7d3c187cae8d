"""What a teacher is: something that speaks phones, whose speech a student learns from.

Every teacher is told phones of voicelet's own inventory, so that student and teacher agree on what
was said; mapping them to its own symbols is the teacher's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import BundleError


@dataclass(frozen=True)
class TeacherSpeech:
    """What a teacher said.

    Attributes:
        samples: mono float32 [n] in [-1, 1].
        sample_rate_hz: of `samples`.
        durations_s: seconds of each phone with the pads at both ends, float32 [len(phones) + 2];
            they sum to the length of the audio.  `None` if the teacher doesn't know.
        f0_hz: the teacher's own f0, values evenly spaced over the audio, in Hz; below 60 where it
            says nothing.  `None` if it doesn't know.
        label_delay_s: by how much `durations_s` lies behind what is heard.
    """

    samples: FloatArray
    sample_rate_hz: int
    durations_s: FloatArray | None
    f0_hz: FloatArray | None = None
    label_delay_s: float = 0.0


class Teacher(Protocol):
    """A voice, or several, that can label any text."""

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of its speakers, at least one."""

    def speak(self, phones: str, speaker: str | None = None, seed: int = 0) -> TeacherSpeech:
        """Speak a phone string.

        Args:
            phones: symbols of `voicelet.text.phones.ENGLISH_SYMBOLS`, without pads.
            speaker: one of `speakers`; `None` is the first.
            seed: of all randomness; equal seeds give equal samples.

        Raises:
            PhoneError: a symbol isn't known.
            ConfigError: there is no such speaker.
        """


def duration_frames(
    durations_s: npt.ArrayLike, n_samples: int, sample_rate_hz: int, hop_length: int
) -> npt.NDArray[np.int64]:
    """Round durations to whole frames without letting the error add up.

    Args:
        durations_s: seconds of each token.
        n_samples, sample_rate_hz: length and rate of the audio that the frames are cut from.
        hop_length: samples in a frame.

    Returns:
        int64 [tokens], summing to `n_samples // hop_length`; tokens may get 0 frames.

    Raises:
        BundleError: the durations and the audio differ by more than 50 ms.
    """
    ends = np.cumsum(np.asarray(durations_s, np.float64))
    seconds = n_samples / sample_rate_hz
    if not len(ends) or not np.isfinite(ends).all() or abs(ends[-1] - seconds) > 0.05:
        last = float(ends[-1]) if len(ends) else 0.0
        raise BundleError(
            f"the teacher's durations sum to {last:.3f} s, its audio lasts {seconds:.3f} s; "
            "check its hop length and sample rate"
        )
    total = n_samples // hop_length
    edges = np.rint(ends * sample_rate_hz / hop_length).astype(np.int64).clip(0, total)
    edges[-1] = total
    frames: npt.NDArray[np.int64] = np.diff(edges, prepend=0)
    return frames
