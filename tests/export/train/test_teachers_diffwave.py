"""DiffWave as a vocoder of teachers: sizes, noise schedules, sampling, training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.teacher_corpus import Split, split, write_corpus

torch = pytest.importorskip("torch")

from voicelet.config import from_mapping  # noqa: E402
from voicelet.errors import ConfigError  # noqa: E402
from voicelet_export.errors import CorpusError  # noqa: E402
from voicelet_export.models.teachers.diffwave import (  # noqa: E402
    DiffWave,
    DiffWaveConfig,
    aligned_steps,
)
from voicelet_export.train.loop import LoopConfig, Trainer  # noqa: E402
from voicelet_export.train.teachers.diffwave import DiffWaveTask, DiffWaveTraining  # noqa: E402

SMALL = DiffWaveConfig(channels=8, layers=3, dilation_cycle=3)


def training(steps: int) -> DiffWaveTraining:
    loop = LoopConfig(
        steps=steps, warmup_steps=5, learning_rate=5e-3, ema=0.9, log_every=8,
        validate_every=steps,
    )  # fmt: skip
    return DiffWaveTraining(loop=loop, model=SMALL, batch_size=3, segment_frames=8)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return split(write_corpus(tmp_path_factory.mktemp("dw") / "tiny", 6))


def test_the_default_has_the_papers_size() -> None:
    with torch.device("meta"):
        model = DiffWave()
    total = sum(p.numel() for p in model.parameters())
    assert total == pytest.approx(2.64e6, rel=0.02)  # table 1, DiffWave BASE
    field = 1 + 2 * sum(2 ** (i % 10) for i in range(30))
    assert field == 6139  # samples: 0.28 s at the paper's 22.05 kHz, as it says


@pytest.mark.parametrize("rates", [(15, 20), (16, 16), (3, 5, 2)])
def test_frames_become_samples(rates: tuple[int, ...]) -> None:
    config = replace(SMALL, upsample_rates=rates)
    model = DiffWave(config)
    mel = torch.randn(2, 7, 80)
    upsampled = model.upsampler(mel.transpose(1, 2))
    assert upsampled.shape == (2, 80, 7 * config.hop_length)
    noise = model(torch.randn(2, 7 * config.hop_length), mel, torch.tensor([3.0, 40.0]))
    assert noise.shape == (2, 7 * config.hop_length)


def test_noise_is_added_as_its_schedule_says() -> None:
    model = DiffWave(SMALL)
    wave, noise = torch.ones(2, 5), torch.full((2, 5), 2.0)
    betas = np.linspace(1e-4, 0.05, 50)
    kept = np.cumprod(1.0 - betas)
    out = model.noisy(wave, torch.tensor([0, 49]), noise)
    for row, step in enumerate((0, 49)):
        wanted = np.sqrt(kept[step]) + 2.0 * np.sqrt(1.0 - kept[step])
        assert out[row].tolist() == pytest.approx([wanted] * 5, rel=1e-5)
    assert 0.2 < kept[49] < 0.3


def test_fast_steps_lie_where_training_had_their_noise() -> None:
    config = DiffWaveConfig()
    steps = aligned_steps(config.betas, np.array(config.fast_betas))
    levels = np.sqrt(np.cumprod(1.0 - config.betas))
    wanted = np.sqrt(np.cumprod(1.0 - np.array(config.fast_betas)))
    for step, level in zip(steps, wanted):
        low = int(step)
        high = min(low + 1, 49)
        between = levels[low] + (levels[high] - levels[low]) * (step - low)
        assert between == pytest.approx(level, abs=1e-9)
    assert (np.diff(steps) > 0).all()
    assert aligned_steps(config.betas, config.betas) == pytest.approx(np.arange(50))


class Oracle(DiffWave):
    """Knows the waveform, so that its guess of the noise is exact."""

    truth: torch.Tensor

    def denoise(
        self, wave: torch.Tensor, upsampled: torch.Tensor, step: torch.Tensor
    ) -> torch.Tensor:
        levels = torch.tensor(np.cumprod(1.0 - self.config.betas)).sqrt()
        low = step.long()
        high = (low + 1).clamp_max(49)
        level = levels[low] + (levels[high] - levels[low]) * (step - low)
        return ((wave - level[:, None] * self.truth) / (1 - level[:, None] ** 2).sqrt()).float()


@pytest.mark.parametrize("fast", [True, False])
def test_sampling_recovers_the_waveform_if_the_noise_is_known(fast: bool) -> None:
    model = Oracle(SMALL)
    model.truth = 0.3 * torch.sin(torch.arange(2 * 300) / 9.0)[None]
    out = model.sample(torch.zeros(1, 2, 80), torch.Generator().manual_seed(1), fast)
    assert (out - model.truth).abs().max() < 0.01


def test_training_learns_to_tell_noise_from_speech(corpus: Split, tmp_path: Path) -> None:
    task = DiffWaveTask(training(40), *corpus)
    trainer = Trainer(task, task.config.loop, tmp_path)
    trainer.run()
    rows = [json.loads(r) for r in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [r["noise"] for r in rows if r["kind"] == "train"]
    assert losses[0] > 0.6  # it starts by guessing nothing
    assert losses[-1] < 0.5 * losses[0]
    assert rows[-1]["noise"] < 0.6
    assert np.isfinite(rows[-1]["mel"])
    assert sorted(p.name for p in tmp_path.glob("*.wav"))[0] == "valid-0.wav"
    mel = torch.zeros(1, 3, 80)
    once = trainer.average.sample(mel, torch.Generator().manual_seed(4))
    again = trainer.average.sample(mel, torch.Generator().manual_seed(4))
    other = trainer.average.sample(mel, torch.Generator().manual_seed(5))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)


def test_a_run_that_was_cut_off_ends_with_the_same_bits(corpus: Split, tmp_path: Path) -> None:
    config = training(6)

    def run(folder: Path, *stops: int) -> dict[str, torch.Tensor]:
        for stop in stops:
            Trainer(DiffWaveTask(config, *corpus), config.loop, folder).run(stop)
        state = torch.load(folder / "checkpoint.pt", weights_only=True)
        return state["modules"]["diffwave"] | state["average"]

    whole, parts = run(tmp_path / "whole", 5), run(tmp_path / "parts", 2, 5)
    assert all(torch.equal(whole[k], parts[k]) for k in whole)


def test_recipes_that_do_not_fit_the_cache_are_refused(corpus: Split) -> None:
    with pytest.raises(ConfigError, match="upsample_rates"):
        DiffWaveTask(replace(training(2), model=replace(SMALL, upsample_rates=(16, 16))), *corpus)
    with pytest.raises(CorpusError, match="5002 frames"):
        DiffWaveTask(replace(training(2), segment_frames=5000), *corpus)
    for wrong in ({"upsample_rates": [1, 300]}, {"first_beta": 0.1}, {"fast_betas": []}):
        with pytest.raises(ConfigError):
            from_mapping(DiffWaveConfig, wrong)
