"""What a real device, not a simulated one, checks before it trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from tests.federated.tiny_federation import Federation, as_real_devices, times_paid
from voicelet.trust.audit.device_log import default_log
from voicelet_federated.app import client as client_app
from voicelet_federated.app.config import SIMULATION, LocalTraining
from voicelet_federated.app.grid import to_wire
from voicelet_federated.app.power import check_power
from voicelet_federated.app.spend import open_ledger
from voicelet_federated.app.training import LocalResult

Make = Callable[..., Federation]


@pytest.fixture
def real(federation: Make, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes federations of devices that each have files of their own."""

    def make(own: dict[str, Any] | None = None, **changes: Any) -> Federation:
        made = federation(**changes)
        as_real_devices(made, own)
        monkeypatch.delenv(SIMULATION)
        return made

    return make


def test_real_devices_take_part(real: Make, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(client_app, "check_power", partial(check_power, supplies=tmp_path))
    made = real()
    assert made.run().rounds[0].status == "done" and times_paid(made) == [1, 1, 1, 1]
    noted = [r for r in default_log().records() if r.event == "federation"]
    assert {r.fields["purpose"] for r in noted} == {"federation"} and len(noted) == 4
    assert len({r.fields["consent"] for r in noted}) == 4
    spent = [open_ledger(made.folder / "devices" / f"s{i}").epsilon for i in range(4)]
    assert [r.fields["epsilon_spent"] for r in noted] == pytest.approx(spent)


def test_a_low_battery_sits_out(real: Make, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "BAT0").mkdir()
    told = {"type": "Battery", "status": "Discharging", "capacity": "20"}
    for name, value in told.items():
        (tmp_path / "BAT0" / name).write_text(value)
    monkeypatch.setattr(client_app, "check_power", partial(check_power, supplies=tmp_path))
    made = real()
    assert made.run().rounds[0].refusals == {"power": 4}
    (tmp_path / "BAT0" / "capacity").write_text("41")
    made.config = replace(made.config, rounds=2)
    assert made.run().rounds[1].status == "done"


def test_a_device_s_time_limit_is_its_own(real: Make, monkeypatch: Any) -> None:
    honest, steps = client_app.train_locally, []

    def noted(*args: Any) -> LocalResult:
        result = honest(*args)
        steps.append(result.steps)
        return result

    monkeypatch.setattr(client_app, "train_locally", noted)
    local = LocalTraining(steps=4, utterances=2, max_seconds=1e6)
    real(own={"time-limit-s": 1e-6}, local=local).run()
    assert steps == [1, 1, 1, 1]


def test_an_unsigned_model_is_not_even_opened(real: Make, monkeypatch: Any) -> None:
    def opened(folder: Path) -> None:
        raise AssertionError(f"{folder} was opened")

    monkeypatch.setattr(client_app, "load_base", opened)
    made = real()
    forged = made.folder / "server" / "identity.pem"
    # The devices trust another operator than the one who signs.
    forged.write_bytes((made.folder / "devices" / "s0" / "identity.pem").read_bytes())
    state = made.run()
    assert state.rounds[0].refusals == {"model": 4} and times_paid(made) == []


def test_a_device_without_the_operator_s_key_trains_nothing(real: Make) -> None:
    made = real()
    for context in made.grid.contexts.values():
        del context.node_config["server-key"]
    victim, *_ = made.grid.contexts.values()
    victim.node_config["server-key"] = str(made.folder / "nowhere.pem")
    assert made.run().rounds[0].refusals == {"config": 4}


def test_a_model_changed_after_the_offer_is_noticed(
    real: Make, tmp_path: Path, monkeypatch: Any
) -> None:
    made = real()
    mine = tmp_path / "base"
    mine.mkdir()
    for file in made.base.iterdir():
        (mine / file.name).write_bytes(file.read_bytes())
    weights = next(p for p in mine.iterdir() if p.suffix in (".pt", ".safetensors"))
    victim = next(iter(made.grid.contexts))
    made.grid.contexts[victim].node_config["base"] = str(mine)

    def change(message: Any, send: Callable[[bytes], bytes | None]) -> bytes | None:
        if message.metadata.message_type == "train":
            weights.write_bytes(weights.read_bytes() + b" ")
        return send(to_wire(message, message.metadata.message_id))

    state = made.run(change)
    assert state.rounds[0].refusals["model"] >= 1 and state.rounds[0].opened == 3
