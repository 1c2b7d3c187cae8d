"""What users of screen readers ask for: keys spoken at once, and fast speech that is understood.

    python -m benchmarks.screen_reader keys --out DIR [--bundle PATH] [--repeats 30]
    python -m benchmarks.screen_reader fast --out DIR [--bundle PATH] [--speeds 1,2,3,4,5]
        [--sentences 36]
    python -m benchmarks.screen_reader mark --out DIR [--bundle PATH] [--speeds 1,2,3,4,5]
        [--clips 24]

`keys` measures first audio of single characters and keys, `fast` the word error rate of fast
speech, `mark` whether the watermark is found in 3 s of it.  The recognizer never learnt speech
faster than people talk, so `fast` gives it each sentence twice: as it is, and slowed down to the
normal pace without a change of pitch, which tells whether what was said is still there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speaking import DATA, read_sentences
from benchmarks.watermark import clips
from voicelet.audio.features import FloatArray
from voicelet.errors import VoiceletError
from voicelet.synth import Voice
from voicelet.synth.compression.similarity import SimilarityOverlapAdd, half_window
from voicelet.trust.watermark.detect import detect_watermark
from voicelet_export.metrics.intelligibility import Recognizer, WordErrors

KEYS = (
    *("a", "m", "w", "A", "5", "é", "ñ", "ß", " ", "?", "\\", "^", "@", "€", "🙂"),
    *("Enter", "Backspace", "PageDown", "ArrowLeft", "F5", "F12", "Ctrl+C", "Ctrl+Shift+T"),
)
SECONDS = 3.0


def slowed(samples: FloatArray, factor: float, rate: int) -> FloatArray:
    """The same speech `factor` times as long, at the same pitch; samples [n]."""
    half, length = half_window(rate), round(len(samples) * factor)
    middles = np.arange(-(-length // half) + 1) * half
    joined = SimilarityOverlapAdd(np.rint(middles / factor).astype(np.int64), rate)
    joined.add(samples)
    return joined.advance(length, ended=True)[:length]


def keys(voice: Voice, repeats: int) -> list[dict[str, Any]]:
    """Wall and CPU time to the first audio of every key, in turn; medians, in milliseconds."""
    times: dict[str, list[tuple[float, float]]] = {key: [] for key in KEYS}
    for repeat in range(repeats + 1):
        for key in KEYS:
            began, cpu_began = time.perf_counter(), time.process_time()
            next(iter(voice.stream(key, key=True, capitals="tone")))
            taken = (time.perf_counter() - began, time.process_time() - cpu_began)
            if repeat:  # the first round opens what is opened when it is first needed
                times[key].append(taken)
    rows = []
    for key, taken_s in times.items():
        wall, cpu = (1e3 * statistics.median(column) for column in zip(*taken_s))
        rows.append({"key": key, "first_audio_ms": round(wall, 2), "cpu_ms": round(cpu, 2)})
    every = [row["first_audio_ms"] for row in rows], [row["cpu_ms"] for row in rows]
    wall, cpu = (statistics.median(column) for column in every)
    return [*rows, {"key": "median of all", "first_audio_ms": wall, "cpu_ms": cpu}]


def fast(voice: Voice, speeds: Sequence[float], sentences: Sequence[str]) -> list[dict[str, Any]]:
    """Word errors at every speed, and how much faster the speech became."""
    recognizer, rows, normal_s = Recognizer(), [], 0.0
    normal_s = sum(voice.synthesize(text, seed=1).seconds for text in sentences)
    for speed in speeds:
        spoken = [voice.synthesize(text, speed=speed, seed=1) for text in sentences]
        row: dict[str, Any] = {"speed": speed}
        row["times_faster"] = round(normal_s / sum(audio.seconds for audio in spoken), 2)
        for name, factor in (("wer_slowed", speed), ("wer_as_is", 1.0)):
            errors = WordErrors()
            for text, audio in zip(sentences, spoken):
                rate, wave = audio.sample_rate_hz, audio.samples
                if factor != 1.0:
                    wave = slowed(wave, factor, rate)
                errors += recognizer.errors(text, recognizer.transcribe(wave, rate))
            row[name] = round(errors.rate, 4)
        rows.append(row)
        sys.stderr.write(f"{row}\n")
    return rows


def mark(voice: Voice, speeds: Sequence[float], count: int) -> list[dict[str, Any]]:
    """How often the watermark is found and read in 3 s of fast speech."""
    rows = []
    for speed in speeds:
        waves = clips(voice, count, SECONDS, np.random.default_rng(1), speed=speed)
        found = [detect_watermark(wave, voice.sample_rate_hz, scales=False) for wave in waves]
        rows.append(
            {
                "speed": speed,
                "found": round(float(np.mean([f.found for f in found])), 3),
                "read": round(float(np.mean([f.payload is not None for f in found])), 3),
                "median_score": round(statistics.median(f.score for f in found), 1),
            }
        )
        sys.stderr.write(f"{rows[-1]}\n")
    return rows


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A table with a row for each of `rows`."""
    lines = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0])]
    lines += [" | ".join(str(value).replace("|", "\\|") for value in row.values()) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


def main(argv: list[str] | None = None) -> int:
    """Measure, and write `NAME.json` and `NAME.md`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screen_reader", description=__doc__)
    parser.add_argument("measure", choices=("keys", "fast", "mark"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, help="instead of the embedded one")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--speeds", default="1,2,3,4,5")
    parser.add_argument("--sentences", type=int, default=36)
    parser.add_argument("--clips", type=int, default=24)
    args = parser.parse_args(argv)
    speeds = [float(part) for part in args.speeds.split(",")]
    try:
        voice = Voice.load(args.bundle, trust_bundle=True)
        sentences = read_sentences(DATA / "sentences.txt")[: args.sentences]
        measures: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "keys": lambda: keys(voice, args.repeats),
            "fast": lambda: fast(voice, speeds, sentences),
            "mark": lambda: mark(voice, speeds, args.clips),
        }
        rows = measures[args.measure]()
    except VoiceletError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    data = {"cpus": os.cpu_count(), "load": os.getloadavg(), "rows": rows}
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    (args.out / f"{args.measure}.json").write_text(text, "utf-8")
    table = markdown(rows)
    (args.out / f"{args.measure}.md").write_text(table, "utf-8")
    print(table, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
