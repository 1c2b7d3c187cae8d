"""Train DiffWave as a vocoder for teachers: guess the noise in random stretches of speech."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet_export.models.teachers.diffwave import DiffWave, DiffWaveConfig
from voicelet_export.train.data import Item, SegmentBatch, SegmentSampler
from voicelet_export.train.loop import LoopConfig
from voicelet_export.train.losses import SpectralLoss
from voicelet_export.train.task import write_waves
from voicelet_export.train.teachers.mel_task import MelTask


@dataclass(frozen=True)
class DiffWaveTraining:
    """The recipe.

    Attributes:
        segment_frames: length of a training stretch.
        validation_levels: noise levels (training steps) at which held-out stretches are compared.
    """

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(steps=200_000, warmup_steps=500, learning_rate=2e-4)
    )
    model: DiffWaveConfig = field(default_factory=DiffWaveConfig)
    batch_size: int = 16
    segment_frames: int = 62
    validation_levels: tuple[int, ...] = (2, 10, 25, 45)
    weight_decay: float = 0.0


class DiffWaveTask(MelTask[DiffWaveTraining]):
    """One step of training."""

    averaged = kind = "diffwave"

    def __init__(
        self,
        config: DiffWaveTraining,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        super().__init__(config, train, mel_mean, mel_std)
        if config.model.hop_length != self.features.hop_length:
            raise ConfigError(
                f"upsample_rates multiply to {config.model.hop_length}; the cache has a hop of "
                f"{self.features.hop_length} samples"
            )
        if max(config.validation_levels, default=0) >= config.model.steps:
            raise ConfigError("validation_levels must lie below the model's steps")
        self.model = self.learns(
            "diffwave", DiffWave(config.model), weight_decay=config.weight_decay
        )
        self.spectral = SpectralLoss(self.features)
        self.sampler = SegmentSampler(train, mel_mean, mel_std, config.segment_frames)
        held_out = SegmentSampler(valid, mel_mean, mel_std, config.segment_frames)
        self.valid_batch = held_out.draw(np.random.default_rng(0), 4)

    def loss(self, model: DiffWave, batch: SegmentBatch, step: Tensor) -> Tensor:
        """Mean squared error of the guessed noise (equation 5)."""
        wave, mel = batch.audio.to(self.device), batch.mel.to(self.device)
        step = step.to(self.device)
        noise = torch.randn_like(wave)
        guess = model(model.noisy(wave, step, noise), mel, step.float())
        return ((guess.float() - noise) ** 2).mean()

    def train_step(self, step: int) -> dict[str, float]:
        """One update."""
        c = self.config
        rng = self.rng(step)
        batch = self.sampler.draw(rng, c.batch_size)
        level = torch.from_numpy(rng.integers(0, c.model.steps, size=len(batch.audio)))
        loss = self.loss(self.model, batch, level)
        self.update("diffwave", loss, 1.0)
        return {"noise": float(loss.detach())}

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """The loss at fixed noise levels, and the mel error of speech made in the fast steps."""
        assert isinstance(model, DiffWave)
        torch.manual_seed(0)
        count = len(self.valid_batch.audio)
        losses = [
            float(self.loss(model, self.valid_batch, torch.full((count,), level)))
            for level in self.config.validation_levels
        ]
        generator = torch.Generator().manual_seed(0)
        waves = model.sample(self.valid_batch.mel.to(self.device), generator)
        write_waves(folder, waves.cpu().numpy(), self.features.sample_rate_hz)
        mel = self.spectral(waves, self.valid_batch.audio.to(self.device))["mel"]
        return {"noise": float(np.mean(losses)), "mel": float(mel)}
