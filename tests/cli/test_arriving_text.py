"""Text through a pipe that stays open: it is spoken as it arrives."""

from __future__ import annotations

import codecs
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.fakes import SAMPLES_A_WORD, FakeVoice
from tests.cli.test_pipes import posix, start
from voicelet.text.language import Pauses

WORD_BYTES = 2 * SAMPLES_A_WORD
SENTENCE_BYTES = 2 * 24 * Pauses().sentence_ms
PARAGRAPH_BYTES = 2 * 24 * Pauses().paragraph_ms


def write(process: subprocess.Popen[bytes], content: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(content)
    process.stdin.flush()


def hear(process: subprocess.Popen[bytes], size: int) -> bytes:
    """So much audio, or what there is of it when none comes any more."""
    assert process.stdout is not None
    heard, number = b"", process.stdout.fileno()
    while len(heard) < size and select.select([number], [], [], 60.0)[0]:
        more = os.read(number, size - len(heard))
        if not more:
            break
        heard += more
    return heard


class Pieces(io.RawIOBase):
    """Standard input that brings what it is given, one piece a read."""

    def __init__(self, *given: bytes) -> None:
        self.given = list(given)

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        piece = self.given.pop(0) if self.given else b""
        into[: len(piece)] = piece
        return len(piece)


@pytest.fixture
def arriving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def arrive(*given: bytes) -> None:
        stream = io.TextIOWrapper(io.BufferedReader(Pieces(*given)))
        monkeypatch.setattr(sys, "stdin", stream)

    return arrive


def said() -> list[str]:
    assert FakeVoice.last is not None
    return [call["text"] for call in FakeVoice.last.calls if "text" in call]


@posix
@pytest.mark.parametrize("source", [["-"], ["-f", "-"]])
def test_sentences_are_heard_before_the_pipe_is_closed(
    make_bundle: Callable[..., Path], source: list[str]
) -> None:
    process = start(make_bundle(), 0.0, "say", *source, "--raw", "--json")
    write(process, b"One two. Three fo")
    try:
        assert len(hear(process, 2 * WORD_BYTES)) == 2 * WORD_BYTES
        write(process, b"ur five.\n")
        heard = hear(process, SENTENCE_BYTES + 3 * WORD_BYTES)
        assert heard[:SENTENCE_BYTES] == bytes(SENTENCE_BYTES)
        write(process, b"\nA title\n\n")
        heard = hear(process, PARAGRAPH_BYTES + 2 * WORD_BYTES)
        assert heard[:PARAGRAPH_BYTES] == bytes(PARAGRAPH_BYTES)
        assert process.poll() is None
    finally:
        rest, err = process.communicate(b"and the rest", timeout=600)
    assert process.returncode == 0
    assert len(rest) == PARAGRAPH_BYTES + 3 * WORD_BYTES
    report = json.loads(err)
    assert report["chunks"] == 10 and report["seconds"] == pytest.approx(1.0)
    assert report["characters"] == len("One two. Three four five.\n\nA title\n\nand the rest")


@posix
def test_a_file_grows_while_text_arrives(make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    bundle, folder = make_bundle(), tmp_path / "out"
    folder.mkdir()
    process = start(bundle, 0.0, "say", "-", "-o", str(folder / "o.wav"))
    write(process, b"One two.\n")
    while process.poll() is None:  # a file of a second name, until it is whole
        if sum(p.stat().st_size for p in folder.iterdir()) > WORD_BYTES:
            break
        time.sleep(0.01)
    assert process.poll() is None
    process.communicate(timeout=600)
    assert process.returncode == 0 and [p.name for p in folder.iterdir()] == ["o.wav"]


@posix
def test_lines_are_heard_at_once_and_a_bad_one_is_reported(
    make_bundle: Callable[..., Path],
) -> None:
    process = start(make_bundle(), 0.0, "say", "-", "--raw", "--lines")
    write(process, b"one two\n")
    assert len(hear(process, 2 * WORD_BYTES)) == 2 * WORD_BYTES
    write(process, b"fail\ncaf\xe9\nthree\n")
    assert len(hear(process, SENTENCE_BYTES + WORD_BYTES)) == SENTENCE_BYTES + WORD_BYTES
    assert process.poll() is None
    rest, err = process.communicate(timeout=600)
    assert process.returncode == 10 and rest == b""
    first, second = err.decode().splitlines()
    assert first == "voicelet: can't say that; try another word (line 2)"
    assert "isn't UTF-8 text (line 3)" in second and "--encoding" in second


def test_lines_of_a_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("one. two\nfail\n\nthree")
    arguments = ("-f", str(tmp_path / "lines.txt"), "--lines", "-o", str(tmp_path / "o.wav"))
    code, _, err = cli("say", *arguments)
    assert code == 10 and "(line 2)" in err
    assert said() == ["one. two\n", "fail\n", "three"]


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait_for_text(
    make_bundle: Callable[..., Path], number: signal.Signals
) -> None:
    process = start(make_bundle(), 0.0, "say", "-", "--raw")
    write(process, b"One.\n")
    hear(process, WORD_BYTES)
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number  # with the pipe still open
    process.communicate()


@posix
def test_a_reader_that_leaves_ends_a_long_pipe(make_bundle: Callable[..., Path]) -> None:
    process = start(make_bundle(), 0.0, "say", "-", "--raw")
    assert process.stdout is not None and process.stderr is not None
    write(process, b"One.\n")
    hear(process, WORD_BYTES)
    process.stdout.close()
    write(process, b"Two.\n")
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""


def test_half_a_letter(cli: Cli, arriving: Callable[..., None], tmp_path: Path) -> None:
    arriving(b"caf\xc3", b"\xa9 au lait. ", b"\xf0\x9f", b"\x98\x80 and")
    assert cli("say", "-", "-o", str(tmp_path / "o.wav"))[0] == 0
    assert "".join(said()) == "café au lait. 😀 and"
    arriving(b"caf\xc3")
    code, _, err = cli("say", "-", "-o", str(tmp_path / "p.wav"))
    assert code == 10 and "isn't UTF-8" in err and not (tmp_path / "p.wav").exists()


@pytest.mark.parametrize(
    ("mark", "encoding", "asked"),
    [
        (codecs.BOM_UTF8, "utf-8", None),
        (codecs.BOM_UTF16_LE, "utf-16-le", None),
        (codecs.BOM_UTF16_BE, "utf-16-be", None),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
        (codecs.BOM_UTF32_LE, "utf-32-le", None),
        (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
        (b"", "latin-1", "latin-1"),
        (b"", "utf-16-be", "utf-16-be"),
    ],
)
def test_encodings_that_arrive_byte_by_byte(
    cli: Cli,
    arriving: Callable[..., None],
    tmp_path: Path,
    mark: bytes,
    encoding: str,
    asked: str | None,
) -> None:
    text = "Un café. Zwölf Leute"
    arriving(*(bytes([b]) for b in mark + text.encode(encoding)))
    options = [] if asked is None else ["--encoding", asked]
    assert cli("say", "-", "-o", str(tmp_path / "o.wav"), *options)[0] == 0
    assert said() == ["Un café. ", "Zwölf Leute"]


NOT_TEXT = {
    "latin-1": ("Un café crème.\n".encode("latin-1"), "cp1252"),
    "utf-16": ("Hello there, all of you.\n".encode("utf-16-le"), "utf-16-le"),
    "binary": (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0" * 40, "a text file"),
}


@pytest.mark.parametrize("kind", NOT_TEXT)
@pytest.mark.parametrize("command", ["say", "pipe", "explain", "read"])
def test_what_is_no_text_is_refused_with_the_remedy(
    cli: Cli, arriving: Callable[..., None], tmp_path: Path, command: str, kind: str
) -> None:
    content, remedy = NOT_TEXT[kind]
    file, output = tmp_path / "text.txt", str(tmp_path / "out.wav")
    file.write_bytes(content)
    arriving(content)
    code, _, err = {
        "say": lambda: cli("say", "-f", str(file), "-o", output),
        "pipe": lambda: cli("say", "-", "-o", output),
        "explain": lambda: cli("explain", "-f", str(file)),
        "read": lambda: cli("read", str(file), "--list"),
    }[command]()
    assert code == 10
    assert remedy in err and "--encoding" in err
    assert not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize("command", [["say", "-o", "o.wav"], ["explain"]])
def test_text_twice_is_refused(cli: Cli, arriving: Callable[..., None], command: list[str]) -> None:
    arriving(b"one")
    code, _, err = cli(*command, "-f", "-", "two")
    assert code == 2 and "not both" in err


def test_unknown_encoding(cli: Cli, arriving: Callable[..., None], tmp_path: Path) -> None:
    for name in ("klingon", "base64", "rot13"):
        arriving(b"one")
        code, _, err = cli("say", "-", "-o", str(tmp_path / "o.wav"), "--encoding", name)
        assert code == 10 and "no encoding" in err and "cp1252" in err


def test_marks_between_scenes_are_passed_over_but_marks_alone_are_spoken(
    cli: Cli, arriving: Callable[..., None], tmp_path: Path
) -> None:
    target = str(tmp_path / "o.wav")
    arriving(b"One came.\n\n", b"* * *\n\n", b"Two went.\n\n", "—\n".encode())
    assert cli("say", "-", "-o", target)[0] == 0
    assert not any(set(text) <= set("*— \n") for text in said())
    assert "Two went." in said()[-1]
    arriving(b"?\n")
    assert cli("say", "-", "-o", target)[0] == 0
    assert [text.strip() for text in said()] == ["?"]
    arriving(b"One.\n?\n")
    assert cli("say", "-", "--lines", "-o", target)[0] == 0
    assert [text.strip() for text in said()] == ["One.", "?"]
