"""Words and similarity of clones of held-out people, spoken by each bundle of `bundles`.

    python -m benchmarks.federated.speech --references DIR --accent so_ --out OUT

DIR/references is what `python -m benchmarks.quality references` writes.  The same people say the
same sentences with every model, so that models are compared clip by clip.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import BenchmarkError
from benchmarks.people import Reference
from benchmarks.speaking import DATA, make_systems, read_sentences, speak
from voicelet.errors import VoiceletError
from voicelet_export.metrics.base import bench_home
from voicelet_export.metrics.cache import Cache
from voicelet_export.metrics.folder import read_folder
from voicelet_export.metrics.intelligibility import WordErrors
from voicelet_export.metrics.scoring import Metrics

START = "start"


def measure_folder(folder: Path, metrics: Metrics) -> list[dict[str, Any]]:
    """Words, errors and cosine to the person's own recording, of each clip."""
    rows = []
    for clip in read_folder(folder):
        errors = metrics.recognizer.errors(clip.text, metrics.transcript(clip.path))
        assert clip.reference is not None
        a, b = metrics.vector(clip.path), metrics.vector(clip.reference)
        rows.append(
            {
                "file": clip.path.name,
                "person": clip.reference.stem,
                "words": errors.words,
                "errors": errors.errors,
                "similarity": float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)),
            }
        )
    return rows


def compared(
    rows: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, Any]],
    repeats: int = 2000,
) -> dict[str, float]:
    """Means, and 95 % intervals of the differences to another model, bootstrapped over people.

    Args:
        rows, before: clips of two models.

    Raises:
        BenchmarkError: the models didn't say the same.
    """
    if [r["file"] for r in rows] != [r["file"] for r in before] or not rows:
        raise BenchmarkError("two models must say the same sentences as the same people")
    people = sorted({str(r["person"]) for r in rows})
    own = {p: [i for i, r in enumerate(rows) if r["person"] == p] for p in people}
    rng = np.random.default_rng(0)

    def rate(clips: Sequence[Mapping[str, Any]], chosen: Sequence[int]) -> float:
        total = sum((_errors(clips[i]) for i in chosen), start=WordErrors())
        return 100.0 * total.rate

    def cosine(clips: Sequence[Mapping[str, Any]], chosen: Sequence[int]) -> float:
        return float(np.mean([clips[i]["similarity"] for i in chosen]))

    drawn = []
    for _ in range(repeats):
        chosen = [i for p in rng.integers(0, len(people), len(people)) for i in own[people[p]]]
        drawn.append(
            (
                rate(rows, chosen) - rate(before, chosen),
                cosine(rows, chosen) - cosine(before, chosen),
            )
        )
    low, high = np.percentile(np.asarray(drawn), [2.5, 97.5], axis=0)
    everything = range(len(rows))
    return {
        "clips": float(len(rows)),
        "words": float(sum(r["words"] for r in rows)),
        "wer": rate(rows, everything),
        "wer_low": float(low[0]),
        "wer_high": float(high[0]),
        "similarity": cosine(rows, everything),
        "similarity_low": float(low[1]),
        "similarity_high": float(high[1]),
    }


def _errors(row: Mapping[str, Any]) -> WordErrors:
    return WordErrors(substitutions=int(row["errors"]), words=int(row["words"]))


def main(argv: Sequence[str] | None = None) -> int:
    """Speak and measure; 0, or 1 with a message."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.federated.speech")
    parser.add_argument("--references", type=Path, required=True, help="people to clone")
    parser.add_argument("--out", type=Path, required=True, help="folder of the benchmark")
    parser.add_argument("--accent", default="so_", help="how the people's names begin")
    parser.add_argument("--per-person", type=int, default=2, help="sentences each person says")
    args = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        by_model = _run(args)
    except VoiceletError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, row in by_model.items():
        print(f"{name}: WER {row['wer']:.1f} %, similarity {row['similarity']:.3f}")
    return 0


def _run(args: argparse.Namespace) -> dict[str, dict[str, float]]:
    files = sorted((args.references / "references").glob(f"{args.accent}*.wav"))
    bundles = sorted(p for p in (args.out / "bundles").glob("*") if (p / "manifest.json").exists())
    if not files or START not in [b.name for b in bundles]:
        raise BenchmarkError("there are no references, or no bundle of the starting model")
    people = [Reference(f.stem, f) for f in files]
    cache = Cache(bench_home() / "cache")
    metrics, clips = Metrics(cache), args.out / "speech"
    (clips / "references").mkdir(parents=True, exist_ok=True)
    for file in files:
        (clips / "references" / file.name).write_bytes(file.read_bytes())
    sentences = read_sentences(DATA / "sentences.txt")
    rows = {}
    for bundle in sorted(bundles, key=lambda b: b.name != START):
        (system,) = make_systems(f"voicelet={bundle.name}:{bundle}")
        folder = clips / bundle.name
        speak(system, sentences, people, args.per_person, folder, cache, lambda done, of: None)
        rows[bundle.name] = measure_folder(folder, metrics)
        print(f"{bundle.name} has spoken", file=sys.stderr, flush=True)
    by_model = {name: compared(own, rows[START]) for name, own in rows.items()}
    (args.out / "speech.json").write_text(json.dumps({"models": by_model, "clips": rows}, indent=1))
    return by_model


if __name__ == "__main__":
    sys.exit(main())
