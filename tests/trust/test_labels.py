"""Files say that they are synthetic, in every format and for every region."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicelet.audio.io import read_audio
from voicelet.audio.writer import FORMATS, AudioWriter, write_wav
from voicelet.errors import AudioError, ConfigError, OutputError
from voicelet.trust.labels import REGIONS, Label, read_label, rhythm_cue

NOISE = np.random.default_rng(0).uniform(-0.3, 0.3, 24000).astype(np.float32)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("region", [r for r in REGIONS if r != "none"])
def test_every_format_carries_every_label(suffix: str, region: str, tmp_path: Path) -> None:
    label = Label(region, "Söhne & Co. 声", voice="default")
    write_wav(tmp_path / f"a{suffix}", NOISE, 24000, tags=label.tags())
    told = read_label(tmp_path / f"a{suffix}")
    assert told == label.facts() and told["synthetic"] is True
    for key in ("provider", "system", "version", "created", "id"):
        assert told[key] == getattr(label, key)
    assert ("AIGC" in told) == (region == "cn")
    assert read_audio(tmp_path / f"a{suffix}").seconds == pytest.approx(1.0, abs=0.06)


def test_players_show_the_word_synthetic(tmp_path: Path) -> None:
    import soundfile

    for suffix in FORMATS:
        path = tmp_path / f"a{suffix}"
        write_wav(path, NOISE, 24000, tags=Label().tags())
        with soundfile.SoundFile(path) as file:
            assert file.title == "Synthetic speech (AI-generated)"


def test_metadata_changes_no_sample(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", NOISE, 24000, tags=Label("cn").tags())
    write_wav(tmp_path / "b.wav", NOISE, 24000)
    a, b = read_audio(tmp_path / "a.wav"), read_audio(tmp_path / "b.wav")
    np.testing.assert_array_equal(a.samples, b.samples)
    assert read_label(tmp_path / "b.wav") is None


def test_labels_are_unique_and_follow_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Label().id != Label().id
    assert Label.of_settings().region == "default"
    monkeypatch.setenv("VOICELET_LABEL", "us-ca")
    monkeypatch.setenv("VOICELET_PROVIDER", "Acme")
    label = Label.of_settings()
    assert (label.region, label.provider) == ("us-ca", "Acme")
    assert Label.of_settings("eu", "B").facts()["provider"] == "B"
    assert Label("none").tags() == {}


def test_what_cant_be_a_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'us-ca'"):
        Label("us_ca")
    for provider in ("", "  ", "x" * 121, "a\nb"):
        with pytest.raises(ConfigError, match="provider"):
            Label(provider=provider)
    with pytest.raises(OutputError, match="metadata"):
        AudioWriter(tmp_path / "a.wav", 24000, tags={"colour": "red"})
    with pytest.raises(AudioError):
        read_label(tmp_path / "missing.wav")


def test_the_chinese_cue_says_a_i_in_morse() -> None:
    cue = rhythm_cue(24000)
    assert 1.4 < len(cue) / 24000 < 1.8 and np.abs(cue).max() <= 0.1
    loud = np.abs(cue).reshape(-1, 120).max(1) > 0.02  # in steps of 5 ms
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
    lengths_ms = (edges[1::2] - edges[::2]) * 5
    np.testing.assert_allclose(lengths_ms, [100, 300, 100, 100], atol=10)
    assert len(Label("eu").cue(24000)) == 0 < len(Label("cn").cue(8000))


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=200))
def test_a_strange_comment_is_no_label(comment: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        clean = comment.encode("utf-8", "ignore").decode().replace("\x00", "")
        write_wav(path, NOISE[:100], 24000, tags={"comment": clean})
        assert read_label(path) is None
