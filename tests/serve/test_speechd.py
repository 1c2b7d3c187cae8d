"""speech-dispatcher: the protocol on pipes, and the real server where it is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.serve.conftest import consented
from voicelet.cli.main import main
from voicelet.errors import ConfigError
from voicelet.profiles.vault.vault import Vault
from voicelet.serve.speechd.install import with_module
from voicelet.serve.speechd.module import Module, audio_event
from voicelet.serve.speechd.settings import Settings, key_name, spelled
from voicelet.synth.voice import Voice

TEXT = "The boats came in at dusk."


class Server:
    """The other end of the pipes."""

    def __init__(self, voice: Voice) -> None:
        ours, theirs = os.pipe(), os.pipe()
        self._out = os.fdopen(ours[1], "wb", buffering=0)
        self._in = os.fdopen(theirs[0], "rb")
        module = Module(voice, os.fdopen(ours[0], "rb"), os.fdopen(theirs[1], "wb"))
        self.thread = threading.Thread(target=module.run)
        self.thread.start()

    def send(self, *lines: str) -> None:
        self._out.write("".join(f"{line}\n" for line in lines).encode())

    def line(self) -> bytes:
        return self._in.readline().rstrip(b"\n")

    def until(self, *ends: str) -> list[bytes]:
        lines = [self.line()]
        while lines[-1].decode("latin-1") not in ends:
            assert lines[-1] or len(lines) < 10_000, lines[-5:]
            lines.append(self.line())
        return lines

    def say(self, text: str, command: str = "SPEAK") -> tuple[np.ndarray, list[tuple[str, int]]]:
        """The samples of a text, and its marks with their places."""
        self.send(command, text, ".")
        lines = self.until("702 END", "301 ERROR CANT SPEAK", "305 DATA MORE THAN ONE LINE")
        assert lines[:3] == [b"202 OK RECEIVING MESSAGE", b"200 OK SPEAKING", b"701 BEGIN"]
        return heard(lines)

    def close(self) -> None:
        self._out.close()
        self.thread.join(60)
        assert not self.thread.is_alive()
        self._in.close()


def heard(lines: list[bytes]) -> tuple[np.ndarray, list[tuple[str, int]]]:
    parts, marks, count = [np.zeros(0, np.int16)], [], 0
    for i, line in enumerate(lines):
        if line.startswith(b"705-AUDIO\0"):
            raw = line.removeprefix(b"705-AUDIO\0")
            while lines[i + 1] != b"705 AUDIO":
                raise AssertionError("a new line in audio")
            pieces = raw.split(b"}")
            plain = pieces[0] + b"".join(bytes([p[0] ^ 0x20]) + p[1:] for p in pieces[1:])
            parts.append(np.frombuffer(plain, "<i2"))
            count += len(parts[-1])
        elif line.startswith(b"700-"):
            marks.append((line[4:].decode(), count))
    return np.concatenate(parts) / 32767, marks


@pytest.fixture
def server(voice: Voice) -> Iterator[Server]:
    served = Server(voice)
    served.send("INIT")
    assert served.until("299 OK LOADED SUCCESSFULLY")
    yield served
    served.close()


def test_it_speaks_as_the_voice_does(server: Server, voice: Voice) -> None:
    server.send("AUDIO", "audio_output_method=alsa", ".")
    assert server.until("300 UNKNOWN ERROR")
    server.send("AUDIO", "audio_output_method=server", ".")
    assert server.until("203 OK AUDIO INITIALIZED")
    samples, _ = server.say(TEXT)
    whole = voice.synthesize(TEXT).samples
    assert len(samples) == len(whole) and np.abs(samples - whole).max() < 2e-3
    server.send("QUIT")
    assert server.line() == b"210 OK QUIT"
    server.thread.join(60)
    assert not server.thread.is_alive()


def test_marks_come_where_they_are(server: Server, voice: Voice) -> None:
    text = '<speak>One <mark name="__spd_0"/>two three. <mark name="__spd_1"/>Four.</speak>'
    samples, marks = server.say(text)
    whole = voice.synthesize(text)
    assert [name for name, _ in marks] == ["__spd_0", "__spd_1"]
    for (_, place), mark in zip(marks, whole.marks, strict=True):
        assert place / 24000 == pytest.approx(mark.time_s, abs=0.002)
    assert len(samples) == len(whole.samples)


def test_stop_and_pause_answer_before_the_next_audio(server: Server) -> None:
    for command, answer in (("STOP", "703 STOP"), ("PAUSE", "704 PAUSE")):
        server.send("SPEAK", f"{TEXT} " * 200, ".")
        while not server.line().startswith(b"705 AUDIO"):
            pass
        server.send(command)
        rest = server.until(answer, "702 END")
        assert rest[-1].decode() == answer
        samples, _ = server.say("Next.")  # and nothing of the old text is in it
        assert 0.3 < len(samples) / 24000 < 2.0
    server.send("STOP")  # nothing is spoken: nothing is answered
    assert len(server.say("Next.")[0])


def test_characters_and_keys(server: Server, voice: Voice) -> None:
    for command, text, said in (
        ("CHAR", "a", "a"), ("CHAR", "space", " "), ("CHAR", "?", "?"),
        ("KEY", "control_c", "Ctrl+c"), ("KEY", "F5", "F5"), ("KEY", "_", "_"),
    ):  # fmt: skip
        samples, _ = server.say(text, command)
        whole = voice.synthesize(said, key=True).samples
        assert len(samples) == len(whole), (command, text)
    assert len(server.say("new-mail", "SOUND_ICON")[0])
    server.send("CHAR", "a", "b", ".")
    assert server.until("305 DATA MORE THAN ONE LINE")


def test_settings(server: Server, voice: Voice) -> None:
    Vault().save(consented())
    server.send("LIST VOICES")
    listed = server.until("200 OK VOICE LIST SENT")
    assert listed[0] == b"200-ana\ten-US\tnone" and len(listed) == len(voice.presets) + 2
    plain = len(server.say(TEXT)[0])

    def setting(*lines: str, answer: str = "203 OK SETTINGS RECEIVED") -> None:
        server.send("SET", *lines, ".")
        assert server.until(answer)

    setting("rate=100", "pitch=0", "language=de", "voice=male1", "synthesis_voice=NULL")
    assert len(server.say(TEXT)[0]) < plain / 3
    setting("rate=0", "volume=0", "synthesis_voice=ana")
    quiet, _ = server.say(TEXT)
    loud = voice.synthesize(TEXT, profile=Vault().load("ana")).samples
    assert len(quiet) == pytest.approx(len(loud), abs=1200)  # quiet ends are cut elsewhere
    ratio = np.sqrt(np.mean(quiet**2) / np.mean(loud**2))
    assert 0.2 < ratio < 0.4  # 10 dB less
    setting("volume=100", "synthesis_voice=NULL", "spelling_mode=on")
    assert len(server.say("cat")[0]) > len(voice.synthesize("cat").samples) * 1.3
    setting("rate=fast", answer="303 ERROR INVALID PARAMETER OR VALUE")
    setting("spelling_mode=off", "punctuation_mode=all")
    assert len(server.say("Hello, you.")[0]) > len(voice.synthesize("Hello, you.").samples) * 1.3


@pytest.mark.parametrize("text", ["<speak>A & B", "<speak><foo>x</speak>", "...", "🙂", "a\n..\nb"])
def test_whatever_is_sent_ends(server: Server, text: str) -> None:
    server.say(text)
    assert len(server.say("Next.")[0]) > 5000


def test_odd_commands(server: Server) -> None:
    server.send("NONSENSE")
    assert server.line() == b"300 ERR UNKNOWN COMMAND"
    server.send("SPEAK", ".")
    assert server.until("301 ERROR CANT SPEAK")
    server.send("LOGLEVEL", "log_level=5", ".", "DEBUG ON /tmp/x")
    assert server.until("200 OK DEBUGGING ON")
    assert len(server.say("Next.")[0])


def test_rates_and_names() -> None:
    assert [round(Settings(rate=r).speed, 2) for r in (-100, 0, 50, 100)] == [0.4, 1.0, 2.24, 5.0]
    assert key_name("control_alt_t") == "Ctrl+Alt+t"
    assert key_name("underscore") == "underscore" and key_name("_") == "_"
    assert spelled("<speak>a &amp; b</speak>").count("a &amp; b") == 1
    with pytest.raises(ConfigError):
        Settings().changed("rate", "101")


def test_what_looks_like_a_new_line_in_audio_is_escaped() -> None:
    every = np.arange(-32768, 32768, dtype=np.float64) / 32767
    raw = audio_event(every.astype(np.float32), 24000)
    head, _, rest = raw.partition(b"705-AUDIO\0")
    assert b"705-num_samples=65536\n" in head
    assert rest.endswith(b"\n705 AUDIO\n") and b"\n" not in rest.removesuffix(b"\n705 AUDIO\n")


def test_the_configuration_names_it_once_and_keeps_the_rest() -> None:
    once = with_module('LogLevel 3\nAddModule "x" "sd_x"\n', Path("/a/sd_voicelet"), False)
    assert once.splitlines()[:2] == ["LogLevel 3", 'AddModule "x" "sd_x"']
    assert 'AddModule "voicelet" "/a/sd_voicelet"' in once and "DefaultModule" not in once
    twice = with_module(once, Path("/b/sd_voicelet"), True)
    assert twice.count("AddModule") == 2 and "/a/" not in twice and "DefaultModule" in twice


INSTALLED = all(map(shutil.which, ("speech-dispatcher", "spd-say", "pulseaudio", "parec"))) and any(
    Path("/usr/lib").glob("**/speech-dispatcher/spd_pulse.so")
)


@pytest.mark.skipif(
    not INSTALLED,
    reason="speech-dispatcher, its plugin for PulseAudio or PulseAudio isn't installed",
)
def test_the_real_server_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """spd-say waits for the end; what was played is recorded from a sink that nobody hears."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    for name in ("PULSE_SERVER", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    assert main(["speechd", "--install", "--default"]) == 0
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "speech-dispatcher"
    for name in ("clients", "modules"):
        shutil.copytree(f"/etc/speech-dispatcher/{name}", folder / name)
    sound = f"unix:{runtime}/sound"
    monkeypatch.setenv("PULSE_SERVER", sound)
    with contextlib.ExitStack() as stack:

        def start(*command: str) -> None:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = stack.enter_context(subprocess.Popen(command, **quiet))
            stack.callback(process.kill)

        start(
            "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit",
            "-L", "module-null-sink sink_name=nobody", "-L",
            f"module-native-protocol-unix socket={runtime}/sound auth-anonymous=1",
        )  # fmt: skip
        waited(lambda: (runtime / "sound").exists())
        record = tmp_path / "heard.raw"
        start(
            "parec", "--latency-msec=20", "--device=nobody.monitor", "--format=s16le",
            "--rate=24000", "--channels=1", str(record),
        )  # fmt: skip
        socket = tmp_path / "socket"
        start(
            "speech-dispatcher", "--run-single", "--communication-method", "unix_socket",
            "--socket-path", str(socket), "--timeout", "0", "-C", str(folder),
            "-P", str(tmp_path / "pid"), "-L", str(tmp_path),
        )  # fmt: skip
        monkeypatch.setenv("SPEECHD_ADDRESS", f"unix_socket:{socket}")
        waited(socket.exists)
        say = ["spd-say", "--wait", "-o", "voicelet"]
        listed = subprocess.run([*say, "-L"], capture_output=True, text=True, timeout=120)
        assert "af_bella" in listed.stdout, listed
        done = subprocess.run([*say, TEXT], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done
        waited(lambda: loud_s(record) > 0.7)
        if shutil.which("python3") and _has_speechd():
            script = (
                "import speechd\nc = speechd.SSIPClient('test')\nc.set_output_module('voicelet')\n"
                "c.set_rate(50)\nc.char('a')\nc.key('control_c')\nc.speak('Hello.')\nc.close()\n"
            )
            ran = subprocess.run(["/usr/bin/python3", "-c", script], timeout=120, check=False)
            assert ran.returncode == 0


def _has_speechd() -> bool:
    probe = ["/usr/bin/python3", "-c", "import speechd"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def loud_s(path: Path) -> float:
    raw = path.read_bytes() if path.exists() else b""
    samples = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float64)
    blocks = samples[: len(samples) // 240 * 240].reshape(-1, 240)
    return float((np.sqrt((blocks**2).mean(axis=1)) > 200).sum() * 0.01) if len(blocks) else 0.0


def waited(done: object, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_as_a_process_nothing_but_answers_is_on_standard_output() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "voicelet", "speechd"],
        input=b"INIT\nQUIT\n",
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == b"299-voicelet speaks\n299 OK LOADED SUCCESSFULLY\n210 OK QUIT\n"
    assert done.returncode == 0
