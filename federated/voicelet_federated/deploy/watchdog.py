"""Ends processes when its standard input closes; run by :mod:`voicelet_federated.deploy.processes`.

Imports nothing but the standard library, so that it starts fast and needs little memory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

PATIENCE_S = 5.0


def marked(token: bytes) -> set[int]:
    """Processes with the token in their environment; none where there is no /proc."""
    groups: set[int] = set()
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == os.getpid():
                continue
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if token in file.read():
                    groups.add(int(name))
    return groups


def end(groups: set[int], token: bytes, number: int) -> bool:
    """Signal all groups and marked processes; returns whether there were any."""
    alive = False
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, number)
            alive = True
    for process in marked(token):
        with contextlib.suppress(OSError):
            os.kill(process, number)
            alive = True
    return alive


def main() -> None:
    """Read process groups, one a line; at the end of the input end them all."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    token = sys.argv[1].encode()
    groups = {int(line) for line in sys.stdin if line.strip().isdigit()}
    if os.path.isdir("/proc/self"):
        groups.clear()  # the token finds them all, and a process id may have been reused
    end(groups, token, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if not end(groups, token, 0):
            return
        time.sleep(0.1)
    # Children may be born while others die.
    for _ in range(20):
        if not end(groups, token, signal.SIGKILL):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
