"""The device's half: Flower's ClientApp.

Whatever is wrong, a device answers only with the code of a refusal; details stay in its own log.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from voicelet.audio.features import FloatArray
from voicelet.errors import ConsentError, VoiceletError
from voicelet.trust.audit.device_log import note
from voicelet_federated.app.adapter import Adapted, schema_hash
from voicelet_federated.app.config import Places, device_places, is_simulation
from voicelet_federated.app.devices import (
    PURPOSE,
    DeviceData,
    base_config,
    base_sha256,
    device_of,
    federation_consent,
    load_base,
    load_identity,
    load_operator,
    load_roster,
)
from voicelet_federated.app.floor import FILE, Floor, load_floor
from voicelet_federated.app.power import check_power
from voicelet_federated.app.protocol import (
    Assignment,
    ModelError,
    Refusal,
    StaleError,
    Terms,
    device_id,
    pack_offer,
    pack_refusal,
    pack_share,
    read_assignment,
    read_terms,
    refusal_for,
    verify,
)
from voicelet_federated.app.spend import may_join, open_ledger, pay, run_name
from voicelet_federated.app.training import train_locally
from voicelet_federated.errors import CohortError, UpdateError
from voicelet_federated.ledger import DeviceLedger
from voicelet_federated.privacy.clipping import with_bit
from voicelet_federated.privacy.masking import (
    Offer,
    OneTimeKey,
    RingArray,
    Round,
    check_offers,
)
from voicelet_federated.privacy.skellam import NoiseShare, secret_generator

_LOG = logging.getLogger(__name__)
_KEY, _UPDATE, _REFUSED = "voicelet-key", "voicelet-update", "voicelet-refused"

app = ClientApp()


@dataclass(frozen=True)
class Device:
    """What a device brings to a round.

    Attributes:
        places: its files and limits.
        data: its own speech.
        identity, roster: its key, and the public ones it trusts.
        ledger: consent, and what was spent.
        server: key that assignments must be signed with; `None` in simulations alone.
        floor: the smallest cohort, and how many of it are believed; `None` in simulations alone,
            where the terms' own hold.
    """

    places: Places
    data: DeviceData
    identity: ec.EllipticCurvePrivateKey
    roster: Mapping[int, ec.EllipticCurvePublicKey]
    ledger: DeviceLedger
    server: ec.EllipticCurvePublicKey | None
    floor: Floor | None

    @classmethod
    def open(cls, context: Context) -> Device:
        """The device of a Flower node.

        Raises:
            VoiceletError: a file is missing or broken.
        """
        partition = context.node_config.get("partition-id")
        places = device_of(
            device_places(context.node_config, context.run_config),
            partition if isinstance(partition, int) else None,
        )
        state = places.path("state")
        signed = places.server_key or not is_simulation()
        server = load_operator(places.path("server_key")) if signed else None
        floor = None
        if server is not None and ((state / FILE).exists() or not is_simulation()):
            floor = load_floor(state, server).stricter(places.least_cohort, places.honest)
        return cls(
            places=places,
            data=DeviceData(places.path("cache"), places.speaker),
            identity=load_identity(state),
            roster=load_roster(places.path("roster")),
            ledger=open_ledger(state),
            server=server,
            floor=floor,
        )

    @property
    def honest(self) -> int:
        """Devices of a cohort whose noise the ledger counts; 0: all of the minimum."""
        return 0 if self.floor is None else self.floor.honest

    def check_voice(self) -> str:
        """See that whoever's voice it is agreed to federated learning, and still does.

        Returns:
            id of the consent record; "" in simulations, whose people are a corpus.

        Raises:
            ConsentError: no profile is named, or its consent doesn't cover `federation`, has ended
                or isn't genuine.
            ProfileError: the profile can't be read.
        """
        if is_simulation():
            return ""
        if not self.places.profile:
            raise ConsentError(
                "no profile says whose voice this device trains on; `join --profile NAME` names "
                "one whose consent covers the purpose federation"
            )
        return federation_consent(self.places.profile).id

    def agree(self, terms: Terms) -> None:
        """Check what is asked; the model's weights aren't opened for it.

        Raises:
            VoiceletError: the device won't do that.
        """
        self.check_voice()
        if self.floor is not None:
            self.floor.check(terms.share.minimum)
        may_join(self.ledger, terms, self.honest)
        base = self.places.path("base")
        if terms.base != base_sha256(base):
            raise ModelError("the server adapts another model than this device holds; update it")
        if terms.where.schema != schema_hash(terms.adapter, base_config(base)):
            raise ModelError("the adapter is laid out in another way here; update this device")
        if not terms.masking and not is_simulation():
            raise CohortError("the server asks for an update in clear; this device sends none")
        if not self.data.items:
            raise UpdateError("this device holds no aligned speech; enrol a voice first")
        if not is_simulation():
            check_power(self.places.least_battery)


def _answer(handle: Callable[[Message, Context], RecordDict]) -> Callable[[Message, Context], Any]:
    def answer(message: Message, context: Context) -> Message:
        try:
            content = handle(message, context)
        except VoiceletError as error:
            _LOG.warning("sitting the round out: %s", error)
            code = refusal_for(error)
            if code is Refusal.CONSENT and not is_simulation():
                _note_refusal(context.state)
            content = pack_refusal(code)
        return Message(content, reply_to=message)

    return answer


def _note_refusal(state: RecordDict) -> None:
    """Note in the audit log that consent was missing: once, however often a server asks."""
    if _REFUSED not in state:
        note("federation", purpose=PURPOSE, refused=Refusal.CONSENT.value)
        state[_REFUSED] = ConfigRecord({"noted": True})


@app.query("offer")
@_answer
def offer(message: Message, context: Context) -> RecordDict:
    """First exchange: a signed one-time key, if the device agrees."""
    terms = read_terms(message.content)
    device = Device.open(context)
    device.agree(terms)
    context.state.pop(_REFUSED, None)
    key = OneTimeKey(terms.where, device_id(device.identity.public_key()), device.identity)
    context.state[_KEY] = ConfigRecord(
        {
            "round": terms.where.to_bytes(),
            "node": key.offer.node,
            "public": key.offer.public,
            "signature": key.offer.signature,
            "secret": key.secret_bytes(),
        }
    )
    return pack_offer(key.offer)


@app.train()
@_answer
def train(message: Message, context: Context) -> RecordDict:
    """Second exchange: a masked share of the cohort's sum."""
    assignment = read_assignment(message.content)
    terms = assignment.terms
    key = _take_key(context.state, terms.where)
    device = Device.open(context)
    if device.server is not None:
        # The terms name the model by its hash, so this is the model's signature as well.
        verify(assignment, device.server)
    device.agree(terms)
    # Before any work; `mask` checks again.
    if len(assignment.offers) > terms.share.largest:
        raise CohortError("a larger cohort than the terms make room for; it sits the round out")
    check_offers(terms.where, assignment.offers, device.roster, terms.share.minimum)
    update = _update(device, assignment, context.state)
    record = device.check_voice()  # training takes a while, and who agreed may have withdrawn
    # Paid before anything is computed that could leave; a lost reply isn't paid back.
    spent = pay(device.ledger, terms, device.honest)
    if not is_simulation():
        note(
            "federation",
            purpose=PURPOSE,
            profile=device.places.profile,
            consent=record,
            run=run_name(terms),
            round=terms.where.number,
            cohort=len(assignment.offers),
            honest=device.honest,
            epsilon_spent=spent,
        )
    values = with_bit(update, terms.share, terms.bit)
    if terms.masking:
        noisy = terms.share.encode(values, secret_generator())
        share = key.mask(noisy, assignment.offers, device.roster, terms.share.minimum)
    else:
        share = rounded(values, terms.share)
    return pack_share(terms.where, share)


def rounded(update: npt.NDArray[np.floating], share: NoiseShare) -> RingArray:
    """A clipped and rounded update without noise or mask, for comparisons alone."""
    norm = float(np.linalg.norm(update.astype(np.float64)))
    values = update.astype(np.float64) * min(1.0, share.clip_norm / max(norm, 1e-30))
    return np.rint(values / share.step).astype(np.int64).astype(np.uint32)


def _take_key(state: RecordDict, where: Round) -> OneTimeKey:
    """The one-time key of the first exchange, which is gone afterwards."""
    record = state.config_records.get(_KEY)
    if record is None or record["round"] != where.to_bytes():
        raise StaleError("this device made no key for this round and attempt; it sits it out")
    del state[_KEY]
    fields: Any = record
    return OneTimeKey.restore(
        where, Offer(fields["node"], fields["public"], fields["signature"]), fields["secret"]
    )


def _update(device: Device, assignment: Assignment, state: RecordDict) -> FloatArray:
    """Train, or take what was trained for an earlier attempt at the same round."""
    terms = assignment.terms
    first = replace(terms, where=replace(terms.where, attempt=0))
    content = first.to_json().encode() + assignment.adapter.tobytes()
    name = hashlib.sha256(content).hexdigest()
    cached = state.array_records.get(_UPDATE, ArrayRecord())
    if name in cached:
        update: FloatArray = np.asarray(cached[name].numpy(), np.float32)
        return update
    base = load_base(device.places.path("base"))
    if base.sha256 != terms.base:
        raise ModelError("the model here was changed meanwhile; this device sits the round out")
    adapted = Adapted(base.model, terms.adapter)
    seconds = min(terms.local.max_seconds, device.places.time_limit_s)
    result = train_locally(
        adapted,
        assignment.adapter,
        device.data.sampler(base.info),
        replace(terms.local, max_seconds=seconds),
        secrets.randbits(63),
    )
    _LOG.info(
        "trained %d steps in %.1f s, loss %.3f to %.3f, norm %.2f",
        result.steps,
        result.seconds,
        result.loss_before,
        result.loss_after,
        float(np.linalg.norm(result.update.astype(np.float64))),
    )
    state[_UPDATE] = ArrayRecord({name: Array(result.update)})
    return result.update
