"""What a federation learns of an accent, what epsilon costs it, and what an attacker learns.

    python -m benchmarks.federated train --cache C --base B --held-out H --accent so_ --out OUT \\
        --run 8=RUN8 --run 3=RUN3 --run 1=RUN1
    python -m benchmarks.federated judge --cache C --base B --held-out H --accent so_ --out OUT
    python -m benchmarks.federated attack --cache C --base B --held-out H --accent so_ --out OUT
    python -m benchmarks.federated bundles --base B --bundle BUNDLE --out OUT
    python -m benchmarks.federated.speech --references DIR --accent so_ --out OUT
    python -m benchmarks.federated.report --out OUT --plots docs/img

RUN8 and so on are folders of `voicelet-federated simulate`.  Everything slow is kept in OUT as it
is computed; a command that was cut short goes on where it was.  See docs/guides/federated.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.federated.bench import (
    EPSILONS,
    LARGE,
    ONE_STEP,
    OTHER_ACCENT,
    OTHERS,
    POOLED_ROWS,
    ROUNDS,
    SERVER_STEP,
    SMALL,
    STRANGERS,
    Bench,
    load_models,
    name_of,
    one_round,
    pooled,
    save_models,
)
from benchmarks.federated.parts import attack, bundles, judge
from benchmarks.federated.training import noised_mean, round_updates, seed_of
from voicelet.errors import ConfigError, VoiceletError
from voicelet_federated.app.config import FederationConfig, LocalTraining
from voicelet_federated.app.devices import speakers_of

_LOG = logging.getLogger(__name__)


def train(args: argparse.Namespace) -> None:
    """Compute every model."""
    bench = Bench(args)
    models, kept, local = args.out / "models.npz", args.out / "updates", LocalTraining()
    save_models(models, {"start": bench.zeros})
    for text in args.run_folders:
        epsilon, _, folder = text.partition("=")
        simulated = json.loads((Path(folder) / "run.json").read_text("utf-8"))
        if simulated["base"] != bench.base.sha256:
            raise ConfigError(f"{folder} is a run of another base model")
        save_models(models, {name_of(SMALL, ROUNDS, float(epsilon)): simulated["adapter"]})

    def show(done: int, total: int) -> None:
        _LOG.info("%d of %d devices", done, total)

    # One round of one step, to compare cohorts: what a device can say shrinks with its speech.
    trainer, single = bench.trainer(bench.items), bench.trainer(bench.utterances)
    inside, outside = bench.large_cohort(args.large)
    few = round_updates(trainer, bench.speakers, bench.zeros, ONE_STEP, kept, "few", show)[:SMALL]
    many = round_updates(single, inside, bench.zeros, ONE_STEP, kept, "many", show, 16)
    for updates in (few, many):
        for epsilon in EPSILONS:
            rng = np.random.default_rng(seed_of(epsilon, len(updates)))
            mean = noised_mean(updates, one_round(len(updates), epsilon), rng)
            save_models(models, {name_of(len(updates), 1, epsilon): SERVER_STEP * mean})
    # The pooled speech, as many steps as a device takes in three rounds.
    if "pooled" not in load_models(models):
        members = bench.trainer(bench.speech(bench.speakers[:SMALL]))
        flat = pooled(members, "pooled", ROUNDS * local.steps, POOLED_ROWS, local)
        save_models(models, {"pooled": flat})
    # For the attack alone: devices that took no part.
    strangers = outside[:STRANGERS]
    round_updates(single, [*inside, *strangers], bench.zeros, ONE_STEP, kept, "many", show, 16)
    others = speakers_of(args.cache, args.held_out, OTHER_ACCENT)[:OTHERS]
    if others:
        clean = bench.trainer(bench.speech(others))
        theirs = round_updates(clean, others, bench.zeros, ONE_STEP, kept, "other-accent", show)
        mean = noised_mean(theirs, one_round(len(theirs), math.inf), np.random.default_rng(0))
        save_models(models, {"other-accent": SERVER_STEP * mean})
    # Three rounds without noise, each of another third of the devices.
    flat = bench.zeros
    for number in range(ROUNDS):
        cohort = bench.speakers[number:SMALL:ROUNDS]
        updates = round_updates(trainer, cohort, flat, local, kept, f"third{number}", show)
        config = FederationConfig(
            rounds=ROUNDS, joins=1, epsilon=math.inf, cohort=len(cohort), local=local
        )
        flat = flat + noised_mean(updates, config, np.random.default_rng(0))
    save_models(models, {name_of(SMALL, ROUNDS, math.inf): flat})


def main(argv: Sequence[str] | None = None) -> int:
    """Run a part; returns the exit code."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.federated", description=__doc__)
    parts = top.add_subparsers(dest="part", required=True)
    for part, tells in PARTS.items():
        one = parts.add_parser(part, help=tells)
        one.add_argument("--out", type=Path, required=True, help="folder of everything computed")
        one.add_argument("--base", type=Path, required=True, help="model that never heard it")
        if part == "bundles":
            one.add_argument("--bundle", type=Path, required=True, help="of the base model")
            one.add_argument("models", nargs="*", help="names of those that are to speak; all")
            continue
        one.add_argument("--cache", type=Path, required=True, help="feature cache")
        one.add_argument("--held-out", type=Path, required=True, help="JSON of people held out")
        one.add_argument("--accent", default="so_", help="how names of the accent's speakers begin")
        one.add_argument("--large", type=int, default=LARGE, help="devices of the large cohort")
        if part == "train":
            one.add_argument(
                "--run", dest="run_folders", action="append", default=[], metavar="EPSILON=FOLDER"
            )
    args = top.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    try:
        _run(args)
    except VoiceletError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


PARTS = {
    "train": "compute every model",
    "judge": "losses on held-out speakers; accent and sound of the recordings taken apart",
    "attack": "membership inference against every model",
    "bundles": "a bundle of each model, to speak with",
}


def _run(args: argparse.Namespace) -> None:
    {"train": train, "judge": judge, "attack": attack, "bundles": bundles}[args.part](args)


if __name__ == "__main__":
    sys.exit(main())
