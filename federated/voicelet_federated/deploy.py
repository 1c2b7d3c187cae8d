"""A real federation: Flower's SuperLink and SuperNodes, with TLS and registered node keys.

Whoever reaches the SuperLink's control interface can register nodes and push code that devices
run; Flower has no password for it short of an OIDC provider.  So the SuperLink listens on this
machine alone, and only `/v1/fleet/` may be let through to devices, by a proxy (docs/federated.md).
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voicelet.audio.atomic import atomic_file
from voicelet_federated.certificates import CertificateError, Certificates, open_certificates
from voicelet_federated.errors import FederationError
from voicelet_federated.processes import ProcessError, Processes

READY_S = 60.0
_POLL_S = 0.25
_CONNECTION = "voicelet"


class DeploymentError(FederationError):
    """A server or device of a deployed federation can't be reached, or refuses."""

    exit_code = 70


@dataclass(frozen=True)
class Address:
    """Where a SuperLink listens.

    Attributes:
        host: IP address or name; this machine's own unless a proxy guards the control interface.
        port: 0 to 65535.
    """

    host: str = "127.0.0.1"
    port: int = 9092

    @classmethod
    def parse(cls, text: str) -> Address:
        """From `host:port`.

        Raises:
            DeploymentError: it isn't that.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise DeploymentError(f"{text!r} is no host:port, for example 127.0.0.1:9092")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether nobody but this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


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
        words = [f"{key}={_toml(value)}" for key, value in run_config.items()]
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
            f"address = {_toml(str(self.address))}",
            f"root-certificates = {_toml(str(self.certificates.ca.resolve()))}",
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
    """

    name: str
    folder: Path
    superlink: Address
    ca: Path
    key: Path
    places: Mapping[str, Any]
    partition: int = 0
    partitions: int = 1

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
        command += ["--node-config", " ".join(f"{k}={_toml(v)}" for k, v in told.items())]
        if max_retries is not None:
            command += ["--max-retries", str(max_retries)]
        processes.start(self.name, command, environment(self.folder / "flower"))


def environment(home: Path) -> dict[str, str]:
    """For Flower's processes: own home, no telemetry, no look for updates, one thread."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
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
    found = Path(sys.executable).parent / name
    if not found.is_file():
        raise DeploymentError(f"{name} isn't installed; `pip install voicelet[federated]`")
    return str(found)


def is_healthy(address: Address, ca: Path) -> bool:
    """Whether a SuperLink answers there with a certificate that the CA vouches for.

    Raises:
        DeploymentError: somebody answers whom the CA doesn't vouch for.
    """
    context = ssl.create_default_context(cafile=str(ca))
    try:
        url = f"https://{address}/health"
        with urllib.request.urlopen(url, timeout=5.0, context=context) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise DeploymentError(
                f"{address} shows a certificate that {ca} doesn't vouch for "
                f"({error.reason.verify_message}); get the right CA certificate from the operator"
            ) from None
        return False
    except OSError:
        return False


def refuse_taken(address: Address) -> None:
    """See that a port is free.

    Raises:
        DeploymentError: somebody listens there.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise DeploymentError(
                f"{address} can't be listened on ({error}); choose another port"
            ) from None


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value)  # inf and nan are TOML as well
    return json.dumps(value) if isinstance(value, str) else str(value)


__all__ = ["Address", "DeploymentError", "SuperLink", "SuperNode", "environment", "is_healthy"]
