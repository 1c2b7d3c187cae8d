"""Tacotron 2 as a teacher: sizes, attention, teacher-forced and free-running, training."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from tests.teacher_corpus import Split, label, split, text, write_corpus

torch = pytest.importorskip("torch")

from voicelet_export.models.blocks import length_mask  # noqa: E402
from voicelet_export.models.teachers.diffwave import DiffWave, DiffWaveConfig  # noqa: E402
from voicelet_export.models.teachers.mel_voice import load_mel_voice, save_mel_voice  # noqa: E402
from voicelet_export.models.teachers.tacotron2 import (  # noqa: E402
    Tacotron2,
    Tacotron2Config,
    guided_attention_loss,
)
from voicelet_export.teach.mel_teacher import MelTeacher, attention_durations  # noqa: E402
from voicelet_export.train.loop import LoopConfig, Trainer  # noqa: E402
from voicelet_export.train.teachers.mel_task import save_trained  # noqa: E402
from voicelet_export.train.teachers.tacotron2 import (  # noqa: E402
    Tacotron2Task,
    Tacotron2Training,
)

SMALL = Tacotron2Config(
    encoder_channels=32,
    encoder_convs=1,
    speaker_channels=8,
    attention_channels=24,
    location_filters=4,
    location_kernel=7,
    prenet_channels=24,
    prenet_dropout=0.2,
    decoder_channels=48,
    frames_per_step=4,
    postnet_layers=2,
    postnet_channels=24,
    dropout=0.1,
)


def training(steps: int) -> Tacotron2Training:
    loop = LoopConfig(
        steps=steps, warmup_steps=5, learning_rate=6e-3, ema=0.9, log_every=5, validate_every=steps
    )
    return Tacotron2Training(loop=loop, model=SMALL, max_frames=110, stop_gain=25.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return split(write_corpus(tmp_path_factory.mktemp("taco") / "tiny", 6, aligned=False))


@pytest.fixture(scope="module")
def trained(corpus: Split, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trainer, Path]:
    folder = tmp_path_factory.mktemp("run")
    config = training(80)
    trainer = Trainer(Tacotron2Task(config, *corpus), config.loop, folder)
    trainer.run()
    save_trained(trainer, folder / "model")
    return trainer, folder


def test_the_default_has_the_published_size() -> None:
    with torch.device("meta"):
        model = Tacotron2(Tacotron2Config(speaker_size=0))
    total = sum(p.numel() for p in model.parameters())
    assert total == pytest.approx(28.2e6, rel=0.01)  # of the usual single-speaker checkpoint


def test_speakers_change_the_voice_and_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    model = Tacotron2(replace(SMALL, prenet_dropout=0.0)).eval()
    phones, speaker = torch.randint(1, 60, (2, 6)), torch.randn(2, 328)
    mel = torch.randn(2, 12, 80)
    n, t = torch.tensor([4, 6]), torch.tensor([8, 12])
    with torch.no_grad():
        both = model(phones, speaker, length_mask(n, 6), mel, length_mask(t, 12))
        alone = model(
            phones[:1, :4], speaker[:1], torch.ones(1, 4, 1), mel[:1, :8], torch.ones(1, 8, 1)
        )
        other = model(phones, -speaker, length_mask(n, 6), mel, length_mask(t, 12))
    assert both.mel.shape == (2, 12, 80)
    assert both.attention.shape == (2, 3, 6)
    torch.testing.assert_close(both.mel[:1, :8], alone.mel, atol=1e-5, rtol=1e-5)
    assert both.attention[0, :, 4:].max() < 1e-6
    assert both.attention.sum(-1) == pytest.approx(1.0, abs=1e-5)
    assert (other.mel - both.mel).abs().max() > 1e-3


def test_teacher_forcing_sees_only_frames_of_the_past() -> None:
    torch.manual_seed(0)
    model = Tacotron2(replace(SMALL, prenet_dropout=0.0)).eval()
    phones, speaker, keep = torch.randint(1, 60, (1, 5)), torch.randn(1, 328), torch.ones(1, 5, 1)
    mel = torch.randn(1, 12, 80)
    changed = mel.clone()
    changed[:, 7] += 1.0  # the last frame of the second step of four
    with torch.no_grad():
        before = model(phones, speaker, keep, mel, torch.ones(1, 12, 1)).coarse
        after = model(phones, speaker, keep, changed, torch.ones(1, 12, 1)).coarse
    moved = (before - after).abs().amax(dim=(0, 2)) > 1e-7
    assert moved.tolist() == [False] * 8 + [True] * 4


def test_free_running_ends_at_the_stop_token_or_at_its_bound() -> None:
    torch.manual_seed(0)
    model = Tacotron2(SMALL).eval()
    phones, speaker = torch.randint(1, 60, (1, 5)), torch.randn(1, 328)
    with torch.no_grad():
        model.decoder.stop.weight.zero_()
        model.decoder.stop.bias.fill_(-1.0)
    out, ended = model.speak(phones, speaker, 30)
    assert not ended
    assert out.mel.shape == (1, 32, 80)  # whole steps
    with torch.no_grad():
        model.decoder.stop.bias.fill_(1.0)
    out, ended = model.speak(phones, speaker, 30)
    assert ended
    assert out.mel.shape == (1, 4, 80)


def test_guided_attention_costs_nothing_on_the_diagonal() -> None:
    diagonal = torch.eye(5)[None]
    lengths = torch.tensor([5])
    assert float(guided_attention_loss(diagonal, lengths, lengths)) == pytest.approx(0.0, abs=1e-6)
    turned = float(guided_attention_loss(diagonal.flip(1), lengths, lengths))
    wanted = np.mean([1 - np.exp(-(((4 - 2 * i) / 5) ** 2) / 0.08) for i in range(5)])
    assert turned == pytest.approx(wanted, rel=1e-4)
    padded = torch.zeros(1, 8, 9)
    padded[:, :5, :5] = diagonal
    padded[:, 5:, 8] = 1.0
    assert float(guided_attention_loss(padded, lengths, lengths)) == pytest.approx(0.0, abs=1e-6)


def test_durations_follow_the_attention_through_its_jitter() -> None:
    path = [0, 0, 1, 2, 1, 2, 2, 3]  # one step back
    attention = np.full((8, 4), 0.02, np.float32)
    attention[np.arange(8), path] = 0.94
    found = attention_durations(attention, frames_per_step=2)
    assert found is not None
    assert found.sum() == 16
    assert found[[0, 3]].tolist() == [4, 2]
    assert attention_durations(attention[:3]) is None


def test_training_learns_to_speak_and_to_stop(trained: tuple[Trainer, Path]) -> None:
    trainer, folder = trained
    task = trainer.task
    assert isinstance(task, Tacotron2Task)
    _, voice = load_mel_voice(folder / "model", "tacotron2")
    assert voice == task.voice()
    rows = [json.loads(r) for r in (folder / "log.jsonl").read_text().splitlines()]
    losses = [r for r in rows if r["kind"] == "train"]
    assert losses[-1]["mel"] < 0.82 * losses[0]["mel"]
    assert losses[-1]["stop"] < 0.4 * losses[0]["stop"]
    assert losses[-1]["guide"] < 0.5 * losses[0]["guide"]
    item = task.sampler.items[0]
    batch = task.sampler.collate([item], None)
    torch.manual_seed(0)
    out, ended = trainer.average.speak(batch.phones, task.speakers.of([item], batch), 400)
    assert ended
    assert out.mel.shape[1] == pytest.approx(item.entry.n_frames, rel=0.5)


def test_it_labels_a_corpus_through_diffwave(trained: tuple[Trainer, Path], tmp_path: Path) -> None:
    trainer, _ = trained
    config = DiffWaveConfig(channels=4, layers=2, dilation_cycle=2)
    torch.manual_seed(0)
    voice = replace(trainer.task.voice(), kind="diffwave", model=asdict(config), speakers={})
    save_mel_voice(tmp_path / "diffwave", voice, DiffWave(config).state_dict())
    # Two utterances a speaker are few to learn a stop token from; one speaker has it surely.
    voice = trainer.task.voice()
    one = replace(voice, speakers={"s0": voice.speakers["s0"]})
    save_mel_voice(tmp_path / "one", one, trainer.average.state_dict())
    teacher = MelTeacher(tmp_path / "one", tmp_path / "diffwave")
    spoken, again = teacher.speak(text(0), "s0", 5), teacher.speak(text(0), "s0", 5)
    assert np.array_equal(spoken.samples, again.samples)
    assert spoken.durations_s is not None
    assert spoken.durations_s.sum() == pytest.approx(len(spoken.samples) / 24000, abs=1e-4)
    cache = label(teacher, tmp_path / "labelled")
    assert {e.speaker.split(".")[0] for e in cache.entries} == {"s0"}


def test_a_decoder_that_does_not_end_teaches_nothing(
    trained: tuple[Trainer, Path], tmp_path: Path
) -> None:
    trainer, _ = trained
    config = DiffWaveConfig(channels=4, layers=2, dilation_cycle=2)
    voice = trainer.task.voice()
    state = {k: v.clone() for k, v in trainer.average.state_dict().items()}
    state["decoder.stop.bias"].fill_(-100.0)
    save_mel_voice(tmp_path / "endless", voice, state)
    vocoder = replace(voice, kind="diffwave", model=asdict(config), speakers={})
    save_mel_voice(tmp_path / "diffwave", vocoder, DiffWave(config).state_dict())
    spoken = MelTeacher(tmp_path / "endless", tmp_path / "diffwave", tries=1).speak("ba")
    assert len(spoken.samples) == 0
    assert spoken.durations_s is None


def test_a_run_that_was_cut_off_ends_with_the_same_bits(corpus: Split, tmp_path: Path) -> None:
    config = training(4)

    def run(folder: Path, *stops: int) -> dict[str, torch.Tensor]:
        for stop in stops:
            Trainer(Tacotron2Task(config, *corpus), config.loop, folder).run(stop)
        state = torch.load(folder / "checkpoint.pt", weights_only=True)
        return state["modules"]["tacotron2"] | state["average"]

    whole, parts = run(tmp_path / "whole", 3), run(tmp_path / "parts", 1, 3)
    assert all(torch.equal(whole[k], parts[k]) for k in whole)
