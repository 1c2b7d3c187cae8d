"""Without a voice whose owner agreed to `federation`, a device takes part in nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from flwr.app import Message

from tests.federated.tiny_federation import Federation, as_real_devices, keep_voice, times_paid
from voicelet.errors import ConsentEndedError, ConsentError, ProfileError
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.audit.device_log import default_log
from voicelet.trust.consent.revocations import device_revocations
from voicelet_federated.app import client as client_app
from voicelet_federated.app.config import SIMULATION
from voicelet_federated.app.devices import federation_consent
from voicelet_federated.app.grid import to_wire
from voicelet_federated.app.power import check_power
from voicelet_federated.app.spend import open_ledger

Make = Callable[..., Federation]
Deliver = Callable[[bytes], "bytes | None"]


@pytest.fixture
def real(federation: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Make:
    """Federations of devices that aren't simulated; each person agreed to `federation`."""
    monkeypatch.setattr(client_app, "check_power", partial(check_power, supplies=tmp_path))

    def make(**changes: Any) -> Federation:
        made = federation(minimum=2, **changes)
        as_real_devices(made)
        monkeypatch.delenv(SIMULATION)
        return made

    return make


def noted() -> list[dict[str, Any]]:
    return [r.fields for r in default_log().records() if r.event == "federation"]


def test_a_consent_to_other_purposes_is_none_to_this(real: Make) -> None:
    made = real()
    keep_voice("s0", "own-use", "assistive", "publishing", "research")
    Vault().erase("s1")
    context = next(c for c in made.grid.contexts.values() if c.node_config["profile"] == "s2")
    del context.node_config["profile"]
    keep_voice("s2", "own-use")
    record = made.run().rounds[0]
    # The ledgers of all four hold a consent; it isn't enough.
    assert record.refusals == {"consent": 3} and record.status == "failed"
    assert times_paid(made) == []
    assert [f.get("refused") for f in noted()] == ["consent"] * 3


def test_the_voice_s_consent_is_looked_at_in_each_round(real: Make) -> None:
    made = real(rounds=3, joins=5)
    done: list[int] = []

    def fault(message: Message, send: Deliver) -> bytes | None:
        reply = send(to_wire(message, message.metadata.message_id))
        done.append(message.metadata.message_type == "train")
        if sum(done) == 4 and done[-1]:  # the first round is over
            device_revocations().add(federation_consent("s0").id)
        return reply

    state = made.run(fault)
    assert [r.opened for r in state.rounds] == [4, 3, 3]
    assert [r.refusals.get("consent") for r in state.rounds] == [None, 1, 1]
    joined = [f for f in noted() if "consent" in f]
    assert len(joined) == 10 and all(f["purpose"] == "federation" for f in joined)
    assert {f["consent"] for f in joined} == {
        Vault().load(name).check_record().id for name in ("s0", "s1", "s2", "s3")
    }
    # Asked twice, refused twice, noted once: no server fills the log.
    assert sum("refused" in f for f in noted()) == 1


def test_who_withdraws_while_the_device_trains_sends_nothing(
    real: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = real()
    train, calls = client_app.train_locally, []

    def withdrawn(*args: Any) -> Any:
        result = train(*args)
        if not calls:
            device_revocations().add(federation_consent("s0").id)
        calls.append(1)
        return result

    monkeypatch.setattr(client_app, "train_locally", withdrawn)
    record = made.run().rounds[0]
    assert record.refusals["consent"] == 1 and record.attempts == 2
    assert record.status == "done" and record.opened == 3
    assert len(open_ledger(made.folder / "devices" / "s0").entries) == 0


def test_what_covers_federation() -> None:
    keep_voice("ana", "own-use", "federation")
    assert federation_consent("ana").speaker == "ana"
    keep_voice("ana", "own-use")
    with pytest.raises(ConsentError, match="not to federation"):
        federation_consent("ana")
    agreed = keep_voice("ana", "federation")
    device_revocations().add(agreed.check_record().id)
    with pytest.raises(ConsentEndedError, match="withdrew"):
        federation_consent("ana")
    with pytest.raises(ProfileError):
        federation_consent("nobody")
