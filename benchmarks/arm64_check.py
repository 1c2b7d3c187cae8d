"""Speak on this processor and compare: `python benchmarks/arm64_check.py OUT.npz [OTHER.npz]`.

`arm64.sh` runs it on an emulated aarch64 and on the machine itself.  It needs the runtime alone.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import numpy as np
import onnxruntime

import voicelet
from voicelet.audio.features import log_mel

SENTENCE = "The quick brown fox jumps over the lazy dog, 3 times out of 4."
SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def speak() -> dict[str, np.ndarray]:
    """A sentence in the default voice and in an enrolled one, whole and streamed."""
    voice = voicelet.Voice.load()
    streamed = [chunk.samples for chunk in voice.stream(SENTENCE, seed=3)]
    consent = voicelet.Consent.scripted("reader", "of speechocean762, free for any use")
    profile = voicelet.enrol([SAMPLES / "reader-2.opus"], consent=consent, name="reader")
    return {
        "whole": voice.synthesize(SENTENCE, seed=3).samples,
        "streamed": np.concatenate(streamed),
        "d_vector": profile.d_vector,
        "cloned": voice.synthesize("Hello there.", profile=profile, seed=3).samples,
    }


def compare(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Print how far two processors' results are apart."""
    for name, value in mine.items():
        theirs = other[name]
        if value.shape != theirs.shape:
            print(f"{name}: {value.shape} against {theirs.shape}")
            continue
        worst = float(np.abs(value - theirs).max())
        line = f"{name}: {len(value)} values, largest difference {worst:.2e}"
        if name != "d_vector":
            power = float(np.square(theirs).mean())
            noise = float(np.square(value - theirs).mean())
            mel = float(np.abs(log_mel(value) - log_mel(theirs)).mean())
            line += f", SNR {10 * np.log10(power / max(noise, 1e-20)):.1f} dB, log mel {mel:.1e}"
        print(line)


def main(arguments: list[str]) -> None:
    """Write OUT.npz, and compare it with OTHER.npz."""
    found = speak()
    print(f"{platform.machine()}, ONNX Runtime {onnxruntime.__version__}, numpy {np.__version__}")
    np.savez(arguments[0], **found)  # type: ignore[arg-type]
    if len(arguments) > 1:
        with np.load(arguments[1]) as file:
            compare(found, dict(file))


if __name__ == "__main__":
    main(sys.argv[1:])
