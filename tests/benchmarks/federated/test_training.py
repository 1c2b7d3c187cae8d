"""The federated benchmark's own sums: training, attacks with known answers, sound."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")
pytest.importorskip("scipy")

from benchmarks.federated.attacks import (
    allowed_true_positives,
    gaussian_true_positives,
    shadow_attack,
    strongest_attack,
    summary,
    true_positives,
)
from benchmarks.federated.cost import Cohort, masked_sum
from benchmarks.federated.sound import colour, mel_losses, speak, taken_apart
from benchmarks.federated.training import (
    Trainer,
    clipped,
    noised_mean,
    round_updates,
    seed_of,
    split_by_utterance,
)
from tests.federated.tiny_federation import SPEAKERS, tiny_base
from voicelet.errors import ConfigError
from voicelet_export.train.data import Item
from voicelet_federated.app.adapter import Adapted
from voicelet_federated.app.config import FederationConfig, LocalTraining
from voicelet_federated.app.devices import BaseModel, DeviceData, load_base
from voicelet_federated.app.training import train_locally

LOCAL = LocalTraining(steps=3, utterances=2)
Parts = tuple[BaseModel, Path, list[Item]]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    base, cache = tiny_base(tmp_path_factory.mktemp("tiny"))
    return load_base(base), cache, [i for s in SPEAKERS for i in DeviceData(cache, s).items]


def trainer_of(parts: Parts) -> Trainer:
    base, _, items = parts
    spec = FederationConfig().adapter
    return Trainer(base, items, spec)


def test_many_devices_at_once_train_as_each_would(parts: Parts) -> None:
    base, cache, _ = parts
    trainer = trainer_of(parts)
    start = np.random.default_rng(0).normal(0.0, 0.1, trainer.size).astype(np.float32)
    names = list(SPEAKERS)
    found = trainer.train(names, start, LOCAL, range(len(names)))
    for seed, name in enumerate(names):
        sampler = DeviceData(cache, name).sampler(base.info)
        alone = train_locally(Adapted(base.model), start, sampler, LOCAL, seed)
        assert np.linalg.norm(alone.update) > 1e-3
        np.testing.assert_allclose(found[seed], alone.update, atol=2e-6)
    with pytest.raises(ConfigError):
        trainer.train(["nobody"], start, LOCAL, [0])


def test_updates_are_kept_and_only_missing_ones_computed(parts: Parts, tmp_path: Path) -> None:
    trainer, zeros = trainer_of(parts), np.zeros(256, np.float32)
    seen: list[tuple[int, int]] = []

    def run(names: list[str], start: np.ndarray) -> np.ndarray:
        seen.clear()
        return round_updates(
            trainer, names, start, LOCAL, tmp_path, "r", lambda *n: seen.append(n), 1
        )

    first = run(["s0", "s1"], zeros)
    assert seen == [(1, 2), (2, 2)]
    again = run(["s1", "s2", "s0"], zeros)
    assert seen == [(3, 3)]
    np.testing.assert_array_equal(again[[2, 0]], first)
    run(["s0"], zeros + 0.1)  # from elsewhere: nothing that was kept serves
    assert seen == [(1, 1)]


def test_one_device_an_utterance(parts: Parts) -> None:
    items = parts[2]
    alone = split_by_utterance(items)
    assert len({i.entry.speaker for i in alone}) == len(items)
    assert seed_of("a", "b") != seed_of("ab") and seed_of(1) == seed_of(1)


def test_masks_change_nothing_and_noise_is_what_was_promised(parts: Parts) -> None:
    rng = np.random.default_rng(0)
    updates = rng.normal(0.0, 0.2, (4, 256))
    config = FederationConfig(rounds=1, joins=1, epsilon=8.0, cohort=4, minimum=3)
    opened, plain = masked_sum(updates, config, parts[0], 1)
    np.testing.assert_array_equal(opened, plain)
    silent = FederationConfig(rounds=1, joins=1, epsilon=math.inf, cohort=4, minimum=3)
    exact = clipped(updates, 1.0).mean(axis=0)
    np.testing.assert_allclose(noised_mean(updates, silent, rng), exact, atol=1e-7)
    share = config.share()
    spread = (noised_mean(updates, config, rng) - exact) * 4 / share.noise_multiplier
    assert spread.std() == pytest.approx(math.sqrt(4 / 3), rel=0.15)


def test_bytes_grow_with_the_cohort(parts: Parts) -> None:
    small = Cohort(FederationConfig(cohort=3, minimum=2), parts[0]).cost()
    large = Cohort(FederationConfig(cohort=9, minimum=2), parts[0]).cost()
    assert small.bytes_up == pytest.approx(large.bytes_up, abs=20)
    assert 6 * 120 < large.bytes_down - small.bytes_down < 6 * 250
    assert large.mask_s > 0.0


def test_summary_of_known_scores() -> None:
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(1.0, 1.0, (200, 10)), rng.normal(0.0, 1.0, (200, 10))
    found = summary(list(inside), list(outside), 100)
    assert found.auc == pytest.approx(0.760, abs=0.02)  # Phi(1 / sqrt 2)
    assert found.auc_low < found.auc < found.auc_high
    assert found.auc_high - found.auc_low < 0.06
    assert found.tpr == pytest.approx(gaussian_true_positives(1.0), abs=0.04)
    assert gaussian_true_positives(0.0) == pytest.approx(0.01)
    assert true_positives([3.0, 5.0], [4.0, 1.0]) == 0.5
    for bad in ([], [np.array([np.nan])]):
        with pytest.raises(ConfigError):
            summary(bad, [np.zeros(1)])


def test_privacy_bounds_what_any_attacker_finds() -> None:
    assert allowed_true_positives(0.0, 0.0) == pytest.approx(0.01)
    assert allowed_true_positives(1.0, 1e-5) == pytest.approx(math.e * 0.01, rel=0.01)
    assert allowed_true_positives(8.0, 1e-5) > 0.99
    assert allowed_true_positives(math.inf, 0.0) == 1.0


def test_the_strongest_attack_meets_the_gaussian_formula_and_the_bound() -> None:
    rng = np.random.default_rng(0)
    updates = rng.normal(0.0, 1.0, (60, 64))  # all clipped to 1
    config = FederationConfig(rounds=1, joins=1, epsilon=3.0, cohort=60)
    config = replace(config, adapter=replace(config.adapter, size=256))
    updates = np.pad(updates, ((0, 0), (0, 192)))
    found = strongest_attack(updates, config, draws=100)
    share = config.share()
    ratio = 1.0 / (share.noise_multiplier * math.sqrt(config.cohort / config.least))
    assert found.tpr == pytest.approx(gaussian_true_positives(ratio), abs=0.01)
    assert found.tpr_low <= allowed_true_positives(3.0, config.delta)
    silent = replace(config, epsilon=math.inf)
    assert strongest_attack(updates, silent, draws=2).auc == 1.0


def test_shadows_find_members_without_noise_only() -> None:
    rng = np.random.default_rng(1)
    updates = 0.3 + rng.normal(0.0, 0.1, (30, 256))
    config = FederationConfig(rounds=1, joins=1, epsilon=math.inf, cohort=20)
    plain = shadow_attack(updates, config, shadows=40, targets=20)
    assert plain.auc > 0.99 and plain.members == 400 and plain.others == 200
    hidden = shadow_attack(updates, replace(config, epsilon=0.5), shadows=40, targets=20)
    assert abs(hidden.auc - 0.5) < 0.1
    with pytest.raises(ConfigError):
        shadow_attack(updates[:20], config)


def test_a_constant_colour_is_told_from_speech(parts: Parts) -> None:
    items, trainer = parts[2], trainer_of(parts)
    zeros = np.zeros(256, np.float32)
    spoken = speak(trainer, items, zeros)
    expected = float(np.mean(trainer.losses(items, zeros)["mel"]))
    assert mel_losses(spoken)["mel"] == pytest.approx(expected, rel=1e-3)
    tinted = [replace(s, target=s.target + 2.0) for s in spoken]
    plain, tint = mel_losses(spoken), mel_losses(tinted)
    assert tint["mel"] > plain["mel"] + 0.5
    assert tint["shape"] == pytest.approx(plain["shape"], rel=1e-4)
    # What a constant did, a constant undoes.
    mended = mel_losses(tinted, colour(tinted, False))
    assert mended["mel"] == pytest.approx(
        mel_losses(spoken, colour(spoken, False))["mel"], rel=1e-3
    )
    told = taken_apart(trainer, items, {"all": items}, {"start": zeros})
    assert set(told) == {"start", "start+colour", "start+colour+floor"}
    assert told["start+colour+floor"]["all"]["mel"] <= told["start"]["all"]["mel"]
