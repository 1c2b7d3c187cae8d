"""Commands that write speech label it, and sign it where that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Cli
from tests.cli.fakes import SAMPLES_A_WORD, FakeVoice
from voicelet.audio.io import read_audio
from voicelet.cli import labelling
from voicelet.trust import labels
from voicelet.trust.credentials import read_credentials
from voicelet.trust.labels import DISCLAIMER, read_label, rhythm_cue

CUE = len(rhythm_cue(24000))


def said(cli: Cli, *arguments: str) -> str:
    code, _, err = cli("say", "one two", *arguments)
    assert code == 0, err
    return err


def test_regions_are_those_of_the_labels() -> None:
    assert labelling.REGIONS == labels.REGIONS


def test_what_is_said_into_a_file_is_labelled(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.opus"
    said(cli, "-o", str(path))
    label = read_label(path)
    assert label is not None
    assert (label["synthetic"], label["provider"], label["voice"]) == (True, "voicelet", "tiny")
    said(cli, "-o", str(path), "--label", "us-ca", "--provider", "Acme")
    label = read_label(path)
    assert label is not None
    assert (label["provider"], label["label"]) == ("Acme", "California SB 942 latent disclosure")
    said(cli, "-o", str(path), "--label", "none")
    assert read_label(path) is None


def test_the_chinese_label_is_heard(cli: Cli, tmp_path: Path) -> None:
    said(cli, "-o", str(tmp_path / "a.wav"), "--label", "cn")
    samples = read_audio(tmp_path / "a.wav").samples
    assert len(samples) == CUE + 2 * SAMPLES_A_WORD
    np.testing.assert_allclose(samples[:CUE], rhythm_cue(24000), atol=1e-4)


def test_a_disclaimer_is_spoken_by_the_same_voice(cli: Cli, tmp_path: Path) -> None:
    said(cli, "-o", str(tmp_path / "a.wav"), "--disclaimer", "--voice", "low")
    assert FakeVoice.last is not None
    texts = [(c["text"], c["preset"]) for c in FakeVoice.last.calls if "text" in c]
    assert texts == [(DISCLAIMER, "low"), ("one two", "low")]
    words = len(DISCLAIMER.split()) + 2
    assert len(read_audio(tmp_path / "a.wav").samples) == words * SAMPLES_A_WORD + 9600


def test_chapters_are_labelled_each_with_an_id_of_its_own(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# A\n\none\n\n# B\n\ntwo\n")
    code, _, err = cli("read", str(tmp_path / "b.md"), "-o", str(tmp_path / "out"), "--label", "eu")
    assert code == 0, err
    told = [read_label(p) for p in sorted((tmp_path / "out").glob("*.opus"))]
    assert len(told) == 2 and all(t is not None and t["synthetic"] for t in told)
    assert len({t["id"] for t in told if t}) == 2


def test_a_file_is_signed_as_this_device(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("c2pa")
    path = tmp_path / "a.flac"
    said(cli, "-o", str(path), "--credentials")
    told = read_credentials(path)
    assert told is not None and told["valid"] and told["label"] == read_label(path)


def test_options_that_dont_go_together(cli: Cli, tmp_path: Path) -> None:
    assert cli("say", "one", "--raw", "--credentials")[0] == 2
    assert cli("say", "one", "-o", str(tmp_path / "a.ogg"), "--credentials")[0] == 2
    assert cli("say", "one", "-o", str(tmp_path / "a.ogg"), "--provider", "a\nb")[0] == 2
    missing = str(tmp_path / "none.pem")
    assert cli("say", "one", "-o", str(tmp_path / "a.wav"), "--signer", missing, missing)[0] == 2
    assert not list(tmp_path.glob("a.*"))
