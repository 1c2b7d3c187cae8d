"""The stopwatch around a voice: what counts and what doesn't."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from voicelet.synth.timing import speak


def use_cpu(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


class BusyVoice:
    """Says a second in two chunks, each for so much CPU time; then tidies up for as much."""

    bundle = SimpleNamespace(manifest=SimpleNamespace(sample_rate_hz=8000))

    def stream(self, text: str, **_: object) -> Iterator[Any]:
        for _ in range(2):
            use_cpu(0.05)
            yield SimpleNamespace(samples=np.zeros(4000, np.float32), text_span=(0, len(text)))
        use_cpu(0.05)


def test_cpu_time_is_the_voices_own() -> None:
    voice: Any = BusyVoice()
    began = time.process_time()
    timings = speak(voice, "hi", lambda samples: use_cpu(0.2))
    everything_ms = 1000 * (time.process_time() - began)
    assert timings.cpu_ms >= 150.0
    assert timings.cpu_ms <= everything_ms - 400.0  # what the receiver took doesn't count
    assert timings.seconds == pytest.approx(1.0)
