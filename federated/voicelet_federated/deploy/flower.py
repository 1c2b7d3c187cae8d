"""A real federation: Flower's SuperLink and SuperNodes, with TLS and registered node keys.

Whoever reaches the SuperLink's control interface can register nodes and push code that devices
run; Flower has no password for it short of an OIDC provider.  So the SuperLink listens on this
machine alone, and only `/v1/fleet/` may be let through to devices, by a proxy
(docs/guides/federated.md).
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import voicelet_federated
from voicelet import __version__
from voicelet.files import atomic_file, make_private
from voicelet_federated.app.config import FederationConfig, Places, to_run_config
from voicelet_federated.deploy.address import (
    Address,
    ClockError,
    DeploymentError,
    check_clock,
    free_port,
    is_healthy,
    refuse_taken,
)
from voicelet_federated.deploy.certificates import CertificateError, Certificates, open_certificates
from voicelet_federated.deploy.processes import ProcessError, Processes

_APP = """\
[project]
name = "voicelet-federated"
version = "{version}"
description = "Devices improve a shared voice model without giving up a recording."
license = "Apache-2.0"

[tool.flwr.app]
publisher = "voicelet"
fab-include = ["voicelet_federated/**/*.py"]

[tool.flwr.app.components]
serverapp = "voicelet_federated.app.server:app"
clientapp = "voicelet_federated.app.client:app"

[tool.flwr.app.config]
"""


def environment(home: Path) -> dict[str, str]:
    """For Flower's processes: own home, no telemetry, no look for updates, one thread."""
    make_private(home)
    return {
        **os.environ,
        "FLWR_HOME": str(home.resolve()),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
    }


def program(name: str) -> str:
    """A command of Flower's, beside this Python.

    Raises:
        DeploymentError: it isn't installed.
    """
    path = Path(sys.executable).parent / name
    if not path.is_file():
        raise DeploymentError(f"{name} isn't installed: pip install voicelet-federated")
    return str(path)


def app_folder(folder: Path) -> Path:
    """The Flower app that `flwr run` sends out.

    A checkout has one: the folder of the package, with its `pyproject.toml`.  A package that was
    installed has none, so its sources are copied to `folder`/`federated`, beside a `pyproject.toml`
    of the same content.

    Args:
        folder: where it may be laid out, anew at every call.

    Returns:
        the app's folder.
    """
    package = Path(voicelet_federated.__file__).resolve().parent
    if _is_app(package.parent):
        return package.parent
    app = folder / "federated"
    shutil.rmtree(app, ignore_errors=True)
    shutil.copytree(package, app / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    terms = to_run_config(FederationConfig(), Places())
    lines = [f"{key} = {toml_value(value)}\n" for key, value in terms.items()]
    with atomic_file(app / "pyproject.toml") as stream:
        stream.write((_APP.format(version=__version__) + "".join(lines)).encode())
    return app


def _is_app(folder: Path) -> bool:
    try:
        return "[tool.flwr.app]" in (folder / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return False


def toml_value(value: Any) -> str:
    """A value as TOML has it, for Flower's configurations."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)  # inf and nan are TOML as well
    return json.dumps(value) if isinstance(value, str) else str(value)


READY_S = 60.0
_POLL_S = 0.25
_CONNECTION = "voicelet"


class SuperLink:
    """Flower's server process.

    Args:
        processes: that it is started among.
        folder: of its certificates (`tls/`), database and Flower home.
        address: to listen on.
        guarded: somebody has seen to it that the control interface can't be reached from elsewhere.

    Raises:
        DeploymentError: the address is open to others and not guarded.
    """

    def __init__(
        self, processes: Processes, folder: Path, address: Address, guarded: bool = False
    ) -> None:
        if not address.is_loopback and not guarded:
            raise DeploymentError(
                f"{address} is open to others, who could push code to every device; listen on "
                "127.0.0.1 behind a proxy that lets /v1/fleet/ through and nothing else"
            )
        self._processes, self._folder, self.address = processes, folder, address
        self._home = folder / "flower"
        self.certificates: Certificates = open_certificates(folder / "tls", address.host)

    def start(self, timeout_s: float = READY_S) -> None:
        """Start it and wait until it answers.

        Raises:
            DeploymentError: the port is taken.
            ProcessError: it ended, or doesn't answer in time.
        """
        refuse_taken(self.address)
        tls = self.certificates
        command = [program("flower-superlink"), "--host", self.address.host]
        command += ["--port", str(self.address.port), "--ssl-ca-certfile", str(tls.ca)]
        command += ["--ssl-certfile", str(tls.certificate), "--ssl-keyfile", str(tls.key)]
        command += ["--enable-supernode-auth", "--disable-runtime-dependency-installation"]
        command += ["--database", str(self._folder / "flower.db")]
        self._write_connection()
        self._processes.start("superlink", command, environment(self._home))
        self._wait_ready(timeout_s)

    def register(self, public_key: Path) -> None:
        """Let the device with this public key (OpenSSH format) in; again is no error.

        Raises:
            DeploymentError: the SuperLink refuses.
        """
        name = f"register-{public_key.stem}"
        code = self._flwr(name, "supernode", "register", str(public_key), _CONNECTION)
        if code and "already" not in self._processes.tail(name):
            raise DeploymentError(f"{public_key} isn't registered; {self._processes.tail(name)}")

    def run(self, app: Path, run_config: Mapping[str, Any], timeout_s: float) -> None:
        """Submit a run and wait until it ends; what it logs is in `run.log`.

        Raises:
            DeploymentError: it is refused or fails.
            ProcessError: it takes too long, or a process of the federation ends.
        """
        words = [f"{key}={toml_value(value)}" for key, value in run_config.items()]
        config = ["--run-config", " ".join(words)]
        self._processes.start(
            "run",
            [program("flwr"), "run", str(app), _CONNECTION, "--stream", *config],
            environment(self._home),
        )
        if self._processes.wait("run", timeout_s):
            raise DeploymentError(f"the run failed; {self._processes.tail('run')}")

    def _flwr(self, name: str, *arguments: str) -> int:
        self._processes.start(name, [program("flwr"), *arguments], environment(self._home))
        return self._processes.wait(name, READY_S)

    def _write_connection(self) -> None:
        """Tell `flwr` of this SuperLink."""
        make_private(self._home)
        lines = [
            "[superlink]",
            f'default = "{_CONNECTION}"',
            f"[superlink.{_CONNECTION}]",
            f"address = {toml_value(str(self.address))}",
            f"root-certificates = {toml_value(str(self.certificates.ca.resolve()))}",
        ]
        with atomic_file(self._home / "config.toml", 0o600, follow=False) as stream:
            stream.write(("\n".join(lines) + "\n").encode())

    def _wait_ready(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while not is_healthy(self.address, self.certificates.ca):
            self._processes.check()
            if time.monotonic() > deadline:
                raise ProcessError(
                    f"the SuperLink doesn't answer within {timeout_s:.0f} s; "
                    + self._processes.tail("superlink")
                )
            time.sleep(_POLL_S)


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
        settings = {
            **{k: v for k, v in self.places.items() if v != ""},
            "partition-id": self.partition,
            "num-partitions": self.partitions,
        }
        command = [program("flower-supernode"), "--superlink", str(self.superlink)]
        command += ["--root-certificates", str(self.ca)]
        command += ["--auth-supernode-private-key", str(self.key)]
        command += ["--host", "127.0.0.1", "--port", str(free_port())]
        command += ["--node-config", " ".join(f"{k}={toml_value(v)}" for k, v in settings.items())]
        if max_retries is not None:
            command += ["--max-retries", str(max_retries)]
        surroundings = {**environment(self.folder / "flower"), **self.variables}
        processes.start(self.name, command, surroundings)


def take_part(node: SuperNode, max_retries: int | None = None) -> None:
    """Keep a device's SuperNode running: it exits when it can't activate.

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
            reason = (
                f"{node.superlink} doesn't answer; is the server running, and reached from here?"
            )
            if is_healthy(node.superlink, node.ca):
                check_clock(node.superlink, node.ca)
                began = time.monotonic()
                with Processes(node.folder / "logs") as processes:
                    node.start(processes)
                    code = processes.wait(node.name, math.inf)
                    reason = (
                        f"the SuperNode ended (exit code {code}): if it couldn't be activated, "
                        f"the operator hasn't registered {node.key}.pub yet; "
                        f"{processes.tail(node.name)}"
                    )
                if time.monotonic() - began > _LIVED_S:
                    failures, pause_s = 0, _FIRST_PAUSE_S
        except ClockError as error:
            reason = str(error)  # a device without a clock of its own gets the time a little later
        failures += 1
        if max_retries is not None and failures > max_retries:
            raise ProcessError(reason)
        log.warning("%s", reason)
        time.sleep(pause_s)
        pause_s = min(2.0 * pause_s, _LAST_PAUSE_S)
