"""What a file says of itself, all in one place."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.writer import write_wav
from voicelet.errors import AudioError, ConfigError
from voicelet.synth.types import Audio
from voicelet.trust.credentials import device_signer, sign_file
from voicelet.trust.labels import Label
from voicelet.trust.provenance import provenance

NOISE = np.random.default_rng(0).uniform(-0.3, 0.3, 12000).astype(np.float32)


def test_label_and_credentials_are_told(tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    path, label = tmp_path / "a.wav", Label("us-ca", "Acme")
    write_wav(path, NOISE, 24000, tags=label.tags())
    told = provenance(path)
    assert told.label == label.facts() and told.credentials is None
    assert list(told.lines()) == ["label"] and "synthetic, by Acme" in told.lines()["label"]
    sign_file(path, label, device_signer())
    lines = provenance(path).lines()
    assert lines["credentials"] == "hold; signed by voicelet device, unknown here"
    data = bytearray(path.read_bytes())
    data[6000] ^= 1
    path.write_bytes(data)
    assert "the file was changed" in provenance(path).lines()["credentials"]


def test_audio_saves_itself_labelled_and_signed(tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    audio, label = Audio(NOISE, 24000), Label("eu", "Acme")
    audio.save(tmp_path / "a.opus")
    assert provenance(tmp_path / "a.opus").label is not None
    audio.save(tmp_path / "a.mp3", label=label, signer=device_signer())
    told = provenance(tmp_path / "a.mp3")
    assert told.label == label.facts() and told.credentials is not None
    assert told.credentials["valid"]
    with pytest.raises(ConfigError):
        audio.save(tmp_path / "b.opus", signer=device_signer())
    assert not (tmp_path / "b.opus").exists()


def test_without_the_extra_the_label_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    path = tmp_path / "a.flac"
    write_wav(path, NOISE, 24000, tags=Label().tags())
    told = provenance(path)
    assert told.label is not None and "voicelet[c2pa]" in told.lines()["credentials"]


def test_a_file_that_says_nothing(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.ogg", NOISE, 24000)
    assert provenance(tmp_path / "a.ogg").lines() == {}
    (tmp_path / "b.wav").write_bytes(b"no audio")
    with pytest.raises(AudioError):
        provenance(tmp_path / "b.wav")
