"""`voicelet explain`, with the voice that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from voicelet.cli.main import main


def test_json_names_sources_and_lines_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "Hello", "Zoltrix.", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    hello, zoltrix = told["words"]
    assert (hello["source"], hello["guessed"]) == ("lexicon", False)
    assert (zoltrix["source"], zoltrix["guessed"]) == ("letter-to-sound", True)
    assert zoltrix["lexicon_line"] == f"Zoltrix\t[[{zoltrix['phones_alone']}]]"
    assert {p["word"] for p in told["phones"]} == {0, 1, None}
    ends = [p["end_s"] for p in told["phones"]]
    assert ends == sorted(ends) and 0.3 < ends[-1] <= told["seconds"] + 0.1


def test_a_pasted_line_mends_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "Zoltrix", "--phones"]) == 0
    out = capsys.readouterr().out
    line = out.splitlines()[-1].strip()
    assert line.startswith("Zoltrix\t[[z")
    (tmp_path / "mine.tsv").write_text(line.replace("[[z", "[[s") + "\n", encoding="utf-8")
    assert main(["explain", "Zoltrix", "--lexicon", str(tmp_path / "mine.tsv"), "--json"]) == 0
    word = json.loads(capsys.readouterr().out)["words"][0]
    assert word["source"] == "user lexicon" and word["phones"].startswith("s")


def test_pictures_are_written_by_their_suffix(tmp_path: Path) -> None:
    for name, magic in (("a.svg", b"<svg "), ("a.png", b"\x89PNG")):
        assert main(["explain", "Hi.", "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(magic)
    assert main(["explain", "Hi.", "-o", str(tmp_path / "a.jpg")]) == 2
    assert main(["explain", "Hi.", "-o", str(tmp_path / "no" / "a.svg")]) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.svg"]


def test_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", " "]) == 0
    assert "nothing that can be spoken" in capsys.readouterr().err


def test_a_letter_by_itself_is_no_unknown_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "A"]) == 0
    assert "No lexicon knows" not in capsys.readouterr().out
    assert main(["explain", "nvdm"]) == 0
    assert "No lexicon knows" in capsys.readouterr().out
