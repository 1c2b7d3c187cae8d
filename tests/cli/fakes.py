"""A voice that beeps, for tests of the command line; run as a script, it is the command with it.

python tests/cli/fakes.py BUNDLE DELAY_S say hello --raw
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from voicelet.bundle import open_bundle
from voicelet.errors import TextError
from voicelet.synth.options import SpeechOptions, speech_options

SAMPLES_A_WORD = 2400


@dataclass(frozen=True)
class FakeChunk:
    samples: np.ndarray
    sample_rate_hz: int
    text_span: tuple[int, int]
    words: tuple[Any, ...] = ()


@dataclass
class FakeVoice:
    """Says a tenth of a second of sine for every word; "fail" fails, "nothing" is silent."""

    bundle: Any
    calls: list[dict[str, Any]] = field(default_factory=list)
    delay_s: ClassVar[float] = 0.0
    default: ClassVar[Path | None] = None
    last: ClassVar[FakeVoice | None] = None

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        threads: int = 1,
        user_lexicon: Any = None,
        user_rules: Any = (),
        trust_bundle: bool = False,
    ) -> FakeVoice:
        voice = cls(open_bundle(path or cls.default))
        cls.last = voice
        voice.calls.append({"path": path, "threads": threads, "user_lexicon": user_lexicon})
        return voice

    @property
    def presets(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.bundle.manifest.presets)

    def front_end_for(self, options: SpeechOptions, preset: Any, profile: Any = None) -> None:
        """None: it reads no text, only counts its words."""

    @property
    def sample_rate_hz(self) -> int:
        return int(self.bundle.manifest.sample_rate_hz)

    def stream(
        self,
        text: str,
        *,
        profile: Any = None,
        preset: str | None = None,
        options: SpeechOptions | None = None,
        cancel: threading.Event | None = None,
        **settings: Any,
    ) -> Iterator[FakeChunk]:
        asked = speech_options(options, settings)
        self.calls.append(
            {
                "text": text,
                "profile": profile,
                "preset": preset,
                "speed": asked.speed,
                "pitch_semitones": asked.pitch_semitones,
                "energy": asked.energy,
                "style": asked.style,
                "seed": asked.seed,
                "ssml": asked.ssml,
                "purpose": asked.purpose,
                "reading": (asked.punctuation, asked.capitals, asked.key),
            }
        )
        end = 0
        for word in text.split():
            end = text.index(word, end) + len(word)
            if word == "fail":
                raise TextError("can't say that;\ntry another word")
            if word == "crash":
                raise ZeroDivisionError("a bug")
            if word == "stop":
                raise KeyboardInterrupt
            if word == "nothing":
                continue
            time.sleep(self.delay_s)
            length = int(SAMPLES_A_WORD / asked.speed)
            wave = 2.0 * np.sin(np.arange(length) / 10.0)  # too loud: must be clamped
            yield FakeChunk(wave.astype(np.float32), 24000, (0, end))


def main() -> int:
    import voicelet.synth
    from voicelet.cli.main import main as command

    FakeVoice.default, FakeVoice.delay_s = Path(sys.argv[1]), float(sys.argv[2])
    voicelet.synth.Voice = FakeVoice  # type: ignore[misc,assignment]
    return command(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
