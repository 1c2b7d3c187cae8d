"""Listening through a program of the system's: what it says is taken, what it can't do is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from voicelet.cli.recorder import MAX_SECONDS, RATE_HZ, MicrophoneRecorder, find_recorder
from voicelet.errors import AudioError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shell scripts stand for recorders")


def install(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_without_a_recorder_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_recorder() is None
    with pytest.raises(AudioError, match="arecord, parecord, rec.*name the file"):
        MicrophoneRecorder()


def test_a_microphone_that_is_not_there(programs: Path) -> None:
    install(programs, "arecord", "echo 'arecord: main: audio open error' >&2; exit 1")
    recorder = MicrophoneRecorder()
    recorder._thread.join(30.0)  # on a busy machine the script takes its time
    with pytest.raises(AudioError, match="recorded nothing: .*audio open error"):
        recorder.stop()


def test_nobody_is_recorded_for_ever(programs: Path) -> None:
    install(programs, "arecord", "exec cat /dev/zero")
    recorder = MicrophoneRecorder()
    recorder._thread.join(30.0)
    assert not recorder._thread.is_alive()
    samples, rate_hz = recorder.stop()
    assert rate_hz == RATE_HZ
    assert MAX_SECONDS <= len(samples) / rate_hz < MAX_SECONDS + 1
    assert recorder._process.returncode is not None


def test_half_a_sample_is_left_out(programs: Path) -> None:
    install(programs, "arecord", "printf 'abcde'")
    recorder = MicrophoneRecorder()
    recorder._thread.join(30.0)
    samples, _ = recorder.stop()
    assert samples.tobytes() == b"abcd"
