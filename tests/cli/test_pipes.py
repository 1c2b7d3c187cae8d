"""The command in a pipe: samples as they come, a reader that leaves, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.fakes import SAMPLES_A_WORD

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


def hear_interrupts() -> None:
    """Undo what a shell or nohup does to commands in the background: they ignore Ctrl-C, SIGHUP."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(bundle: Path, delay_s: float, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "sdk"), str(ROOT)])}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests/cli/fakes.py"), str(bundle), str(delay_s), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=hear_interrupts if os.name == "posix" else None,
    )


def test_raw_samples_and_timings_apart(make_bundle: Callable[..., Path]) -> None:
    process = start(make_bundle(), 0.0, "say", "-", "--raw", "--json")
    out, err = process.communicate(b"one two three", timeout=600)
    samples = np.frombuffer(out, "<i2")
    assert process.returncode == 0
    assert len(samples) == 3 * SAMPLES_A_WORD and samples.max() == 32767
    assert json.loads(err)["chunks"] == 3


@posix
def test_samples_arrive_before_the_text_is_finished(make_bundle: Callable[..., Path]) -> None:
    process = start(make_bundle(), 0.2, "say", "word " * 400, "--raw")
    assert process.stdout is not None
    # 400 words take 80 s; the first ones must come through long before.
    assert len(process.stdout.read(2 * SAMPLES_A_WORD)) == 2 * SAMPLES_A_WORD
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert err.decode().strip() == "voicelet: stopped"


@posix
def test_reader_that_leaves_is_no_error(make_bundle: Callable[..., Path]) -> None:
    process = start(make_bundle(), 0.0, "say", "word " * 2000, "--raw")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(100)
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=600) == 141
    assert err == b""


@posix
def test_interrupted_file_is_not_left_behind(
    make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    process = start(make_bundle(), 0.05, "say", "word " * 1000, "-o", str(folder / "o.wav"))
    while not list(folder.iterdir()) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=600)
    assert process.returncode == 130
    assert list(folder.iterdir()) == []


@posix
def test_bytes_that_are_no_text(make_bundle: Callable[..., Path]) -> None:
    """Arguments that aren't UTF-8 arrive as lone surrogates, which no stream can encode."""
    bundle = make_bundle()
    process = start(bundle, 0.0, "say", "hi", "--raw", "--voice", "\udcff")
    _, err = process.communicate(timeout=600)
    assert process.returncode == 41
    assert b"Traceback" not in err and b"\\udcff" in err
    process = start(bundle, 0.0, "say", "hi \udcff there", "--raw")
    out, err = process.communicate(timeout=600)
    assert process.returncode == 10 and out == b""
    assert b"the command line isn't UTF-8 text" in err and b"--encoding" in err
    process = start(bundle, 0.0, "say", "caf\udce9 there", "--raw", "--encoding", "latin-1")
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0 and len(out) == 2 * 2 * SAMPLES_A_WORD
