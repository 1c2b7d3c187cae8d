"""`voicelet say`: what goes in, what comes out, and what is left behind when it fails."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.cli.conftest import Cli
from tests.cli.fakes import SAMPLES_A_WORD, FakeVoice


def last_call() -> dict[str, object]:
    assert FakeVoice.last is not None
    return FakeVoice.last.calls[-1]


def test_file_holds_all_chunks_clamped(cli: Cli, tmp_path: Path) -> None:
    code, out, err = cli("say", "one", "two three", "-o", str(tmp_path / "out.wav"))
    assert (code, out, err) == (0, "", "")
    samples, rate = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert rate == 24000
    assert len(samples) == 3 * SAMPLES_A_WORD
    assert samples.max() == 32767 and samples.min() == -32767


def test_options_reach_the_voice(cli: Cli, tmp_path: Path) -> None:
    options = ["--speed=1.5", "--pitch=-2", "--energy=0.5", "--style=calm", "--seed=7", "--ssml"]
    options += ["--purpose=publishing", "--voice=low", "--threads=2"]
    code, _, _ = cli("say", "a b", "-o", str(tmp_path / "o.wav"), *options)
    assert code == 0
    assert last_call() == {
        "text": "a b",
        "profile": None,
        "preset": "low",
        "speed": 1.5,
        "pitch_semitones": -2.0,
        "energy": 0.5,
        "style": "calm",
        "seed": 7,
        "ssml": True,
        "purpose": "publishing",
        "reading": ("none", "none", False),
    }
    assert FakeVoice.last is not None and FakeVoice.last.calls[0]["threads"] == 2


def test_what_screen_readers_ask_for_reaches_the_voice(cli: Cli, tmp_path: Path) -> None:
    options = ["--punctuation=most", "--capitals=tone", "--speed=4"]
    code, _, _ = cli("say", "a (b)", "-o", str(tmp_path / "o.wav"), *options)
    assert code == 0
    assert (last_call()["reading"], last_call()["speed"]) == (("most", "tone", False), 4.0)
    code, _, _ = cli("say", "F5", "--key", "-o", str(tmp_path / "o.wav"))
    assert code == 0 and last_call()["reading"] == ("none", "none", True)


@pytest.mark.parametrize("option", ["--punctuation=mots", "--capitals=beep", "--speed=5.5"])
def test_what_they_cant_ask_for(cli: Cli, option: str) -> None:
    code, _, err = cli("say", "a", option)
    assert code == 2 and option.split("=")[1] in err


def test_keys_come_line_by_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text("a\n \nF5\n")
    arguments = ["-f", str(tmp_path / "keys.txt"), "-o", str(tmp_path / "o.wav")]
    code, _, _ = cli("say", *arguments, "--lines", "--key")
    assert FakeVoice.last is not None
    said = [call["text"] for call in FakeVoice.last.calls if "text" in call]
    assert code == 0 and said == ["a\n", " \n", "F5\n"]


def test_json_timings(cli: Cli, tmp_path: Path) -> None:
    target = str(tmp_path / "o.wav")
    code, out, err = cli("say", "one two", "-o", target, "--json")
    report = json.loads(out)
    assert code == 0 and err == "" and out.count("\n") == 1
    assert report["seconds"] == pytest.approx(0.2)
    assert report["chunks"] == 2 and report["characters"] == 7
    assert 0 <= report["first_audio_ms"] <= report["synthesis_ms"]
    assert report["rtf"] == pytest.approx(report["synthesis_ms"] / 200.0, rel=0.01, abs=1e-4)
    assert report["peak_mb"] > 10
    assert report["output"] == target


def test_text_from_stdin_and_from_a_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stdin:
        buffer = io.BytesIO("\ufeffcafé au lait\n".encode())

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert cli("say", "-", "-o", str(tmp_path / "o.wav"))[0] == 0
    assert last_call()["text"] == "café au lait\n"
    (tmp_path / "text.txt").write_text("from a file", encoding="utf-8")
    assert cli("say", "-f", str(tmp_path / "text.txt"), "-o", str(tmp_path / "o.wav"))[0] == 0
    assert last_call()["text"] == "from a file"


def test_nothing_speakable_gives_an_empty_file_and_a_word(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("say", "nothing", "-o", str(tmp_path / "o.wav"))
    assert code == 0 and "nothing that can be spoken" in err
    assert soundfile.info(tmp_path / "o.wav").frames == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "nothing to say"),
        (["hi", "-f", "x"], 2, "not both"),
        (["-f", "missing/x"], 2, "No such file"),
        (["hi", "-o", "missing/o.wav"], 2, "no folder"),
        (["hi", "-o", "-"], 2, "--raw"),
        (["hi", "-o", "a\0b.wav"], 50, "can't write"),
        (["hi", "-o", "o.wav", "--raw"], 2, "not allowed with"),
        (["hi", "--speed", "0"], 2, "0.25..5"),
        (["hi", "--speed", "nan"], 2, "not a number"),
        (["hi", "--pitch", "99"], 2, "-24..24"),
        (["hi", "--threads", "0"], 2, "number of threads"),
        (["hi", "--raw", "--language", "no language"], 2, "must be a BCP 47 tag"),
        (["hi", "--raw", "--bundle", "missing"], 30, "no such bundle"),
        (["hi", "--raw", "--voice", "lwo"], 41, "did you mean 'low'"),
        (["fail", "--raw"], 10, "can't say that; try another word"),
        (["stop", "--raw"], 130, "stopped"),
        (["crash", "--raw"], 1, "unexpected ZeroDivisionError: a bug"),
    ],
)
def test_errors_are_one_line_and_a_code(
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")  # where "missing" and "x" surely are missing
    got, out, err = cli("say", *arguments)
    assert got == code
    assert message in err
    assert "Traceback" not in err and out == ""
    if code != 2:
        assert err.startswith("voicelet: ") and err.count("\n") == 1


def test_debug_shows_the_traceback(cli: Cli) -> None:
    code, _, err = cli("--debug", "say", "fail", "--raw")
    assert code == 10 and "Traceback" in err
    with pytest.raises(ZeroDivisionError):
        cli("--debug", "say", "crash", "--raw")


@pytest.mark.parametrize("word", ["fail", "crash", "stop"])
def test_a_failure_leaves_no_file_and_keeps_the_old_one(
    cli: Cli, tmp_path: Path, word: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "old.wav").write_bytes(b"old")
    assert cli("say", f"one two {word}", "-o", str(folder / "old.wav"))[0] != 0
    assert cli("say", f"one two {word}", "-o", str(folder / "new.wav"))[0] != 0
    assert [p.name for p in folder.iterdir()] == ["old.wav"]
    assert (folder / "old.wav").read_bytes() == b"old"


def test_aloud_needs_a_player(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "missing"))
    code, _, err = cli("say", "hi")
    assert code == 50 and "no player found" in err and "-o out.wav" in err


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_aloud_hands_samples_to_the_player(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/args\nexec /bin/cat > {tmp_path}/heard\n')
    player.chmod(0o755)
    monkeypatch.setenv("PATH", str(player.parent))
    assert cli("say", "one two")[0] == 0
    assert "-r 24000" in (tmp_path / "args").read_text()
    heard = np.frombuffer((tmp_path / "heard").read_bytes(), "<i2")
    assert len(heard) == 2 * SAMPLES_A_WORD and heard.max() == 32767

    player.write_text("#!/bin/sh\nexit 3\n")
    code, _, err = cli("say", "one two")
    assert code == 50 and "aplay" in err
