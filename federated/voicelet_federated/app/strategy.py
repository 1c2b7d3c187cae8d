"""Sums of masked, noised updates as a strategy of Flower's.

A device that spoils a round costs everybody else a join, so it is named, and left out while there
are enough others: who signed a key that no mask can be made with, sent a share that is none, or
twice didn't send the one it had promised (once, a battery may have been empty).  Who sent a share
that only looks like one can't be told from the sum alone: all of that cohort are doubted then, and
those that a later sum clears are trusted again.

Flower's own strategies weight by what devices claim, accept NaN and add noise for the devices that
were asked, not for those that answered.  Here every device weighs the same, the server
sees nothing but a sum, and a sum of fewer than the minimum isn't opened.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from voicelet.audio.features import FloatArray
from voicelet_federated.app.checkpoint import RoundRecord, RunState, new_session
from voicelet_federated.app.config import FederationConfig
from voicelet_federated.app.protocol import (
    OFFER,
    TRAIN,
    Assignment,
    Terms,
    pack_assignment,
    pack_terms,
    sign,
)
from voicelet_federated.app.rounds import Attempt, content_bytes
from voicelet_federated.errors import BudgetError, CohortError
from voicelet_federated.privacy.clipping import part_below
from voicelet_federated.privacy.masking import Round, open_sum
from voicelet_federated.privacy.skellam import NoiseShare, secret_generator, skellam

_LOG = logging.getLogger(__name__)
_POLL_S = 1.0
_SILENCE, _FAULT = 1, 2  # weights; a device with as many as a fault is left out
NumberArray = npt.NDArray[np.floating]


class MaskedSum(Strategy):
    """Two exchanges a round; a masked sum; a budget paid before anything is asked.

    Args:
        config: the run's terms.
        state: to go on from; it is changed and saved.
        folder: where.
        schema: hash of the adapter's layout.
        roster: public identity keys of all devices.
        key: that assignments are signed with.
    """

    def __init__(
        self,
        config: FederationConfig,
        state: RunState,
        folder: Path,
        schema: str,
        roster: Mapping[int, ec.EllipticCurvePublicKey],
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        self.config, self.state, self.folder = config, state, folder
        self._share, self._bit = config.share(), config.bit()
        self._schema, self._roster, self._key = schema, roster, key
        self._session = new_session()
        self._devices: dict[int, int] = {}  # Flower node → device number, once it has offered
        self._grid: Grid | None = None
        self._attempt: Attempt | None = None
        self._record = RoundRecord(0)
        self._began = 0.0

    def summary(self) -> None:
        """Log what users are promised."""
        p = self.state.promise(self.config)
        _LOG.info(
            "epsilon %.3f at delta %g for a user of %d rounds (%s); z %.3f, C %g, at least %d of "
            "%d devices a round, masking %s",
            p.epsilon,
            p.delta,
            p.rounds,
            p.neighbours,
            p.noise_multiplier,
            p.clip_norm,
            p.minimum,
            self.config.cohort,
            "on" if self.config.masking else "off",
        )

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Ask for offers and assign the round to those who made one.

        Raises:
            CohortError: too few devices are connected.
            BudgetError: too few of them have budget left; the run is over.
            CheckpointError: what is about to be paid can't be written down.
        """
        self._grid, self._began = grid, time.monotonic()
        clip = self.state.clip_norm or self.config.clip_norm
        self._share, self._bit = self.config.share(clip), self.config.bit(clip)
        self._record = RoundRecord(self.state.finished + 1, clip_norm=clip)
        nodes = self._choose_cohort(self._wait_for_nodes(grid))
        self._record.asked = len(nodes)
        self.state.rounds.append(self._record)
        return self._prepare_attempt(nodes, 0)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Open the sum; start again among the survivors while shares are missing."""
        replies = list(replies)
        while self._attempt is not None:
            attempt = self._attempt
            attempt.take_shares(replies)
            self._count_replies(attempt)
            missing = set(attempt.cohort) - set(attempt.shares)
            if not missing:
                return self._finish(attempt)
            broken = {d: why for d, why in attempt.dropped.items() if d in missing}
            self._blame(broken, _FAULT)
            # If most are silent, the network or this server is the likelier culprit.
            if 2 * len(missing) <= len(attempt.cohort):
                silent = missing - set(broken)
                self._blame(dict.fromkeys(silent, "it promised a share and sent none"), _SILENCE)
            survivors, number = attempt.survivors(), attempt.where.attempt + 1
            _LOG.warning("%d shares are missing, %d came", len(missing), len(survivors))
            if number >= self.config.attempts:
                return self._fail(f"shares were missing in each of {number} attempts")
            if len(survivors) < self.config.least:
                return self._fail(f"{len(survivors)} devices are left, fewer than the minimum")
            messages = self._prepare_attempt(survivors, number)
            assert self._grid is not None
            replies = list(
                self._grid.send_and_receive(messages, timeout=self.config.timeout_s)
                if messages
                else []
            )
        return self._fail(self._record.why or "too few devices offered to join")

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Devices never evaluate a model: the result would reveal something of their users."""
        return []

    def aggregate_evaluate(
        self, server_round: int, replies: Iterable[Message]
    ) -> MetricRecord | None:
        """Nothing to aggregate."""
        return None

    def arrays(self) -> ArrayRecord:
        """The global adapter."""
        return ArrayRecord({"adapter": Array(self.state.flat)})

    def _wait_for_nodes(self, grid: Grid) -> list[int]:
        """Nodes connected: a whole cohort, or fewer once the timeout is over."""
        deadline = time.monotonic() + self.config.timeout_s
        while True:
            nodes = sorted(set(grid.get_node_ids()))
            if len(nodes) >= self.config.cohort or time.monotonic() >= deadline:
                break
            time.sleep(min(_POLL_S, self.config.timeout_s))
        if len(nodes) < self.config.least:
            raise CohortError(
                f"{len(nodes)} devices are connected, {self.config.least} are needed; start more "
                "of them, or a new run with a smaller cohort"
            )
        return nodes

    def _choose_cohort(self, nodes: list[int]) -> list[int]:
        """A cohort at random among those who have joined least."""
        eligible = [n for n in nodes if self._joins(n) < self.config.joins]
        if len(eligible) < self.config.least:
            raise BudgetError(
                f"{len(eligible)} devices have budget left, {self.config.least} are needed; the"
                " model stays as it is"
            )
        random.SystemRandom().shuffle(eligible)
        return sorted(eligible, key=lambda n: (self._faults(n), self._joins(n)))[
            : self.config.cohort
        ]

    def _joins(self, node: int) -> int:
        device = self._devices.get(node)
        return 0 if device is None else self.state.joins(device)

    def _faults(self, node: int) -> int:
        device = self._devices.get(node)
        return 0 if device is None else self.state.faults_of(device)

    def _leave_out_doubtful(self, attempt: Attempt) -> None:
        """Before anybody pays: as few devices with a fault as the minimum allows."""
        nodes = list(attempt.offers)
        random.SystemRandom().shuffle(nodes)
        nodes.sort(key=self._faults)
        trusted = sum(self._faults(n) < _FAULT for n in nodes)
        out = nodes[max(trusted, self.config.least) :]
        for node in out:
            reason = "it, or one that was with it, spoiled rounds before"
            self._record.dropped[str(attempt.offers[node].node)] = reason
            attempt.refusals["doubtful"] += 1
        attempt.stand_down(out)

    def _prepare_attempt(self, nodes: list[int], number: int) -> list[Message]:
        """First exchange of an attempt; then pay, write it down, and say what to send.

        Returns:
            Assignments, or nothing if too few offered.
        """
        assert self._grid is not None
        self._attempt = None
        where = Round(self._session, self._record.number, number, self._schema)
        terms = self._terms(where)
        attempt = Attempt(where, self._share.size)
        replies = self._grid.send_and_receive(
            self._messages(nodes, pack_terms(terms), OFFER), timeout=self.config.timeout_s
        )
        attempt.take_offers(nodes, replies, self._roster)
        self._devices |= {node: offer.node for node, offer in attempt.offers.items()}
        for node, offer in list(attempt.offers.items()):
            if self.state.joins(offer.node) >= self.config.joins:
                del attempt.offers[node]
                attempt.refusals["budget"] += 1
        self._blame(attempt.dropped, _FAULT)
        self._leave_out_doubtful(attempt)
        self._record.attempts = number + 1
        if len(attempt.offers) < self.config.least:
            self._count_replies(attempt)
            self._record.why = f"{len(attempt.offers)} devices offered, fewer than the minimum"
            return []
        self._record.epsilon = self.state.pay(attempt.cohort, self.config)
        self.state.save(self.folder)
        self._attempt = attempt
        offers = sorted(attempt.offers.values(), key=lambda o: o.node)
        assignment = Assignment(terms, tuple(offers), self.state.flat)
        if self._key is not None:
            assignment = sign(assignment, self._key)
        return self._messages(list(attempt.offers), pack_assignment(assignment), TRAIN)

    def _blame(self, devices: Mapping[int, str], weight: int) -> None:
        """Name devices that spoiled this attempt, in the log and in the run's state."""
        for device, reason in devices.items():
            _LOG.warning("device %016x is left out: %s", device, reason)
            self._record.dropped[str(device)] = reason
        self.state.blame(devices, weight)

    def _messages(self, nodes: list[int], content: RecordDict, kind: str) -> list[Message]:
        self._record.bytes_down += len(nodes) * content_bytes(content)
        group = str(self._record.number)
        ttl = 2.0 * self.config.timeout_s
        return [Message(content, node, kind, group_id=group, ttl=ttl) for node in nodes]

    def _terms(self, where: Round) -> Terms:
        c = self.config
        return Terms(
            where=where,
            base=self.state.base,
            share=self._share,
            epsilon=c.epsilon,
            delta=c.delta,
            joins=c.joins,
            masking=c.masking,
            adapter=c.adapter,
            local=c.local,
            bit=self._bit,
            honest=c.honest,
        )

    def _count_replies(self, attempt: Attempt) -> None:
        self._record.bytes_up += attempt.bytes_up
        for code, count in attempt.refusals.items():
            if count:
                self._record.refusals[code] = self._record.refusals.get(code, 0) + count

    def _finish(self, attempt: Attempt) -> tuple[ArrayRecord | None, MetricRecord | None]:
        total = open_sum(attempt.shares, attempt.cohort)
        if not self.config.masking:
            total = total + central_noise(self._share)
        decoded = total * self._share.step
        norm, limit = float(np.linalg.norm(decoded)), largest_norm(self._share, len(attempt.cohort))
        if not norm <= limit:
            self.state.blame(attempt.cohort, _FAULT)
            return self._fail(
                f"the sum's norm is {norm:.3g}, more than clipped updates can have ({limit:.3g}): "
                "a device doesn't keep to the protocol"
            )
        self.state.clear(attempt.cohort)
        decoded = self._update_clip_norm(decoded, len(attempt.cohort))
        # The denominator is fixed, so that a user's weight doesn't depend on who else came.
        mean = (decoded / self.config.cohort).astype(np.float32)
        velocity = np.float32(self.config.momentum) * np.asarray(self.state.velocity, np.float32)
        velocity = velocity + mean
        adapter: FloatArray = self.state.flat + np.float32(self.config.learning_rate) * velocity
        self.state.adapter = [float(v) for v in adapter]
        self.state.velocity = [float(v) for v in velocity]
        self._record.update_norm = float(np.linalg.norm(mean))
        self._record.opened = len(attempt.cohort)
        self._end("done")
        return self.arrays(), None

    def _update_clip_norm(self, decoded: NumberArray, devices: int) -> NumberArray:
        """Move the clipping norm by the sum of the bits, if there is one; returns the rest."""
        if not self._bit:
            return decoded
        record = self._record
        record.below = part_below(float(decoded[-1]), self._bit, devices)
        self.state.clip_norm = self.config.clipping.moved(
            record.clip_norm, record.below, self.config.clip_norm
        )
        return decoded[:-1]

    def _fail(self, reason: str) -> tuple[None, None]:
        _LOG.error("round %d failed: %s; the model stays as it was", self._record.number, reason)
        self._record.why = reason
        self._end("failed")
        return None, None

    def _end(self, status: str) -> None:
        self._attempt = None
        self._record.status = status
        self._record.seconds = time.monotonic() - self._began
        self.state.save(self.folder)


def largest_norm(share: NoiseShare, devices: int) -> float:
    """More than the norm of any honest sum, noise included, but for one in 10^15."""
    sigma = math.sqrt(share.variance * devices) * share.step
    return devices * share.sensitivity_l2 * share.step + sigma * (math.sqrt(share.size) + 8.0)


def central_noise(share: NoiseShare) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The noise of a minimal cohort, drawn by the server, where devices add none."""
    return skellam(secret_generator(), share.variance * share.minimum, share.size)
