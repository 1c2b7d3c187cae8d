"""`voicelet record`, as a process, with a recorder that plays what real people said.

The recorder is an executable on the PATH which takes arecord's arguments and writes samples to a
pipe until it is ended, as arecord does; each start of it plays the next recording.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicelet.audio.io import read_audio
from voicelet.audio.writer import pcm16
from voicelet.cli.recorder import RATE_HZ, meter_bar
from voicelet.profiles.vault.vault import Vault

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shell scripts stand for recorders")

ROOT = Path(__file__).resolve().parents[2]
READER = [ROOT / "samples" / f"reader-{n}.opus" for n in range(1, 10)]
TEXTS = [
    "I had a great time.",
    "That was certainly a tough day in my life.",
    "And of course it happens that way.",
    "There was no reason to take him out.",
    "And if so will is the real one.",
    "Am I not allowed to leave my house?",
    "Ready to get down to business.",
    "Get me out of here please.",
    "We can never have too many friends.",
]
RECORDER = r"""#!/bin/sh
case "$*" in
*"-t raw -f S16_LE -c 1 -r 24000"*) ;;
*) echo "arecord: bad arguments" >&2; exit 1 ;;
esac
cd "{queue}" || exit 1
number=$(ls | grep -c '^played')
file=$(ls *.raw | sed -n "$((number + 1))p")
[ -n "$file" ] || {{ echo "arecord: audio open error: no microphone" >&2; exit 1; }}
cat "$file"
touch "played-$number"
exec sleep 600
"""
PLAYER = '#!/bin/sh\ncat > "{queue}/heard-$(date +%s%N)"\n'
DEADLINE_S = 300.0


class Desk:
    """A microphone that plays `takes`, a loudspeaker, and a person at a keyboard."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.queue = folder, folder / "queue"
        programs = folder / "bin"
        for path in (self.queue, programs):
            path.mkdir()
        for name, script in (("arecord", RECORDER), ("pw-play", PLAYER)):
            (programs / name).write_text(script.format(queue=self.queue))
            (programs / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.said = ""
        self.takes = 0

    def load(self, *takes: np.ndarray) -> None:
        for number, take in enumerate(takes):
            (self.queue / f"take-{number:02d}.raw").write_bytes(pcm16(take))

    def start(self, *arguments: str, terminal: bool = False) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "sdk"),
            "TMPDIR": str(self.temporary),
            "OMP_NUM_THREADS": "1",
        }
        keyboard, screen = subprocess.PIPE, subprocess.PIPE
        if terminal:
            self._terminal, end = pty.openpty()
            keyboard = screen = end
        self.process = subprocess.Popen(
            [sys.executable, "-m", "voicelet.cli.main", "record", *arguments],
            stdin=keyboard,
            stdout=subprocess.PIPE,
            stderr=screen,
            env=environment,
            cwd=self.folder,
        )
        if terminal:
            os.close(end)
        else:
            assert self.process.stderr is not None
            self._terminal = self.process.stderr.fileno()

    def type(self, text: str) -> None:
        if self.process.stdin is None:
            os.write(self._terminal, f"{text}\n".encode())
        else:
            self.process.stdin.write(f"{text}\n".encode())
            self.process.stdin.flush()

    def await_words(self, pattern: str) -> str:
        """What was shown up to a pattern; the next call searches behind it."""
        end = time.monotonic() + DEADLINE_S
        while (match := re.search(pattern, self.said)) is None:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, end - time.monotonic()))
            try:
                piece = os.read(self._terminal, 1 << 16) if ready else b""
            except OSError:  # the other end of the terminal is closed
                piece = b""
            assert piece, f"waited for {pattern!r}, saw: {self.said}"
            self.said += piece.decode("utf-8", "replace")
        shown, self.said = self.said[: match.end()], self.said[match.end() :]
        return shown

    def record(self) -> str:
        """Record the next take; what is shown then, up to the question."""
        self.await_words("q: quit > ")
        self.type("")
        return self.speak()

    def speak(self) -> str:
        """Speak the next take; what is shown then, up to the question."""
        self.await_words("Listening")
        played = self.queue / f"played-{self.takes}"
        end = time.monotonic() + DEADLINE_S
        while not played.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(0.3)  # the last samples are on their way through the pipe
        self.takes += 1
        self.type("")
        self.await_words("has been read. |Enter when")
        shown = self.await_words(r"\w: .*q: quit > ")
        self.said = "q: quit > " + self.said  # the question is still open
        return shown

    def finish(self) -> tuple[int, str]:
        out, rest = self.process.communicate(timeout=DEADLINE_S)
        self.said += (rest or b"").decode()
        return self.process.returncode, out.decode()

    def leftovers(self) -> list[str]:
        return [str(p) for p in self.temporary.rglob("*")]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


@pytest.fixture(scope="module")
def takes() -> list[np.ndarray]:
    return [read_audio(path, sample_rate_hz=RATE_HZ).samples for path in READER]


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    file = tmp_path / "prompts.txt"
    file.write_text("\n".join(TEXTS))
    return str(file)


def test_a_voice_is_recorded_with_refusals_and_retakes_and_enrolled(
    desk: Desk, takes: list[np.ndarray], prompts: str
) -> None:
    clipped = np.clip(8.0 * takes[0] / np.abs(takes[0]).max(), -0.99, 0.99)
    silent = 1e-5 * np.random.default_rng(0).standard_normal(2 * RATE_HZ)
    noisy = takes[1] + 0.1 * np.random.default_rng(1).standard_normal(len(takes[1]))
    desk.load(clipped, takes[0], silent, noisy, takes[1], takes[1], *takes[2:])
    agreed = ("--scripted-consent", "published for any use", "--purpose", "own-use")
    desk.start("ana", "--prompts", prompts, "--seconds", "20", *agreed)

    assert "it is clipped" in desk.record()
    assert "Not good enough" not in desk.record()  # Enter: again
    desk.type("")  # keep it
    desk.await_words("2 of 9 · 1 of 20 s|2 of 9 · 2 of 20 s|2 of 9 · 3 of 20 s")
    assert "silent" in desk.record()
    assert "too noisy" in desk.record()
    assert "Good: " in desk.record()
    desk.await_words("q: quit > ")
    desk.type("p")  # play it
    desk.await_words("q: quit > ")
    desk.type("r")  # a good take may be done again as well
    assert "Good: " in desk.speak()
    for _ in takes[2:]:
        desk.await_words("q: quit > ")
        desk.type("")
        desk.await_words("[0-9] of 9 ")
        assert "Good: " in desk.record()
    desk.await_words("q: quit > ")
    desk.type("")
    code, out = desk.finish()
    assert code == 0, desk.said
    assert "enrolled ana" in out
    assert "sounds covered" in out
    heard = np.fromfile(next(desk.queue.glob("heard-*")), "<i2").astype(int)
    said = np.fromfile(desk.queue / "take-04.raw", "<i2").astype(int)
    assert np.abs(heard - said[: len(heard)]).max() <= 1
    assert len(heard) > RATE_HZ
    assert desk.leftovers() == []

    profile = Vault().load("ana")
    assert 12.0 <= profile.speech_s < 25.0
    assert profile.consent is not None
    assert profile.consent.method == "scripted"


def test_clips_are_saved_with_their_words_and_nobody_is_enrolled(
    desk: Desk, takes: list[np.ndarray], prompts: str
) -> None:
    desk.load(*takes[:3])
    desk.start("--prompts", prompts, "--out", "clips")
    desk.record()
    desk.type("")
    desk.await_words("2 of 9")
    desk.await_words("q: quit > ")
    desk.type("s")  # not this one
    desk.await_words("3 of 9")
    desk.record()
    desk.type("f")
    code, out = desk.finish()
    assert code == 0, desk.said
    assert "saved 2 recordings" in out
    folder = desk.folder / "clips"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    names = ["01-i-had-a-great", "02-and-of-course-it"]
    assert sorted(p.name for p in folder.iterdir()) == [
        f"{name}{suffix}" for name in names for suffix in (".txt", ".wav")
    ]
    assert (folder / f"{names[1]}.txt").read_text() == f"{TEXTS[2]}\n"
    samples, rate_hz = soundfile.read(folder / f"{names[0]}.wav")
    assert rate_hz == RATE_HZ
    assert np.abs(samples - takes[0][: len(samples)]).max() < 1e-3
    assert len(samples) > 0.9 * len(takes[0])
    assert not Vault().list()


def test_a_full_folder_is_left_alone(desk: Desk, prompts: str) -> None:
    (desk.folder / "clips").mkdir()
    (desk.folder / "clips" / "mine.wav").touch()
    desk.start("--prompts", prompts, "--out", "clips")
    code, _ = desk.finish()
    assert code == 2
    assert "isn't empty" in desk.said
    assert os.listdir(desk.folder / "clips") == ["mine.wav"]


@pytest.mark.parametrize("how", ["sigterm", "quit", "closed keyboard"])
def test_whoever_stops_leaves_nothing_behind(
    desk: Desk, takes: list[np.ndarray], prompts: str, how: str
) -> None:
    desk.load(*takes[:3])
    desk.start("ana", "--prompts", prompts, "--scripted-consent", "published for any use")
    desk.record()
    desk.type("")
    desk.await_words("2 of 9")
    if how == "sigterm":
        desk.await_words("q: quit > ")
        desk.type("")
        desk.await_words("Listening")  # in the middle of a recording
        desk.process.send_signal(signal.SIGTERM)
    elif how == "quit":
        desk.await_words("q: quit > ")
        desk.type("q")
    else:
        assert desk.process.stdin is not None
        desk.process.stdin.close()
        desk.process.stdin = None
    code, _ = desk.finish()
    assert code in ((-signal.SIGTERM, 128 + signal.SIGTERM) if how == "sigterm" else (51,))
    assert desk.leftovers() == []
    assert not Vault().list()
    home = Path(os.environ["HOME"])
    assert not [p for p in home.rglob("*") if p.suffix in (".wav", ".raw", ".part")]


def test_prompts_are_spoken_for_those_who_do_not_read(
    desk: Desk, takes: list[np.ndarray], prompts: str
) -> None:
    desk.load(takes[0])
    desk.start("ana", "--prompts", prompts, "--repeat", "--scripted-consent", "published")
    desk.await_words("q: quit > ")
    first = next(desk.queue.glob("heard-*")).read_bytes()
    assert len(first) > 2 * 24000 * 0.6  # the default voice says "I had a great time."
    assert np.abs(np.frombuffer(first, "<i2")).max() > 1000
    desk.type("l")
    desk.await_words("q: quit > ")
    assert len(list(desk.queue.glob("heard-*"))) == 2
    desk.type("q")
    assert desk.finish()[0] == 51


def test_pictures_are_shown_by_name_and_end_when_there_is_enough(
    desk: Desk, takes: list[np.ndarray]
) -> None:
    for name in ("red_apple.png", "ball.png"):
        (desk.folder / name).touch()
    (desk.folder / "mine.txt").write_text("red_apple.png\nball.png\n")
    desk.load(np.concatenate(takes[:3]))
    desk.start("--prompts", "mine.txt", "--out", "clips", "--seconds", "3")
    shown = desk.await_words("q: quit > ")
    assert "Say what this picture shows: red apple (red_apple.png)" in shown
    assert "% of the sounds" not in shown
    desk.type("")
    desk.speak()
    desk.type("")
    desk.await_words("That is enough")
    assert desk.finish()[0] == 0
    assert os.listdir(desk.folder / "clips") == ["01-red-apple.wav"]


def test_a_terminal_has_a_level_meter(desk: Desk, takes: list[np.ndarray], prompts: str) -> None:
    voiced = np.argmax(np.convolve(takes[0] ** 2, np.ones(RATE_HZ // 10), "valid"))
    desk.load(takes[0][: voiced + RATE_HZ // 10])  # it ends where it is loudest
    desk.start("ana", "--prompts", prompts, "--scripted-consent", "published", terminal=True)
    desk.await_words("q: quit > ")
    desk.type("")
    assert "#" in desk.await_words(r"\[#+\.*\] (good|quiet)")
    desk.type("")
    desk.await_words("Good: |Not good enough: ")
    desk.await_words("q: quit > ")
    desk.type("q")
    assert desk.process.wait(DEADLINE_S) == 51


def test_without_a_microphone_the_reason_is_told(desk: Desk, prompts: str) -> None:
    desk.start("ana", "--prompts", prompts, "--scripted-consent", "published")
    desk.await_words("q: quit > ")
    desk.type("")
    desk.await_words("Listening")
    time.sleep(1.0)
    desk.type("")
    desk.await_words("recorded nothing: .*no microphone")
    desk.await_words("q: quit > ")
    desk.type("q")
    assert desk.finish()[0] == 51


def test_the_meter_says_what_to_do() -> None:
    assert meter_bar(-20.0, -8.0).endswith("good")
    assert meter_bar(-50.0, -40.0).endswith("quiet")
    assert meter_bar(-8.0, -0.2).endswith("too loud")
    assert meter_bar(float("-inf"), float("-inf")) == f"[{'.' * 30}] quiet"
