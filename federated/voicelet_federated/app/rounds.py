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
from voicelet_federated.privacy.masking import Offer, RingArray, Round, check_offers


@dataclass
class Attempt:
    """Offers and shares of one attempt.

    Attributes:
        where: the round and attempt.
        size: numbers in a share.
        offers: Flower node → its offer.
        shares: device number → masked vector.
        refusals: code → how many.
        bytes_up: content of all answers.
    """

    where: Round
    size: int
    offers: dict[int, Offer] = field(default_factory=dict)
    shares: dict[int, RingArray] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
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
        """Keep the offers that are signed by a device of the roster, one a device."""
        waiting = set(nodes)
        for node, content in self._contents(replies, waiting):
            try:
                offer = read_offer(content)
                if offer.node in self.cohort:
                    raise MaskingError("a device answered twice; its second offer isn't counted")
                check_offers(self.where, [offer], roster, 1)
            except VoiceletError as error:
                self.refusals[refusal_for(error).value] += 1
                continue
            self.offers[node] = offer
        self.refusals["silent"] += len(waiting)

    def take_shares(self, replies: Iterable[Message]) -> None:
        """Keep the shares of this attempt that have the right type and size, one a device."""
        waiting = set(self.offers)
        for node, content in self._contents(replies, waiting):
            try:
                share = read_share(content, self.where, self.size)
            except VoiceletError as error:
                self.refusals[refusal_for(error).value] += 1
                continue
            self.shares[self.offers[node].node] = share
        self.refusals["silent"] += len(waiting)

    def survivors(self) -> list[int]:
        """Flower nodes whose shares came."""
        return sorted(n for n, offer in self.offers.items() if offer.node in self.shares)

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
    """Bytes of a message's records, Flower's framing (some 100 bytes each) apart."""
    return sum(int(record.count_bytes()) for record in content.values())
