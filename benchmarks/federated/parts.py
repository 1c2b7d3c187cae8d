"""The parts of the benchmark that measure, attack and export the models."""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.federated.attacks import (
    Attack,
    allowed_true_positives,
    shadow_attack,
    strongest_attack,
    summary,
)
from benchmarks.federated.bench import (
    EPSILONS,
    LARGE,
    OTHER_ACCENT,
    ROUNDS,
    SERVER_STEP,
    SMALL,
    STRANGERS,
    Bench,
    load_models,
    name_of,
    one_round,
    save_json,
)
from benchmarks.federated.cost import Cohort, masked_sum
from benchmarks.federated.sound import taken_apart
from benchmarks.federated.training import Trainer, Updates, clipped, noised_mean, seed_of
from voicelet_export.train.data import Item
from voicelet_federated.app.config import AdapterSpec, FederationConfig, LocalTraining
from voicelet_federated.app.devices import load_base
from voicelet_federated.app.export import RunProvenance, export_bundle
from voicelet_federated.app.training import _WEIGHTS as WEIGHTS

_LOG = logging.getLogger(__name__)
_DRAWS = 3
_PEOPLE, _SINGLE = 6, 100
_PERSONAL_STEPS = 9
ORIGIN = RunProvenance("benchmark", 0, 0, math.inf, 1e-5)
_EACH = 1  # utterances of a person that a loss is taken of


def _kept(bench: Bench, name: str, devices: Sequence[str]) -> npt.NDArray[np.float32]:
    """Updates that `train` left, of these devices."""
    with np.load(bench.out / "updates" / f"{name}.npz") as saved:
        updates = Updates(bench.out / "updates" / f"{name}.npz", str(saved["key"])).load()
    return np.stack([updates[d] for d in devices])


def _few(items: Sequence[Item], most: int) -> list[Item]:
    """Some utterances, evenly chosen by length, as the server of a federation chooses them."""
    ordered = sorted(items, key=lambda i: (i.entry.n_frames, i.entry.id))
    return ordered[:: max(1, len(ordered) // most)][:most]


def _results(file: Path) -> dict[str, Any]:
    """What an earlier call found; delete the file to compute everything anew."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def judge(args: argparse.Namespace) -> None:
    """Held-out losses: of every model; against epsilon; and what they are made of."""
    bench, file = Bench(args), args.out / "judge.json"
    models, results = load_models(args.out / "models.npz"), _results(file)
    held_out = _few(bench.held_out_speech(bench.accent), 40)
    results |= {"speakers": len(bench.speakers), "utterances": len(bench.items)}
    _measure_models(bench.trainer(held_out), held_out, models, results.setdefault("held_out", {}))
    save_json(file, results)
    cohorts = {SMALL: bench.speakers[:SMALL], args.large: bench.large_cohort(args.large)[0]}
    if "curve" not in results:
        results["curve"] = _curve(bench, held_out, cohorts)
        save_json(file, results)
    groups = {bench.accent: held_out, OTHER_ACCENT: bench.held_out_speech(OTHER_ACCENT)}
    names = ("start", "other-accent", "pooled", *(name_of(SMALL, ROUNDS, e) for e in EPSILONS))
    shown = {k: models[k] for k in names if k in models}
    if not set(shown) <= set(results.get("sound", {})):
        everyone = bench.trainer([*held_out, *groups[OTHER_ACCENT], *bench.items])
        results["sound"] = taken_apart(everyone, _few(bench.items, 40), groups, shown)
        save_json(file, results)
    if "cost" not in results:
        # Masks change nothing: the sum of a hundred devices' masked shares, by the real code.
        updates = _kept(bench, "few", cohorts[SMALL])
        opened, plain = masked_sum(updates, one_round(SMALL, 8.0), bench.base, 0)
        results["masked_equals_plain"] = bool((opened == plain).all())
        quiet = one_round(SMALL, math.inf)
        exact = clipped(updates, quiet.clip_norm).mean(axis=0)
        fixed = noised_mean(updates, quiet, np.random.default_rng())
        results["fixed_point_error"] = float(np.abs(exact - fixed).max())
        costs = (Cohort(one_round(n, 8.0), bench.base).cost() for n in cohorts)
        results["cost"] = [asdict(cost) for cost in costs]
        save_json(file, results)


def _measure_models(
    trainer: Trainer, held_out: Sequence[Item], models: Mapping[str, Any], results: dict[str, Any]
) -> None:
    before = trainer.losses(held_out, np.zeros(trainer.size))
    people = np.array([i.entry.speaker for i in held_out])
    for name, flat in models.items():
        digest = hashlib.sha256(flat.tobytes()).hexdigest()
        if results.get(name, {}).get("adapter") == digest:
            continue
        losses = trainer.losses(held_out, flat)
        low, high = _interval(before["mel"] - losses["mel"], people)
        results[name] = {k: float(v.mean()) for k, v in losses.items()}
        results[name] |= {"gain_low": low, "gain_high": high, "adapter": digest}
        _LOG.info("%s: mel %.4f", name, results[name]["mel"])


def _curve(
    bench: Bench, held_out: Sequence[Item], cohorts: Mapping[int, Sequence[str]]
) -> list[dict[str, Any]]:
    """Held-out loss after one round, for each cohort and epsilon and some draws of the noise."""
    trainer, found = bench.trainer(held_out), []
    for (n, devices), name in zip(cohorts.items(), ("few", "many")):
        updates = _kept(bench, name, devices)
        for epsilon in EPSILONS:
            config = one_round(n, epsilon)
            losses = []
            for draw in range(_DRAWS if math.isfinite(epsilon) else 1):
                rng = np.random.default_rng(seed_of(epsilon, n, draw))
                mean = SERVER_STEP * noised_mean(updates, config, rng)
                losses.append(float(trainer.losses(held_out, mean)["mel"].mean()))
            row = {"devices": n, "epsilon": _finite(epsilon), "mel": losses}
            found.append(row | {"noise_multiplier": config.share().noise_multiplier})
            _LOG.info("%s", row)
    return found


def _interval(
    gains: npt.NDArray[np.float32], people: npt.NDArray[Any], repeats: int = 1000
) -> tuple[float, float]:
    """95 % interval of a mean, bootstrapped over people."""
    rng = np.random.default_rng(0)
    names = sorted(set(people))
    own = [gains[people == n] for n in names]
    drawn = [
        np.concatenate([own[i] for i in rng.integers(0, len(names), len(names))]).mean()
        for _ in range(repeats)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def _finite(epsilon: float) -> float | None:
    return epsilon if math.isfinite(epsilon) else None


def _total(losses: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
    return np.sum([WEIGHTS[k] * v.astype(np.float64) for k, v in losses.items()], axis=0)


def attack(args: argparse.Namespace) -> None:
    """Membership inference: by losses, shadow federations, all but one update, and at home."""
    bench, file = Bench(args), args.out / "attack.json"
    models, results = load_models(args.out / "models.npz"), _results(file)
    inside, outside = bench.large_cohort(args.large)
    if "sums" not in results:
        cohorts = {SMALL: ("few", bench.speakers)}
        cohorts[args.large] = ("many", inside + outside[:STRANGERS])
        results["sums"] = [
            _attack_sum(_kept(bench, name, devices), one_round(n, epsilon))
            for n, (name, devices) in cohorts.items()
            for epsilon in EPSILONS
        ]
        save_json(file, results)
    if "personal" not in results:
        results["personal"] = _personal(bench)
        save_json(file, results)
    members = bench.speakers[:SMALL]
    strangers = sorted({i.entry.speaker for i in bench.held_out_speech(bench.accent)})
    strangers = [*bench.speakers[SMALL:], *strangers]
    people = bench.trainer(bench.speech([*members, *strangers]))
    single = bench.trainer(bench.utterances)
    names = [name_of(SMALL, ROUNDS, e) for e in EPSILONS] + ["pooled"]
    for trainer, taught, others, wanted in (
        (people, members, strangers, names),
        (single, inside[:_SINGLE], outside[:_SINGLE], [name_of(LARGE, 1, e) for e in EPSILONS]),
    ):
        done = results.setdefault("losses", {})
        chosen = {k: models[k] for k in wanted if k in models and k not in done}
        if chosen:
            done |= _by_losses(trainer, taught, others, chosen)
            save_json(file, results)


def _attack_sum(updates: npt.NDArray[np.float32], config: FederationConfig) -> dict[str, Any]:
    """The attackers who know shadow federations, and all other updates."""
    row = {
        "devices": config.cohort,
        "epsilon": _finite(config.epsilon),
        "shadow": asdict(shadow_attack(updates, config)),
        "strongest": asdict(strongest_attack(updates[: 4 * SMALL], config)),
        "allowed": allowed_true_positives(config.epsilon, config.delta),
    }
    _LOG.info("%s", row)
    return row


def _by_losses(
    trainer: Trainer, members: Sequence[str], others: Sequence[str], models: dict[str, Any]
) -> dict[str, Any]:
    """The attack on a person's mean loss, of each model."""
    rows = [
        (device, item)
        for device in (*members, *others)
        for item in trainer.sampler.by_speaker[device][::-1][:_EACH]
    ]
    items = [item for _, item in rows]
    owner = np.array([device for device, _ in rows])
    before = _total(trainer.losses(items, np.zeros(trainer.size)))
    out = {}
    for name, flat in models.items():
        fell = before - _total(trainer.losses(items, flat))
        each = {d: fell[owner == d].mean(keepdims=True) for d in (*members, *others)}
        found = summary([each[d] for d in members], [each[d] for d in others])
        out[name] = asdict(found)
        _LOG.info("%s: %s", name, found)
    return out


def _personal(bench: Bench) -> dict[str, Any]:
    """What an adapter that never leaves a device would tell: of utterances, and of whose it is."""
    people = [s for s in bench.speakers if len(bench.speech([s])) >= 10][:_PEOPLE]
    halves = {s: (bench.speech([s])[0::2], bench.speech([s])[1::2]) for s in people}
    trainer = bench.trainer([i for taught, _ in halves.values() for i in taught])
    config = LocalTraining(steps=_PERSONAL_STEPS)
    unseen = [items[len(items) // 2] for _, items in halves.values()]
    whole = bench.trainer([i for a, b in halves.values() for i in (*a, *b)])
    same: list[npt.NDArray[np.float64]] = []
    apart: list[npt.NDArray[np.float64]] = []
    own: list[npt.NDArray[np.float64]] = []
    foreign: list[npt.NDArray[np.float64]] = []
    for number, person in enumerate(people):
        flat = trainer.train([person], bench.zeros, config, [seed_of("personal", person)])[0]
        taught, kept = halves[person]
        items = [*taught, *kept, *unseen]
        fell = _total(whole.losses(items, bench.zeros)) - _total(whole.losses(items, flat))
        a, b = len(taught), len(taught) + len(kept)
        same.append(fell[:a])
        apart.append(fell[a:b])
        own.append(fell[a:b])
        foreign.append(np.delete(fell[b:], number))
        _LOG.info("personal %d of %d", number + 1, len(people))
    found: dict[str, Attack] = {"utterance": summary(same, apart), "person": summary(own, foreign)}
    return {k: asdict(v) for k, v in found.items()}


def bundles(args: argparse.Namespace) -> None:
    """A bundle of each model that is to speak."""
    base = load_base(args.base)
    for name, flat in load_models(args.out / "models.npz").items():
        folder: Path = args.out / "bundles" / name
        if folder.exists() or (args.models and name not in ("start", *args.models)):
            continue
        export_bundle(base.model, AdapterSpec(), flat, args.bundle, folder, ORIGIN)
