"""Secure aggregation: the server adds up what devices send and learns the sum alone.

Each pair of devices agrees on a secret (X25519) and stretches it to a mask (ChaCha20); one adds it,
the other subtracts it, so that masks cancel in the sum of all (Bonawitz et al. 2017, without secret
sharing: if a device drops out, the others start the round again with fresh keys).  Keys serve one
round and are signed by the node's identity key, so a server can't put its own in their place.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voicelet_federated.errors import CohortError, MaskingError

LABEL = b"voicelet federated mask v1"
_PUBLIC_BYTES = 32
_PRIME = 2**255 - 19


@dataclass(frozen=True)
class Round:
    """The identity of a round and attempt; signatures and keys for one are invalid for another.

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
        """Canonical bytes: equal rounds give equal bytes."""
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
    """Refuse a cohort that is too small, or a key that no mask can be made with.

    Raises:
        CohortError: too few devices, or one twice.
        MaskingError: a device isn't known, its signature is of another key or round, its key isn't
            sound (:func:`check_public`), or two devices offer the same one.
    """
    nodes = [o.node for o in offers]
    if len(set(nodes)) != len(nodes):
        raise CohortError("a device stands twice in the cohort; it sits the round out")
    if len(nodes) < minimum:
        raise CohortError(f"a cohort of {len(nodes)} is too small; this device asks for {minimum}")
    shared = shared_keys(offers)
    if shared:
        raise MaskingError(
            f"devices {', '.join(map(str, shared))} offer one and the same key: they are one, or "
            "don't know its secret; leave them out"
        )
    for offer in offers:
        check_signature(where, offer, identities)
        check_public(offer)


def check_signature(
    where: Round, offer: Offer, identities: Mapping[int, ec.EllipticCurvePublicKey]
) -> None:
    """See that the device named made the offer, for this round and attempt.

    Raises:
        MaskingError: it isn't known, or its signature doesn't hold.
    """
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


def check_public(offer: Offer) -> None:
    """See that a one-time key is one that an honest device can have made.

    With a point of low order every exchange gives zero (RFC 7748, section 6.1), so nobody could
    mask anything.  Every X25519 secret is a multiple of eight, the order of these points: one
    exchange with a fresh secret finds them all.  Other spellings of a point (its top bit set, or
    not below 2^255 - 19) are refused, so that equal keys are equal bytes.

    Raises:
        MaskingError: it has another length, another spelling, or a low order.
    """
    culprit = f"the one-time key of device {offer.node}"
    if len(offer.public) != _PUBLIC_BYTES:
        raise MaskingError(f"{culprit} has {len(offer.public)} bytes, not 32; leave it out")
    if int.from_bytes(offer.public, "little") >= _PRIME:
        raise MaskingError(f"{culprit} isn't spelled as X25519 spells keys; leave it out")
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(offer.public))
    except ValueError:
        raise MaskingError(
            f"{culprit} is a point of low order, with which nothing can be masked; leave it out"
        ) from None


def shared_keys(offers: Sequence[Offer]) -> list[int]:
    """Numbers of the devices whose one-time key another one offers as well, in order."""
    times = Counter(o.public for o in offers)
    return sorted(o.node for o in offers if times[o.public] > 1)


def identity_from_pem(data: bytes) -> ec.EllipticCurvePublicKey:
    """Read a node's public identity key.

    Raises:
        MaskingError: it isn't an elliptic-curve public key.
    """
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MaskingError(f"not a public key ({error}); use the one the node registered") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise MaskingError("an identity key must be an elliptic-curve key, as Flower's node keys")
    return key


def signed_bytes(where: Round, node: int, public: bytes) -> bytes:
    """What an offer's signature is over."""
    return LABEL + where.to_bytes() + node.to_bytes(8, "big") + public


__all__ = [
    "Offer",
    "OneTimeKey",
    "RingArray",
    "Round",
    "check_offers",
    "check_public",
    "check_signature",
    "identity_from_pem",
    "open_sum",
    "shared_keys",
]

IntArray = npt.NDArray[np.int64]
RingArray = npt.NDArray[np.uint32]


class OneTimeKey:
    """A device's secret for one round and attempt; `mask` uses it up.

    Args:
        where: the round.
        node: this device.
        identity: the key that the device is registered with.
    """

    def __init__(self, where: Round, node: int, identity: ec.EllipticCurvePrivateKey) -> None:
        self._round, self._node = where, node
        self._private: X25519PrivateKey | None = X25519PrivateKey.generate()
        public = self._private.public_key().public_bytes_raw()
        signature = identity.sign(signed_bytes(where, node, public), ec.ECDSA(hashes.SHA384()))
        self.offer = Offer(node, public, signature)

    def secret_bytes(self) -> bytes:
        """The private key, 32 bytes, for a device to keep between the exchanges of a round.

        Raises:
            MaskingError: it has been used.
        """
        if self._private is None:
            raise MaskingError("this one-time key has been used; make a new one for a new attempt")
        return self._private.private_bytes_raw()

    @classmethod
    def restore(cls, where: Round, offer: Offer, secret: bytes) -> OneTimeKey:
        """The key of `offer`, kept as :meth:`secret_bytes`; whoever keeps it deletes it on use.

        Raises:
            MaskingError: the secret isn't that of the offer.
        """
        key = cls.__new__(cls)
        key._round, key._node, key.offer = where, offer.node, offer
        key._private = X25519PrivateKey.from_private_bytes(secret)
        if key._private.public_key().public_bytes_raw() != offer.public:
            raise MaskingError("a one-time key was mixed up; make a new one for a new attempt")
        return key

    def mask(
        self,
        values: IntArray,
        offers: Sequence[Offer],
        identities: Mapping[int, ec.EllipticCurvePublicKey],
        minimum: int,
    ) -> RingArray:
        """Add this device's masks to noisy integers.

        Args:
            values: [size].
            offers: of the whole cohort, this device's own among them.
            identities: the public identity keys this device trusts, by node.
            minimum: the smallest cohort it takes part in.

        Returns:
            uint32 [size], which looks random to whoever lacks one of the pairwise secrets.

        Raises:
            CohortError: the cohort is too small or doesn't hold this device's own offer.
            MaskingError: an offer isn't signed by whom it names, a key isn't sound, or this one has
                been used.
        """
        if self._private is None:
            raise MaskingError("this one-time key has been used; make a new one for a new attempt")
        check_offers(self._round, offers, identities, minimum)
        if self.offer not in offers:
            raise CohortError("the cohort lacks this device's own key; it sits the round out")
        private, self._private = self._private, None
        masked = np.asarray(values, np.int64).astype(np.uint32)
        cohort = hashlib.sha256(
            b"".join(o.node.to_bytes(8, "big") + o.public for o in sorted(offers, key=_node_number))
        ).digest()
        for other in offers:
            if other.node == self._node:
                continue
            secret = private.exchange(X25519PublicKey.from_public_bytes(other.public))
            low, high = sorted((self._node, other.node))
            stream = _mask_stream(secret, self._round, cohort, low, high, len(masked))
            masked = masked + stream if self._node == low else masked - stream
        return masked


def open_sum(shares: Mapping[int, RingArray], cohort: Sequence[int]) -> IntArray:
    """Add up masked shares: the sum of all devices' noisy integers, [size].

    Raises:
        CohortError: a share is missing (the masks don't cancel: start again without that device),
            comes from elsewhere, or has another length.
    """
    missing = sorted(set(cohort) - set(shares))
    strangers = sorted(set(shares) - set(cohort))
    if missing or strangers:
        raise CohortError(
            f"shares of {missing or strangers} {'are missing' if missing else 'do not belong'}; "
            "start the round again with those who are there"
        )
    arrays = [np.asarray(shares[node]) for node in cohort]
    if not arrays or any(a.dtype != np.uint32 or a.shape != arrays[0].shape for a in arrays):
        raise CohortError("shares must be uint32 arrays of one length; leave the odd one out")
    total = np.zeros(arrays[0].shape, np.uint32)
    for array in arrays:
        total = total + array
    return total.view(np.int32).astype(np.int64)


def _mask_stream(
    secret: bytes, where: Round, cohort: bytes, low: int, high: int, count: int
) -> RingArray:
    info = where.to_bytes() + low.to_bytes(8, "big") + high.to_bytes(8, "big")
    key = HKDF(hashes.SHA256(), 32, salt=cohort, info=LABEL + info).derive(secret)
    cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None)
    stream = cipher.encryptor().update(bytes(4 * count))
    return np.frombuffer(stream, "<u4").astype(np.uint32)


def _node_number(offer: Offer) -> int:
    return offer.node
