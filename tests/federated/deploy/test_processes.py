from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import voicelet_federated
from voicelet_federated.deploy.processes import ProcessError, Processes
from voicelet_federated.deploy.watchdog import marked

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")

# A process with a child in a session of its own, as Flower's SuperLink has; both ignore SIGTERM.
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
print("ready", flush=True)
time.sleep(3600)
"""
POLITE = FAMILY.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "pass")
PARENT = """
import os, sys, time
from pathlib import Path
from voicelet_federated.deploy.processes import Processes
with Processes(Path(sys.argv[1])) as processes:
    processes.start("family", [sys.executable, "-c", sys.argv[2]], os.environ)
    print(processes.token, flush=True)
    time.sleep(3600)
"""


def until(condition: object, seconds: float = 300.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.05)
    return False


def test_nothing_is_left_of_children_and_their_children(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        processes.start("family", [sys.executable, "-c", POLITE], os.environ)
        token = processes.token.encode()
        assert until(lambda: len(marked(token)) == 2)
        processes.check()
    assert not marked(token)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_parent_is_killed(tmp_path: Path, number: int) -> None:
    path = os.pathsep.join(p for p in sys.path if p)
    source = str(Path(voicelet_federated.__file__).parents[1])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), POLITE],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((source, path))},
    )
    assert parent.stdout is not None
    token = parent.stdout.readline().strip()
    assert until(lambda: len(marked(token)) == 2)
    parent.send_signal(number)
    parent.wait(300)
    parent.stdout.close()
    assert until(lambda: not marked(token))


def test_those_who_ignore_signals_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Processes(tmp_path) as processes:
        processes.start("family", [sys.executable, "-c", FAMILY], os.environ)
        token = processes.token.encode()
        assert until(lambda: len(marked(token)) == 2)
    assert not marked(token)


def test_an_early_end_is_told_with_the_log(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        command = [sys.executable, "-c", "print('the port is taken'); raise SystemExit(3)"]
        processes.start("server", command, os.environ)
        processes.start("run", [sys.executable, "-c", "import time; time.sleep(3600)"], os.environ)
        with pytest.raises(ProcessError, match="server ended .exit code 3.*[\\s\\S]*port is taken"):
            processes.wait("run", 300.0)


def test_waiting_has_an_end(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        processes.start("run", [sys.executable, "-c", "import time; time.sleep(3600)"], os.environ)
        with pytest.raises(ProcessError, match="longer than 0 s"):
            processes.wait("run", 0.2)
        with pytest.raises(ProcessError, match="can't be started"):
            processes.start("none", [str(tmp_path / "missing")], os.environ)
