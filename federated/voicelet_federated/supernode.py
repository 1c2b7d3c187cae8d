"""A device's SuperNode, and how it is kept going."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voicelet_federated.address import (
    Address,
    ClockError,
    check_clock,
    free_port,
    is_healthy,
)
from voicelet_federated.flower import environment, program, toml_value
from voicelet_federated.issuing import CertificateError
from voicelet_federated.processes import ProcessError, Processes

_FIRST_PAUSE_S, _LAST_PAUSE_S = 2.0, 60.0
_LIVED_S = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SuperNode:
    """Flower's device process.

    Attributes:
        name: of its log.
        folder: of its Flower home.
        superlink: where the server, or its proxy, is reached.
        ca: certificate to verify it by.
        key: private node key, whose public half the operator registered.
        places: the device's own files, as its node configuration.
        partition, partitions: number of the device among how many.
        variables: of its environment, beside those that all processes have.
    """

    name: str
    folder: Path
    superlink: Address
    ca: Path
    key: Path
    places: Mapping[str, Any]
    partition: int = 0
    partitions: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)

    def start(self, processes: Processes, max_retries: int | None = None) -> None:
        """Start it; it calls the server until it is ended.

        Args:
            processes: that it is started among.
            max_retries: tries to reach the server before it gives up; `None` tries for ever, as a
                device should that is sometimes offline.

        Raises:
            CertificateError: the CA's certificate is missing.
            ProcessError: it can't be started.
        """
        if not self.ca.is_file():
            raise CertificateError(
                f"{self.ca}: the operator's CA certificate is missing; ask for it"
            )
        told = {
            **{k: v for k, v in self.places.items() if v != ""},
            "partition-id": self.partition,
            "num-partitions": self.partitions,
        }
        command = [program("flower-supernode"), "--superlink", str(self.superlink)]
        command += ["--root-certificates", str(self.ca)]
        command += ["--auth-supernode-private-key", str(self.key)]
        command += ["--host", "127.0.0.1", "--port", str(free_port())]
        command += ["--node-config", " ".join(f"{k}={toml_value(v)}" for k, v in told.items())]
        if max_retries is not None:
            command += ["--max-retries", str(max_retries)]
        surroundings = {**environment(self.folder / "flower"), **self.variables}
        processes.start(self.name, command, surroundings)


def take_part(node: SuperNode, max_retries: int | None = None) -> None:
    """Keep a device's SuperNode going: it ends by itself when it can't activate.

    Args:
        node: the device's.
        max_retries: starts that may fail in a row; `None` tries for ever, as a device should that
            is sometimes offline or not registered yet.

    Raises:
        DeploymentError: somebody answers whom the CA doesn't vouch for.
        ProcessError: `max_retries` is used up; with the end of the log, or what is wrong with this
            device's clock.
    """
    failures, pause_s = 0, _FIRST_PAUSE_S
    while True:
        try:
            why = f"{node.superlink} doesn't answer; is the server running, and reached from here?"
            if is_healthy(node.superlink, node.ca):
                check_clock(node.superlink, node.ca)
                began = time.monotonic()
                with Processes(node.folder / "logs") as processes:
                    node.start(processes)
                    code = processes.wait(node.name, math.inf)
                    why = (
                        f"the SuperNode ended (exit code {code}): if it couldn't be activated, "
                        f"the operator hasn't registered {node.key}.pub yet; "
                        f"{processes.tail(node.name)}"
                    )
                if time.monotonic() - began > _LIVED_S:
                    failures, pause_s = 0, _FIRST_PAUSE_S
        except ClockError as error:
            why = str(error)  # a device without a clock of its own gets the time a little later
        failures += 1
        if max_retries is not None and failures > max_retries:
            raise ProcessError(why)
        log.warning("%s", why)
        time.sleep(pause_s)
        pause_s = min(2.0 * pause_s, _LAST_PAUSE_S)
