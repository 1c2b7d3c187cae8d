"""A real federation: Flower's SuperLink and SuperNodes, with TLS and registered node keys.

Whoever reaches the SuperLink's control interface can register nodes and push code that devices
run; Flower has no password for it short of an OIDC provider.  So the SuperLink listens on this
machine alone, and only `/v1/fleet/` may be let through to devices, by a proxy
(docs/guides/federated.md).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicelet.audio.atomic import atomic_file
from voicelet_federated.address import Address, DeploymentError, is_healthy, refuse_taken
from voicelet_federated.certificates import Certificates, open_certificates
from voicelet_federated.flower import environment, program, toml_value
from voicelet_federated.processes import ProcessError, Processes

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
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [
            "[superlink]",
            f'default = "{_CONNECTION}"',
            f"[superlink.{_CONNECTION}]",
            f"address = {toml_value(str(self.address))}",
            f"root-certificates = {toml_value(str(self.certificates.ca.resolve()))}",
        ]
        with atomic_file(self._home / "config.toml", 0o600) as out:
            out.write(("\n".join(lines) + "\n").encode())

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
