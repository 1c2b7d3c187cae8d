"""`voicelet demo` and the rest of the command line on the voice that ships."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicelet.cli.main import main
from voicelet.files import embedded_bundle

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
needs_voice = pytest.mark.skipif(
    not (embedded_bundle() / "manifest.json").is_file() or not SAMPLES.is_dir(),
    reason="this checkout holds no default voice or no sample recordings",
)


def test_a_folder_without_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--recordings", str(tmp_path)]) == 2
    assert "no recordings" in capsys.readouterr().err
    assert main(["demo", "--recordings", str(tmp_path / "nowhere")]) == 2
    assert "No such file" in capsys.readouterr().err


@needs_voice
def test_demo_clones_the_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "demo.wav"
    text = "Good morning. The train leaves at 7:45, and the ticket costs eighteen dollars."
    options = ["--recordings", str(SAMPLES), "-o", str(target), "--text", text, "--json"]
    assert main(["demo", *options]) == 61  # nobody agreed
    assert "--scripted-consent" in capsys.readouterr().err and not target.exists()
    code = main(["demo", *options, "--scripted-consent", "a reader of a public corpus"])
    report = json.loads(capsys.readouterr().out)
    assert code == 0
    samples, rate = soundfile.read(target)
    assert report["audio_s"] == pytest.approx(len(samples) / rate, abs=1e-3)
    assert 3.0 < report["audio_s"] < 12.0
    assert np.sqrt(np.mean(samples**2)) > 0.01
    assert report["bundle_mb"] <= 12.0
    assert report["similarity"] > 0.6  # two people: 0.52


@needs_voice
def test_say_and_info_on_the_shipped_voice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "b.wav"):
        assert main(["say", "Hello there.", "-o", str(tmp_path / name), "--seed", "3"]) == 0
    a, b = (soundfile.read(tmp_path / name)[0] for name in ("a.wav", "b.wav"))
    assert np.array_equal(a, b)  # their labels differ: each has an id of its own
    assert 0.4 < soundfile.info(tmp_path / "a.wav").duration < 3.0
    assert main(["info"]) == 0
    assert "all match" in capsys.readouterr().out
