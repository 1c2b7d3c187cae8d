"""The address of a SuperLink, and checks that the right server answers there."""

from __future__ import annotations

import datetime
import email.utils
import ipaddress
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from voicelet_federated.errors import FederationError


class DeploymentError(FederationError):
    """A server or device of a deployed federation can't be reached, or refuses."""

    exit_code = 80


class ClockError(DeploymentError):
    """This device's clock and the server's are too far apart."""


# A certificate that isn't valid yet or has expired (OpenSSL's X509_V_ERR_*).
_WRONG_DAY = (9, 10)
# Flower takes calls that were signed up to 5 s in the future and 5 minutes ago; answers tell whole
# seconds and take a while.
_AHEAD_S, _BEHIND_S = 6.0, 300.0


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
        ClockError: by this device's clock the certificate isn't good yet, or no longer.
        DeploymentError: somebody answers whom the CA doesn't vouch for.
    """
    return _health(address, ca) is not None


def check_clock(address: Address, ca: Path) -> None:
    """Check that the server will accept this device's calls, which are signed with the time.

    A server that doesn't answer, or sends no time, passes.

    Raises:
        ClockError: the two clocks are too far apart.
        DeploymentError: as :func:`is_healthy`.
    """
    asked_at = time.time()  # before, so that a slow line doesn't look like a clock that is ahead
    date = _health(address, ca)
    try:
        server = email.utils.parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    ahead_s = asked_at - server
    if not -_BEHIND_S < ahead_s < _AHEAD_S:
        gap = datetime.timedelta(seconds=round(abs(ahead_s)))
        raise ClockError(
            f"this device's clock is {gap} {'ahead of' if ahead_s > 0 else 'behind'} that of "
            f"{address}, which refuses calls more than 5 s ahead or 5 minutes behind;"
            f" {_clock_hint()}"
        )


def _health(address: Address, ca: Path) -> str | None:
    """The Date header of a SuperLink ("" without one); None if nothing answers."""
    context = ssl.create_default_context(cafile=str(ca))
    try:
        url = f"https://{address}/health"
        with urllib.request.urlopen(url, timeout=5.0, context=context) as answer:
            return str(answer.headers.get("Date", "")) if answer.status == 200 else None
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            if error.reason.verify_code in _WRONG_DAY:
                raise ClockError(
                    f"the certificate of {address} isn't good today ({error.reason.verify_message}"
                    f"): {_clock_hint()}; if that is right, ask the operator to renew the"
                    " certificate"
                ) from None
            raise DeploymentError(
                f"{address} shows a certificate that {ca} doesn't vouch for "
                f"({error.reason.verify_message}); get the right CA certificate from the operator"
            ) from None
        return None
    except OSError:
        return None


def _clock_hint() -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    return f"set the clock, which shows {now:%Y-%m-%d %H:%M} UTC here (or let NTP do it)"


def refuse_taken(address: Address) -> None:
    """Check that a port is free.

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
