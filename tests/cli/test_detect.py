"""`voicelet detect` on files as people have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from voicelet.cli.main import main
from voicelet.errors import AudioError, WatermarkError
from voicelet.synth import Voice
from voicelet.trust.watermark.mark import model_digest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
TEXT = "The boats came in at dusk, low in the water. Somebody had lit a fire on the beach, and the"
TEXT += " children were running to and fro between the nets."


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    voice = Voice.load()
    path = tmp_path_factory.mktemp("detect") / "said.mp3"
    soundfile.write(path, voice.synthesize(TEXT).samples, voice.sample_rate_hz)
    return path


def test_it_tells_marked_from_unmarked(spoken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(spoken), str(SAMPLES / "reader-2.opus"), "--json"]) == 0
    said, read = json.loads(capsys.readouterr().out)
    info = Voice.load().info
    assert said["found"] and said["payload"]["model"] == model_digest(info.name, info.version)
    assert said["segments"][0]["start_s"] < 1.0 and said["probability"] > 0.99
    assert not read["found"] and read["payload"] is None and read["segments"] == []


def test_what_people_read(spoken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", str(spoken), "--fast"]) == 0
    out = capsys.readouterr().out
    assert "voicelet's watermark" in out and "in the week of" in out and "the public one" in out
    assert main(["detect", str(SAMPLES / "reader-2.opus"), "--fast"]) == 0
    assert "no watermark of voicelet" in capsys.readouterr().out


def test_speech_played_faster_is_found_unless_haste_is_asked_for(
    spoken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, rate = soundfile.read(spoken)
    path = tmp_path / "faster.wav"
    soundfile.write(path, samples[: 5 * rate], round(1.15 * rate))
    assert main(["detect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["found"] and found["segments"][0]["tempo"] == pytest.approx(1.15, abs=0.03)
    assert main(["detect", str(path), "--json", "--fast"]) == 0
    assert not json.loads(capsys.readouterr().out)["found"]


def test_what_cant_be_looked_at(spoken: Path, tmp_path: Path) -> None:
    assert main(["detect", str(tmp_path / "none.wav")]) == AudioError.exit_code
    (tmp_path / "key").write_bytes(b"short")
    key = ["--key", str(tmp_path / "key")]
    assert main(["detect", str(spoken), *key]) == WatermarkError.exit_code
    soundfile.write(tmp_path / "short.wav", [0.0] * 1000, 24000)
    assert main(["detect", str(tmp_path / "short.wav")]) == WatermarkError.exit_code
