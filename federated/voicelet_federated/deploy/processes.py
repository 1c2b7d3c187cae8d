"""Processes that end with the one that started them, however that one ends.

A watchdog watches a pipe: when it closes, because the parent is done or was killed, the watchdog
ends every process that was started, those processes' own children too.  Flower puts some of its
into sessions of their own, so a process group isn't enough: on Linux they are known by a token in
their environment.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from voicelet.files import make_private
from voicelet_federated.errors import FederationError

TOKEN = "VOICELET_PROCESSES"
_PATIENCE_S = 5.0
_POLL_S = 0.1
_SHOWN = 1500


class ProcessError(FederationError):
    """A process of a federation couldn't be started, or ended too early."""

    exit_code = 79


class Processes:
    """Starts processes and ends them all.

    Args:
        logs: folder for what they write, `<name>.log` each.

    Used as a context manager; a signal to end (SIGTERM, SIGHUP) then ends the block as ctrl-C does.
    """

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.token = secrets.token_hex(16)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> Processes:
        make_private(self.logs)
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            # Only the main thread may; elsewhere the watchdog still does its part.
            with contextlib.suppress(ValueError):
                if number is not None:
                    self._handlers[number] = signal.signal(number, _interrupt)
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", os.path.abspath(_GUARD), self.token],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start one; it goes on in the background.

        Raises:
            ProcessError: it can't be started.
        """
        if self._watchdog is None or self._watchdog.stdin is None:
            raise ProcessError("processes are started inside `with Processes(...)` only")
        try:
            with open(self.logs / f"{name}.log", "ab") as log:
                process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**environment, TOKEN: self.token},
                    start_new_session=True,
                )
        except OSError as error:
            raise ProcessError(f"{name} can't be started: {error}") from None
        self._running[name] = process
        self._watchdog.stdin.write(b"%d\n" % process.pid)
        self._watchdog.stdin.flush()

    def check(self) -> None:
        """Check that all are running.

        Raises:
            ProcessError: one has ended; with the end of what it wrote.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessError(
                    f"{name} ended (exit code {process.returncode}); {self.tail(name)}"
                )

    def wait(self, name: str, timeout_s: float) -> int:
        """Wait until one ends; the others must live as long.

        Returns:
            Its exit code.

        Raises:
            ProcessError: time is over, or another one ended.
        """
        process, deadline = self._running[name], time.monotonic() + timeout_s
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise ProcessError(f"{name} took longer than {timeout_s:.0f} s; {self.tail(name)}")
            self.check_others(name)
            time.sleep(_POLL_S)
        del self._running[name]
        return int(process.returncode)

    def check_others(self, name: str) -> None:
        """As :meth:`check`, but for one of them."""
        own = self._running.pop(name, None)
        try:
            self.check()
        finally:
            if own is not None:
                self._running[name] = own

    def tail(self, name: str) -> str:
        """The log file of a process, and its last lines."""
        file = self.logs / f"{name}.log"
        try:
            text = file.read_bytes()[-_SHOWN:].decode("utf-8", "replace").strip()
        except OSError:
            text = ""
        return f"its log {file} ends:\n{text}"

    def stop(self) -> None:
        """End all of them, and wait until they are gone."""
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is None or watchdog.stdin is None:
            return
        with contextlib.suppress(OSError):
            watchdog.stdin.close()
        deadline = time.monotonic() + 3 * _PATIENCE_S
        for process in [*self._running.values(), watchdog]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        self._running.clear()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


_GUARD = Path(__file__).with_name("watchdog.py")
