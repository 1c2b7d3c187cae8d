"""The command line with a voice that beeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import voicelet.synth
from tests.cli.fakes import FakeVoice
from voicelet.cli.main import main


@dataclass
class Cli:
    """Runs `voicelet …` in this process."""

    bundle: Path
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Return the exit code, standard output and standard error."""
        try:
            code = main(arguments)
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        out, err = self.capsys.readouterr()
        return code, out, err


@pytest.fixture
def recordings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: with recordings to name, for tests in which nobody listens to them."""
    folder = tmp_path_factory.mktemp("recordings")
    for name in ("a.wav", "b.wav", "b.flac", "noise.wav"):
        (folder / name).touch()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cli(
    make_bundle: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Cli:
    bundle = make_bundle()
    monkeypatch.setattr(voicelet.synth, "Voice", FakeVoice, raising=False)
    monkeypatch.setattr(FakeVoice, "default", bundle)
    monkeypatch.setattr(FakeVoice, "last", None)
    return Cli(bundle, capsys)
