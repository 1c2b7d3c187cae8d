"""What a round costs a device in bytes and seconds beside training, and that masking is exact."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric import ec

from voicelet_federated.app.config import FederationConfig
from voicelet_federated.app.devices import BaseModel
from voicelet_federated.app.protocol import (
    Assignment,
    Terms,
    pack_assignment,
    pack_offer,
    pack_share,
    pack_terms,
    sign,
)
from voicelet_federated.app.rounds import content_bytes
from voicelet_federated.privacy.masking import OneTimeKey, Round, check_offers, open_sum

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cost:
    """Of one device in one round, training apart.

    Attributes:
        devices: of the cohort.
        bytes_down, bytes_up: content of the messages of both exchanges.
        check_s: checking the cohort's signed keys, which a device does twice.
        mask_s: encoding, noise and masks, with one more check.
    """

    devices: int
    bytes_down: int
    bytes_up: int
    check_s: float
    mask_s: float


class Cohort:
    """Devices with keys of their own, for one round.

    Args:
        config: its cohort says how many.
        base: the model.
    """

    def __init__(self, config: FederationConfig, base: BaseModel) -> None:
        self.config, self.share = config, config.share()
        where = Round("benchmark", 1, 0, "0" * 64)
        self.terms = Terms(
            where,
            base.sha256,
            self.share,
            config.epsilon,
            config.delta,
            config.joins,
            True,
            config.adapter,
            config.local,
        )
        owners = [ec.generate_private_key(ec.SECP384R1()) for _ in range(config.cohort)]
        self.identities = {n: key.public_key() for n, key in enumerate(owners)}
        self.keys = [OneTimeKey(where, n, key) for n, key in enumerate(owners)]
        self.offers = [key.offer for key in self.keys]

    def masked(
        self, update: npt.ArrayLike, node: int, rng: np.random.Generator
    ) -> npt.NDArray[np.uint32]:
        """What a device sends, by the code that it runs."""
        noisy = self.share.encode(update, rng)
        return self.keys[node].mask(noisy, self.offers, self.identities, self.share.minimum)

    def cost(self) -> Cost:
        """Of the first device; its one-time key is used up."""
        adapter = np.zeros(self.config.adapter.size, np.float32)
        assignment = Assignment(self.terms, tuple(self.offers), adapter)
        down = pack_assignment(sign(assignment, ec.generate_private_key(ec.SECP384R1())))
        began = time.process_time()
        check_offers(self.terms.where, self.offers, self.identities, self.share.minimum)
        checked = time.process_time()
        share = self.masked(adapter, 0, np.random.default_rng(0))
        ended = time.process_time()
        up = content_bytes(pack_offer(self.offers[0]))
        return Cost(
            self.config.cohort,
            content_bytes(pack_terms(self.terms)) + content_bytes(down),
            up + content_bytes(pack_share(self.terms.where, share)),
            checked - began,
            ended - checked,
        )


def masked_sum(
    updates: npt.NDArray[np.floating[Any]], config: FederationConfig, base: BaseModel, seed: int
) -> tuple[IntArray, IntArray]:
    """(sum that the server opens of masked shares, sum of the same shares without masks)."""
    cohort = Cohort(config, base)
    # The same noise twice: once under masks, once without.
    shares = {
        n: cohort.masked(u, n, np.random.default_rng((seed, n))) for n, u in enumerate(updates)
    }
    plain = sum(
        (cohort.share.encode(u, np.random.default_rng((seed, n))) for n, u in enumerate(updates)),
        start=np.zeros(cohort.share.size, np.int64),
    )
    return open_sum(shares, list(range(len(updates)))), plain
