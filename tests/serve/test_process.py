"""`voicelet serve` as a process: what it says, how it ends, and kill -9."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from voicelet.synth.voice import Voice

TEXT = "The boats came in at dusk. " * 40

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "voicelet", "serve", "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if line.startswith("voicelet serves at "):
                yield process, line.split()[-1]
                break
        else:
            raise AssertionError("it didn't start")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_sigterm_lets_speech_end(voice: Voice) -> None:
    whole = voice.synthesize(TEXT)
    with serving() as (process, url):
        body = {"input": TEXT, "response_format": "pcm"}
        with httpx.stream("POST", f"{url}/v1/audio/speech", json=body, timeout=60) as answer:
            parts = answer.iter_bytes(4096)
            heard = len(next(parts))
            process.send_signal(signal.SIGTERM)
            while httpx.get(f"{url}/readyz").status_code != 503:
                pass
            late = httpx.post(f"{url}/v1/audio/speech", json=body, timeout=60)
            assert late.status_code == 429 and "stopping" in late.text
            heard += sum(map(len, parts))
        assert heard == 2 * len(whole.samples)
        assert process.wait(60) == 0


def test_draining_has_an_end(tmp_path: Path) -> None:
    config = tmp_path / "voicelet.toml"
    config.write_text("[http]\ndrain_s = 0.5\n[pool]\nread_ahead_s = 0.2\n")
    with serving("--config", str(config)) as (process, url):
        body = {"input": TEXT * 10, "response_format": "pcm"}
        with httpx.stream("POST", f"{url}/v1/audio/speech", json=body, timeout=60) as answer:
            parts = answer.iter_bytes(64)
            next(parts)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert process.stderr is not None
        rest = process.stderr.read()
        assert "time to drain" in rest and "Traceback" not in rest


def test_after_kill_9_the_next_one_serves() -> None:
    with serving() as (process, url):
        body = {"input": TEXT, "response_format": "pcm"}
        with httpx.stream("POST", f"{url}/v1/audio/speech", json=body, timeout=60) as answer:
            parts = answer.iter_bytes(64)
            next(parts)
            process.kill()
        process.wait()
    port = url.rsplit(":", 1)[1]
    with serving("--port", port) as (_, url):
        assert httpx.get(f"{url}/readyz").status_code == 200


def test_systemd_is_told(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(address)
        with serving(NOTIFY_SOCKET=address) as (process, _):
            assert told.recv(64) == b"READY=1"
            process.send_signal(signal.SIGTERM)
            assert told.recv(64) == b"STOPPING=1"
            assert process.wait(60) == 0


def test_an_address_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "voicelet", "serve", "--port", port],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 70 and "choose another" in done.stderr
    assert "Traceback" not in done.stderr
