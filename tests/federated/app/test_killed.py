"""The operator's own command, killed in mid-run and searched: nothing of this is simulated.

`voicelet-federated serve` starts a real SuperLink (TLS, registered node keys, a database) and a
real ServerApp; devices call it over HTTPS with Flower's own connection.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("flwr")
pytest.importorskip("torch")
pytest.importorskip("opacus")
if not os.path.isdir("/proc/self"):
    pytest.skip("needs Linux's /proc", allow_module_level=True)

from flwr.app import Message

from tests.federated.light_node import Answer, LightNode
from tests.federated.memory_search import Needles, holds, memory
from tests.federated.tiny_federation import SPEAKERS, keep_fleet, keep_voice
from voicelet_federated.app.checkpoint import RunState, read_state
from voicelet_federated.app.client import rounded
from voicelet_federated.app.devices import add_to_roster, load_identity
from voicelet_federated.app.protocol import TRAIN, read_assignment, read_terms
from voicelet_federated.app.spend import days_from_now, open_ledger
from voicelet_federated.deploy.address import Address, free_port
from voicelet_federated.deploy.certificates import make_certificates
from voicelet_federated.deploy.node_keys import node_key, write_public
from voicelet_federated.deploy.watchdog import marked
from voicelet_federated.ledger import PURPOSE, FederationConsent
from voicelet_federated.privacy.masking import OneTimeKey
from voicelet_federated.privacy.skellam import NoiseShare

TERMS = """
rounds: 3
joins: 6
epsilon: 1000.0
cohort: 3
minimum: 2
timeout_s: 40.0
attempts: 2
local: {steps: 1, utterances: 2}
"""
PATIENCE_S = 900.0
LAST = 2  # the device that is late, and that is waited for when the server dies


def until(what: Callable[[], Any], why: Callable[[], str]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(why())


class Operator:
    """The server's folder, and the command that is run on it."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder, self.base = folder, base
        self.address = Address("127.0.0.1", free_port())
        self.ca = make_certificates(folder / "server" / "tls").ca
        self.public = write_public(
            load_identity(folder / "server").public_key(), folder / "operator.pem"
        )
        keep_fleet(folder / "server", folder / "server", 2, 2)
        (folder / "terms.yaml").write_text(TERMS)
        self.mark = f"VOICELET_TEST_{os.getpid()}={folder.name}"

    def serve(self) -> subprocess.Popen[bytes]:
        """The same command each time."""
        name, _, value = self.mark.partition("=")
        code = "import sys; from voicelet_federated.cli.main import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "serve", "--state", str(self.folder / "server")]
        command += ["--listen", str(self.address), "--nodes", str(self.folder / "nodes")]
        command += ["--roster", str(self.folder / "roster"), "--base", str(self.base)]
        command += ["--config", str(self.folder / "terms.yaml"), "--hours", "0.2"]
        path = os.pathsep.join(p for p in sys.path if p)
        environment = {**os.environ, name: value, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        with open(self.folder / "serve.log", "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def said(self) -> str:
        return (self.folder / "serve.log").read_text()

    def processes(self, *names: str) -> dict[int, str]:
        """Those of the server, by what they run."""
        found = {}
        for pid in marked(self.mark.encode()):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            found.update((pid, name) for name in names if name.encode() in command)
        return found

    def state(self) -> RunState:
        return read_state(self.folder / "server" / "run")


class Devices:
    """Three devices; the last is late in the first round, and silent in the second until freed."""

    def __init__(self, operator: Operator, cache: Path) -> None:
        self.operator, self.folder = operator, operator.folder / "devices"
        self.again, self.silent, self.freed = (threading.Event() for _ in range(3))
        self.shares: dict[int, list[bytes]] = {}
        self.adapters: dict[int, np.ndarray] = {}
        self.nodes: list[LightNode] = []
        for number, speaker in enumerate(SPEAKERS[:3]):
            own = self.folder / speaker
            key, public = node_key(own)
            nodes = operator.folder / "nodes"
            nodes.mkdir(exist_ok=True)
            (nodes / f"{speaker}.key.pub").write_bytes(public.read_bytes())
            add_to_roster(operator.folder / "roster", load_identity(own).public_key())
            open_ledger(own).grant(FederationConsent(PURPOSE, 6, 1000.0, days_from_now(1.0)))
            keep_voice(speaker, "federation")
            keep_fleet(operator.folder / "server", own, 2, 2)
            places = {
                "profile": speaker,
                "base": str(operator.base),
                "cache": str(cache),
                "speaker": speaker,
                "state": str(own),
                "roster": str(operator.folder / "roster"),
                "server-key": str(operator.public),
                "least-battery": 0.0,
            }
            self.nodes.append(
                LightNode(
                    operator.address,
                    operator.ca,
                    key,
                    places,
                    lambda _, message, answer, n=number: self._between(n, message, answer),
                )
            )

    def _between(self, number: int, message: Message, answer: Answer) -> Message | None:
        where = read_terms(message.content).where
        reply = answer(message)
        if message.metadata.message_type != TRAIN:
            if where.number == 1 and where.attempt == 1:
                self.again.set()
            return reply
        self.adapters[where.number] = read_assignment(message.content).adapter
        share = reply.content.array_records["share"]["share"].numpy()
        self.shares.setdefault(where.number, []).append(share.tobytes())
        if number == LAST and where.number == 1:
            self.again.wait(PATIENCE_S)  # the server's time is over before it answers
        if number == LAST and where.number == 2:
            self.silent.set()
            self.freed.wait(PATIENCE_S)
        return reply

    def paid(self) -> list[int]:
        return [len(open_ledger(self.folder / s).entries) for s in SPEAKERS[:3]]


class Spy:
    """What devices mask: their updates, and the integers with noise and without."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.needles = Needles()
        self.updates = 0
        encode, mask = NoiseShare.encode, OneTimeKey.mask

        def noted_encode(share: NoiseShare, update: Any, rng: Any) -> Any:
            values = np.asarray(update, np.float64)
            clipped = values * min(1.0, share.clip_norm / float(np.linalg.norm(values)))
            self.needles.add_floats("update", values.astype(np.float32).astype(np.float64))
            self.needles.add_floats("clipped update", clipped)
            self.needles.add_floats("its part of the mean", clipped / 3.0)
            self._whole("fixed point", rounded(np.asarray(update), share).view(np.int32))
            self.updates += 1
            return encode(share, update, rng)

        def noted_mask(key: OneTimeKey, values: Any, *args: Any) -> Any:
            self._whole("noised, not masked", np.asarray(values))
            return mask(key, values, *args)

        monkeypatch.setattr(NoiseShare, "encode", noted_encode)
        monkeypatch.setattr(OneTimeKey, "mask", noted_mask)

    def _whole(self, name: str, values: np.ndarray) -> None:
        for kind in (np.int32, np.int64, np.float32, np.float64):
            self.needles.add(name, values.astype(kind))
        self.needles.add_bytes(f"{name} text", ", ".join(map(str, values.tolist())).encode())


@pytest.fixture
def operator(tiny_parts: tuple[Path, Path], tmp_path: Path) -> Iterator[Operator]:
    made = Operator(tmp_path, tiny_parts[0])
    yield made
    for pid in marked(made.mark.encode()):
        os.kill(pid, signal.SIGKILL)


def signal_all(pids: Any, number: int) -> None:
    for pid in pids:
        os.kill(pid, number)


def ended(server: subprocess.Popen[bytes], operator: Operator) -> int:
    until(lambda: server.poll() is not None, operator.said)
    # Whatever it had started ends with it.
    until(lambda: not marked(operator.mark.encode()), operator.said)
    return int(server.returncode)


def test_a_superlink_killed_in_mid_run(
    operator: Operator, tiny_parts: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VOICELET_FEDERATED_SIMULATION", raising=False)
    monkeypatch.setenv("VOICELET_AUDIT", "off")
    spy, devices = Spy(monkeypatch), Devices(operator, tiny_parts[1])
    server = operator.serve()
    until(lambda: "the run begins" in operator.said() or server.poll() is not None, operator.said)
    for node in devices.nodes:
        node.start()

    # Round 1: a straggler past the timeout. The others start again; both attempts are paid.
    until(lambda: devices.silent.is_set() or server.poll() is not None, operator.said)
    first = operator.state().rounds[0]
    assert first.status == "done" and first.attempts == 2 and first.opened == 2, first
    assert first.refusals == {"silent": 1}
    kept = operator.state().flat
    assert kept.any() and np.array_equal(kept, devices.adapters[2])

    # Round 2: two shares are at the server, the third device is waited for.
    asked = len(devices.nodes)
    until(lambda: len(devices.shares.get(2, [])) == asked, operator.said)
    servers = until(lambda: operator.processes("flwr-serverapp"), operator.said)
    there: list[bytes] = []

    def some_share_has_come() -> bool:
        signal_all(servers, signal.SIGSTOP)
        there[:] = [s for s in devices.shares[2] if any(holds(pid, s[:512]) for pid in servers)]
        if len(there) < 2:
            signal_all(servers, signal.SIGCONT)
        return len(there) == 2

    until(some_share_has_come, operator.said)
    # The server's processes, byte by byte: the masked shares are there, and nothing they hide.
    links = operator.processes("flower-superlink")
    signal_all(links, signal.SIGSTOP)
    assert len(links) >= 1 and spy.updates == 3 + 2 + 3 and len(spy.needles) > 100_000
    for pid in [*servers, *links]:
        assert not spy.needles.found_in(memory(pid)), operator.processes("flower", "flwr")
    # The same search finds all of it where it is: in the devices' process, which is this one.
    alive = Needles()
    alive.add("share", np.frombuffer(there[0], np.uint32))
    assert alive.found_in(memory(servers.popitem()[0])) == {"share <uint32"}

    signal_all(links, signal.SIGKILL)
    assert ended(server, operator) == 79
    assert "superlink ended (exit code -9)" in operator.said()
    left = operator.state()
    assert [r.status for r in left.rounds] == ["done", "open"]
    assert sorted(left.joined.values()) == [2, 3, 3] == sorted(devices.paid())
    assert np.array_equal(left.flat, kept)

    # The same command again.
    devices.freed.set()
    server = operator.serve()
    assert ended(server, operator) == 0, operator.said()
    for node in devices.nodes:
        node.stop()
    state = operator.state()
    assert [r.status for r in state.rounds] == ["done", "failed", "done"]
    assert state.rounds[1].why == "the server stopped"
    assert np.array_equal(devices.adapters[3], kept), "it goes on from the round that was done"
    # A device that waits longest between its calls may miss the round, and then it is held again.
    last = state.rounds[2]
    assert not np.array_equal(state.flat, kept) and last.opened in (2, 3)
    again = 3 * (last.attempts - 1)
    assert 8 + last.opened <= sum(state.joined.values()) <= 8 + last.opened + again
    assert sorted(state.joined.values()) == sorted(devices.paid())
    told = json.loads((operator.folder / "server" / "run" / "report.json").read_text())
    assert told["joins_most"] == max(state.joined.values())
    assert told["epsilon_spent"] == last.epsilon
    assert told["epsilon_spent"] > left.rounds[1].epsilon > first.epsilon * 0.99
