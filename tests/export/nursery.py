"""Runs a pipeline in child processes and kills them: `python nursery.py RECIPE FOLDER`.

The imports are paid for once, here; every attempt is a fork that has opened nothing yet.  Prints
one JSON object: the hashes of an undisturbed run, those of the run that was killed over and over,
and how far each attempt had come when it was killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib.figure  # noqa: F401
import onnx  # noqa: F401
import onnxruntime  # noqa: F401
import soundfile  # noqa: F401
import torch._dynamo  # which the first optimiser imports
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

Trigger = Callable[[Path], bool]


def begin(recipe: Path, work: Path) -> int:
    """Fork a run; its hashes go to `work`.json."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        done = run_pipeline(read_recipe(recipe), work)
        hashes = {name: record.output for name, record in done.items()}
        Path(f"{work}.json").write_text(json.dumps(hashes))
        code = 0
    finally:
        os._exit(code)


def wait_for(child: int, ready: Callable[[], bool]) -> bool:
    """Wait until `ready`; False if the child ended before."""
    while not ready():
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.003)
    return True


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
    # After so many finished steps, with so many training steps logged: then at a random moment.
    for steps, logged in ((0, 0), (1, 0), (3, 2), (3, 4), (5, 2), (6, 0), (8, 0)):
        child = begin(recipe, work)
        met = wait_for(child, lambda n=steps, m=logged: finished(work) >= n and trained(work) >= m)  # type: ignore[misc]
        until = time.monotonic() + rng.uniform(0.0, 0.08)
        if met and wait_for(child, lambda t=until: time.monotonic() > t):  # type: ignore[misc]
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills.append([finished(work), trained(work)])
    os.waitpid(begin(recipe, work), 0)
    results = {n: json.loads((folder / f"{n}.json").read_text()) for n in ("whole", "killed")}
    print(json.dumps({**results, "kills": kills}))


if __name__ == "__main__":
    main()
