"""Clocks that are hours off: on the device, on the server, and in the middle of a round."""

from __future__ import annotations

import datetime
import http.server
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("flwr")
pytest.importorskip("cryptography.hazmat.primitives.hpke")

from tests.consenting import draft, read_aloud
from voicelet.errors import ConsentEndedError
from voicelet_federated.app.grid import SteadyGrid
from voicelet_federated.deploy import certificates as issuing
from voicelet_federated.deploy.address import Address, ClockError, check_clock, is_healthy
from voicelet_federated.deploy.certificates import Certificates, make_certificates
from voicelet_federated.deploy.flower import SuperNode, take_part
from voicelet_federated.deploy.node_keys import node_key
from voicelet_federated.deploy.processes import ProcessError
from voicelet_federated.errors import BudgetError, EmbeddingError
from voicelet_federated.ledger import PURPOSE, DeviceLedger, FederationConsent
from voicelet_federated.privacy.skellam import NoiseShare
from voicelet_federated.sealed.embedding import ServerKey, seal_embedding
from voicelet_federated.sealed.server import EmbeddingReceiver, EmbeddingStore

HOUR = 3600.0
SHARE = NoiseShare(1.0, 3.0, 10, 256)


@contextmanager
def server(files: Certificates, ahead_s: float) -> Iterator[Address]:
    """One that answers /health by a clock that is off."""

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(time.time() + ahead_s)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    made = http.server.HTTPServer(("127.0.0.1", 0), Health)
    made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Address("127.0.0.1", made.server_port)
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("ahead_s", "said"),
    [(3 * HOUR + 30, r"3:00:\d\d behind"), (-26 * HOUR - 30, r"1 day, 2:00:\d\d ahead of")],
)
def test_a_device_is_told_how_far_its_clock_is_off(
    tmp_path: Path, ahead_s: float, said: str
) -> None:
    files = make_certificates(tmp_path / "tls")
    key, _ = node_key(tmp_path)
    with server(files, ahead_s) as address:
        # The SuperLink would refuse each call of it, and say no more than "authentication".
        with pytest.raises(ClockError, match=f"clock is {said} .*set the clock"):
            check_clock(address, files.ca)
        node = SuperNode("n", tmp_path, address, files.ca, key, {})
        with pytest.raises(ProcessError, match=said):
            take_part(node, max_retries=0)


def test_clocks_a_little_apart_are_no_fault(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    for ahead_s in (0.0, 200.0, -2.0):
        with server(files, ahead_s) as address:
            check_clock(address, files.ca)
    check_clock(address, files.ca)  # nobody answers any more, and tells no time


@pytest.mark.parametrize("off", [datetime.timedelta(days=-400), datetime.timedelta(days=3)])
def test_a_certificate_of_another_day_points_at_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: datetime.timedelta
) -> None:
    """Made by a server's right clock, seen by a device whose clock is wrong; here reversed."""
    from voicelet_federated.deploy import certificates

    there = datetime.datetime.now(datetime.timezone.utc) + off
    for module in (certificates, issuing):
        monkeypatch.setattr(module, "now", lambda: there)
    files = make_certificates(tmp_path)
    with server(files, 0.0) as address, pytest.raises(ClockError, match="isn't good today .*clock"):
        is_healthy(address, files.ca)


def test_a_fresh_certificate_is_good_for_a_device_a_day_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from voicelet_federated.deploy import certificates

    there = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=26)
    for module in (certificates, issuing):
        monkeypatch.setattr(module, "now", lambda: there)
    files = make_certificates(tmp_path)
    with server(files, 0.0) as address:
        assert is_healthy(address, files.ca)


def test_a_server_s_clock_set_back_doesn_t_prolong_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        pulls = 0

        def push_messages(self, messages: list[str]) -> list[str | None]:
            return ["a", None]  # one of them couldn't be sent

        def pull_messages(self, names: set[str]) -> list[Any]:
            assert names == {"a"}
            self.pulls += 1
            # From the first look on, the wall clock is an hour behind.
            monkeypatch.setattr(time, "time", lambda: began - HOUR)
            return []

    passed = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    monkeypatch.setattr(time, "sleep", lambda s: passed.__setitem__(0, passed[0] + s))
    began = time.time()
    grid = Silent()
    answers = SteadyGrid(grid).send_and_receive(["m", "n"], timeout=0.1)  # type: ignore[arg-type,list-item]
    monkeypatch.undo()
    assert answers == [] and grid.pulls == 2  # once, and once more when time is over


def test_a_consent_outlives_no_clock(tmp_path: Path) -> None:
    """A clock that runs ahead for a moment ends a consent for good; none brings it back."""
    now = [1_000_000.0]
    ledger = DeviceLedger(tmp_path / "l", bytes(range(32)), clock=lambda: now[0])
    ledger.grant(FederationConsent(PURPOSE, 5, 8.0, now[0] + 10 * HOUR))
    ledger.join(SHARE, "r", 1)
    now[0] -= 5 * HOUR
    ledger.join(SHARE, "r", 2)
    now[0] += 20 * HOUR
    with pytest.raises(ConsentEndedError, match="expired"):
        ledger.join(SHARE, "r", 3)
    now[0] -= 20 * HOUR
    again = DeviceLedger(tmp_path / "l", bytes(range(32)), clock=lambda: now[0])
    with pytest.raises(ConsentEndedError, match="expired"):
        again.join(SHARE, "r", 3)
    with pytest.raises(BudgetError, match="latest that this device's clock has shown"):
        again.grant(FederationConsent(PURPOSE, 5, 8.0, now[0] + HOUR))
    again.grant(FederationConsent(PURPOSE, 5, 8.0, now[0] + 40 * HOUR))
    again.join(SHARE, "r", 3)
    assert len(again.entries) == 3


@pytest.mark.parametrize(
    ("device_s", "said"), [(-3 * HOUR, "device's clock set"), (3 * HOUR, "set the device's clock")]
)
def test_an_embedding_sealed_by_a_wrong_clock(
    monkeypatch: pytest.MonkeyPatch, device_s: float, said: str
) -> None:
    key, true = ServerKey("a"), time.time()
    voice = read_aloud(draft(), "federation")
    monkeypatch.setattr(time, "time", lambda: true + device_s)
    sealed = seal_embedding(voice, key.public, "synthesis", 600.0)
    monkeypatch.undo()
    store = EmbeddingStore()
    with pytest.raises(EmbeddingError, match=said):
        EmbeddingReceiver(key, ["synthesis"], store).receive(sealed)
    assert store.purge() == 0
