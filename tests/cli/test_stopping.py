"""Signals to end: nothing is left behind, and the parent sees how the command ended."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.test_pipes import ROOT, hear_interrupts, posix, start
from voicelet.cli.process import Stopped, run_process
from voicelet.errors import EngineError
from voicelet.files import atomic_file

pytestmark = posix
ENDING = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]


def wait_for_file(folder: Path, process: subprocess.Popen[bytes]) -> None:
    while not list(folder.iterdir()) and process.poll() is None:
        time.sleep(0.01)


def script(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    paths = [str(ROOT / part) for part in ("sdk", "export", "federated", ".")]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        preexec_fn=hear_interrupts,
    )


@pytest.mark.parametrize("number", ENDING)
def test_a_stopped_command_leaves_no_file(
    make_bundle: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    process = start(make_bundle(), 0.05, "say", "word " * 1000, "-o", str(folder / "o.flac"))
    wait_for_file(folder, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert err == b"voicelet: stopped\n"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("number", ENDING)
def test_a_stopped_book_goes_on_later(
    make_bundle: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    book, folder, bundle = tmp_path / "b.txt", tmp_path / "out", make_bundle()
    book.write_text("Chapter 1\n\none two\n\nChapter 2\n\n" + "word " * 500)
    arguments = ["read", str(book), "-o", str(folder), "--format", "flac", "--bundle", str(bundle)]
    process = start(bundle, 0.02, *arguments)
    while not (folder / "02 Chapter 2.flac").exists() and process.poll() is None:
        if (folder / ".voicelet-read.json").exists() and list(folder.glob("*.part")):
            break
        time.sleep(0.01)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    names = sorted(p.name for p in folder.iterdir())
    assert names == [".voicelet-read.json", "01 Chapter 1.flac"]


WRITER = """
import signal, sys, voicelet.cli.process as process
from voicelet.files import atomic_file
process.GRACE_S = 0.2
def write():
    with atomic_file(sys.argv[1] + "/o.bin") as file:
        print("ready", flush=True)
        {busy}
sys.exit(process.run_process("voicelet", write, dies=True))
"""


@pytest.mark.parametrize("number", ENDING)
def test_the_parent_sees_the_signal(tmp_path: Path, number: signal.Signals) -> None:
    process = script(WRITER.format(busy="signal.pause()"), str(tmp_path))
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number
    assert list(tmp_path.iterdir()) == []


def test_a_call_into_a_library_does_not_hold_the_end_up(tmp_path: Path) -> None:
    """Hashing for hours isn't interruptible; Python's handlers would run after it."""
    busy = "__import__('hashlib').pbkdf2_hmac('sha512', b'a', b'b', 2 ** 31 - 1)"
    process = script(WRITER.format(busy=busy), str(tmp_path))
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    time.sleep(0.5)  # it is in there by now; if not, it ends in the usual way
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in (128 + signal.SIGTERM, -signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


def test_an_exception_that_is_swallowed_does_not_keep_the_process(tmp_path: Path) -> None:
    busy = """
        while True:
            try:
                signal.pause()
            except BaseException:
                pass"""
    process = script(WRITER.format(busy=busy.strip()), str(tmp_path))
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    time.sleep(0.5)  # it is in there by now; if not, it ends in the usual way
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode in (128 + signal.SIGTERM, -signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    busy = "signal.raise_signal(signal.SIGHUP)"
    process = script(code + WRITER.format(busy=busy), str(tmp_path))
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == ["o.bin"]


def test_a_child_s_signals_are_its_own(tmp_path: Path) -> None:
    busy = """
        import os, time
        child = os.fork()
        if not child:
            signal.pause()
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGTERM
        time.sleep(0.5)"""
    process = script(WRITER.format(busy=busy.strip()), str(tmp_path))
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert [p.name for p in tmp_path.iterdir()] == ["o.bin"]


@pytest.mark.parametrize("package", ["voicelet_export", "voicelet_federated"])
def test_the_other_commands_stop_alike(package: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    code = f"""
import argparse, signal, sys
from {package}.cli import main as module
from voicelet.files import atomic_file
def write(args):
    with atomic_file(sys.argv[1] + "/o.bin"):
        print("ready", flush=True)
        signal.pause()
def parser():
    made = argparse.ArgumentParser()
    made.add_argument("folder")
    made.set_defaults(run=write)
    return made
module._parser = parser
sys.exit(module.main())
"""
    for number in ENDING:
        process = script(code, str(tmp_path))
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        assert process.returncode == -number and b"Traceback" not in err
        assert err == f"{package.replace('_', '-')}: stopped\n".encode()
        assert list(tmp_path.iterdir()) == []


def test_in_process_the_code_is_returned_and_handlers_come_back() -> None:
    for number in ENDING:  # under nohup, they are ignored, and stay so
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, usual)
    before = {n: signal.getsignal(n) for n in ENDING}

    def work() -> int:
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)
        raise EngineError("ONNX Runtime can't be loaded")  # as a library says that was stopped

    assert run_process("voicelet", work) == 143
    assert {n: signal.getsignal(n) for n in ENDING} == before


LOST = """
import io, os, signal, sys, time
from voicelet.audio.io import read_audio
from voicelet.cli.process import run_process

class Recording(io.BytesIO):
    def read(self, size=-1):
        if self.tell() > 60_000 and not told:
            told.append(1)
            os.kill(os.getpid(), signal.SIGTERM)
        return super().read(size)

class Thing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(100):
            pass

def work():
    if sys.argv[1] == "callback":
        read_audio(Recording(open(sys.argv[2], "rb").read()))
    else:
        thing = Thing()
        del thing
    time.sleep(30)

told = []
sys.exit(run_process("voicelet", work, dies=True))
"""


@pytest.mark.parametrize("place", ["callback", "__del__"])
def test_a_signal_isnt_lost_where_python_drops_exceptions(place: str, tmp_path: Path) -> None:
    """The rest of a recording seemed to be missing, and the command went on with half of it."""
    recording = tmp_path / "long.wav"
    soundfile.write(recording, np.zeros(400_000, np.float32), 16000)
    process = script(LOST, place, str(recording))
    _, err = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM
    assert b"ignored" not in err and b"cut short" not in err


def test_what_was_killed_outright_is_removed_by_the_next_writer(tmp_path: Path) -> None:
    target = str(tmp_path)
    process = script(WRITER.format(busy="signal.pause()"), target)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    (left,) = tmp_path.iterdir()
    with atomic_file(tmp_path / "while.bin") as file:  # it is alive: its file stays
        file.write(b"x")
    assert left.exists()
    process.kill()
    process.communicate(timeout=60)
    assert left.exists()
    others = [".voicelet-0123.part", ".0123456789abcdef.part", "voicelet-0123456789abcdef.part"]
    for name in others:  # not ours, or an older version's, which can't be told from one in use
        (tmp_path / name).touch()
    (tmp_path / ".voicelet-0123456789abcdef.part").symlink_to(tmp_path / "while.bin")
    code = "import sys; from voicelet.files import atomic_file\nwith atomic_file(sys.argv[1]): pass"
    assert script(code, f"{target}/next.bin").wait(timeout=60) == 0
    left_over = [".voicelet-0123456789abcdef.part", "while.bin", "next.bin"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(others + left_over)


def test_two_hundred_stops_at_any_moment_leave_nothing(tmp_path: Path) -> None:
    """Of a writer that does nothing but write, so that most signals come in the midst of it."""
    body = """import itertools
        pass
    for i in itertools.count():
        with atomic_file(sys.argv[1] + "/o.bin") as file:
            file.write(b"%08d" % i * 1000)"""
    (tmp_path / "out").mkdir()
    dice = random.Random(5)
    process_count = 40
    for _ in range(process_count):
        process = script(WRITER.format(busy=body), str(tmp_path / "out"))
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(dice.random() * 0.05)
        number = dice.choice(ENDING)
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number
        (whole,) = (tmp_path / "out").iterdir()
        data = whole.read_bytes()
        assert not data or data == data[:8] * 1000, hashlib.sha256(data).hexdigest()
