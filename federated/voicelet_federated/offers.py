"""Who takes part in a round: one-time keys, signed by those who offer them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from voicelet_federated.errors import CohortError, MaskingError

LABEL = b"voicelet federated mask v1"


@dataclass(frozen=True)
class Round:
    """What a round is called: nothing signed or derived for one serves another.

    Attributes:
        session: of the run, random.
        number: of the round.
        attempt: counts the fresh starts of a round after dropouts.
        schema: hash of the adapter's layout.
    """

    session: str
    number: int
    attempt: int
    schema: str

    def to_bytes(self) -> bytes:
        """The same for all who mean the same round."""
        return json.dumps([self.session, self.number, self.attempt, self.schema]).encode()


@dataclass(frozen=True)
class Offer:
    """A device's one-time public key for one round.

    Attributes:
        node: who offers.
        public: X25519 public key, 32 bytes.
        signature: ECDSA by the node's identity key over round, node and key.
    """

    node: int
    public: bytes
    signature: bytes


def check_offers(
    where: Round,
    offers: Sequence[Offer],
    identities: Mapping[int, ec.EllipticCurvePublicKey],
    minimum: int,
) -> None:
    """Refuse a cohort that is too small or holds a key that its owner didn't sign.

    Raises:
        CohortError: too few devices, or one twice.
        MaskingError: a device isn't known, or its signature is of another key or round.
    """
    nodes = [o.node for o in offers]
    if len(set(nodes)) != len(nodes):
        raise CohortError("a device stands twice in the cohort; it sits the round out")
    if len(nodes) < minimum:
        raise CohortError(f"a cohort of {len(nodes)} is too small; this device asks for {minimum}")
    for offer in offers:
        if offer.node not in identities:
            raise MaskingError(f"device {offer.node} isn't known; register its key first")
        try:
            identities[offer.node].verify(
                offer.signature,
                signed_bytes(where, offer.node, offer.public),
                ec.ECDSA(hashes.SHA384()),
            )
        except InvalidSignature:
            raise MaskingError(
                f"the key of device {offer.node} isn't signed by it for this round; "
                "the server may be lying"
            ) from None


def identity_from_pem(data: bytes) -> ec.EllipticCurvePublicKey:
    """Read a node's public identity key.

    Raises:
        MaskingError: it isn't an elliptic-curve public key.
    """
    try:
        key = serialization.load_pem_public_key(data)
    except ValueError as error:
        raise MaskingError(f"not a public key ({error}); use the one the node registered") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise MaskingError("an identity key must be an elliptic-curve key, as Flower's node keys")
    return key


def signed_bytes(where: Round, node: int, public: bytes) -> bytes:
    """What an offer's signature is over."""
    return LABEL + where.to_bytes() + node.to_bytes(8, "big") + public
