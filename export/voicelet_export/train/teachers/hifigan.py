"""Train HiFi-GAN (Kong, Kim & Bae 2020) on a feature cache."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet_export.models.teachers.hifigan.discriminators import HifiganDiscriminator
from voicelet_export.models.teachers.hifigan.generator import HifiganConfig, HifiganGenerator
from voicelet_export.models.teachers.hifigan.voice import HifiganVoice, save_hifigan
from voicelet_export.models.teachers.weight_norm import add_weight_norm
from voicelet_export.train.data import Item, SegmentBatch, SegmentSampler
from voicelet_export.train.loop import LoopConfig, Trainer
from voicelet_export.train.losses import SpectralLoss
from voicelet_export.train.task import DISCRIMINATOR, AdversarialTask, plain, write_waves

RATES_300, KERNELS_300 = (5, 5, 4, 3), (11, 11, 8, 7)
"""Upsampling to the project's hop of 300 samples."""


def _model() -> HifiganConfig:
    return HifiganConfig(upsample_rates=RATES_300, upsample_kernels=KERNELS_300)


def _loop() -> LoopConfig:
    return LoopConfig(steps=200_000, learning_rate=2e-4)


@dataclass(frozen=True)
class HifiganTraining:
    """The recipe of a HiFi-GAN.

    Attributes:
        model: sizes; V1 for the project's hop by default.
        judge_scale: factor on the channels of the paper's discriminators.
        segment_frames: length of a training stretch.
        adversarial_from: first batch with discriminators.
        mel_weight, adversarial_weight, matching_weight: of the loss terms; the latter two are means
            over the eight discriminators, where the paper sums.
    """

    loop: LoopConfig = field(default_factory=_loop)
    model: HifiganConfig = field(default_factory=_model)
    judge_scale: float = 1.0
    batch_size: int = 16
    segment_frames: int = 32
    adversarial_from: int = 0
    mel_weight: float = 45.0
    adversarial_weight: float = 8.0
    matching_weight: float = 16.0
    weight_decay: float = 0.01


class HifiganTask(AdversarialTask[HifiganTraining]):
    """One step of HiFi-GAN training.

    Raises:
        ConfigError: the upsampling rates don't make the features' hop.
        CorpusError: no utterance is long enough.
    """

    averaged = "hifigan"

    def __init__(
        self,
        config: HifiganTraining,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        self.features = features = train[0].cache.features
        if config.model.hop_length != features.hop_length:
            raise ConfigError(
                f"model.upsample_rates multiply to {config.model.hop_length}; the features have a "
                f"hop of {features.hop_length}, such as {RATES_300} make of 300"
            )
        super().__init__(config)
        adam: dict[str, Any] = {"betas": (0.8, 0.99), "weight_decay": config.weight_decay}
        generator = HifiganGenerator(replace(config.model, n_mels=features.n_mels))
        add_weight_norm([generator])
        self.generator = self.learns("hifigan", generator, **adam)
        discriminator = HifiganDiscriminator(config.judge_scale)
        self.discriminator = self.learns(DISCRIMINATOR, discriminator, **adam)
        self.spectral = SpectralLoss(features)
        self.mean = torch.tensor(mel_mean, device=self.device)
        self.std = torch.tensor(mel_std, device=self.device)
        self.sampler = SegmentSampler(train, mel_mean, mel_std, config.segment_frames)
        self.valid_sampler = SegmentSampler(valid, mel_mean, mel_std, config.segment_frames)

    def generate(self, model: nn.Module, batch: SegmentBatch) -> Tensor:
        """Waveform [B, samples] of a batch."""
        mel = batch.mel.to(self.device) * self.std + self.mean  # the generator takes plain log mels
        wave: Tensor = model(mel.transpose(1, 2))[:, 0]
        return wave

    def train_step(self, step: int) -> dict[str, float]:
        """Discriminators first, then the generator."""
        c = self.config
        batch = self.sampler.draw(self.rng(step), c.batch_size)
        target = batch.audio.to(self.device)
        output = self.generate(self.generator, batch)
        difference = self.spectral.log_mel(output) - self.spectral.log_mel(target)
        terms = {"mel": difference.abs().mean()}
        total = c.mel_weight * terms["mel"]
        if step >= c.adversarial_from:
            terms |= self.adversarial_terms(target, output, 1000.0)
            total = total + c.adversarial_weight * terms["adversarial"]
            total = total + c.matching_weight * terms["matching"]
        self.update("hifigan", total, 1000.0)
        return plain(terms)

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Spectral losses on held-out stretches; writes some to listen to."""
        batch = self.valid_sampler.draw(np.random.default_rng(0), 4)
        output = self.generate(model, batch)
        losses = self.spectral(output, batch.audio.to(self.device))
        write_waves(folder, output.cpu().numpy(), self.features.sample_rate_hz)
        return plain(losses)


def save_trained(trainer: Trainer, folder: Path) -> None:
    """Write the averaged generator as a model folder.

    Raises:
        OutputError: it can't be written.
    """
    task = trainer.task
    assert isinstance(task, HifiganTask)
    origin = {"trained_steps": trainer.step}
    voice = HifiganVoice(task.generator.config, task.features, origin)
    save_hifigan(folder, voice, trainer.average.state_dict())
