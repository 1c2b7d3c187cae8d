"""What a benchmark needs of a system that speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from benchmarks.common import BenchmarkError
from voicelet.audio.features import FloatArray


class SpeakerRefusedError(BenchmarkError):
    """A system refused to clone a reference; the message is its reason."""


class System(Protocol):
    """Text in, samples out.

    Attributes:
        name: a row's name in tables, and a folder's; letters, digits, dots and hyphens.
        fingerprint: changes whenever the audio could (weights, settings, version).
        clones: whether `reference` changes the voice.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def clones(self) -> bool: ...

    def synthesize(self, text: str, reference: Path | None = None) -> tuple[FloatArray, int]:
        """Speak `text`, like the speaker of the recording `reference` where the system can.

        Returns:
            Mono float32 samples [n] in [-1, 1] and their rate in Hz.

        Raises:
            SpeakerRefusedError: the reference can't be cloned.
        """
        ...

    def close(self) -> None:
        """End processes and give memory back."""
        ...
