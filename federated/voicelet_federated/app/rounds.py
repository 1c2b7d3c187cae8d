"""One attempt at a round as the server sees it: who offered, who sent what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Message, RecordDict

from voicelet.errors import VoiceletError
from voicelet_federated.app.protocol import read_offer, read_refusal, read_share, refusal_for
from voicelet_federated.errors import MaskingError
from voicelet_federated.privacy.masking import (
    Offer,
    RingArray,
    Round,
    check_public,
    check_signature,
    shared_keys,
)


@dataclass
class Attempt:
    """Offers and shares of one attempt.

    Attributes:
        where: the round and attempt.
        size: numbers in a share.
        offers: Flower node → its offer.
        dropped: device number → why its offer or share wasn't taken.
        shares: device number → masked vector.
        refusals: code → how many.
        bytes_up: content of all answers.
    """

    where: Round
    size: int
    offers: dict[int, Offer] = field(default_factory=dict)
    shares: dict[int, RingArray] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    dropped: dict[int, str] = field(default_factory=dict)
    bytes_up: int = 0

    @property
    def cohort(self) -> list[int]:
        """Device numbers, in order."""
        return sorted(o.node for o in self.offers.values())

    def take_offers(
        self,
        nodes: Iterable[int],
        replies: Iterable[Message],
        roster: Mapping[int, ec.EllipticCurvePublicKey],
    ) -> None:
        """Keep the offers that are signed by a device of the roster, one a device.

        A device that signed a key which no mask can be made with is dropped by its number, so that
        nobody pays for it; so are all those that offer one and the same key.
        """
        waiting = set(nodes)
        for node, content in self._contents(replies, waiting):
            try:
                offer = read_offer(content)
                if offer.node in self.cohort:
                    raise MaskingError("a device answered twice; its second offer isn't counted")
                check_signature(self.where, offer, roster)
            except VoiceletError as error:
                self.refusals[refusal_for(error).value] += 1
                continue
            try:
                check_public(offer)
            except MaskingError as error:
                self._drop(offer.node, error)
                continue
            self.offers[node] = offer
        self._drop_shared_keys()
        self.refusals["silent"] += len(waiting)

    def stand_down(self, nodes: Iterable[int]) -> None:
        """Do without these nodes' offers, though they are sound."""
        for node in nodes:
            del self.offers[node]

    def take_shares(self, replies: Iterable[Message]) -> None:
        """Keep the shares of this attempt that have the right type and size, one a device."""
        waiting = set(self.offers)
        for node, content in self._contents(replies, waiting):
            try:
                share = read_share(content, self.where, self.size)
            except VoiceletError as error:
                self._drop(self.offers[node].node, error)
                continue
            self.shares[self.offers[node].node] = share
        self.refusals["silent"] += len(waiting)

    def survivors(self) -> list[int]:
        """Flower nodes whose shares came."""
        return sorted(n for n, offer in self.offers.items() if offer.node in self.shares)

    def _drop(self, device: int, error: VoiceletError) -> None:
        self.refusals[refusal_for(error).value] += 1
        self.dropped[device] = str(error)

    def _drop_shared_keys(self) -> None:
        # Whose it is can't be told: a key is copied, or two devices are one.
        shared = set(shared_keys(list(self.offers.values())))
        for node, offer in list(self.offers.items()):
            if offer.node in shared:
                del self.offers[node]
                self._drop(offer.node, MaskingError("another device offers the same one-time key"))

    def _contents(
        self, replies: Iterable[Message], waiting: set[int]
    ) -> Iterable[tuple[int, RecordDict]]:
        """Answers of nodes that were asked, each once; refusals and errors are counted."""
        for reply in replies:
            node = reply.metadata.src_node_id
            if node not in waiting:
                self.refusals["uncalled"] += 1
                continue
            waiting.discard(node)
            if reply.has_error():
                self.refusals["error"] += 1
                continue
            self.bytes_up += content_bytes(reply.content)
            code = read_refusal(reply.content)
            if code is not None:
                self.refusals[code.value] += 1
                continue
            yield node, reply.content


def content_bytes(content: RecordDict) -> int:
    """Bytes of a message's records, Flower's framing (some 100 bytes each) apart.

    Counted here: Flower's own count raises ValueError at an empty text, which anybody may send.
    """
    arrays = sum(
        len(name) + len(array.data)
        for record in content.array_records.values()
        for name, array in record.items()
    )
    others = [*content.config_records.values(), *content.metric_records.values()]
    return arrays + sum(len(k) + _value_bytes(v) for record in others for k, v in record.items())


def _value_bytes(value: object) -> int:
    if isinstance(value, list):
        return sum(map(_value_bytes, value))
    return len(value) if isinstance(value, (str, bytes)) else 8
