"""VITS and HiFi-GAN learn a tiny corpus, go on where they were cut off, and then teach."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tests.export.train.test_training import _utterance  # noqa: E402
from voicelet.errors import BundleError, ConfigError  # noqa: E402
from voicelet_export.corpus.cache import CacheWriter  # noqa: E402
from voicelet_export.errors import CorpusError  # noqa: E402
from voicelet_export.models.teachers.hifigan.voice import load_hifigan  # noqa: E402
from voicelet_export.models.teachers.vits.voice import load_vits  # noqa: E402
from voicelet_export.teach.open import open_teacher  # noqa: E402
from voicelet_export.train.run import TrainingRun, build_trainer, finish_run  # noqa: E402

DECODER = (
    'initial_channels: 16, upsample_rates: [10, 6, 5], upsample_kernels: [20, 12, 11], '
    'resblock: "2", resblock_kernels: [3], resblock_dilations: [[1, 3]]'
)  # fmt: skip
VITS = f"""
loop: {{steps: %d, warmup_steps: 3, learning_rate: 0.003, log_every: 4, validate_every: %d}}
model:
  channels: 16
  latent: 8
  filter: 16
  layers: 1
  couplings: 2
  coupling_layers: 1
  duration_flows: 2
  posterior_layers: 1
  decoder: {{n_mels: 8, last_bias: false, {DECODER}}}
speakers: %s
speaker_channels: 6
max_frames: 320
segment_frames: 16
judge_scale: 0.02
adversarial_from: %d
"""
HIFIGAN = f"""
loop: {{steps: %d, warmup_steps: 3, learning_rate: 0.003, log_every: 4, validate_every: %d}}
model: {{{DECODER}}}
batch_size: 2
segment_frames: 16
judge_scale: 0.02
adversarial_from: %d
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caches") / "tiny"
    writer = CacheWriter(folder)
    rng = np.random.default_rng(0)
    voices = {f"s{i}": np.abs(rng.standard_normal(256)).astype(np.float32) for i in range(3)}
    for index in range(5):
        utterance, phones, durations = _utterance(index)
        writer.add(utterance, voices[utterance.speaker], phones, durations)
    writer.close()
    return folder


def _run(tmp_path: Path, cache: Path, stage: str, recipe: str, out: str) -> TrainingRun:
    (tmp_path / f"{out}.yaml").write_text(recipe)
    (tmp_path / "held.json").write_text(json.dumps(["s2"]))
    files = tmp_path / f"{out}.yaml", (cache,), tmp_path / "held.json", tmp_path / out
    return TrainingRun(stage, *files)


def _losses(folder: Path, kind: str, name: str) -> list[float]:
    rows = [json.loads(row) for row in (folder / "log.jsonl").read_text().splitlines()]
    return [row[name] for row in rows if row["kind"] == kind and name in row]


def test_vits_learns_and_then_teaches(tmp_path: Path, cache: Path) -> None:
    run = _run(tmp_path, cache, "vits", VITS % (24, 24, "d_vector", 23), "vits")
    trainer = build_trainer(run)
    trainer.run()
    mel, duration = (_losses(run.out, "train", name) for name in ("mel", "duration"))
    assert mel[-1] < 0.6 * mel[0]
    assert duration[-1] < 0.95 * duration[0]
    assert np.isfinite(_losses(run.out, "train", "discriminator")[-1])
    assert _losses(run.out, "valid", "mel")[-1] < mel[0]
    folder = finish_run(run, trainer)
    assert folder is not None
    teacher = open_teacher(folder)
    assert teacher.speakers == ("s0", "s1")
    spoken = teacher.speak("aiu", "s1")
    assert spoken.durations_s is not None and spoken.durations_s.shape == (5,)
    assert float(spoken.durations_s.sum()) == pytest.approx(len(spoken.samples) / 24000, abs=1e-4)
    # Folded weight norm: the folder's model computes what the averaged one does.
    model, voice = load_vits(folder, trainable=True)
    latent, speaker = torch.randn(1, 8, 9), model.speaker(torch.tensor([0]))
    with torch.no_grad():
        expected = trainer.average.dec(latent, speaker)
        torch.testing.assert_close(model.dec(latent, speaker), expected, atol=1e-5, rtol=1e-4)
    assert voice.symbols.encode("ai").ids.shape == (9,)


@pytest.mark.parametrize(
    ("stage", "recipe"),
    [("vits", VITS % (9, 20, "table", 1)), ("hifigan", HIFIGAN % (9, 20, 1))],
)
def test_a_run_that_was_cut_off_ends_with_the_same_bits(
    tmp_path: Path, cache: Path, stage: str, recipe: str
) -> None:
    build_trainer(_run(tmp_path, cache, stage, recipe, "whole")).run(until_step=3)
    build_trainer(_run(tmp_path, cache, stage, recipe, "parts")).run(until_step=1)
    build_trainer(_run(tmp_path, cache, stage, recipe, "parts")).run(until_step=3)
    whole, parts = (
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)
        for name in ("whole", "parts")
    )
    for module in whole["modules"]:
        for name, value in whole["modules"][module].items():
            assert torch.equal(value, parts["modules"][module][name]), name


def test_hifigan_learns_and_is_kept(tmp_path: Path, cache: Path) -> None:
    run = _run(tmp_path, cache, "hifigan", HIFIGAN % (16, 16, 15), "hifigan")
    trainer = build_trainer(run)
    trainer.run()
    mel = _losses(run.out, "train", "mel")
    assert mel[-1] < 0.5 * mel[0]
    assert _losses(run.out, "valid", "mel")[-1] < mel[0]
    folder = finish_run(run, trainer)
    assert folder is not None
    model, voice = load_hifigan(folder)
    assert voice.features.hop_length == 300
    mels = torch.randn(1, 80, 5)
    with torch.no_grad():
        expected = trainer.average(mels)
        torch.testing.assert_close(model(mels), expected, atol=1e-5, rtol=1e-4)
    with pytest.raises(BundleError, match="'hifigan', where 'vits' is needed"):
        open_teacher(folder)


def test_a_decoder_of_another_hop_and_utterances_too_short_are_refused(
    tmp_path: Path, cache: Path
) -> None:
    for stage, recipe in (("vits", VITS % (9, 20, "none", 1)), ("hifigan", HIFIGAN % (9, 20, 1))):
        wrong = recipe.replace("[10, 6, 5]", "[10, 6, 4]").replace("20, 12, 11", "20, 12, 10")
        with pytest.raises(ConfigError, match="300"):
            build_trainer(_run(tmp_path, cache, stage, wrong, "wrong"))
        short = recipe.replace("segment_frames: 16", "segment_frames: 5000")
        with pytest.raises(CorpusError, match="5002 frames|segment_frames"):
            build_trainer(_run(tmp_path, cache, stage, short, "short"))
