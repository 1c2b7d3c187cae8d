from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

pytest.importorskip("flwr")
pytest.importorskip("torch")

from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

from voicelet.errors import ConfigError
from voicelet_federated.app.config import (
    AdapterSpec,
    FederationConfig,
    LocalTraining,
    Places,
    device_places,
    read_run_config,
    to_run_config,
)
from voicelet_federated.app.protocol import (
    Assignment,
    ModelError,
    Refusal,
    StaleError,
    Terms,
    device_id,
    pack_assignment,
    pack_offer,
    pack_refusal,
    pack_share,
    pack_terms,
    read_assignment,
    read_offer,
    read_refusal,
    read_share,
    read_terms,
    sign,
    verify,
)
from voicelet_federated.errors import MaskingError, UpdateError
from voicelet_federated.privacy.masking import OneTimeKey, Round

WHERE = Round("run", 2, 1, "schema")
CONFIG = FederationConfig(cohort=10, joins=1)
TERMS = Terms(
    where=WHERE,
    base="ab" * 32,
    share=CONFIG.share(),
    epsilon=8.0,
    delta=1e-5,
    joins=1,
    masking=True,
    adapter=AdapterSpec(),
    local=LocalTraining(),
)
KEYS = [ec.generate_private_key(ec.SECP384R1()) for _ in range(3)]


def assignment() -> Assignment:
    keys = [OneTimeKey(WHERE, device_id(k.public_key()), k) for k in KEYS]
    adapter = np.random.default_rng(0).normal(size=256).astype(np.float32)
    return sign(Assignment(TERMS, tuple(k.offer for k in keys), adapter), KEYS[0])


def test_messages_come_back_as_they_were_sent() -> None:
    assert read_terms(pack_terms(TERMS)) == TERMS
    endless = replace(TERMS, epsilon=float("inf"))
    assert read_terms(pack_terms(endless)) == endless
    sent = assignment()
    got = read_assignment(pack_assignment(sent))
    assert got.terms == TERMS and got.offers == sent.offers and got.signature == sent.signature
    assert np.array_equal(got.adapter, sent.adapter)
    assert read_offer(pack_offer(sent.offers[0])) == sent.offers[0]
    share = np.arange(256, dtype=np.uint32)
    assert np.array_equal(read_share(pack_share(WHERE, share), WHERE, 256), share)
    assert all(read_refusal(pack_refusal(code)) is code for code in Refusal)
    assert read_refusal(pack_share(WHERE, share)) is None


def test_a_share_holds_the_round_and_the_vector_alone() -> None:
    content = pack_share(WHERE, np.arange(256, dtype=np.uint32))
    assert set(content) == {"round", "share"} and set(content.config_records["round"]) == {"round"}
    assert not content.metric_records


def test_shares_of_another_round_or_kind_are_not_read() -> None:
    share = np.arange(256, dtype=np.uint32)
    for other in (replace(WHERE, number=1), replace(WHERE, attempt=0), replace(WHERE, session="")):
        with pytest.raises(StaleError):
            read_share(pack_share(other, share), WHERE, 256)
    for wrong in (share[:255], share.astype(np.int64), share.reshape(16, 16)):
        with pytest.raises(UpdateError):
            read_share(pack_share(WHERE, wrong), WHERE, 256)
    torn = pack_share(WHERE, share)
    torn["share"] = ArrayRecord({"share": Array("uint32", (256,), "numpy.ndarray", b"\x93NUMPY")})
    with pytest.raises(UpdateError, match="can't be read"):
        read_share(torn, WHERE, 256)
    with pytest.raises((UpdateError, StaleError)):
        read_share(RecordDict(), WHERE, 256)


def test_offers_and_terms_that_make_no_sense_are_refused() -> None:
    good = pack_offer(assignment().offers[0])["offer"]
    for change in ({"public": b"short"}, {"node": -1}, {"signature": "text"}):
        with pytest.raises(MaskingError):
            read_offer(RecordDict({"offer": ConfigRecord({**good, **change})}))  # type: ignore
    for text in ("{", "[]", '{"where": 3}', TERMS.to_json().replace("steps", "stops")):
        with pytest.raises(ConfigError):
            read_terms(RecordDict({"terms": ConfigRecord({"json": text})}))
    poisoned = replace(assignment(), adapter=np.full(256, np.nan, np.float32))
    with pytest.raises(UpdateError, match="finite"):
        read_assignment(pack_assignment(poisoned))


def test_only_the_server_can_assign() -> None:
    signed = assignment()
    verify(signed, KEYS[0].public_key())
    moved = signed.adapter.copy()
    moved[3] += 1.0
    for forged in (
        replace(signed, adapter=moved),
        replace(signed, terms=replace(TERMS, joins=99)),
        replace(signed, offers=signed.offers[:2]),
        replace(signed, signature=b""),
    ):
        with pytest.raises(ModelError):
            verify(forged, KEYS[0].public_key())
    with pytest.raises(ModelError):
        verify(signed, KEYS[1].public_key())


def test_a_run_configuration_survives_flowers_flat_form() -> None:
    config = FederationConfig(cohort=12, adapter=AdapterSpec(size=2000), masking=False)
    places = Places(base="b", server_key="k")
    flat = to_run_config(config, places)
    assert flat["adapter.size"] == 2000 and flat["places.server-key"] == "k"
    assert all(isinstance(v, (str, int, float, bool)) for v in flat.values())
    assert read_run_config(flat) == (config, places)
    with pytest.raises(ConfigError, match="did you mean 'cohort'"):
        read_run_config({"cohrt": 3})


def test_a_real_device_takes_no_paths_from_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOICELET_FEDERATED_SIMULATION", raising=False)
    told = to_run_config(CONFIG, Places(base="/evil", state="/evil"))
    assert device_places({"partition-id": 1, "num-partitions": 2}, told) == Places()
    own = device_places({"base": "mine", "server-key": "pem"}, told)
    assert own == Places(base="mine", server_key="pem")


def test_the_terms_keep_the_budget_they_name() -> None:
    for joins, epsilon in ((1, 8.0), (5, 3.0)):
        config = FederationConfig(cohort=100, joins=joins, epsilon=epsilon)
        from voicelet_federated.privacy.accounting import guarantee

        found = guarantee(config.share(), joins, config.delta)
        assert 0.98 * epsilon < found.epsilon <= epsilon
    assert FederationConfig(epsilon=float("inf")).share().noise_multiplier == 0.0
    with pytest.raises(ConfigError):
        FederationConfig(cohort=1)
