from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from tests.federated.tiny_federation import as_real_devices
from voicelet.errors import ConfigError
from voicelet_federated.app import client as client_app
from voicelet_federated.app.checkpoint import RunState, read_state, start_or_resume
from voicelet_federated.app.strategy import central_noise, largest_norm
from voicelet_federated.errors import BudgetError
from voicelet_federated.privacy.masking import OneTimeKey
from voicelet_federated.privacy.skellam import NoiseShare

Make = Callable[..., Any]


class Spy:
    """The integers that devices mask, and the updates they come from."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.updates: list[np.ndarray] = []
        self.noisy: list[np.ndarray] = []
        encode, mask = NoiseShare.encode, OneTimeKey.mask

        def noted_encode(share: NoiseShare, update: Any, rng: Any) -> Any:
            self.updates.append(np.asarray(update))
            return encode(share, update, rng)

        def noted_mask(key: OneTimeKey, values: Any, *args: Any) -> Any:
            self.noisy.append(np.asarray(values))
            return mask(key, values, *args)

        monkeypatch.setattr(NoiseShare, "encode", noted_encode)
        monkeypatch.setattr(OneTimeKey, "mask", noted_mask)

    def secrets(self, share: NoiseShare) -> list[bytes]:
        """What no server may hold: runs of four numbers of every form of every update."""
        out = []
        for update in self.updates:
            clipped = client_app.rounded(update.astype(np.float32), share)
            out += [_bytes(update.astype(np.float32)), _bytes(clipped)]
            out += [_bytes(clipped.view(np.int32).astype(np.int64))]
        for noisy in self.noisy:
            out += [_bytes(noisy.astype(np.uint32)), _bytes(noisy.astype(np.int64))]
        return [run for data, width in out for run in _runs(data, width)]


def _bytes(values: np.ndarray) -> tuple[bytes, int]:
    return values.tobytes(), values.itemsize


def _runs(data: bytes, width: int) -> list[bytes]:
    return [data[i : i + 4 * width] for i in range(0, len(data) - 4 * width, 4 * width)]


def test_without_noise_the_model_moves_by_the_mean_of_clipped_updates(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(monkeypatch)
    made = federation(epsilon=float("inf"), clip_norm=0.01, learning_rate=0.5)
    state = made.run()
    norms = [float(np.linalg.norm(u)) for u in spy.updates]
    assert len(norms) == 4 and min(norms) > 0.01
    mean = np.mean([u * 0.01 / n for u, n in zip(spy.updates, norms)], axis=0)
    assert np.allclose(state.flat, 0.5 * mean, atol=1e-8)
    assert state.rounds[0].status == "done" and state.rounds[0].opened == 4
    told = json.loads((made.folder / "report.json").read_text())
    assert told["guarantee"]["epsilon"] is None and told["guarantee"]["clip_norm"] == 0.01


def test_the_noise_is_that_of_the_account(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(monkeypatch)
    made = federation(rounds=2, clip_norm=1e-6)
    state = made.run()
    # What isn't the sum of clipped updates is noise of z * C * sqrt(4 / 3); the mean is over four.
    clipped = [u * min(1.0, 1e-6 / float(np.linalg.norm(u))) for u in spy.updates]
    assert len(clipped) == 8
    noise = state.flat - np.sum(clipped, axis=0) / 4
    share = made.config.share()
    expected = share.noise_multiplier * 1e-6 * np.sqrt(4 / 3) / 4 * np.sqrt(2)
    # Of n numbers, within seven standard errors of a deviation: 7 / sqrt(2 n).  By Chernoff's bound
    # the sum of 256 squares passes that once in 10^9 runs.
    sure = 7.0 / np.sqrt(2 * state.flat.size)
    assert sure < 0.5 and np.sqrt(np.mean(noise**2)) == pytest.approx(expected, rel=sure)
    told = json.loads((made.folder / "report.json").read_text())
    assert told["epsilon_spent"] == pytest.approx(told["guarantee"]["epsilon"], rel=1e-6)
    assert 7.8 < told["epsilon_spent"] <= 8.0 and told["joins_most"] == 2
    for key in ("epsilon", "delta", "noise_multiplier", "clip_norm", "rounds", "neighbours"):
        assert key in told["guarantee"]
    assert told["cohort"] == 4 and told["guarantee"]["minimum"] == 3


def test_the_server_never_holds_an_unmasked_update(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = Spy(monkeypatch)
    made = federation(epsilon=float("inf"))
    made.run()
    held = b"".join(made.grid.received)
    held += b"".join(p.read_bytes() for p in made.folder.glob("*.json"))
    assert len(held) > 4 * 4 * 256
    secrets = spy.secrets(made.config.share())
    assert len(spy.updates) == 4 and len(secrets) > 1000
    assert not [s for s in secrets if s in held]


def test_the_search_finds_updates_where_masks_are_off(federation: Make) -> None:
    found: list[bytes] = []
    made = federation(masking=False)
    rounded = client_app.rounded
    try:
        client_app.rounded = lambda *a: found.append(rounded(*a).tobytes()) or rounded(*a)
        state = made.run()
    finally:
        client_app.rounded = rounded
    held = b"".join(made.grid.received)
    assert len(found) == 4 and all(data in held for data in found)
    assert state.rounds[0].status == "done" and np.abs(state.flat).max() > 0


def test_real_devices_refuse_to_send_in_clear(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = federation(masking=False)
    as_real_devices(made)
    monkeypatch.delenv("VOICELET_FEDERATED_SIMULATION")
    state = made.run()
    assert state.rounds[0].status == "failed" and state.rounds[0].refusals == {"cohort": 4}


def test_users_join_no_more_often_than_agreed(federation: Make) -> None:
    made = federation(rounds=3, joins=1)
    with pytest.raises(BudgetError, match="0 devices have budget left"):
        made.run()
    state = read_state(made.folder)
    assert [r.status for r in state.rounds] == ["done"] and state.most_joins() == 1
    # A server that forgot (or lies) meets the devices' own books.
    (made.folder / "run.json").unlink()
    made.restart()
    again = made.run()
    assert {r.status for r in again.rounds} == {"failed"}
    assert again.rounds[0].refusals == {"budget": 4} and not again.flat.any()


def test_small_cohorts_pay_for_the_minimum() -> None:
    share = NoiseShare(1.0, 1.2, 30, 256, 50)
    noise = np.concatenate([central_noise(share) for _ in range(160)]) * share.step
    # Seven standard errors of the deviation of 160 * 256 numbers, 2.5 %.
    assert np.std(noise) == pytest.approx(1.2, rel=7.0 / np.sqrt(2 * noise.size))
    honest = 50 * 1.0 + 1.2 * np.sqrt(50 / 30) * 16
    assert honest < largest_norm(share, 50) < 1.25 * honest


def test_a_state_is_resumed_under_its_own_terms_alone(federation: Make) -> None:
    made = federation()
    state = RunState(made.config.fingerprint(), "base", [0.0] * 256, [0.0] * 256, {"5": 1})
    state.save(made.folder)
    assert start_or_resume(made.folder, replace(made.config, rounds=9), "base").joins(5) == 1
    for other in (replace(made.config, epsilon=9.0), replace(made.config, joins=3)):
        with pytest.raises(ConfigError, match="other terms"):
            start_or_resume(made.folder, other, "base")
    with pytest.raises(ConfigError, match="other terms"):
        start_or_resume(made.folder, made.config, "another")
