"""Speech that is written into a labelled file as it is made."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from voicelet.audio.io import read_audio
from voicelet.errors import CancelledError, ConfigError, OutputError
from voicelet.synth import SpeechOptions, Voice
from voicelet.synth.labelling import write_labelled
from voicelet.trust.credentials import FileSigner
from voicelet.trust.labels import DISCLAIMER, read_label, rhythm_cue

UNUSED = FileSigner("", "ed25519", lambda data: data)


def test_the_file_holds_the_speech_and_its_label(voice: Voice, tmp_path: Path) -> None:
    options = SpeechOptions(speed=1.2, label="us-ca")
    label = write_labelled(
        tmp_path / "a.wav", voice, "Hello world.", options=options, seed=3, provider="Acme"
    )
    said = read_label(tmp_path / "a.wav")
    assert said is not None
    assert (said["id"], said["provider"], said["voice"]) == (label.id, "Acme", voice.info.name)
    spoken = voice.synthesize("Hello world.", speed=1.2, seed=3).samples
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav").samples, spoken, atol=2e-3)


def test_cue_and_disclaimer_come_first(voice: Voice, tmp_path: Path) -> None:
    write_labelled(tmp_path / "a.wav", voice, "Hello.", label="cn", disclaimer=True)
    heard = read_audio(tmp_path / "a.wav").samples
    cue = rhythm_cue(voice.sample_rate_hz)
    np.testing.assert_allclose(heard[: len(cue)], cue, atol=1e-3)
    rest = voice.synthesize(DISCLAIMER).seconds + 0.4 + voice.synthesize("Hello.").seconds
    assert len(heard) == pytest.approx(len(cue) + rest * voice.sample_rate_hz, abs=2)


def test_a_file_is_whole_or_not_there(voice: Voice, tmp_path: Path) -> None:
    path = tmp_path / "a.opus"
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        write_labelled(path, voice, "Hello.", cancel=stop)
    with pytest.raises(ConfigError, match="speed must lie"):
        write_labelled(path, voice, "Hello.", speed=99.0)
    with pytest.raises(ConfigError, match="no preset"):
        write_labelled(path, voice, "Hello.", preset="nobody")
    with pytest.raises(ConfigError, match="can't hold content credentials"):
        write_labelled(path, voice, "Hello.", signer=UNUSED)
    with pytest.raises(OutputError):
        write_labelled(tmp_path / "none" / "a.opus", voice, "Hello.")
    assert not list(tmp_path.iterdir())
