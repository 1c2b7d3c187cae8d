"""Speed of voicelet and Piper: in turn, in one run, on one thread of one core each.

    python -m benchmarks.speed --out DIR [--bundle PATH] [--recording WAV] [--repeats 5]
    python -m benchmarks.speed --out DIR --systems voicelet-piper,piper --texts FILE

The second has both run one voice: Piper's own file, loaded by voicelet and by Piper.

Machines are noisy, so each sentence is spoken by one and then by the other, over and over, and
medians and their ratio are reported.  See docs/research/benchmarks.md for what each figure is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import BenchmarkError
from benchmarks.peers import piper
from benchmarks.peers.worker import Worker, one_thread_environment
from benchmarks.speaking import DATA, read_sentences
from voicelet.errors import VoiceletError

CHILD = Path(__file__).parent / "peers" / "voicelet_child.py"
SDK = Path(__file__).parents[1] / "sdk"
Starter = Callable[[dict[str, str]], tuple[Worker, dict[str, Any]]]

FIGURES = (
    ("rtf", "real-time factor", ".4f"),
    ("cpu_s_per_s", "CPU seconds for a second of speech", ".4f"),
    ("first_audio_ms", "first audio, ms", ".1f"),
    ("sentence_ms", "whole sentence, ms", ".1f"),
    ("cold_start_ms", "cold start to first audio, ms", ".0f"),
    ("import_ms", "import, ms", ".0f"),
    ("load_ms", "load, ms", ".0f"),
    ("enrol_ms", "enrol, ms", ".0f"),
    ("peak_mb", "peak RSS, MB", ".0f"),
    ("bundle_mb", "bundle, MB", ".2f"),
)


def pinned_cpu() -> str:
    """The CPU both systems are held to: the last this process may use, "" where it can't be set."""
    if not hasattr(os, "sched_getaffinity"):
        return ""
    return str(max(os.sched_getaffinity(0)))


def bundle_bytes(path: Path) -> int:
    """Bytes of a bundle: a file, or all files of a folder."""
    if path.is_dir():
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    return path.stat().st_size


def voicelet_starter(bundle: Path | None, recording: Path | None) -> Starter:
    """How to start voicelet with a bundle (the embedded one for None) and a speaker."""

    def start(extra: dict[str, str]) -> tuple[Worker, dict[str, Any]]:
        paths = os.pathsep.join(filter(None, (str(SDK), os.environ.get("PYTHONPATH", ""))))
        environment = one_thread_environment({**extra, "PYTHONPATH": paths})
        command: list[str | Path] = [sys.executable, CHILD, bundle or "-", recording or "-"]
        worker = Worker(command, environment)
        return worker, worker.read()

    return start


def cold_start(start: Starter, extra: dict[str, str], text: str) -> dict[str, float]:
    """From a new process to its first audio: start, import, load, speak.

    The time before Python reaches the child's first line counts; enrolment doesn't.
    """
    began = time.perf_counter()
    worker, ready = start(extra)
    waited_ms = 1000 * (time.perf_counter() - began)
    answer = worker.ask(text=text)
    worker.close()
    total_ms = waited_ms - float(ready.get("enrol_ms", 0.0)) + float(answer["first_audio_ms"])
    return {
        "cold_start_ms": total_ms,
        "import_ms": float(ready["import_ms"]),
        "load_ms": float(ready["load_ms"]),
    }


def medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Median of every figure of the rows."""
    keys = sorted({k for row in rows for k in row})
    return {k: statistics.median(row[k] for row in rows if k in row) for k in keys}


def measure(
    starters: Mapping[str, Starter], texts: Sequence[str], repeats: int, cold_repeats: int
) -> dict[str, dict[str, float]]:
    """Measure systems in turn.

    Returns:
        System → figure → median.
    """
    extra = {"VOICELET_BENCH_CPU": pinned_cpu()}
    begun = {name: start(extra) for name, start in starters.items()}
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in starters}
    for worker, _ in begun.values():
        worker.ask(text=texts[0])  # the first call sizes buffers; cold start tells of it
    for repeat in range(repeats):
        for text in texts:
            for name, (worker, _) in begun.items():
                answer = worker.ask(text=text)
                rows[name].append(
                    {
                        "rtf": answer["total_ms"] / 1000 / answer["audio_s"],
                        "cpu_s_per_s": answer["cpu_ms"] / 1000 / answer["audio_s"],
                        "first_audio_ms": answer["first_audio_ms"],
                        "sentence_ms": answer["total_ms"],
                    }
                )
        sys.stderr.write(f"round {repeat + 1}/{repeats}\n")
    out: dict[str, dict[str, float]] = {}
    for name, (worker, ready) in begun.items():
        out[name] = medians(rows[name])
        out[name]["peak_mb"] = float(worker.ask()["peak_mb"])
        worker.close()
        if "enrol_ms" in ready:
            out[name]["enrol_ms"] = float(ready["enrol_ms"])
    cold: dict[str, list[dict[str, float]]] = {name: [] for name in starters}
    for _ in range(cold_repeats):
        for name, start in starters.items():
            cold[name].append(cold_start(start, extra, texts[0]))
    for name in starters:
        out[name].update(medians(cold[name]))
    return out


def markdown(results: Mapping[str, Mapping[str, float]]) -> str:
    """A table with a row a figure, and the ratio of the second system to the first."""
    names = list(results)
    head = "| | " + " | ".join(names) + (" | ratio |" if len(names) == 2 else " |")
    lines = [head, "|---|" + "---:|" * (len(names) + (len(names) == 2))]
    for key, title, form in FIGURES:
        values = [results[n].get(key) for n in names]
        if all(v is None for v in values):
            continue
        cells = [format(v, form) if v is not None else "–" for v in values]
        if len(names) == 2:
            one, two = values
            cells.append(f"{two / one:.1f}×" if one and two else "–")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Measure, and write `speed.json` and `speed.md`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, help="instead of the embedded one")
    parser.add_argument("--recording", type=Path, help="enrol this and speak like it")
    parser.add_argument("--systems", default="voicelet,piper")
    parser.add_argument("--texts", type=Path, default=DATA / "sentences.txt", help="a text a line")
    parser.add_argument("--sentences", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold-repeats", type=int, default=3)
    args = parser.parse_args(argv)
    texts = read_sentences(args.texts)[: args.sentences]
    try:
        starters: dict[str, Starter] = {}
        for name in args.systems.split(","):
            if name == "voicelet":
                starters[name] = voicelet_starter(args.bundle, args.recording)
            elif name == "voicelet-piper":
                starters[name] = voicelet_starter(piper.model(), None)
            elif name == "piper":
                starters[name] = piper.start
            else:
                raise BenchmarkError(
                    f"unknown system {name!r}; there are voicelet, voicelet-piper and piper"
                )
        results = measure(starters, texts, args.repeats, args.cold_repeats)
        if "voicelet" in results:
            bundle = args.bundle or SDK / "voicelet" / "voices" / "default"
            results["voicelet"]["bundle_mb"] = bundle_bytes(bundle) / 1e6
        for name in results.keys() & {"piper", "voicelet-piper"}:
            model = piper.model()
            files = (model, model.with_name(model.name + ".json"))
            results[name]["bundle_mb"] = sum(f.stat().st_size for f in files) / 1e6
    except VoiceletError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    table = markdown(results)
    machine = {"machine": platform.machine(), "system": platform.system(), "cpus": os.cpu_count()}
    args.out.mkdir(parents=True, exist_ok=True)
    data = {"machine": machine, "repeats": args.repeats, "systems": results}
    (args.out / "speed.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    (args.out / "speed.md").write_text(table, "utf-8")
    print(table, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
