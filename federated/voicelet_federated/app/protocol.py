"""The messages of a round, in Flower's records.

A round has two exchanges.  In the first (`query.offer`) a device receives the terms
and answers with a signed one-time key or a refusal.  In the second (`train`) it gets the cohort's
keys and the global adapter, and answers with one masked vector.  The number of examples, losses and
times are never sent back, for they reveal something of the user.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Array, ArrayRecord, ConfigRecord, RecordDict

from voicelet.audio.features import FloatArray
from voicelet.config import from_mapping, unique_keys
from voicelet.errors import ConfigError, ConsentError, ProfileError, VoiceletError
from voicelet_federated.app.config import (
    LARGEST,
    LARGEST_COHORT,
    MOST,
    SIZES,
    SMALLEST,
    AdapterSpec,
    LocalTraining,
)
from voicelet_federated.errors import (
    BudgetError,
    CohortError,
    FederationError,
    MaskingError,
    PowerError,
    UpdateError,
)
from voicelet_federated.privacy.masking import Offer, RingArray, Round
from voicelet_federated.privacy.skellam import CountedShare, NoiseShare

OFFER, TRAIN = "query.offer", "train"
_MOST_CHARACTERS = 16_384
_LONGEST_NAME = 256
_NPY = re.compile(rb"\x93NUMPY\x01\x00(..)", re.DOTALL)
_NPY_HEADER = re.compile(
    rb"\{'descr': '([^']{1,8})', 'fortran_order': False, 'shape': \(([0-9]{1,9}),\), \} *\n"
)
_LABEL = b"voicelet federated assignment v1"


class Refusal(str, Enum):
    """Why a device sits a round out; nothing else is sent."""

    BUDGET = "budget"
    CONSENT = "consent"
    POWER = "power"
    COHORT = "cohort"
    KEYS = "keys"
    STALE = "stale"
    MODEL = "model"
    UPDATE = "update"
    CONFIG = "config"


def refusal_for(error: VoiceletError) -> Refusal:
    """The code of an error; its message stays on the device."""
    kinds: list[tuple[type[VoiceletError], Refusal]] = [
        (BudgetError, Refusal.BUDGET),
        (ConsentError, Refusal.CONSENT),
        (ProfileError, Refusal.CONSENT),  # no profile, no consent to read
        (PowerError, Refusal.POWER),
        (CohortError, Refusal.COHORT),
        (MaskingError, Refusal.KEYS),
        (UpdateError, Refusal.UPDATE),
        (StaleError, Refusal.STALE),
        (ModelError, Refusal.MODEL),
    ]
    return next((code for kind, code in kinds if isinstance(error, kind)), Refusal.CONFIG)


class StaleError(FederationError):
    """A message belongs to another round or attempt."""

    exit_code = 75


class ModelError(FederationError):
    """The model or adapter meant isn't the one that is here."""

    exit_code = 76


@dataclass(frozen=True)
class Terms:
    """What a device is asked to agree to.

    Attributes:
        where: the round.
        base: SHA-256 of the base model.
        share: clipping, rounding and noise.
        epsilon, delta, joins: the run's budget of a user.
        masking: False in comparisons only, which real devices refuse.
        adapter, local: what is trained and how.
        bit: half the weight of the bit of adaptive clipping, which `share` includes; 0: none.
        honest: devices of the minimum whose noise alone keeps the run's budget, so the server says;
            all of them if 0.

    Raises:
        ConfigError: a number is impossible, or so large or small that arithmetic would fail.
    """

    where: Round
    base: str
    share: NoiseShare
    epsilon: float
    delta: float
    joins: int
    masking: bool
    adapter: AdapterSpec
    local: LocalTraining
    bit: float = 0.0
    honest: int = 0

    def __post_init__(self) -> None:
        where, share = self.where, self.share
        if max(map(len, (where.session, where.schema, self.base))) > _LONGEST_NAME:
            raise ConfigError("a name in the terms is far too long")
        if not (0 <= where.number <= MOST and 0 <= where.attempt <= MOST):
            raise ConfigError(f"there is no round {where.number}, attempt {where.attempt}")
        z = share.noise_multiplier
        if not SMALLEST <= share.clip_norm <= LARGEST or not (z == 0.0 or SMALLEST <= z <= LARGEST):
            raise ConfigError("the clipping norm or the noise of the terms is out of reason")
        if share.largest > LARGEST_COHORT or share.size > max(SIZES) + 1:
            raise ConfigError("the terms ask for a cohort or an update that is far too large")
        if not 0 <= self.honest <= share.minimum:
            raise ConfigError(f"{self.honest} of {share.minimum} devices can't add noise")
        if not self.epsilon > 0.0 or not 0.0 < self.delta < 1.0 or not 1 <= self.joins <= MOST:
            raise ConfigError(
                f"epsilon {self.epsilon} at delta {self.delta} for {self.joins} joins is no promise"
            )
        if not 0.0 <= self.bit < share.clip_norm:
            raise ConfigError(f"a bit of weight {self.bit} doesn't fit in a share")
        if share.size != self.adapter.size + (self.bit != 0.0):
            raise ConfigError("the terms ask for an update of another size than their adapter")

    @property
    def counted(self) -> CountedShare:
        """What a join costs by the server's own promise."""
        return CountedShare(self.share, self.honest)

    def to_json(self) -> str:
        """Canonical JSON: equal terms give equal text."""
        return json.dumps(asdict(self), sort_keys=True)


def pack_terms(terms: Terms) -> RecordDict:
    """The first exchange's request."""
    return RecordDict({"terms": ConfigRecord({"json": terms.to_json()})})


def read_terms(content: RecordDict) -> Terms:
    """Terms of a request of either exchange.

    Raises:
        ConfigError: there are none, or they make no sense.
    """
    return _terms(_text(content, "terms", "json"))


def pack_offer(offer: Offer) -> RecordDict:
    """The first exchange's answer."""
    record = ConfigRecord(
        {"node": offer.node, "public": offer.public, "signature": offer.signature}
    )
    return RecordDict({"offer": record})


def pack_refusal(code: Refusal) -> RecordDict:
    """The answer of a device that sits the round out."""
    return RecordDict({"refusal": ConfigRecord({"code": code.value})})


def read_refusal(content: RecordDict) -> Refusal | None:
    """The code of a refusal, None if it isn't one."""
    record = content.config_records.get("refusal")
    if record is None:
        return None
    try:
        return Refusal(record.get("code"))
    except ValueError:
        return Refusal.CONFIG


def read_offer(content: RecordDict) -> Offer:
    """Read an offer; its signature is checked by `check_offers`.

    Raises:
        MaskingError: it isn't one.
    """
    record = content.config_records.get("offer", ConfigRecord())
    node, public, signed = (record.get(k) for k in ("node", "public", "signature"))
    if type(node) is not int or not isinstance(public, bytes) or not isinstance(signed, bytes):
        raise MaskingError("a device answered with something that is no offer; leave it out")
    if len(public) != 32 or not 0 <= node < 2**63:
        raise MaskingError("a device's one-time key has the wrong size; leave it out")
    return Offer(node, public, signed)


@dataclass(frozen=True)
class Assignment:
    """The second exchange's request.

    Attributes:
        terms: as in the first exchange.
        offers: of the whole cohort.
        adapter: global, float32 [size].
        signature: of the server, ECDSA over all of it; b"" if the server has no key.
    """

    terms: Terms
    offers: tuple[Offer, ...]
    adapter: FloatArray
    signature: bytes = b""

    def signed_bytes(self) -> bytes:
        """What the server signs."""
        offers = b"".join(o.node.to_bytes(8, "big") + o.public for o in self.offers)
        parts = (self.terms.to_json().encode(), offers, self.adapter.astype("<f4").tobytes())
        return _LABEL + b"".join(hashlib.sha256(part).digest() for part in parts)


def sign(assignment: Assignment, key: ec.EllipticCurvePrivateKey) -> Assignment:
    """The assignment with the server's signature."""
    signature = key.sign(assignment.signed_bytes(), ec.ECDSA(hashes.SHA384()))
    return Assignment(assignment.terms, assignment.offers, assignment.adapter, signature)


def verify(assignment: Assignment, key: ec.EllipticCurvePublicKey) -> None:
    """Check the server's signature.

    Raises:
        ModelError: it isn't the server's.
    """
    try:
        key.verify(assignment.signature, assignment.signed_bytes(), ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        raise ModelError(
            "the assignment isn't signed by the server this device trusts; it sits the round out"
        ) from None


def pack_assignment(assignment: Assignment) -> RecordDict:
    """The second exchange's request in records."""
    offers = ConfigRecord(
        {
            "nodes": [o.node for o in assignment.offers],
            "publics": [o.public for o in assignment.offers],
            "signatures": [o.signature for o in assignment.offers],
        }
    )
    terms = ConfigRecord({"json": assignment.terms.to_json(), "signature": assignment.signature})
    adapter = ArrayRecord({"adapter": Array(assignment.adapter)})
    return RecordDict({"terms": terms, "offers": offers, "adapter": adapter})


def read_assignment(content: RecordDict) -> Assignment:
    """Read the second exchange's request.

    Raises:
        ConfigError, MaskingError, UpdateError: a part is missing or makes no sense.
    """
    terms = read_terms(content)
    signature = content.config_records["terms"].get("signature", b"")
    record = content.config_records.get("offers", ConfigRecord())
    columns = [record.get(k) for k in ("nodes", "publics", "signatures")]
    if not isinstance(columns[0], list) or not all(
        isinstance(c, list) and len(c) == len(columns[0]) for c in columns
    ):
        raise MaskingError("the cohort's keys can't be read; this device sits the round out")
    rows = zip(*columns)  # type: ignore[arg-type]
    offers = tuple(
        read_offer(RecordDict({"offer": ConfigRecord({"node": n, "public": p, "signature": s})}))
        for n, p, s in rows
    )
    adapter: FloatArray = _vector(content, "adapter", np.dtype(np.float32), terms.adapter.size)
    if not np.isfinite(adapter).all():
        raise UpdateError("the global adapter isn't finite; this device sits the round out")
    signed = signature if isinstance(signature, bytes) else b""
    return Assignment(terms, offers, adapter, signed)


def pack_share(where: Round, share: RingArray) -> RecordDict:
    """The second exchange's answer: the masked vector, and which round it is for."""
    record = ConfigRecord({"round": where.to_bytes()})
    return RecordDict({"round": record, "share": ArrayRecord({"share": Array(share)})})


def read_share(content: RecordDict, where: Round, size: int) -> RingArray:
    """A masked vector, uint32 [size].

    Raises:
        StaleError: it is of another round or attempt.
        UpdateError: it isn't a vector of that type and size.
    """
    record = content.config_records.get("round", ConfigRecord())
    if record.get("round") != where.to_bytes():
        raise StaleError("a share is of another round or attempt; it isn't counted")
    share: RingArray = _vector(content, "share", np.dtype(np.uint32), size)
    return share


def device_id(key: ec.EllipticCurvePublicKey) -> int:
    """A device's number in the protocol: 63 bits of the SHA-256 of its public identity key.

    It follows from the key, so that no server can give one device's number to another.
    """
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return int.from_bytes(hashlib.sha256(der).digest()[:8], "big") >> 1


def _terms(text: str) -> Terms:
    try:
        if len(text) > _MOST_CHARACTERS:
            raise ValueError("far too long")
        fields: Any = json.loads(text, object_pairs_hook=unique_keys)
        return from_mapping(Terms, fields, "terms")
    # A whole number may have hundreds of digits, more than any float holds.
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigError(f"the terms can't be read ({error})") from None


def _text(content: RecordDict, record: str, key: str) -> str:
    value = content.config_records.get(record, ConfigRecord()).get(key)
    if not isinstance(value, str):
        raise ConfigError(f"a message lacks its {record}")
    return value


def _vector(content: RecordDict, name: str, dtype: np.dtype[Any], size: int) -> Any:
    """The one array of a record: of this type, of this length, and nothing else.

    The bytes are read here, not by `numpy.load`: they come from strangers, whose headers may be
    programs' sources, archives, or claim more memory than there is.
    """
    arrays = content.array_records.get(name, ArrayRecord())
    if set(arrays) != {name}:
        raise UpdateError(f"a message lacks its {name}")
    array = arrays[name]
    wanted = f"{dtype.name} [{size}]"
    if array.stype != "numpy.ndarray" or len(array.data) > size * dtype.itemsize + 1024:
        raise UpdateError(f"the {name} of a message isn't {wanted}")
    start = _NPY.match(array.data)
    if start is None:
        raise UpdateError(f"the {name} of a message can't be read")
    end = start.end() + int.from_bytes(start[1], "little")
    header = _NPY_HEADER.fullmatch(array.data, start.end(), end)
    if header is None or header[1] != dtype.newbyteorder("<").str.encode():
        raise UpdateError(f"the {name} of a message isn't {wanted}, or can't be read")
    if int(header[2]) != size or len(array.data) != end + size * dtype.itemsize:
        raise UpdateError(f"the {name} of a message isn't {wanted}, or can't be read")
    return np.frombuffer(array.data, dtype.newbyteorder("<"), offset=end).astype(dtype)
