"""`voicelet detect`: the mark in the samples, and what the file says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicelet.cli.main import main
from voicelet.trust.labels import read_label

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps."


def test_what_was_said_here_is_found_and_so_is_its_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.mp3")
    assert main(["say", TEXT, "-o", path, "--label", "us-ca", "--provider", "Acme"]) == 0
    assert main(["detect", path, "--fast", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["found"] and told["probability"] > 0.99
    assert told["label"] == read_label(path) and told["credentials"] is None
    assert main(["detect", path, "--fast"]) == 0
    out = capsys.readouterr().out
    assert "voicelet's watermark" in out and "synthetic, by Acme (voicelet " in out


def test_without_metadata_the_mark_is_still_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.wav")
    assert main(["say", TEXT, "-o", path, "--label", "none"]) == 0
    assert main(["detect", path, "--fast", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["found"] and told["label"] is None


def test_what_nobody_said_has_neither(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, 72000)
    soundfile.write(tmp_path / "a.wav", noise, 24000)
    assert main(["detect", str(tmp_path / "a.wav"), "--fast", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not told["found"] and told["label"] is None and told["segments"] == []
    assert main(["detect", str(tmp_path / "none.wav")]) == 20
