"""Adaptive clipping: the formula of its paper, an account that covers it, and a norm that moves."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.federated.tiny_federation import Federation
from voicelet.errors import ConfigError
from voicelet_federated.app import client as client_app
from voicelet_federated.app.checkpoint import read_state
from voicelet_federated.app.config import FederationConfig
from voicelet_federated.app.grid import to_wire
from voicelet_federated.app.training import LocalResult
from voicelet_federated.errors import UpdateError
from voicelet_federated.privacy.accounting import DELTA, rdp_epsilon
from voicelet_federated.privacy.clipping import AdaptiveClipping, part_below, with_bit

Make = Callable[..., Federation]
ON = AdaptiveClipping(quantile=0.5)
CONFIG = FederationConfig(epsilon=8.0, joins=3, cohort=100, clipping=ON)


def test_it_is_off_unless_asked_for() -> None:
    plain = FederationConfig()
    assert plain.bit() == 0.0 and plain.share().size == plain.adapter.size
    assert plain.share().clip_norm == plain.clip_norm
    assert replace(CONFIG, clipping=AdaptiveClipping()).fingerprint() != CONFIG.fingerprint()
    # A state of before there was clipping is still that of the same run.
    assert plain.fingerprint() == replace(plain, clipping=AdaptiveClipping(0.0, 0.3)).fingerprint()


@pytest.mark.parametrize(("epsilon", "joins", "cohort", "noise"), [(8, 3, 100, 0.0), (1, 5, 20, 9)])
def test_the_noise_multipliers_are_those_of_the_paper(
    epsilon: float, joins: int, cohort: int, noise: float
) -> None:
    clipping = replace(ON, bit_noise=float(noise))
    config = replace(CONFIG, epsilon=epsilon, joins=joins, cohort=cohort, clipping=clipping)
    share, bit, z = config.share(), config.bit(), config.noise_multiplier()
    sigma = clipping.deviation(z, cohort)
    # Theorem 1: z_delta = (z^-2 - (2 sigma_b)^-2)^(-1/2).
    on_update = math.sqrt(share.variance * share.minimum) * share.step / config.clip_norm
    assert on_update == pytest.approx((z**-2 - (2 * sigma) ** -2) ** -0.5, rel=1e-6)
    on_bits = math.sqrt(share.variance * share.minimum) * share.step / (2 * bit)
    assert on_bits == pytest.approx(sigma, rel=1e-6)


@pytest.mark.parametrize(("epsilon", "joins"), [(8.0, 1), (3.0, 5), (1.0, 2)])
def test_the_account_covers_updates_and_bits(epsilon: float, joins: int) -> None:
    dp_accounting = pytest.importorskip("dp_accounting")
    config = replace(CONFIG, epsilon=epsilon, joins=joins)
    share, bit = config.share(), config.bit()
    deviation = math.sqrt(share.variance * share.minimum) * share.step
    accountant = dp_accounting.rdp.RdpAccountant()
    both = dp_accounting.ComposedDpEvent(
        [
            dp_accounting.GaussianDpEvent(deviation / config.clip_norm),
            dp_accounting.GaussianDpEvent(deviation / bit),  # half: a bit more or less is +-h
        ]
    )
    accountant.compose(both, joins)
    found = rdp_epsilon(share.rdp, joins)
    assert accountant.get_epsilon(DELTA) <= found <= epsilon
    assert found == pytest.approx(accountant.get_epsilon(DELTA), rel=0.03)
    # And without the bits it would have been less noise that was needed.
    plain = replace(config, clipping=AdaptiveClipping()).share()
    assert share.variance * share.step**2 > plain.variance * plain.step**2


def test_what_a_round_costs_does_not_depend_on_its_clipping_norm() -> None:
    for clip in (1e-4, 0.3, 77.0):
        share = CONFIG.share(clip)
        assert rdp_epsilon(share.rdp, 3) == pytest.approx(rdp_epsilon(CONFIG.share().rdp, 3), 1e-9)
        assert math.sqrt(share.clip_norm**2 - CONFIG.bit(clip) ** 2) == pytest.approx(clip)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(1e-3, 0.999))
@settings(max_examples=100, deadline=None)
def test_nothing_a_device_encodes_is_longer_than_accounted(
    values: list[float], part: float
) -> None:
    share = replace(CONFIG.share(), size=len(values) + 1)
    half = part * share.clip_norm
    made = with_bit(np.array(values, np.float32), share, half)
    clip = math.sqrt(share.clip_norm**2 - half**2)
    assert np.linalg.norm(made) <= share.clip_norm * (1 + 1e-9)
    assert made[-1] == (half if np.linalg.norm(np.array(values, np.float32)) <= clip else -half)


def test_the_norm_moves_to_the_quantile() -> None:
    rng, clip = np.random.default_rng(3), 50.0
    norms = rng.lognormal(0.0, 0.5, 1000)
    for _ in range(300):
        clip = AdaptiveClipping(quantile=0.8).moved(clip, float(np.mean(norms <= clip)), 50.0)
    assert np.mean(norms <= clip) == pytest.approx(0.8, abs=0.03)
    # Noise may say more than there is; C goes no further than the parts of a whole would move it.
    assert ON.moved(1.0, 99.0, 1.0) == pytest.approx(math.exp(-0.1))
    assert ON.moved(1e3, 0.0, 1.0) == 1e3 and ON.moved(1e-3, 1.0, 1.0) == 1e-3


def test_the_bits_are_read_through_masks_and_noise() -> None:
    from voicelet_federated.privacy.skellam import secret_generator

    config = replace(CONFIG, cohort=400, clipping=replace(ON, bit_noise=4.0))
    share, bit = config.share(), config.bit()
    update = np.zeros(256, np.float32)
    total = np.zeros(257)
    for device in range(400):
        update[0] = 0.5 if device < 300 else 5.0
        total = total + share.encode(with_bit(update, share, bit), secret_generator())
    below = part_below(float(total[-1] * share.step), bit, 400)
    # 6.5 standard deviations: one false alarm in 10^10.
    assert below == pytest.approx(0.75, abs=6.5 * 4.0 * math.sqrt(400 / 360) / 400)
    assert total[0] * share.step == pytest.approx(250.0, abs=30.0)


def test_a_run_moves_its_norm_and_goes_on_after_a_restart(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = federation(epsilon=math.inf, rounds=2, clip_norm=1.0, clipping=ON, joins=9)
    lengths = iter([0.5, 0.5, 0.5, 3.0] * 9)

    def trained(*_: Any) -> LocalResult:
        update = np.zeros(256, np.float32)
        update[7] = next(lengths)
        return LocalResult(update, 1.0, 1.0, 1, 0.0)

    monkeypatch.setattr(client_app, "train_locally", trained)
    state = made.run()
    one, two = state.rounds
    assert one.below == pytest.approx(0.75, abs=1e-6) and one.clip_norm == 1.0
    assert two.clip_norm == pytest.approx(math.exp(-0.2 * 0.25), rel=1e-6)
    # Three of 0.5 and one clipped to C, in two rounds.
    expected = (1.5 + 1.0) / 4 + (1.5 + two.clip_norm) / 4
    assert state.flat[7] == pytest.approx(expected, rel=1e-5) and np.count_nonzero(state.flat) == 1
    made.restart(rounds=3)
    three = made.run().rounds[2]
    assert three.clip_norm == pytest.approx(math.exp(-0.2 * 0.5), rel=1e-6)
    assert read_state(made.folder).clip_norm == pytest.approx(math.exp(-0.2 * 0.75), rel=1e-6)


def test_a_run_reports_what_the_bits_cost(federation: Make) -> None:
    made = federation(rounds=2, clipping=ON)
    state = made.run()
    assert [r.status for r in state.rounds] == ["done", "done"]
    clip = first = made.config.clip_norm
    for record in state.rounds:
        assert record.clip_norm == clip and record.below is not None
        clip = ON.moved(clip, record.below, first)
    assert state.clip_norm == clip
    told = json.loads((made.folder / "report.json").read_text())
    assert 7.8 < told["epsilon_spent"] <= 8.0 and told["clipping"]["quantile"] == 0.5
    assert 0.0 < told["clipping"]["epsilon_of_bits_alone"] < told["epsilon_spent"]
    assert told["clipping"]["update_noise_multiplier"] > made.config.noise_multiplier()
    assert told["clipping"]["clip_norm"] == state.clip_norm


def test_devices_refuse_a_bit_that_does_not_fit(federation: Make) -> None:
    made = federation(clipping=ON)
    size = made.config.share().size

    def lie(message: Any, send: Callable[[bytes], bytes | None]) -> bytes | None:
        record = message.content.config_records["terms"]
        record["json"] = record["json"].replace(f'"size": {size}', f'"size": {size - 1}')
        return send(to_wire(message, message.metadata.message_id))

    assert made.run(lie).rounds[0].refusals == {"config": 4}
    for half in (-0.1, 1.0, 2.0, math.nan):
        share = replace(CONFIG.share(), clip_norm=1.0)
        with pytest.raises(UpdateError, match="doesn't fit"):
            with_bit(np.ones(256, np.float32), share, half)


@pytest.mark.parametrize(
    "wrong", [{"quantile": 1.0}, {"quantile": -0.1}, {"learning_rate": 0.0}, {"bit_noise": -1.0}]
)
def test_settings_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="clipping"):
        AdaptiveClipping(**wrong)
    with pytest.raises(ConfigError, match="whole budget"):
        replace(CONFIG, clipping=replace(ON, bit_noise=0.1)).share()
