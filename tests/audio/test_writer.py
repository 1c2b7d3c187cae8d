"""Writing: whole files or none."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.io import AudioWriter, pcm16, read_audio, write_wav
from voicelet.errors import OutputError

RATE = 24000


def wave(seconds: float = 0.5) -> np.ndarray:
    return 0.4 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * RATE)) / RATE)


def test_pcm_clamps_and_never_wraps() -> None:
    got = np.frombuffer(pcm16([0.0, 1.0, -1.0, 1.5, -7.0, np.nan, np.inf, -np.inf]), "<i2")
    assert got.tolist() == [0, 32767, -32767, 32767, -32767, 0, 32767, -32767]


@pytest.mark.parametrize(
    ("suffix", "tolerance"),
    [
        (".wav", 5e-5),
        (".WAV", 5e-5),
        (".flac", 5e-5),
        (".ogg", 0.02),
        (".opus", 0.02),
        (".mp3", 0.02),
    ],
)
def test_formats_by_suffix(tmp_path: Path, suffix: str, tolerance: float) -> None:
    path = tmp_path / f"out{suffix}"
    write_wav(path, wave(), RATE)
    audio = read_audio(path)
    assert audio.sample_rate_hz == RATE
    n = min(len(audio.samples), len(wave()))
    assert abs(len(audio.samples) - len(wave())) < 600
    middle = slice(2000, n - 2000)
    assert np.abs(audio.samples[middle] - wave()[middle]).max() < tolerance
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_chunks_equal_the_whole(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "chunks.wav", RATE) as out:
        for part in np.array_split(wave(), 7):
            out.write(part)
    write_wav(tmp_path / "whole.wav", wave(), RATE)
    assert (tmp_path / "chunks.wav").read_bytes() == (tmp_path / "whole.wav").read_bytes()


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    write_wav(path, wave(), RATE)
    before = path.read_bytes()
    with pytest.raises(KeyError), AudioWriter(path, RATE) as out:
        out.write(np.zeros(99))
        raise KeyError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "x.wav").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_wav(tmp_path / "x.wav", wave(), RATE)
    with pytest.raises(OutputError, match="can't write"):
        write_wav(tmp_path / "no" / "such" / "folder.wav", wave(), RATE)
    with pytest.raises(OutputError, match=r"\.flac"):
        write_wav(tmp_path / "out.aac", wave(), RATE)
    with pytest.raises(OutputError):
        write_wav(tmp_path / "out\0.wav", wave(), RATE)
    with pytest.raises(OutputError, match="can't hold"):
        write_wav(tmp_path / "odd.mp3", wave(), 23456)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.wav"]


def test_devices_are_written_and_not_replaced() -> None:
    write_wav("/dev/null", wave(), RATE)
    assert not os.path.isfile("/dev/null")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.wav").write_bytes(b"old")
    (tmp_path / "link.wav").symlink_to(tmp_path / "real.wav")
    write_wav(tmp_path / "link.wav", wave(), RATE)
    assert (tmp_path / "link.wav").is_symlink()
    assert read_audio(tmp_path / "real.wav").seconds == 0.5


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    """A limit on the size of files stands in for the full disk: write(2) fails in mid-file."""
    path = tmp_path / f"out{suffix}"
    write_wav(path, wave(), RATE)
    before = path.read_bytes()
    code = (
        "import signal, sys, numpy as np\n"
        "from voicelet.audio.io import write_wav\n"
        "from voicelet.errors import OutputError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "noise = np.random.default_rng(0).uniform(-0.5, 0.5, 480000)\n"
        "try:\n"
        "    write_wav(sys.argv[1], noise, 24000)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)),
    )
    assert "free some space" in run.stdout
    assert run.stderr == ""
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
