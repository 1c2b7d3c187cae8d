"""Every program of `examples/` runs from a clone, offline, and does what it says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
RAN = {
    "app_streaming.py",
    "communication_aid.py",
    "fleet_simulation.py",
    "raspberry_pi.py",
    "server_batch.py",
    "server_voice.py",
}
"""What this file runs: a new example needs a test."""

PATH = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
"""Where commands are looked for: beside this Python first."""
Done = subprocess.CompletedProcess[bytes]


def needs(*commands: str) -> pytest.MarkDecorator:
    missing = [command for command in commands if shutil.which(command, path=PATH) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} isn't installed")


def run(name: str, *arguments: object, cwd: Path, text: bytes = b"") -> Done:
    """Run an example with this Python, beside the commands that are installed with it."""
    sources = [str(ROOT / folder) for folder in ("sdk", "export", "federated")]
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sources),
            "PATH": PATH,
            "OMP_NUM_THREADS": "1",
        },
        input=text,
        capture_output=True,
        timeout=900,
    )


def succeeded(done: Done) -> str:
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def loudness(pcm: bytes) -> float:
    """RMS of 16-bit samples, 1 being full scale."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64) / 32768
    return float(np.sqrt(np.mean(samples**2)))


def test_every_example_is_run_and_listed() -> None:
    programs = {path.name for path in EXAMPLES.glob("*.py")}
    assert programs == RAN
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in listed for name in programs)


def test_an_app_streams_with_words_and_can_stop(tmp_path: Path) -> None:
    out = succeeded(run("app_streaming.py", "One, two, three.", "--out", "a.wav", cwd=tmp_path))
    assert out.count("ready after") >= 2
    assert "One" in out and "three" in out
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getframerate() == 24000
        assert loudness(file.readframes(file.getnframes())) > 0.01

    long = "This sentence goes on for much longer than anybody wants to hear it, and then some."
    whole = succeeded(run("app_streaming.py", long, cwd=tmp_path)).count("ready after")
    stopped = succeeded(run("app_streaming.py", long, "--stop-after", "0.5", cwd=tmp_path))
    assert "stopped" in stopped and stopped.count("ready after") < whole


def test_a_raspberry_pi_speaks_each_line_as_raw_samples(tmp_path: Path) -> None:
    one = run("raspberry_pi.py", "The kettle is on.", cwd=tmp_path)
    assert one.returncode == 0, one.stderr.decode()
    assert len(one.stdout) % 2 == 0 and 0.5 < len(one.stdout) / 2 / 24000 < 4
    assert loudness(one.stdout) > 0.01

    lines = "The kettle is on.\n[[☃]]\nTea!\n".encode()
    both = run("raspberry_pi.py", cwd=tmp_path, text=lines)
    assert both.returncode == 0
    assert len(both.stdout) > len(one.stdout)  # the second line was spoken after the bad one
    assert "can't say '[[☃]]'" in both.stderr.decode()


def test_a_player_that_goes_away_ends_the_raspberry_pi_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / "raspberry_pi.py"), "A long story. " * 50],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "sdk")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.read(1000)
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_communication_aid_enrols_once_and_speaks_again(tmp_path: Path) -> None:
    arguments = ("--profiles", "profiles", "--out", "out")
    first = succeeded(run("communication_aid.py", *arguments, cwd=tmp_path))
    assert first.count("message-") == 2
    profile = next((tmp_path / "profiles").glob("*.vclp"))
    before = profile.read_bytes()
    (tmp_path / "out" / "message-1.wav").unlink()
    succeeded(run("communication_aid.py", *arguments, cwd=tmp_path))  # as after a reboot
    assert profile.read_bytes() == before
    assert (tmp_path / "out" / "message-1.wav").stat().st_size > 10_000


def test_a_communication_aid_says_why_it_refuses(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24000)
        file.writeframes(bytes(2 * 24000 * 5))
    done = run(
        "communication_aid.py", "--profiles", "p", "--recordings", "silence.wav", cwd=tmp_path
    )
    assert done.returncode == 21
    assert "  - " in done.stderr.decode()
    assert not list(tmp_path.glob("p/*.vclp"))


def test_a_server_speaks_a_batch_into_labelled_files(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    (tmp_path / "texts.tsv").write_text("one\tThe first.\ntwo\tThe second.\n", encoding="utf-8")
    out = succeeded(run("server_batch.py", "texts.tsv", "--out", "spoken", cwd=tmp_path))
    assert out.count(".flac: ") == 2
    for name in ("one", "two"):
        with soundfile.SoundFile(str(tmp_path / "spoken" / f"{name}.flac")) as file:
            assert "Synthetic speech" in file.title
            assert json.loads(file.comment)["provider"] == "voicelet"
    (tmp_path / "spoken" / "one.flac").unlink()
    again = succeeded(run("server_batch.py", "texts.tsv", "--out", "spoken", cwd=tmp_path))
    assert "one.flac" in again and "two.flac" not in again

    (tmp_path / "texts.tsv").write_text("../one\tOut of the folder.\n", encoding="utf-8")
    assert run("server_batch.py", "texts.tsv", cwd=tmp_path).returncode != 0


@needs("voicelet-export")
def test_a_server_makes_a_voice_by_a_pipeline(tmp_path: Path) -> None:
    out = succeeded(run("server_voice.py", "--work", "work", "--out", "own.wav", cwd=tmp_path))
    assert "tiny: " in out
    assert (tmp_path / "own.wav").stat().st_size > 1000
    assert (tmp_path / "work" / "steps" / "report").exists()


@needs("voicelet-export", "voicelet-federated")
def test_a_fleet_trains_together(tmp_path: Path) -> None:
    out = succeeded(run("fleet_simulation.py", "--work", "work", cwd=tmp_path))
    assert "round 1: done; 3 asked, 3 in the sum" in out
    assert "1 of 1 rounds" in out
