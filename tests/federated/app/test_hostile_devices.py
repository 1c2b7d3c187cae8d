"""Devices that spoil rounds are named and left out, and cost the others as little as can be."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, RecordDict

from tests.federated.tiny_federation import Federation, answer_as, times_paid
from voicelet_federated.app import strategy
from voicelet_federated.app.client import app
from voicelet_federated.app.devices import load_identity, private_key
from voicelet_federated.app.grid import LocalGrid, from_wire, to_wire
from voicelet_federated.app.protocol import (
    device_id,
    pack_assignment,
    pack_offer,
    pack_share,
    read_assignment,
    read_offer,
    read_terms,
    sign,
)
from voicelet_federated.app.rounds import Attempt
from voicelet_federated.privacy.masking import Offer, OneTimeKey, Round, signed_bytes

Make = Callable[..., Federation]
Deliver = Callable[[bytes], "bytes | None"]
VICTIM = 1002
WHERE = Round("run", 1, 0, "schema")
_PRIME = 2**255 - 19
_ORDER_8 = (
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)
LOW_ORDER = [0, 1, *_ORDER_8, _PRIME - 1, _PRIME, _PRIME + 1, 2**255, 2**255 + 1]


def wire(message: Message) -> bytes:
    return to_wire(message, message.metadata.message_id)


def is_share(message: Message) -> bool:
    return message.metadata.message_type == "train"


def of_victim(message: Message) -> bool:
    return message.metadata.dst_node_id == VICTIM


def signed_offer(made: Federation, where: Round, public: bytes) -> Offer:
    """An offer of the third device's, in order but for its key."""
    identity = load_identity(made.folder / "devices" / "s2")
    node = device_id(identity.public_key())
    signature = identity.sign(signed_bytes(where, node, public), ec.ECDSA(hashes.SHA384()))
    return Offer(node, public, signature)


def victim_of(made: Federation) -> str:
    return str(device_id(load_identity(made.folder / "devices" / "s2").public_key()))


@pytest.mark.parametrize("point", LOW_ORDER, ids=lambda p: f"{p:#x}"[:12])
def test_a_key_of_low_order_costs_nobody_else_a_round(federation: Make, point: int) -> None:
    made = federation()
    public = point.to_bytes(32, "little")

    def fault(message: Message, send: Deliver) -> bytes | None:
        reply = send(wire(message))
        if of_victim(message) and not is_share(message) and reply:
            where = read_terms(message.content).where
            offer = pack_offer(signed_offer(made, where, public))
            return answer_as(reply, lambda m: m.content.update(offer))
        return reply

    state = made.run(fault)
    record = state.rounds[0]
    assert record.status == "done" and record.opened == 3 and record.attempts == 1
    assert record.refusals == {"keys": 1} and list(record.dropped) == [victim_of(made)]
    assert times_paid(made) == [1, 1, 1] and sorted(state.joined.values()) == [1, 1, 1]
    assert state.faults == {victim_of(made): 2}


class InOrder:
    """Chance, taken out: devices are asked in the order of their nodes."""

    def shuffle(self, nodes: list[int]) -> None:
        nodes.sort()


def test_one_key_offered_by_two_devices_is_nobody_s(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strategy.random, "SystemRandom", InOrder)  # the copier comes third
    made = federation(minimum=2)
    seen: list[bytes] = []

    def fault(message: Message, send: Deliver) -> bytes | None:
        reply = send(wire(message))
        if is_share(message) or reply is None:
            return reply
        if of_victim(message):
            where = read_terms(message.content).where
            offer = pack_offer(signed_offer(made, where, seen[0]))
            return answer_as(reply, lambda m: m.content.update(offer))
        answer_as(reply, lambda m: seen.append(read_offer(m.content).public))
        return reply

    state = made.run(fault)
    record = state.rounds[0]
    assert record.status == "done" and record.opened == 2 and record.refusals == {"keys": 2}
    assert victim_of(made) in record.dropped and len(record.dropped) == 2
    assert times_paid(made) == [1, 1]


@pytest.mark.parametrize("kind", ["low order", "shared"])
def test_devices_train_and_pay_nothing_for_a_cohort_with_such_a_key(
    federation: Make, kind: str
) -> None:
    """A server that doesn't look, or is in league with the one who sends it."""
    made = federation()
    key = private_key(made.places.path("server_key"))

    def fault(message: Message, send: Deliver) -> bytes | None:
        if not is_share(message):
            return send(wire(message))
        told = read_assignment(message.content)
        where, others = told.terms.where, [o for o in told.offers if o.node != int(victim)]
        public = bytes(32) if kind == "low order" else others[0].public
        offers = (*others, signed_offer(made, where, public))
        forged = type(told)(told.terms, offers, told.adapter)
        message.content = pack_assignment(sign(forged, key))
        return send(wire(message))

    victim = victim_of(made)
    state = made.run(fault)
    assert state.rounds[0].status == "failed" and times_paid(made) == []
    # The third device misses its own key; the others refuse the forged one.
    assert state.rounds[0].refusals == {"keys": 4} and not state.flat.any()


def test_who_twice_promises_a_share_and_sends_none_is_left_out(federation: Make) -> None:
    made = federation(rounds=3, joins=5)
    state = made.run(lambda m, send: None if of_victim(m) and is_share(m) else send(wire(m)))
    first, second, third = state.rounds
    assert first.attempts == second.attempts == 2 and victim_of(made) in first.dropped
    # In the third round it offers as before, and nobody pays for it again.
    assert third.status == "done" and third.attempts == 1 and third.refusals == {"doubtful": 1}
    assert Counter(state.joined.values()) == {5: 3, 2: 1}


def test_a_straggler_is_welcome_again(federation: Make) -> None:
    made = federation(rounds=2, joins=3)
    asked: list[int] = []

    def fault(message: Message, send: Deliver) -> bytes | None:
        if of_victim(message) and is_share(message):
            asked.append(1)
            return None if len(asked) == 1 else send(wire(message))
        return send(wire(message))

    state = made.run(fault)
    assert [(r.attempts, r.opened) for r in state.rounds] == [(2, 3), (1, 4)] and not state.faults


def test_an_outage_is_nobody_s_fault(federation: Make) -> None:
    made = federation(rounds=2)
    rounds: list[int] = []

    def fault(message: Message, send: Deliver) -> bytes | None:
        if is_share(message):
            rounds.append(1)
            return None if len(rounds) <= 4 else send(wire(message))
        return send(wire(message))

    state = made.run(fault)
    assert [r.status for r in state.rounds] == ["failed", "done"] and not state.faults
    assert state.rounds[1].opened == 4


def test_a_share_of_garbage_is_narrowed_down(
    federation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks like any share; the sum tells that one was wrong, and later sums which."""
    chosen = random.Random(4)
    monkeypatch.setattr(strategy.random, "SystemRandom", lambda: chosen)
    made = federation(rounds=6, joins=6, epsilon=1000.0, clip_norm=0.01)
    rng = np.random.default_rng(1)

    def spoil(message: Message) -> None:
        garbage = rng.integers(0, 2**32, 256, dtype=np.uint32)
        message.content["share"] = ArrayRecord({"share": Array(garbage)})

    def fault(message: Message, send: Deliver) -> bytes | None:
        reply = send(wire(message))
        if of_victim(message) and is_share(message) and reply:
            return answer_as(reply, spoil)
        return reply

    state = made.run(fault)
    statuses = [r.status for r in state.rounds]
    assert statuses[0] == "failed" and "doesn't keep to the protocol" in state.rounds[0].why
    # All four are doubted then, and three of them asked at random, until a sum is sound.
    assert set(statuses[statuses.index("done") :]) == {"done"}
    assert set(state.faults) == {victim_of(made)} and np.linalg.norm(state.flat) < 1.0


ZIP = b"PK\x03\x04" + bytes(60)
BOMB = b"\x93NUMPY\x01\x00v\x00{'descr': '<u4', 'fortran_order': False, 'shape': (99999999,), }"
SHARES: list[dict[str, Any]] = [
    {"share": ArrayRecord({"share": array})}
    for array in (
        Array("uint32", (256,), "numpy.ndarray", b""),
        Array("uint32", (256,), "numpy.ndarray", b"\x93NUMPY"),
        Array("uint32", (256,), "numpy.ndarray", ZIP),
        Array("uint32", (256,), "numpy.ndarray", BOMB.ljust(127) + b"\n" + bytes(16)),
        Array("uint32", (256,), "numpy.ndarray", b"(" * 2000),
        Array("uint32", (256,), "something else", bytes(1024)),
        Array(np.full(256, np.nan)),
        Array(np.zeros(256, ">u4")),
        Array(np.zeros((), np.uint32)),
    )
]
SHARES += [
    {"share": ConfigRecord({"share": 1})},
    {"share": ArrayRecord()},
    {"round": ConfigRecord({"round": [1, 2]})},
    {"round": ArrayRecord()},
]
OFFERS: list[dict[str, Any]] = [
    {"offer": ConfigRecord({"node": node, "public": bytes(32), "signature": b""})}
    for node in (True, -1, 2**63 - 1, 1.5, "1")
]
OFFERS += [
    {"offer": ConfigRecord({"node": 1, "public": [b"a"], "signature": b""})},
    {"offer": ArrayRecord()},
    {},
    {"refusal": ConfigRecord({"code": ["budget"]})},
    {"refusal": ConfigRecord({"code": b"budget"})},
    {"refusal": ConfigRecord()},
]


def reply_of(node: int, content: RecordDict) -> Message:
    asked = LocalGrid(app, {}).create_message(RecordDict(), "train", node, "1")
    return from_wire(to_wire(Message(content, reply_to=asked), "name"))


@pytest.mark.parametrize("wrong", range(len(SHARES)))
def test_a_share_of_any_other_kind_is_left_out(wrong: int) -> None:
    attempt = Attempt(WHERE, 256, {5: Offer(77, bytes(32), b""), 6: Offer(78, bytes(32), b"")})
    good = pack_share(WHERE, np.arange(256, dtype=np.uint32))
    bad = pack_share(WHERE, np.arange(256, dtype=np.uint32))
    bad.update(SHARES[wrong])
    attempt.take_shares([reply_of(6, bad), reply_of(5, good)])
    assert list(attempt.shares) == [77] and list(attempt.dropped) == [78]


@pytest.mark.parametrize("wrong", range(len(OFFERS)))
def test_an_offer_of_any_other_kind_is_left_out(wrong: int) -> None:
    identity = ec.generate_private_key(ec.SECP384R1())
    node = device_id(identity.public_key())
    good = pack_offer(OneTimeKey(WHERE, node, identity).offer)
    attempt = Attempt(WHERE, 256)
    replies = [reply_of(6, RecordDict(OFFERS[wrong])), reply_of(5, good), reply_of(9, good)]
    attempt.take_offers([5, 6, 7], replies, {node: identity.public_key()})
    assert list(attempt.offers) == [5] and sum(attempt.refusals.values()) == 3
