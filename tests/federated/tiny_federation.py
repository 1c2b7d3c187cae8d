"""A federation of a few devices around a tiny model, in one process and with faults on order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from flwr.app import Message

from tests.consenting import draft
from tests.tiny_models import save_model, tiny_cache
from voicelet.enrolment.liveness.check import consent_sentence
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet.trust.consent.statement import Consent, SpokenConsent, make_record
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel
from voicelet_federated.app.checkpoint import RunState
from voicelet_federated.app.client import app
from voicelet_federated.app.config import FederationConfig, LocalTraining, Places
from voicelet_federated.app.devices import device_of, load_identity
from voicelet_federated.app.floor import FILE, Floor, sign_floor
from voicelet_federated.app.grid import LocalGrid, contexts_for, from_wire, to_wire
from voicelet_federated.app.server import serve
from voicelet_federated.app.spend import open_ledger
from voicelet_federated.cli.simulate import prepare

TINY = AcousticConfig(
    channels=16, hidden=24, encoder_blocks=2, pitch_blocks=1, mel_blocks=1, attention_heads=1
)
DEVICES = 4
SPEAKERS = tuple(f"s{i}" for i in range(DEVICES))
CONFIG = FederationConfig(
    rounds=1,
    joins=2,
    epsilon=8.0,
    cohort=DEVICES,
    minimum=3,
    timeout_s=0.01,
    local=LocalTraining(steps=1, utterances=2),
)
Fault = Callable[[Message, Callable[[bytes], bytes | None]], bytes | None]


def tiny_base(folder: Path) -> tuple[Path, Path]:
    """(base model, cache of four speakers)."""
    cache = tiny_cache(folder / "cache", SPEAKERS, count=2 * DEVICES)
    torch.manual_seed(1)
    return save_model(folder / "base", AcousticModel(TINY), cache), cache


class FaultyGrid(LocalGrid):
    """Notes all bytes that reach the server, and lets a test come between.

    Attributes:
        fault: called with each message and what delivers it.
        received: answers in wire format.
    """

    fault: Fault | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.received: list[bytes] = []

    def deliver(self, node: int, wire: bytes) -> bytes | None:
        def plainly(data: bytes) -> bytes | None:
            return super(FaultyGrid, self).deliver(node, data)

        reply = self.fault(from_wire(wire), plainly) if self.fault else plainly(wire)
        if reply is not None:
            self.received.append(reply)
        return reply


@dataclass
class Federation:
    """What a test drives."""

    folder: Path
    base: Path
    cache: Path
    config: FederationConfig = CONFIG
    held_out: Path | None = None
    places: Places = field(init=False)
    grid: FaultyGrid = field(init=False)

    def __post_init__(self) -> None:
        self.places = prepare(self.cache, self.base, self.held_out, self.folder, DEVICES)
        self.restart()

    def restart(self, **changes: Any) -> None:
        """New processes on both sides; files stay."""
        self.config = replace(self.config, **changes)
        self.grid = FaultyGrid(app, contexts_for(DEVICES, self.config, self.places))

    def run(self, fault: Fault | None = None) -> RunState:
        """All rounds left."""
        self.grid.fault = fault
        return serve(self.grid, self.config, self.places)


def keep_voice(name: str, *purposes: str) -> Profile:
    """A made-up voice in this device's vault, whose owner agreed to `purposes` by reading aloud."""
    read = SpokenConsent((np.zeros(16_000, np.float32), 16_000), consent_sentence())
    profile = draft(name)
    consent = Consent(name, read, purposes=purposes)
    agreed = replace(profile, consent=make_record(consent, profile.voice_sha256))
    Vault().save(agreed, replace=True)
    return agreed


def keep_fleet(operator: Path, device: Path, minimum: int, honest: int) -> None:
    """Put the floor that an operator signed into a device's folder.

    Args:
        operator: the server's folder, with its key.
        device: the device's folder.
    """
    device.mkdir(parents=True, exist_ok=True)
    (device / FILE).write_bytes(sign_floor(Floor(minimum, honest), load_identity(operator)))


def as_real_devices(made: Federation, own: Mapping[str, Any] | None = None) -> None:
    """Give each device files and a voice of its own, as those have that aren't simulated.

    Args:
        made: whose operator has signed a floor as low as the terms.
        own: more of the devices' own configuration.
    """
    for context in made.grid.contexts.values():
        places = device_of(made.places, int(context.node_config["partition-id"]))
        keep_voice(places.speaker, "federation")
        keep_fleet(
            made.folder / "server", places.path("state"), made.config.least, made.config.least
        )
        told = {k.replace("_", "-"): v for k, v in places.__dict__.items() if v}
        context.node_config.update({**told, "profile": places.speaker, **(own or {})})
        context.run_config = {}


def times_paid(federation: Federation) -> list[int]:
    """How often each device that has paid did so, by its own ledger."""
    folders = sorted(p for p in (federation.folder / "devices").iterdir() if p.is_dir())
    return [n for n in (len(open_ledger(folder).entries) for folder in folders) if n]


def answer_as(reply: bytes, change: Callable[[Message], None]) -> bytes:
    """A reply with its content changed."""
    message = from_wire(reply)
    change(message)
    return to_wire(message, message.metadata.message_id)
