"""`voicelet read`: chapters become files, and a second run goes on where the first stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from tests.cli.conftest import Cli
from tests.cli.fakes import SAMPLES_A_WORD, FakeVoice

BOOK = "# One: a/b?\n\nalpha beta\n\n# Two\n\ngamma\n\n# \u4e09\n\ndelta\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.md"
    path.write_text(BOOK, encoding="utf-8")
    return path


def spoken() -> list[object]:
    assert FakeVoice.last is not None
    return [c["text"] for c in FakeVoice.last.calls if "text" in c]


def test_a_file_a_chapter(cli: Cli, book: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, said, _ = cli(
        "read", str(book), "-o", str(out), "--format", "flac", "--json", "--speed=2"
    )
    assert code == 0
    report = json.loads(said)
    assert report["files"] == ["01 One a b.flac", "02 Two.flac", "03.flac"]
    for file, words in zip(report["files"], (4, 2, 2)):
        assert len(soundfile.read(out / file)[0]) == words * SAMPLES_A_WORD // 2
    assert report["seconds"] == pytest.approx(4 * SAMPLES_A_WORD / 24000)
    playlist = (out / "playlist.m3u8").read_text(encoding="utf-8").splitlines()
    assert playlist[0] == "#EXTM3U" and playlist[2] == "01 One a b.flac"
    assert playlist[-2:] == ["#EXTINF:-1,\u4e09", "03.flac"]


def test_a_second_run_goes_on(cli: Cli, book: Path, tmp_path: Path) -> None:
    command = ["read", str(book), "-o", str(tmp_path / "out"), "--format", "wav"]
    assert cli(*command, "--chapters", "1")[0] == 0
    assert len(spoken()) == 1
    assert cli(*command)[0] == 0
    assert spoken() == ["Two.\n\ngamma", "\u4e09.\n\ndelta"]
    (tmp_path / "out" / "02 Two.wav").unlink()
    assert cli(*command)[0] == 0
    assert spoken() == ["Two.\n\ngamma"]
    book.write_text(BOOK.replace("delta", "omega"), encoding="utf-8")
    assert cli(*command)[0] == 0
    assert spoken() == ["\u4e09.\n\nomega"]
    assert cli(*command, "--pitch=2")[0] == 0
    assert len(spoken()) == 3
    (tmp_path / "out" / ".voicelet-read.json").write_bytes(b"\xff[")
    assert cli(*command)[0] == 0
    assert len(spoken()) == 3


def test_list_and_refusals(cli: Cli, book: Path, tmp_path: Path) -> None:
    code, said, _ = cli("read", str(book), "--list", "--chapters", "2-3")
    assert code == 0 and [line.split()[0] for line in said.splitlines()] == ["2", "3"]
    for chapters in ("0", "4", "2-1", "x", ""):
        code, _, err = cli("read", str(book), "--list", "--chapters", chapters)
        assert code == 2 and "--chapters" in err
    assert cli("read", str(tmp_path / "no.epub"))[0] == 10
    (tmp_path / "file").write_text("")
    code, _, err = cli("read", str(book), "-o", str(tmp_path / "file" / "x"))
    assert code == 50 and "can't make the folder" in err
