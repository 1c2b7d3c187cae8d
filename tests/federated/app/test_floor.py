"""A device's own floor: what no server can go below, and what its ledger makes of the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.federated.tiny_federation import Federation, as_real_devices, keep_fleet, times_paid
from voicelet.errors import ConfigError
from voicelet_federated.app import client as client_app
from voicelet_federated.app.config import SIMULATION, FederationConfig
from voicelet_federated.app.floor import (
    FILE,
    Floor,
    keep_floor,
    load_floor,
    read_floor,
    sign_floor,
)
from voicelet_federated.app.power import check_power
from voicelet_federated.app.spend import open_ledger
from voicelet_federated.errors import BudgetError, CohortError
from voicelet_federated.ledger import PURPOSE, DeviceLedger, FederationConsent
from voicelet_federated.privacy.accounting import Account, guarantee, rdp_epsilon
from voicelet_federated.privacy.skellam import CountedShare, NoiseShare

OPERATOR = ec.generate_private_key(ec.SECP384R1())
PUBLIC = OPERATOR.public_key()
SHARE = NoiseShare(1.0, 3.0, 10, 256, 20)
Make = Callable[..., Federation]


@pytest.fixture
def real(federation: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    """Federations of real devices whose floor is (floor, honest)."""
    monkeypatch.setattr(client_app, "check_power", partial(check_power, supplies=tmp_path))

    def make(floor: int, honest: int, own: dict[str, Any] | None = None, **changes: Any) -> Any:
        made = federation(**changes)
        as_real_devices(made, own)
        for name in ("s0", "s1", "s2", "s3"):
            keep_fleet(made.folder / "server", made.folder / "devices" / name, floor, honest)
        monkeypatch.delenv(SIMULATION)
        return made

    return make


def test_a_server_can_not_go_below_the_floor(real: Make) -> None:
    made = real(4, 2)  # and the terms open sums of three
    state = made.run()
    assert state.rounds[0].refusals == {"cohort": 4} and state.rounds[0].status == "failed"
    assert times_paid(made) == [] and not state.flat.any()


def test_a_person_s_own_floor_is_kept_too(real: Make) -> None:
    made = real(3, 3, own={"least-cohort": 4})
    assert made.run().rounds[0].refusals == {"cohort": 4} and times_paid(made) == []


def test_without_a_floor_or_with_a_forged_one_nothing_is_joined(real: Make) -> None:
    made = real(3, 2, minimum=2)
    devices = made.folder / "devices"
    (devices / "s0" / FILE).unlink()
    (devices / "s1" / FILE).write_bytes(sign_floor(Floor(2, 2), OPERATOR))  # another operator
    lowered = json.loads((devices / "s2" / FILE).read_text())
    (devices / "s2" / FILE).write_text(json.dumps({**lowered, "minimum": 2}))
    keep_fleet(made.folder / "server", devices / "s3", 2, 2)  # the one that would join
    record = made.run().rounds[0]
    assert record.refusals == {"cohort": 3} and record.status == "failed"
    assert record.why == "1 devices offered, fewer than the minimum" and times_paid(made) == []


def test_the_ledger_counts_the_noise_of_the_honest_alone(real: Make) -> None:
    made = real(3, 1, epsilon=2.0)
    for name in ("s0", "s1", "s2", "s3"):
        ledger = open_ledger(made.folder / "devices" / name)
        ledger.grant(FederationConsent(PURPOSE, 10, 100.0, 1e10))
    made.run()
    ledger = open_ledger(made.folder / "devices" / "s0")
    (entry,) = ledger.entries
    alone = rdp_epsilon(CountedShare(made.config.share(), 1).rdp, 1)
    assert entry.honest == 1 and ledger.epsilon == pytest.approx(alone)
    # One of three adds a third of the variance: more was spent than the server states.
    assert ledger.epsilon > 1.5 * rdp_epsilon(made.config.share().rdp, 1)


def test_what_sybils_leave_of_the_noise_is_what_is_counted() -> None:
    """Two of three add none: the sum's noise has the variance that the account takes for it."""
    share = NoiseShare(1.0, 2.0, 3, 20_000, 3)
    rng = np.random.default_rng(5)
    zeros = np.zeros(share.size)
    noise = share.encode(zeros, rng) * share.step
    alone = 2.0 / np.sqrt(3.0)
    # Seven standard errors of the deviation of 20,000 numbers are 3.5 %.
    assert noise.std() == pytest.approx(alone, rel=0.035)
    counted = guarantee(share, 1, honest=1)
    assert counted.noise_multiplier == pytest.approx(alone) and counted.honest == 1
    as_gaussian = rdp_epsilon(lambda order: order / (2.0 * alone**2), 1)
    assert counted.epsilon == pytest.approx(as_gaussian, rel=0.02)
    assert guarantee(share, 1).epsilon < counted.epsilon
    assert guarantee(share, 1, accountant="pld", honest=1).epsilon == pytest.approx(
        counted.epsilon, rel=0.1
    )


def test_an_operator_can_make_the_noise_of_the_honest_enough() -> None:
    plain = FederationConfig(cohort=100, joins=2, epsilon=8.0)
    careful = replace(plain, honest=45)
    assert careful.least == 90
    # With half the devices honest each adds twice the variance, and the promise is the same.
    ratio = careful.share().variance * careful.share().step ** 2
    assert ratio == pytest.approx(2.0 * plain.share().variance * plain.share().step ** 2)
    for config in (plain, careful):
        told = guarantee(config.share(), 2, honest=config.honest)
        assert 7.8 < told.epsilon <= 8.0 and told.noise_multiplier == pytest.approx(
            config.noise_multiplier()
        )
        account = Account(8.0)
        account.pay(config.counted())
        account.pay(config.counted())
        with pytest.raises(BudgetError):
            account.pay(config.counted())
    assert careful.fingerprint() != plain.fingerprint()
    with pytest.raises(ConfigError):
        replace(plain, honest=91)


@given(minimum=st.integers(2, 400), honest=st.integers(1, 400), z=st.floats(0.1, 20.0))
def test_fewer_honest_never_cost_less(minimum: int, honest: int, z: float) -> None:
    share = NoiseShare(1.0, z, minimum, 256, 500)
    costs = [CountedShare(share, h).rdp(8) for h in (1, min(honest, minimum), minimum, 0)]
    assert costs[0] >= costs[1] >= costs[2] == costs[3]
    assert CountedShare(share, 10**6).rdp(8) == costs[2]


def test_older_ledgers_open_and_count_as_they_did(tmp_path: Path) -> None:
    ledger = DeviceLedger(tmp_path / "ledger", bytes(32))
    ledger.grant(FederationConsent(PURPOSE, 10, 100.0, 1e10))
    ledger.join(SHARE, "r", 1)
    text = json.loads(ledger._file.read())
    del text["entries"][0]["honest"]  # as version 0.1 wrote it
    ledger._file.write(json.dumps({**text, "counter": text["counter"] + 1}).encode(), 3)
    again = DeviceLedger(tmp_path / "ledger", bytes(32))
    assert again.entries[0].honest == 0
    assert again.epsilon == pytest.approx(rdp_epsilon(SHARE.rdp, 1))
    spent = again.join(SHARE, "r", 2, honest=4)
    both = [SHARE, CountedShare(SHARE, 4)]
    assert spent == pytest.approx(Account(1e9, history=both).spent())


@pytest.mark.parametrize(
    ("minimum", "honest"), [(1, 1), (0, 0), (3, 0), (3, 4), (-5, -6), (10**30, 1), (2, 10**30)]
)
def test_floors_that_make_no_sense(minimum: int, honest: int) -> None:
    with pytest.raises(ConfigError, match="makes no sense"):
        Floor(minimum, honest)


def test_a_fleet_s_file_is_the_operator_s_alone() -> None:
    signed = sign_floor(Floor(20, 10), OPERATOR)
    assert read_floor(signed, PUBLIC) == Floor(20, 10)
    fields = json.loads(signed)
    other = ec.generate_private_key(ec.SECP384R1())
    for bad in (
        json.dumps({**fields, "minimum": 2}).encode(),
        json.dumps({**fields, "honest": 20}).encode(),
        json.dumps({**fields, "minimum": True}).encode(),
        json.dumps({**fields, "minimum": 20.0}).encode(),
        json.dumps({**fields, "more": 1}).encode(),
        json.dumps({**fields, "signature": "zz"}).encode(),
        json.dumps({**fields, "signature": 5}).encode(),
        sign_floor(Floor(20, 10), other),
        signed[:-5],
        b"[]",
        b"[" * 4000,
        b"\xff",
        b" " * 10_000,
        b"",
    ):
        with pytest.raises(CohortError, match="ask the operator"):
            read_floor(bad, PUBLIC)


def test_the_kept_floor_is_never_lowered_unasked(tmp_path: Path) -> None:
    state, file = tmp_path / "state", tmp_path / "fleet.json"
    with pytest.raises(CohortError, match="--fleet"):
        load_floor(state, PUBLIC)
    for floor in (Floor(20, 10), Floor(20, 10), Floor(30, 10), Floor(30, 5)):
        file.write_bytes(sign_floor(floor, OPERATOR))
        assert keep_floor(file, state, PUBLIC) == floor == load_floor(state, PUBLIC)
    for lower in (Floor(29, 5), Floor(30, 6), Floor(2, 2)):
        file.write_bytes(sign_floor(lower, OPERATOR))
        with pytest.raises(CohortError, match="less safe"):
            keep_floor(file, state, PUBLIC)
        assert load_floor(state, PUBLIC) == Floor(30, 5)
    (state / FILE).unlink()
    assert keep_floor(file, state, PUBLIC) == Floor(2, 2)
    assert Floor(20, 10).stricter(0, 0) == Floor(20, 10)
    assert Floor(20, 10).stricter(25, 3) == Floor(25, 3)
    assert Floor(20, 10).stricter(5, 15) == Floor(20, 10)
