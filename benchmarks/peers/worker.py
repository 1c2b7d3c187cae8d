"""Talking to a peer in a process (and a virtual environment) of its own, a JSON line each way."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import BenchmarkError


def one_thread_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with every library's thread pool held to one."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ORT_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, "1"), **(extra or {})}


class Worker:
    """A child process that answers a JSON object with a JSON object."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            text=True,
            encoding="utf-8",
        )

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def read(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            BenchmarkError: the child ended or answered with an error.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BenchmarkError(f"a peer ended with code {self._process.wait()}; see its messages")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BenchmarkError(f"a peer failed: {answer['error']}")
        return answer

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self.read()

    def close(self) -> None:
        """Close the child's input, upon which it ends."""
        if self._process.poll() is None:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait(timeout=30)
