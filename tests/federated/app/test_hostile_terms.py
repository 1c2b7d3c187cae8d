"""Terms of a hostile server: whatever they hold, a device answers with one word."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")

from flwr.app import ConfigRecord, RecordDict
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.federated.tiny_federation import Federation
from voicelet.errors import ConfigError, VoiceletError
from voicelet_federated.app.adapter import schema_hash
from voicelet_federated.app.client import Device, app
from voicelet_federated.app.config import AdapterSpec, FederationConfig, LocalTraining
from voicelet_federated.app.devices import base_config, base_sha256
from voicelet_federated.app.grid import LocalGrid
from voicelet_federated.app.protocol import OFFER, Terms, read_refusal, read_terms
from voicelet_federated.privacy.accounting import Account, guarantee
from voicelet_federated.privacy.masking import Round
from voicelet_federated.privacy.skellam import CountedShare, NoiseShare

CONFIG = FederationConfig(cohort=10, minimum=8, joins=1)
TERMS = Terms(
    where=Round("session", 1, 0, "schema"),
    base="base",
    share=CONFIG.share(),
    epsilon=8.0,
    delta=1e-5,
    joins=1,
    masking=True,
    adapter=AdapterSpec(),
    local=LocalTraining(),
)
NUMBERS: list[Any] = [
    0,
    -1,
    -0.0,
    0.5,
    5e-324,
    1e-170,
    1e154,
    1.7e308,
    math.nan,
    math.inf,
    -math.inf,
    2**31,
    2**63,
    2**64,
    10**400,
    256.0,
]
ANYTHING = [*NUMBERS, True, False, None, "1", "", "\ud800", [], [1.0], {}, {"size": 1}]
Make = Callable[..., Federation]


def paths(fields: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every field, and every part of it."""
    for name, value in fields.items():
        yield (*before, name)
        if isinstance(value, dict):
            yield from paths(value, (*before, name))


FIELDS = json.loads(TERMS.to_json())
PATHS = list(paths(FIELDS))


def changed(path: tuple[str, ...], value: Any) -> str:
    fields = json.loads(TERMS.to_json())
    place = fields
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return json.dumps(fields)


def packed(text: str) -> RecordDict:
    return RecordDict({"terms": ConfigRecord({"json": text})})


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_terms_are_read_or_refused_and_can_be_reckoned_with(path: tuple[str, ...]) -> None:
    for value in ANYTHING:
        try:
            terms = read_terms(packed(changed(path, value)))
        except VoiceletError:
            continue
        # What is read can be accounted for: a number, infinite if need be, never an exception.
        for loss in (terms.share, terms.counted, CountedShare(terms.share, 1)):
            assert Account(math.inf).spent(loss) >= 0.0
        assert 0.0 < terms.share.step < math.inf and terms.share.variance >= 0.0
        assert terms.where.to_bytes() and terms.to_json()


WITHIN = {
    "where.number": (0, 1e6),
    "where.attempt": (0, 1e6),
    "share.clip_norm": (1e-12, 1e12),
    "share.noise_multiplier": (0.0, 1e12),
    "epsilon": (5e-324, math.inf),
    "delta": (5e-324, 1.0),
    "adapter.seed": (0, 2**63 - 1),
    "adapter.scale": (1e-12, 1e12),
    "local.learning_rate": (1e-12, 1e12),
    "local.momentum": (0.0, 1.0),
    "local.utterance_clip": (1e-12, 1e12),
    "local.max_seconds": (1e-12, 1e12),
    "bit": (0.0, 0.0),
    "honest": (0, 8),
}


def test_every_number_out_of_reason_is_refused() -> None:
    for path in PATHS:
        name = ".".join(path)
        for value in NUMBERS:
            try:
                read_terms(packed(changed(path, value)))
            except ConfigError:
                continue
            assert name in WITHIN, (name, value)
            low, high = WITHIN[name]
            assert low <= value <= high, (name, value)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[" * 100_000, '{"where": ' * 3000, "9" * 5000, '{"a": 1, "a": 1}', "NaN"],
)
def test_terms_that_are_no_terms(text: str) -> None:
    with pytest.raises(ConfigError, match="terms"):
        read_terms(packed(text))
    twice = TERMS.to_json()[:-1] + ', "joins": 1000}'
    with pytest.raises(ConfigError, match="twice"):
        read_terms(packed(twice))
    with pytest.raises(ConfigError, match="far too long"):
        read_terms(packed(TERMS.to_json() + " " * 20_000))


@given(
    clip=st.floats(allow_nan=False, min_value=0.0, exclude_min=True, allow_infinity=False),
    z=st.floats(allow_nan=False, min_value=0.0, allow_infinity=False),
    minimum=st.integers(2, 10**400),
    more=st.integers(0, 10**400),
    size=st.integers(1, 10**400),
    order=st.integers(2, 1024),
)
@settings(max_examples=400, deadline=None)
def test_any_share_can_be_accounted_for(
    clip: float, z: float, minimum: int, more: int, size: int, order: int
) -> None:
    """Ledgers of older versions may hold any: what can't be computed has cost without bound."""
    share = NoiseShare(clip, z, minimum, size, minimum + more)
    assert share.rdp(order) >= 0.0 and share.rdp(order, 1) >= share.rdp(order) * (1 - 1e-12)
    assert guarantee(share, 3).epsilon >= 0.0


def test_a_budget_that_is_no_number_allows_nothing() -> None:
    with pytest.raises(VoiceletError, match="sits it out"):
        Account(math.nan).pay(TERMS.share)


def test_a_device_answers_any_terms_with_one_word(federation: Make) -> None:
    """The whole way through the device's app; nothing is opened, trained or paid."""
    made = federation()
    node, context = next(iter(made.grid.contexts.items()))
    base = made.places.path("base")
    good = replace(
        TERMS,
        base=base_sha256(base),
        share=made.config.share(),
        where=replace(TERMS.where, schema=schema_hash(made.config.adapter, base_config(base))),
    )
    grid = LocalGrid(app, made.grid.contexts)

    def answer(text: str) -> RecordDict:
        content: RecordDict = app(
            grid.create_message(packed(text), OFFER, node, "1"), context
        ).content
        return content

    assert "offer" in answer(good.to_json())
    for path in PATHS:
        for value in (0, -1, math.nan, math.inf, 5e-324, 10**400, True, None, "x", []):
            fields = json.loads(good.to_json())
            place = fields
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = value
            told = answer(json.dumps(fields))
            assert "offer" in told or read_refusal(told) is not None
    assert len(Device.open(context).ledger.entries) == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0, 1e300, 5e-324])
def test_an_operator_s_own_slips_are_refused_as_well(value: float) -> None:
    for name in ("clip_norm", "learning_rate", "timeout_s"):
        with pytest.raises(ConfigError):
            FederationConfig(**{name: value})
    for name in ("cohort", "rounds", "joins", "attempts", "honest", "minimum"):
        with pytest.raises(ConfigError):
            FederationConfig(**{name: 10**30})
    with pytest.raises(ConfigError):
        AdapterSpec(scale=value)
    with pytest.raises(ConfigError):
        LocalTraining(max_seconds=value)
