"""Where a SuperLink listens, and whether it is the right one that answers there."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from voicelet_federated.errors import FederationError


class DeploymentError(FederationError):
    """A server or device of a deployed federation can't be reached, or refuses."""

    exit_code = 80


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
