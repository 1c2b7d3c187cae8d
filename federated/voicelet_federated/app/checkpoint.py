"""The state of a run on the server's disk: one file, replaced whole."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.config import from_mapping, to_mapping
from voicelet.errors import ConfigError
from voicelet.files import atomic_file, make_private, open_own, read_own
from voicelet_federated.app.config import FederationConfig
from voicelet_federated.errors import FederationError
from voicelet_federated.privacy.accounting import (
    Account,
    Guarantee,
    gaussian_divergence,
    guarantee,
    rdp_epsilon,
)

FILE, _LOCK = "run.json", "run.lock"


class CheckpointError(FederationError):
    """The state of a run can't be written or read."""

    exit_code = 77


@dataclass
class RoundRecord:
    """What became of a round.

    Attributes:
        number: of the round, from 1.
        status: "open" until it ends, then "done" or "failed".
        why: it failed.
        attempts: made.
        asked: devices that heard of it.
        opened: devices in the sum.
        refusals: code → how many; "silent" for those who didn't answer.
        epsilon: of the user who has joined most, this round included.
        update_norm: of the mean update with its noise.
        bytes_down, bytes_up: content of all messages.
        seconds: on the server, waiting included.
        held_out: losses on held-out speakers after the round.
        clip_norm: C of the round.
        below: with adaptive clipping, the noised part of updates that were no longer than C.
        dropped: device number → why the server left it out.
    """

    number: int
    status: str = "open"
    why: str = ""
    attempts: int = 0
    asked: int = 0
    opened: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    epsilon: float = 0.0
    update_norm: float = 0.0
    bytes_down: int = 0
    bytes_up: int = 0
    seconds: float = 0.0
    held_out: dict[str, float] = field(default_factory=dict)
    clip_norm: float = 0.0
    below: float | None = None
    dropped: dict[str, str] = field(default_factory=dict)


@dataclass
class RunState:
    """The state of a run that a server must keep.

    Attributes:
        fingerprint: of the configuration that the budget was counted under.
        base: SHA-256 of the base model.
        adapter, velocity: [size].
        joined: device number → rounds and attempts that it was asked to send a share for.
        rounds: in order.
        before: held-out losses before the first round.
        clip_norm: C of the next round; 0: the configured one.
        faults: device number → weight of what it did, or may have done, to spoil rounds since it
            was last in a sum that was opened (:mod:`voicelet_federated.app.strategy`).
    """

    fingerprint: str
    base: str
    adapter: list[float]
    velocity: list[float]
    joined: dict[str, int] = field(default_factory=dict)
    rounds: list[RoundRecord] = field(default_factory=list)
    before: dict[str, float] = field(default_factory=dict)
    clip_norm: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)

    @property
    def finished(self) -> int:
        """Rounds that ended, well or not."""
        return len(self.rounds)

    @property
    def flat(self) -> FloatArray:
        """The adapter, float32 [size]."""
        return np.asarray(self.adapter, np.float32)

    def joins(self, device: int) -> int:
        """How often a device was asked for a share."""
        return self.joined.get(str(device), 0)

    def faults_of(self, device: int) -> int:
        """Weight of a device's faults."""
        return self.faults.get(str(device), 0)

    def blame(self, devices: Iterable[int], weight: int) -> None:
        """Count one more fault of that weight for each."""
        for device in devices:
            self.faults[str(device)] = self.faults_of(device) + weight

    def clear(self, devices: Iterable[int]) -> None:
        """Forget the faults of devices whose shares were sound."""
        for device in devices:
            self.faults.pop(str(device), None)

    def most_joins(self) -> int:
        """Of any device."""
        return max(self.joined.values(), default=0)

    def spent(self, config: FederationConfig) -> float:
        """Epsilon of the user who has joined most."""
        history = (config.counted(),) * self.most_joins()
        return Account(config.epsilon, config.delta, history).spent()

    def promise(self, config: FederationConfig) -> Guarantee:
        """What every user is promised of a run with these terms, used up or not."""
        return guarantee(config.share(), config.joins, config.delta, honest=config.honest)

    def pay(self, devices: list[int], config: FederationConfig) -> float:
        """Count one more join for each device; returns epsilon of the one with most.

        Raises:
            BudgetError: one would exceed the budget; nothing is counted.
        """
        most = max((self.joins(d) for d in devices), default=0)
        share = config.counted()
        Account(config.epsilon, config.delta, (share,) * most).pay(share)
        for device in devices:
            self.joined[str(device)] = self.joins(device) + 1
        return self.spent(config)

    def save(self, folder: Path) -> None:
        """Write the state, durably and whole; the file there before stays if that fails.

        Raises:
            CheckpointError: the disk is full, or the folder can't be written.
        """
        try:
            make_private(folder)
            with atomic_file(folder / FILE, follow=False) as stream:
                stream.write(json.dumps(asdict(self), indent=1).encode())
        except OSError as error:
            raise CheckpointError(
                f"{folder / FILE}: the run's state can't be written ({error}); make room and "
                "start again, the run goes on from the last state written"
            ) from None


def start_or_resume(folder: Path, config: FederationConfig, base: str) -> RunState:
    """The state in a folder, or a fresh one.

    Raises:
        CheckpointError: the state can't be read.
        ConfigError: it was made with other terms or another model.
    """
    file = folder / FILE
    if not file.exists():
        zeros = [0.0] * config.adapter.size
        return RunState(config.fingerprint(), base, zeros, list(zeros))
    state = read_state(folder)
    if state.fingerprint != config.fingerprint() or state.base != base:
        raise ConfigError(
            f"{file} is of a run with other terms or another base model; budgets can't be carried "
            "over: give back its settings or choose another folder"
        )
    if len(state.adapter) != config.adapter.size or not np.isfinite(state.adapter).all():
        raise CheckpointError(f"{file}: the adapter is damaged; restore the file from a backup")
    # Rounds that a crash interrupted; their payments stay.
    for record in state.rounds:
        if record.status == "open":
            record.status, record.why = "failed", "the server stopped"
    return state


def read_state(folder: Path) -> RunState:
    """Read a run's state.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    try:
        fields = json.loads(read_own(folder / FILE))
        return from_mapping(RunState, fields, str(folder / FILE))
    except (OSError, ValueError, ConfigError) as error:
        raise CheckpointError(
            f"{folder / FILE}: the run's state can't be read ({error}); restore it from a backup, "
            "for without it nobody knows what was spent"
        ) from None


def rounds_ended(folder: Path) -> int:
    """Rounds of the run in a folder that ended, well or not; 0 if none was begun.

    Raises:
        CheckpointError: the state can't be read.
    """
    if not (folder / FILE).exists():
        return 0
    return sum(record.status != "open" for record in read_state(folder).rounds)


@contextlib.contextmanager
def sole_run(folder: Path) -> Iterator[None]:
    """Keep a second server away from a run's folder: each would forget what the other paid.

    Raises:
        CheckpointError: there is one already, or the folder can't be written.
    """
    try:
        import fcntl
    except ImportError:  # Windows has none
        yield
        return
    try:
        make_private(folder)
        lock = open(open_own(folder / _LOCK, os.O_RDWR | os.O_CREAT), "r+b")  # noqa: SIM115
    except OSError as error:
        raise CheckpointError(f"{folder}: can't be written ({error})") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CheckpointError(
                f"{folder}: another server works on this run; wait until it has ended, or give "
                "this one a folder of its own"
            ) from None
        except OSError as error:
            raise CheckpointError(f"{folder}: can't be locked ({error})") from None
        yield


def new_session() -> str:
    """An identifier of one server process; messages made for another one are refused."""
    return secrets.token_hex(16)


def report(state: RunState, config: FederationConfig) -> dict[str, object]:
    """The run in figures, for JSON: the guarantee with all it rests on, and what it gained."""
    done = [r for r in state.rounds if r.status == "done"]
    spent: float | None = state.spent(config)
    promise = to_mapping(state.promise(config))
    if not math.isfinite(promise["epsilon"]):
        promise["epsilon"] = spent = None  # JSON knows no infinity
    return {
        "guarantee": promise,
        "epsilon_spent": spent,
        "joins_agreed": config.joins,
        "joins_most": state.most_joins(),
        "cohort": config.cohort,
        "minimum": config.least,
        "honest": config.noisy,
        "masking": config.masking,
        "adapter_size": config.adapter.size,
        "adapter": to_mapping(config.adapter),
        "rounds_done": len(done),
        "rounds_failed": sum(r.status == "failed" for r in state.rounds),
        "bytes_a_round": sum(r.bytes_up + r.bytes_down for r in done) / max(1, len(done)),
        "bytes_a_device_and_round": sum((r.bytes_up + r.bytes_down) / max(1, r.asked) for r in done)
        / max(1, len(done)),
        **_clipping(state, config),
        "held_out_before": state.before,
        "held_out_after": done[-1].held_out if done else {},
        "rounds": [asdict(r) for r in state.rounds],
    }


def _clipping(state: RunState, config: FederationConfig) -> dict[str, object]:
    """Figures of adaptive clipping: its own share of the guarantee's epsilon."""
    if not config.clipping.on:
        return {}
    z = config.noise_multiplier()
    figures: dict[str, object] = {
        **to_mapping(config.clipping),
        "clip_norm": state.clip_norm or config.clip_norm,
        "update_noise_multiplier": z * config.share().clip_norm / config.clip_norm,
    }
    if z > 0.0:
        sigma = config.clipping.deviation(z, config.cohort)
        epsilon_of_bits = rdp_epsilon(gaussian_divergence(2.0 * sigma), config.joins, config.delta)
        figures |= {"bit_noise": sigma, "epsilon_of_bits_alone": epsilon_of_bits}
    return {"clipping": figures}
