"""Speed of voicelet's Java runtime beside Python's: in turn, in one run, on one thread of one core.

    cd android_bridge && mvn -q test-compile && cd ..
    python -m benchmarks.java [--repeats 40] [--out FILE]

Both speak the clauses of tests/golden/synth.json from phones on, in streams, one after the other,
over and over; medians and their ratio are reported.  Reading text isn't in these figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import voicelet
from benchmarks.common import BenchmarkError
from benchmarks.peers.worker import Worker, one_thread_environment
from voicelet.errors import VoiceletError
from voicelet.synth.options import SpeechOptions, controls_of
from voicelet.synth.stream import SpeechStream
from voicelet.text.words import Accent, InnerMark, PhoneClause, Prosody, Tone, WordPhones

ROOT = Path(__file__).parents[1]
REACTOR = ROOT / "android_bridge"
GOLDEN = ROOT / "tests" / "golden" / "synth.json"
WARM_UP = 30
"""Rounds that aren't counted, in which the JVM compiles what it runs often."""
CASES = ("plain", "lively", "long", "cut")
_JARS = ("com/microsoft/onnxruntime/onnxruntime", "org/bouncycastle/bcprov-jdk18on")

Times = dict[str, float]


def class_path() -> str:
    """What the Java side needs: its own classes, and two jars of Maven's cache."""
    folders = [
        REACTOR / module / "target" / kind
        for module, kind in (("core", "classes"), ("ort", "classes"), ("ort", "test-classes"))
    ]
    for folder in folders:
        if not folder.is_dir():
            raise BenchmarkError(f"{folder} isn't there; cd {REACTOR} && mvn -q test-compile")
    jars = []
    for name in _JARS:
        found = sorted((Path.home() / ".m2" / "repository" / name).glob("*/*[0-9].jar"))
        if not found:
            raise BenchmarkError(f"no jar of {name}; cd {REACTOR} && mvn -q test-compile")
        jars.append(found[-1])
    return os.pathsep.join(map(str, [*folders, *jars]))


def clause_of(fields: dict[str, Any]) -> PhoneClause:
    """A clause as the golden file holds it."""
    lists = {"words": WordPhones, "tones": Tone, "accents": Accent, "inner_marks": InnerMark}
    values: dict[str, Any] = {
        name: tuple(kind(**_tuples(item)) for item in fields[name]) for name, kind in lists.items()
    }
    values |= {"prosody": Prosody(**fields["prosody"]), "marks": tuple(fields["marks"])}
    return PhoneClause(**{**fields, **values})


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}


def chunks(voice: voicelet.Voice, case: dict[str, Any]) -> Iterator[int]:
    """Speak a case; yields the samples of each chunk."""
    speaker = voice._synthesizer.speakers.vector(None, case["preset"])
    controls = controls_of(SpeechOptions(**case["options"]))
    stream = SpeechStream(voice._pipeline, speaker, controls, None)
    for chunk in stream.chunks(map(clause_of, case["clauses"])):
        yield len(chunk.samples)


def speak(voice: voicelet.Voice, case: dict[str, Any]) -> Times:
    """Speak a case with a stopwatch."""
    start = time.perf_counter()
    stream = chunks(voice, case)
    samples = next(stream)
    first_ms = (time.perf_counter() - start) * 1e3
    samples += sum(stream)
    whole_ms = (time.perf_counter() - start) * 1e3
    return {
        "first_ms": first_ms,
        "whole_ms": whole_ms,
        "seconds": samples / voice.sample_rate_hz,
    }


def summary(rounds: list[Times]) -> Times:
    """Medians of a case."""
    first, whole, seconds = (
        statistics.median(r[name] for r in rounds) for name in ("first_ms", "whole_ms", "seconds")
    )
    return {"first_ms": first, "rtf": whole / 1e3 / seconds, "seconds": seconds}


def compare(repeats: int) -> dict[str, dict[str, Times]]:
    """Case → "python", "java" and "ratio" → figures."""
    cases = json.loads(GOLDEN.read_text(encoding="utf-8"))
    voice = voicelet.Voice.load()
    command = ["java", "-Xmx256m", "-cp", class_path(), f"-Dvoicelet.repository={ROOT}"]
    worker = Worker([*command, "io.github.voicelet.ort.SpeakWorker"], one_thread_environment())
    out: dict[str, dict[str, Times]] = {}
    try:
        worker.read()
        for name in CASES:
            python: list[Times] = []
            java: list[Times] = []
            for _ in range(WARM_UP + repeats):
                python.append(speak(voice, cases[name]))
                java.append(worker.ask(case=name))
            figures = {"python": summary(python[WARM_UP:]), "java": summary(java[WARM_UP:])}
            ratio = {f: figures["java"][f] / figures["python"][f] for f in ("first_ms", "rtf")}
            out[name] = {**figures, "ratio": ratio}
            print(f"{name}: {json.dumps(out[name])}", flush=True)
    finally:
        worker.close()
    return out


def main() -> int:
    """Measure and print a line for each case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    try:
        found = compare(arguments.repeats)
    except VoiceletError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
