"""Runs a pipeline in child processes and kills them: `python nursery.py RECIPE FOLDER`.

A child dies as soon as it has come as far as it is to come, or a random moment of its own CPU time
later, so that no scheduler decides where the kill falls.  The imports are paid for once,
here; every attempt is a fork that has opened nothing yet.  Prints one JSON object: the hashes of an
undisturbed run, those of the run that was killed over and over, and how far each attempt had come
when it was killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.figure  # noqa: F401
import onnx  # noqa: F401
import onnxruntime  # noqa: F401
import soundfile  # noqa: F401
import torch._dynamo  # which the first optimizer imports
import torch.utils.tensorboard

import voicelet_export.bundle.build
import voicelet_export.bundle.check
import voicelet_export.compress.quantize.voice
import voicelet_export.corpus.align_cache
import voicelet_export.pipeline.report
import voicelet_export.report.measure
import voicelet_export.train.acoustic
import voicelet_export.train.predicted_mels
import voicelet_export.train.run
import voicelet_export.train.vocoder  # noqa: F401
from voicelet_export.pipeline.recipe import read_recipe
from voicelet_export.pipeline.run import run_pipeline


def begin(recipe: Path, work: Path, die: Callable[[], float | None] | None = None) -> int:
    """Fork a run; its hashes go to `work`.json.

    Args:
        die: see :func:`die_when`.
    """
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        if die is not None:
            die_when(die, work)
        done = run_pipeline(read_recipe(recipe), work)
        hashes = {name: record.output for name, record in done.items()}
        Path(f"{work}.json").write_text(json.dumps(hashes))
        code = 0
    finally:
        os._exit(code)


def die_when(die: Callable[[], float | None], work: Path) -> None:
    """Have this process killed.

    Args:
        die: asked before each operation on a file below `work`, until it gives the seconds of CPU
            time that are left; 0 is this moment.
    """
    is_asking = is_over = False

    def ask(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal is_asking, is_over
        if is_asking or is_over or event not in ("open", "os.rename", "os.mkdir"):
            return
        if not str(arguments[0]).startswith(str(work)):
            return
        is_asking = True  # the answer opens files itself
        left_s = die()
        is_asking = False
        if left_s is None:
            return
        is_over = True
        if left_s == 0.0:
            os.kill(os.getpid(), signal.SIGKILL)
        signal.setitimer(signal.ITIMER_PROF, left_s)  # then SIGPROF, which nobody catches

    sys.addaudithook(ask)


def finished(work: Path) -> int:
    """Steps in the store."""
    folder = work / "store"
    return len(list(folder.iterdir())) if folder.exists() else 0


def trained(work: Path) -> int:
    """Steps that the training now under way has logged."""
    rows = [0]
    for log in work.glob("partial/*/run/log.jsonl"):
        try:
            text = log.read_text()
        except OSError:
            continue
        rows += [json.loads(line)["step"] for line in text.splitlines() if line.endswith("}")]
    return max(rows)


def main() -> None:
    """Run undisturbed, then killed at many moments, and compare."""
    recipe, folder = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)
    os.waitpid(begin(recipe, folder / "whole"), 0)
    work, rng, kills = folder / "killed", random.Random(20), []
    # After so many finished steps, with so many training steps logged; there, or a moment later.
    moments = ((0, 0, 1), (1, 0, 1), (3, 2, 0), (3, 4, 1), (5, 2, 0), (6, 0, 1), (8, 0, 1))
    for steps, logged, later in moments:
        left_s = later * rng.uniform(0.001, 0.08)

        def die(steps: int = steps, logged: int = logged, left_s: float = left_s) -> float | None:
            return left_s if finished(work) >= steps and trained(work) >= logged else None

        _, status = os.waitpid(begin(recipe, work, die), 0)
        if os.WIFSIGNALED(status):
            kills.append([finished(work), trained(work)])
    os.waitpid(begin(recipe, work), 0)
    results = {n: json.loads((folder / f"{n}.json").read_text()) for n in ("whole", "killed")}
    print(json.dumps({**results, "kills": kills}))


if __name__ == "__main__":
    main()
