"""Faults on purpose: the run ends well or stops with a clear error; no budget is understated."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from flwr.app import Array, ArrayRecord, Context, Error, Message, RecordDict

from tests.federated.tiny_federation import Federation, answer_as, times_paid
from voicelet_federated.app import client as client_app
from voicelet_federated.app.checkpoint import CheckpointError, read_state, rounds_ended
from voicelet_federated.app.devices import private_key
from voicelet_federated.app.grid import from_wire, to_wire
from voicelet_federated.app.protocol import pack_assignment, read_assignment, sign
from voicelet_federated.app.server import serve
from voicelet_federated.app.spend import open_ledger
from voicelet_federated.app.training import LocalResult
from voicelet_federated.errors import BudgetError, CohortError
from voicelet_federated.ledger import LedgerFile

Make = Callable[..., Federation]
Deliver = Callable[[bytes], "bytes | None"]
VICTIM = 1002


def wire(message: Message) -> bytes:
    return to_wire(message, message.metadata.message_id)


def is_share(message: Message) -> bool:
    return message.metadata.message_type == "train"


def of_victim(message: Message) -> bool:
    return message.metadata.dst_node_id == VICTIM


def test_a_device_that_dies_before_it_offers_is_done_without(federation: Make) -> None:
    made = federation()
    state = made.run(lambda m, send: None if of_victim(m) else send(wire(m)))
    assert state.rounds[0].status == "done" and state.rounds[0].opened == 3
    assert state.rounds[0].refusals == {"silent": 1} and state.rounds[0].attempts == 1
    assert sorted(state.joined.values()) == [1, 1, 1] and times_paid(made) == [1, 1, 1]


def test_after_a_death_between_exchanges_survivors_start_again(federation: Make) -> None:
    made = federation()
    dead = lambda m: of_victim(m) and is_share(m)  # noqa: E731
    state = made.run(lambda m, send: None if dead(m) else send(wire(m)))
    record = state.rounds[0]
    assert record.status == "done" and record.attempts == 2 and record.opened == 3
    # Shares of the first attempt were sent, so both attempts are paid for, by both books.
    assert sorted(state.joined.values()) == [1, 2, 2, 2] and times_paid(made) == [2, 2, 2]
    assert 7.8 < record.epsilon <= 8.0
    limit = made.config.share().noise_multiplier * 6 + 1
    assert 0 < np.linalg.norm(state.flat) < 4 * limit


def test_below_the_minimum_nothing_is_opened(federation: Make) -> None:
    made = federation()
    dead = lambda m: m.metadata.dst_node_id >= VICTIM and is_share(m)  # noqa: E731
    state = made.run(lambda m, send: None if dead(m) else send(wire(m)))
    record = state.rounds[0]
    assert record.status == "failed" and "2 devices are left" in record.why
    assert not state.flat.any() and record.opened == 0
    assert sorted(state.joined.values()) == [1, 1, 1, 1] and state.spent(made.config) > 1.0


def test_a_round_ends_when_devices_keep_dying(federation: Make) -> None:
    made = federation(attempts=2, minimum=2)
    last: dict[int, int] = {}

    def fault(message: Message, send: Deliver) -> bytes | None:
        node = message.metadata.dst_node_id
        last[node] = last.get(node, 0) + is_share(message)
        if is_share(message) and (node == VICTIM or (node == VICTIM + 1 and last[node] == 2)):
            return None
        return send(wire(message))

    state = made.run(fault)
    assert state.rounds[0].status == "failed" and "each of 2 attempts" in state.rounds[0].why
    assert not state.flat.any() and state.most_joins() == 2


def test_too_few_connected_devices_stop_the_run(federation: Make) -> None:
    made = federation()
    made.grid.contexts = dict(list(made.grid.contexts.items())[:2])
    with pytest.raises(CohortError, match="2 devices are connected, 3 are needed"):
        made.run()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_update_that_is_not_finite_stays_on_the_device(
    federation: Make, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    made, calls = federation(epsilon=float("inf")), iter(range(100))
    honest = client_app.train_locally

    def broken(*args: Any) -> LocalResult:
        if next(calls) == 1:
            # A start that isn't finite makes an update that isn't.
            with np.errstate(all="ignore"):
                return honest(args[0], args[1] + np.float32(wrong), *args[2:])
        return honest(*args)

    monkeypatch.setattr(client_app, "train_locally", broken)
    state = made.run()
    assert state.rounds[0].refusals == {"update": 1} and state.rounds[0].opened == 3
    assert np.isfinite(state.flat).all() and state.flat.any()


def test_a_huge_update_counts_no_more_than_another(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = federation(epsilon=float("inf"), clip_norm=0.5)
    huge = LocalResult(np.full(256, 1e30, np.float32), 1.0, 1.0, 1, 0.0)
    monkeypatch.setattr(client_app, "train_locally", lambda *a: huge)
    state = made.run()
    assert np.linalg.norm(state.flat) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros(255, np.uint32), np.zeros(256, np.float32), np.zeros((2, 128), np.uint32)],
)
def test_shares_of_the_wrong_kind_are_left_out(federation: Make, wrong: Any) -> None:
    def spoil(message: Message) -> None:
        message.content["share"] = ArrayRecord({"share": Array(wrong)})

    def fault(message: Message, send: Deliver) -> bytes | None:
        reply = send(wire(message))
        if of_victim(message) and is_share(message) and reply:
            return answer_as(reply, spoil)
        return reply

    state = federation().run(fault)
    assert state.rounds[0].status == "done" and state.rounds[0].opened == 3
    assert state.rounds[0].refusals["update"] == 1 and np.linalg.norm(state.flat) < 20


def test_a_hostile_share_is_seen_in_the_sum(federation: Make) -> None:
    def add(message: Message) -> None:
        share = message.content.array_records["share"]["share"].numpy()
        message.content["share"] = ArrayRecord({"share": Array(share + np.uint32(2**29))})

    def fault(message: Message, send: Deliver) -> bytes | None:
        reply = send(wire(message))
        return answer_as(reply, add) if of_victim(message) and is_share(message) else reply

    made = federation()
    state = made.run(fault)
    assert state.rounds[0].status == "failed" and "protocol" in state.rounds[0].why
    assert not state.flat.any() and sorted(state.joined.values()) == [1, 1, 1, 1]


def test_a_straggler_s_share_does_not_count_later(federation: Make) -> None:
    made, late = federation(), []

    def fault(message: Message, send: Deliver) -> bytes | None:
        node, reply = message.metadata.dst_node_id, send(wire(message))
        if is_share(message) and node == VICTIM and not late:
            late.append(reply)
            return None  # in time for nobody
        if is_share(message) and node == VICTIM - 1 and len(late) == 1 and "attempt-1" in seen:
            late.append(b"")
            stale = from_wire(late[0])
            return answer_as(reply, lambda m: m.__dict__.update(_content=stale.content))
        if message.metadata.message_type == "query.offer" and late:
            seen.add("attempt-1")
        return reply

    seen: set[str] = set()
    state = made.run(fault)
    record = state.rounds[0]
    assert record.refusals["silent"] == 1 and record.refusals["stale"] == 1
    # The replay cost the second attempt a device, and two are too few.
    assert record.status == "failed" and not state.flat.any()


def test_a_replayed_assignment_is_refused_by_the_device(federation: Make) -> None:
    made, kept = federation(), {}

    def fault(message: Message, send: Deliver) -> bytes | None:
        if is_share(message):
            kept.setdefault(message.metadata.dst_node_id, wire(message))
        return send(wire(message))

    made.run(fault)
    again = from_wire(client_reply(made, kept[VICTIM]))
    assert again.content.config_records["refusal"]["code"] == "stale"
    assert times_paid(made) == [1, 1, 1, 1]


def client_reply(made: Federation, data: bytes) -> bytes:
    made.grid.fault = None
    reply = made.grid.deliver(VICTIM, data)
    assert reply is not None
    return reply


def test_a_device_that_comes_twice_counts_once(federation: Make) -> None:
    made = federation()
    # Two nodes of one user: the same partition, so the same identity.
    made.grid.contexts[VICTIM].node_config["partition-id"] = 0
    state = made.run()
    assert state.rounds[0].refusals == {"keys": 1} and state.rounds[0].opened == 3
    assert sorted(state.joined.values()) == [1, 1, 1]


def test_a_copied_device_is_one_device(federation: Make) -> None:
    """A card copied from one device into another: same keys, and each pulls what it gets first."""
    made = federation()
    context = made.grid.contexts[VICTIM]
    copy = Context(1, VICTIM, dict(context.node_config), RecordDict(), dict(context.run_config))
    asked: list[int] = []

    def fault(message: Message, send: Deliver) -> bytes | None:
        if of_victim(message) and is_share(message):
            asked.append(VICTIM)
            return wire(client_app.app(message, copy))
        return send(wire(message))

    state = made.run(fault)
    record = state.rounds[0]
    # The copy holds no secret of the key that was offered; the others begin again without it.
    assert record.refusals == {"stale": 1} and asked == [VICTIM]
    assert record.status == "done" and record.opened == 3 and record.attempts == 2
    assert sorted(state.joined.values()) == [1, 2, 2, 2] and times_paid(made) == [2, 2, 2]


def test_devices_refuse_a_cohort_that_counts_one_of_them_twice(federation: Make) -> None:
    made = federation()
    key = private_key(made.places.path("server_key"))
    twice: list[int] = []

    def fault(message: Message, send: Deliver) -> bytes | None:
        if not is_share(message):
            return send(wire(message))
        told = read_assignment(message.content)
        # As many as the minimum, two of them the same: with less noise than was promised.
        offers = (told.offers[0], told.offers[1], told.offers[1])
        twice.append(message.metadata.dst_node_id)
        message.content = pack_assignment(sign(replace(told, offers=offers), key))
        return send(wire(message))

    state = made.run(fault)
    assert len(twice) == 4 and state.rounds[0].refusals == {"cohort": 4}
    assert state.rounds[0].status == "failed" and not state.flat.any()
    assert times_paid(made) == [] and sorted(state.joined.values()) == [1, 1, 1, 1]


def test_a_second_server_keeps_out_of_a_run_s_folder(federation: Make) -> None:
    made, met = federation(), []

    def fault(message: Message, send: Deliver) -> bytes | None:
        if not met:
            with pytest.raises(CheckpointError, match="another server works on this run") as told:
                serve(made.grid, made.config, made.places)
            met.append(told)
        return send(wire(message))

    state = made.run(fault)
    assert met and state.rounds[0].status == "done" and state.most_joins() == 1
    made.restart(rounds=2)
    assert made.run().rounds[1].status == "done"


def test_a_stranger_s_offer_is_not_taken(federation: Make) -> None:
    made = federation()
    for file in made.folder.glob("devices/s2/identity.pem"):
        file.unlink()  # a new identity that no roster knows
    state = made.run()
    assert state.rounds[0].refusals == {"keys": 1} and state.rounds[0].opened == 3


def test_a_device_s_crash_is_one_device_s_loss(federation: Make) -> None:
    def fault(message: Message, send: Deliver) -> bytes | None:
        if of_victim(message):
            return wire(Message(Error(1, "out of memory"), reply_to=message))
        return send(wire(message))

    state = federation().run(fault)
    assert state.rounds[0].refusals == {"error": 1} and state.rounds[0].status == "done"


def test_devices_do_not_adapt_another_model(federation: Make, tmp_path: Any) -> None:
    made = federation()
    other = tmp_path / "other"
    other.mkdir()
    for file in made.base.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "step.json").write_text('{"step": 8}')
    (other / "config.json").write_text((made.base / "config.json").read_text() + " ")
    made.grid.contexts = made.grid.contexts.copy()
    for context in made.grid.contexts.values():
        context.run_config["places.base"] = str(other)
    state = made.run()
    assert state.rounds[0].refusals == {"model": 4} and state.rounds[0].status == "failed"


class Killed(BaseException):
    """As kill -9: nobody catches it."""


def test_a_killed_server_goes_on_with_the_budget_spent(federation: Make) -> None:
    made, answered = federation(rounds=2), []

    def kill(message: Message, send: Deliver) -> bytes | None:
        reply = send(wire(message))
        answered.append(is_share(message))
        if sum(answered) == 2:
            raise Killed
        return reply

    assert rounds_ended(made.folder) == 0
    with pytest.raises(Killed):
        made.run(kill)
    left = read_state(made.folder)
    assert rounds_ended(made.folder) == 0
    assert [r.status for r in left.rounds] == ["open"] and not left.flat.any()
    assert sorted(left.joined.values()) == [1, 1, 1, 1]
    made.restart()
    state = made.run()
    assert [r.status for r in state.rounds] == ["failed", "done"]
    assert "stopped" in state.rounds[0].why and state.flat.any()
    assert state.most_joins() == 2 and 7.8 < state.spent(made.config) <= 8.0
    assert max(times_paid(made)) == 2 and rounds_ended(made.folder) == 2


@pytest.mark.parametrize("when", ["before the shares", "after the shares"])
def test_a_full_disk_stops_the_run_and_keeps_the_last_state(
    federation: Make, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    made, full, sent = federation(rounds=2), [], []
    sync = os.fsync

    def fsync(descriptor: int) -> None:
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    def fault(message: Message, send: Deliver) -> bytes | None:
        reply = send(wire(message))
        sent.append(is_share(message))
        if len(sent) == (8 if when == "after the shares" else 4):
            full.append(True)
        return reply

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(CheckpointError, match="make room"):
        made.run(fault)
    assert not list(made.folder.glob(".*.part"))
    full.clear()
    if when == "after the shares":
        left = read_state(made.folder)
        assert sorted(left.joined.values()) == [1, 1, 1, 1] and not left.flat.any()
        assert times_paid(made) == [1, 1, 1, 1]
    else:
        assert not (made.folder / "run.json").exists() and times_paid(made) == []
    made.restart()
    state = made.run()
    assert state.rounds[-1].status == "done" and state.most_joins() == 2


def test_a_device_with_a_full_disk_sends_nothing(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = federation()
    write = LedgerFile._write

    def full(file: LedgerFile, path: Path, magic: bytes, plain: bytes) -> None:
        if path.parent.name == "s1":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file, path, magic, plain)

    monkeypatch.setattr(LedgerFile, "_write", full)
    state = made.run()
    assert state.rounds[0].refusals["budget"] == 1 and state.rounds[0].opened == 3


def test_a_damaged_state_or_ledger_is_not_taken_for_an_empty_one(federation: Make) -> None:
    made = federation()
    made.run()
    device = made.folder / "devices" / "s1"
    (device / "ledger").write_bytes((device / "ledger").read_bytes()[:-1])
    with pytest.raises(BudgetError, match="joins no more"):
        open_ledger(device)
    whole = (made.folder / "run.json").read_text()
    (made.folder / "run.json").write_text(whole[:-40])
    made.restart(rounds=2)
    with pytest.raises(CheckpointError, match="nobody knows what was spent"):
        made.run()
