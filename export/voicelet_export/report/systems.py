"""What is compared: bundles, teachers and Piper's own program, each a thing that speaks text."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.synth import Voice
from voicelet.synth.base import FrontEnd
from voicelet_export.metrics.base import read_audio
from voicelet_export.report.benches import load_bench

SEED = 1
"""Of everything random in speech that is measured."""


@dataclass(frozen=True)
class Speech:
    """What was said.

    Attributes:
        samples: float32 [n] in [-1, 1].
        sample_rate_hz: of `samples`.
        seconds: of work.
    """

    samples: FloatArray
    sample_rate_hz: int
    seconds: float

    @property
    def rtf(self) -> float:
        """Seconds of work for a second of speech."""
        return self.seconds * self.sample_rate_hz / max(1, len(self.samples))


class System(Protocol):
    """Speaks text on one thread."""

    @property
    def name(self) -> str: ...

    def say(self, text: str) -> Speech:
        """Speak; equal texts give equal samples."""
        ...

    def close(self) -> None:
        """End what runs beside this process."""
        ...


class BundleSystem:
    """A bundle, streamed as on a device, in its default voice or a preset."""

    def __init__(self, name: str, voice: Voice, preset: str | None = None) -> None:
        self.name, self.voice, self._preset = name, voice, preset

    def say(self, text: str) -> Speech:
        """Speak, stretch by stretch."""
        began = time.perf_counter()
        chunks = [c.samples for c in self.voice.stream(text, preset=self._preset, seed=SEED)]
        seconds = time.perf_counter() - began
        samples = np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
        return Speech(samples, self.voice.sample_rate_hz, seconds)

    def close(self) -> None:
        """Nothing runs on."""


class TeacherSystem:
    """A teacher, told the phones of a bundle's front end."""

    def __init__(self, name: str, path: Path, front_end: FrontEnd) -> None:
        from voicelet_export.teach.open import open_teacher

        self.name, self._front_end = name, front_end
        self._teacher = open_teacher(path)

    def say(self, text: str) -> Speech:
        """Speak a whole text at once."""
        began = time.perf_counter()
        phones = " ".join(clause.phones for clause in self._front_end.clauses(text, ssml=False))
        spoken = self._teacher.speak(phones, None, SEED)
        seconds = time.perf_counter() - began
        return Speech(np.clip(spoken.samples, -1.0, 1.0), spoken.sample_rate_hz, seconds)

    def close(self) -> None:
        """Nothing runs on."""


class PiperSystem:
    """Piper's own program (GPL), in a process and an environment of its own."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        peer, workers = load_bench("peers.piper"), load_bench("peers.worker")
        command = [peer.python(), "-I", peer.CHILD, path.resolve()]
        self._worker: Any = workers.Worker(command, workers.one_thread_environment())
        self._worker.read()

    def say(self, text: str) -> Speech:
        """Speak; the seconds are those that Piper itself measured."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "piper.wav"
            answer = self._worker.ask(text=text, out=str(out))
            samples, rate = read_audio(out)
        return Speech(samples, rate, float(answer["total_ms"]) / 1000.0)

    def close(self) -> None:
        """End Piper's process."""
        self._worker.close()
