"""What synthesis takes and gives."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError

if TYPE_CHECKING:
    from voicelet.trust.credentials import FileSigner
    from voicelet.trust.labels import Label

Span = tuple[int, int]

_RANGES = {
    "speed": (0.25, 5.0),
    "pitch_semitones": (-24.0, 24.0),
    "energy": (0.1, 4.0),
    "pitch_range": (0.0, 3.0),
}
MAX_SEED = 2**63 - 1


class Speaker(Protocol):
    """Whoever can be spoken as: what synthesis needs of a profile."""

    def speaker_vector(self, mel_mean: npt.ArrayLike, mel_std: npt.ArrayLike) -> FloatArray:
        """float32 [328], see `voicelet.speaker.vector`."""
        ...


@dataclass(frozen=True)
class WordTiming:
    """When a word is heard.

    Attributes:
        text: the word as it was said ("twenty").
        span: where it stands in the caller's text, in code points.
        start_s, end_s: from the beginning of the stream, in seconds.
    """

    text: str
    span: Span
    start_s: float
    end_s: float


@dataclass(frozen=True)
class MarkTiming:
    """When an SSML mark is reached: `time_s` seconds from the beginning of the stream."""

    name: str
    time_s: float


@dataclass(frozen=True)
class Chunk:
    """A stretch of audio.  Chunks are played in the order in which they come.

    Attributes:
        samples: float32 [n], mono, in [-1, 1].
        sample_rate_hz: of `samples`.
        start_s: where it begins in the stream, in seconds.
        text_span: from the first to the last of `words` in the caller's text; where no word begins
            in the chunk, an empty span behind the last word before it.
        words: the words that begin in it.
        marks: the SSML marks reached in it.
        first, last: whether the stream begins or ends with it.
    """

    samples: FloatArray
    sample_rate_hz: int
    start_s: float = 0.0
    text_span: Span = (0, 0)
    words: tuple[WordTiming, ...] = ()
    marks: tuple[MarkTiming, ...] = ()
    first: bool = False
    last: bool = False


@dataclass(frozen=True)
class Audio:
    """Finished speech.

    Attributes:
        samples: float32 [n], mono, in [-1, 1].
        sample_rate_hz: of `samples`.
        words, marks: all of them, in the order in which they are heard.
        label: as in `SpeechOptions`: which rules :meth:`save` follows.
    """

    samples: FloatArray
    sample_rate_hz: int
    words: tuple[WordTiming, ...] = ()
    marks: tuple[MarkTiming, ...] = ()
    label: str | None = None

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate_hz

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        label: Label | None = None,
        signer: FileSigner | None = None,
    ) -> None:
        """Write a .wav, .flac, .ogg, .opus or .mp3 file that is labelled as synthetic.

        Args:
            label: the label of the file; by default one that follows the rules of :attr:`label`,
                or else those that the environment names (docs/guides/labels.md).
            signer: of content credentials (.wav, .flac and .mp3 can hold them).

        Raises:
            OutputError: the file can't be written; nothing is left behind.
            ConfigError: the format can't hold credentials.
            TrustError: credentials can't be made.
        """
        from voicelet.audio.writer import write_wav
        from voicelet.trust.labels import Label

        file_label = label or Label.of_settings(self.label)
        if signer is None:
            write_wav(path, self.samples, self.sample_rate_hz, tags=file_label.tags())
            return
        from voicelet.trust.credentials import mime_type, sign_file

        mime_type(Path(path))  # before anything is written
        write_wav(path, self.samples, self.sample_rate_hz, tags=file_label.tags())
        sign_file(path, file_label, signer)


@dataclass(frozen=True)
class Controls:
    """How to speak.

    Attributes:
        speed: factor of the speaking rate, 0.25 to 5.
        pitch_semitones: shift of f0, -24 to 24.
        energy: factor of the loudness, 0.1 to 4 (2 is 6 dB up).
        seed: of the noise in the voice, 0 to 2^63 - 1; equal seeds give equal samples.
        pitch_range: factor of how far the pitch moves about the person's mean, 0 to 3.
        whisper: without voice.

    Raises:
        ConfigError: a value is out of its range or not a number.
    """

    speed: float = 1.0
    pitch_semitones: float = 0.0
    energy: float = 1.0
    seed: int = field(default=0)
    pitch_range: float = 1.0
    whisper: bool = False

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                raise ConfigError(f"{name} must be a number, not {value!r}")
            if not low <= float(value) <= high:  # NaN is refused here, too
                raise ConfigError(f"{name} must lie between {low:g} and {high:g}, not {value}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)):
            raise ConfigError(f"seed must be a whole number, not {self.seed!r}")
        if not 0 <= int(self.seed) <= MAX_SEED:
            raise ConfigError(f"seed must lie between 0 and {MAX_SEED}, not {self.seed}")

    def times(self, speed: float, pitch_semitones: float, energy: float) -> Controls:
        """These, changed by the prosody of a clause and brought back into range."""
        return replace(
            self,
            speed=_within("speed", self.speed * speed),
            pitch_semitones=_within("pitch_semitones", self.pitch_semitones + pitch_semitones),
            energy=_within("energy", self.energy * energy),
        )


def _within(name: str, value: float) -> float:
    low, high = _RANGES[name]
    return min(max(value, low), high) if math.isfinite(value) else 0.5 * (low + high)
