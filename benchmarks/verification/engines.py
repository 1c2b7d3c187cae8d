"""Other synthesizers, to train and to attack with: a Piper voice, or any program that writes WAV.

espeak-ng="espeak-ng -v en-us+m3 -w {out} {text}"        a command
joe=en_US-joe-medium.onnx                                a voice that voicelet imports
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import voicelet
from benchmarks.common import BenchmarkError
from voicelet.audio.features import FloatArray
from voicelet_export.metrics.base import need

Say = Callable[[str], tuple[FloatArray, int]]
"""Text → samples [n] and their rate in Hz."""

_PATIENCE_S = 300


def open_engine(spec: str) -> tuple[str, Say]:
    """The name and the speech of an engine that was given as NAME=COMMAND or NAME=VOICE.

    Raises:
        BenchmarkError: the specification has no such form.
    """
    name, _, how = spec.partition("=")
    if not name or not how:
        raise BenchmarkError(f"{spec!r} is no engine; write NAME=COMMAND or NAME=VOICE")
    return name, (_command(name, how) if "{out}" in how else _voice(how))


def _voice(path: str) -> Say:
    voice = voicelet.Voice.load(path, trust_bundle=True)

    def say(text: str) -> tuple[FloatArray, int]:
        said = voice.synthesize(text)
        return np.asarray(said.samples), said.sample_rate_hz

    return say


def _command(name: str, template: str) -> Say:
    def say(text: str) -> tuple[FloatArray, int]:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "said.wav"
            words = [w.format(out=out, text=text) for w in shlex.split(template)]
            try:
                subprocess.run(words, check=True, timeout=_PATIENCE_S, capture_output=True)
                samples, rate = need("soundfile").read(str(out), dtype="float32", always_2d=True)
            except (OSError, subprocess.SubprocessError, RuntimeError) as error:
                raise BenchmarkError(f"the engine {name!r} said nothing: {error}") from error
        return np.ascontiguousarray(samples.mean(axis=1)), int(rate)

    return say
