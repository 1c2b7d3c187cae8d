"""Train the vocoder: spectral losses first, then small discriminators beside them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet_export.models.discriminators import WaveDiscriminator
from voicelet_export.models.vocos import Vocoder, VocoderConfig, harmonic_source, synthesize
from voicelet_export.train.data import Item, SegmentBatch, SegmentSampler
from voicelet_export.train.loop import LoopConfig
from voicelet_export.train.losses import SpectralLoss
from voicelet_export.train.task import DISCRIMINATOR, AdversarialTask, plain, write_waves


@dataclass(frozen=True)
class VocoderTraining:
    """The vocoder's recipe.

    Attributes:
        segment_frames: length of a training stretch.
        adversarial_from: first step with discriminators.
        mel_weight, stft_weight, adversarial_weight, matching_weight: of the loss terms.
        through_correction: of a model that corrects, whether training hears what is corrected.
        mel_noise: standard deviation of noise added to normalized mels, so that the vocoder
            forgives an acoustic model's errors.
    """

    loop: LoopConfig = field(default_factory=LoopConfig)
    model: VocoderConfig = field(default_factory=VocoderConfig)
    batch_size: int = 12
    segment_frames: int = 64
    adversarial_from: int = 2500
    mel_weight: float = 8.0
    stft_weight: float = 4.0
    adversarial_weight: float = 1.0
    matching_weight: float = 4.0
    through_correction: bool = False
    mel_noise: float = 0.05
    weight_decay: float = 0.01


class VocoderTask(AdversarialTask[VocoderTraining]):
    """One step of vocoder training."""

    averaged = "vocoder"
    discriminator_rate = 1.0

    def __init__(
        self,
        config: VocoderTraining,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        super().__init__(config)
        self.features = train[0].cache.features
        adam: dict[str, Any] = {"betas": (0.8, 0.95), "weight_decay": config.weight_decay}
        self.vocoder = self.learns("vocoder", Vocoder(config.model, self.features), **adam)
        self.vocoder.set_statistics(torch.tensor(mel_mean), torch.tensor(mel_std))
        self.discriminator = self.learns(DISCRIMINATOR, WaveDiscriminator(), **adam)
        self.spectral = SpectralLoss(self.features)
        self.sampler = SegmentSampler(train, mel_mean, mel_std, config.segment_frames)
        stretch = config.segment_frames * 5 // 2
        self.valid_batch = SegmentSampler(valid, mel_mean, mel_std, stretch).draw(
            np.random.default_rng(0), 8
        )

    def generate(self, model: Vocoder, batch: SegmentBatch) -> Tensor:
        """Waveform [B, samples] of a batch, with fresh source phase and noise."""
        hop, rate = self.features.hop_length, self.features.sample_rate_hz
        mel, log_f0 = batch.mel.to(self.device), batch.log_f0.to(self.device)
        voicing = batch.voicing.to(self.device)
        phase = torch.rand(len(mel), 1, device=self.device)
        harmonic = harmonic_source(log_f0, model.sounding(voicing), hop, rate, phase)
        noise = torch.randn_like(harmonic) / (0.375 * model.config.fft_size) ** 0.5
        config = model.config
        if not self.config.through_correction:
            config = replace(config, corrects=False)
        return synthesize(model(mel, log_f0, voicing), harmonic, noise, config, self.features)

    def train_step(self, step: int) -> dict[str, float]:
        """Discriminators first, then the vocoder."""
        c = self.config
        rng = self.rng(step)
        batch = self.sampler.draw(rng, c.batch_size)
        target = batch.audio.to(self.device)
        batch = SegmentBatch(
            batch.mel + c.mel_noise * torch.randn_like(batch.mel),
            batch.log_f0, batch.voicing, batch.audio,
        )  # fmt: skip
        output = self.generate(self.vocoder, batch)
        losses: dict[str, Tensor] = dict(self.spectral(output, target))
        total = c.mel_weight * losses["mel"] + c.stft_weight * losses["stft"]
        if step >= c.adversarial_from:
            terms, weighted = self.adversarial(output, target)
            losses |= terms
            total = total + weighted
        self.update("vocoder", total, 10.0)
        return plain(losses)

    def adversarial(self, output: Tensor, target: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Update the discriminators; the losses by them of `output`, and their weighted sum."""
        c = self.config
        terms = self.adversarial_terms(target, output, 10.0)
        weighted = (
            c.adversarial_weight * terms["adversarial"] + c.matching_weight * terms["matching"]
        )
        return terms, weighted

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Spectral losses on held-out speakers; writes four utterances to listen to."""
        assert isinstance(model, Vocoder)
        torch.manual_seed(0)
        output = self.generate(model, self.valid_batch)
        losses = self.spectral(output, self.valid_batch.audio.to(self.device))
        write_waves(folder, output[:4].cpu().numpy(), self.features.sample_rate_hz)
        return plain(losses)
