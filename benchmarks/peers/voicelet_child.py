"""voicelet in a process of its own, for the speed benchmark; answers as `piper_child.py` does.

    python voicelet_child.py BUNDLE|- RECORDING|-

A recording is enrolled first, outside the timings, so that the speech timed is in a cloned voice.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import Any

START = time.perf_counter()

if os.environ.get("VOICELET_BENCH_CPU"):
    os.sched_setaffinity(0, {int(os.environ["VOICELET_BENCH_CPU"])})


def speak(voice: Any, profile: Any, text: str) -> dict[str, float]:
    """Stream a text, as 16-bit samples; times from the call on."""
    import numpy as np

    began, cpu_began = time.perf_counter(), time.process_time()
    first, samples, rate, chunks = 0.0, 0, 1, 0
    for chunk in voice.stream(text, profile=profile):
        pcm = (np.clip(chunk.samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
        if not chunks:
            first = time.perf_counter() - began
        chunks += 1
        samples += len(pcm) // 2
        rate = chunk.sample_rate_hz
    total = time.perf_counter() - began
    cpu = time.process_time() - cpu_began
    return {
        "first_audio_ms": 1000 * first,
        "total_ms": 1000 * total,
        "cpu_ms": 1000 * cpu,
        "audio_s": samples / rate,
        "chunks": float(chunks),
    }


def main() -> None:
    """Load, say so, then answer requests until the input ends."""
    bundle, recording = (None if a == "-" else a for a in sys.argv[1:3])
    began = time.perf_counter()
    import voicelet

    import_ms = 1000 * (time.perf_counter() - began)
    began = time.perf_counter()
    voice = voicelet.Voice.load(bundle, threads=1, trust_bundle=True)
    load_ms = 1000 * (time.perf_counter() - began)
    profile, enrol_ms = None, 0.0
    if recording:
        began = time.perf_counter()
        consent = voicelet.Consent.scripted("reader", "a public corpus, to measure speed")
        profile = voicelet.enrol([recording], consent=consent, name="bench", voice=voice)
        enrol_ms = 1000 * (time.perf_counter() - began)
    ready = {"import_ms": import_ms, "load_ms": load_ms, "enrol_ms": enrol_ms}
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, float] = {}
        if "text" in request:
            answer = speak(voice, profile, request["text"])
            answer["since_start_ms"] = 1000 * (time.perf_counter() - START)
        answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
