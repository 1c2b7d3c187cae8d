"""Runs in Piper's own virtual environment, in a process of its own; imports nothing of voicelet.

One JSON object a line: {"text", "out"} speaks into a WAV file, {"phones": [texts]} gives
espeak-ng's American English phones, {} answers with the memory peak alone.  Piper is GPL and is
used by the benchmarks only.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import wave
from pathlib import Path
from typing import Any

START = time.perf_counter()

if os.environ.get("VOICELET_BENCH_CPU"):
    os.sched_setaffinity(0, {int(os.environ["VOICELET_BENCH_CPU"])})


def speak(voice: Any, text: str, out: str | None) -> dict[str, float]:
    """Speak a text, into a file if `out` is given; times from the call on."""
    began, cpu_began = time.perf_counter(), time.process_time()
    first = 0.0
    parts: list[bytes] = []
    rate = voice.config.sample_rate
    for chunk in voice.synthesize(text):
        pcm = chunk.audio_int16_bytes
        if not parts:
            first = time.perf_counter() - began
        parts.append(pcm)
    total = time.perf_counter() - began
    cpu = time.process_time() - cpu_began
    data = b"".join(parts)
    if out:
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(data)
    return {
        "first_audio_ms": 1000 * first,
        "total_ms": 1000 * total,
        "cpu_ms": 1000 * cpu,
        "audio_s": len(data) / 2 / rate,
        "chunks": len(parts),
    }


def one_thread() -> None:
    """Give every session one thread, and its noise a seed."""
    import onnxruntime

    onnxruntime.set_seed(20240607)
    make: Any = onnxruntime.SessionOptions

    def options() -> Any:
        made = make()
        made.intra_op_num_threads = made.inter_op_num_threads = 1
        return made

    onnxruntime.SessionOptions = options


def main() -> None:
    """Load, say so, then answer requests until the input ends."""
    began = time.perf_counter()
    import piper

    import_ms = 1000 * (time.perf_counter() - began)
    one_thread()
    began = time.perf_counter()
    voice = piper.PiperVoice.load(sys.argv[1], config_path=sys.argv[1] + ".json")
    load_ms = 1000 * (time.perf_counter() - began)
    model = Path(sys.argv[1])
    ready = {
        "import_ms": import_ms,
        "load_ms": load_ms,
        "bytes": model.stat().st_size + Path(sys.argv[1] + ".json").stat().st_size,
    }
    print(json.dumps(ready), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        if "text" in request:
            answer = speak(voice, request["text"], request.get("out"))
            answer["since_start_ms"] = 1000 * (time.perf_counter() - START)
        if "phones" in request:
            from piper.phonemize_espeak import EspeakPhonemizer

            espeak = EspeakPhonemizer()
            answer["phones"] = [
                " ".join("".join(sentence) for sentence in espeak.phonemize("en-us", text))
                for text in request["phones"]
            ]
        answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
