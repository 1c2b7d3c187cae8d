"""Train the vocoder: spectral losses first, then small discriminators beside them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet_export.models.discriminators import WaveDiscriminator
from voicelet_export.models.vocos import Vocoder, VocoderConfig, harmonic_source, synthesise
from voicelet_export.train.data import Item, SegmentBatch, SegmentSampler
from voicelet_export.train.loop import LoopConfig, Task
from voicelet_export.train.losses import (
    SpectralLoss,
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
)


@dataclass(frozen=True)
class VocoderTraining:
    """The vocoder's recipe.

    Attributes:
        segment_frames: length of a training stretch.
        adversarial_from: first step with discriminators.
        mel_weight, stft_weight, adversarial_weight, matching_weight: of the loss terms.
        through_correction: of a model that corrects, whether training hears what is corrected.
        mel_noise: standard deviation of noise added to normalised mels, so that the vocoder
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


class VocoderTask(Task):
    """One step of vocoder training."""

    averaged = "vocoder"

    def __init__(
        self,
        config: VocoderTraining,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        self.config = config
        self.features = train[0].cache.features
        self.device = torch.device(config.loop.device)
        torch.manual_seed(config.loop.seed)
        vocoder = Vocoder(config.model, self.features).to(self.device)
        vocoder.set_statistics(torch.tensor(mel_mean), torch.tensor(mel_std))
        judge = WaveDiscriminator().to(self.device)
        self.vocoder, self.judge = vocoder, judge
        self.modules = {"vocoder": vocoder, "judge": judge}
        decay = config.weight_decay
        self.optimisers = {
            "vocoder": torch.optim.AdamW(
                vocoder.parameters(), betas=(0.8, 0.95), weight_decay=decay
            ),
            "judge": torch.optim.AdamW(judge.parameters(), betas=(0.8, 0.95), weight_decay=decay),
        }
        self.spectral = SpectralLoss(self.features)
        self.sampler = SegmentSampler(train, mel_mean, mel_std, config.segment_frames)
        stretch = config.segment_frames * 5 // 2
        self.valid_batch = SegmentSampler(valid, mel_mean, mel_std, stretch).draw(
            np.random.default_rng(0), 8
        )

    def learning_rate_scale(self, optimiser: str, step: int) -> float:
        """The judge starts with its own short warm-up."""
        if optimiser == "judge":
            return min(1.0, max(0.0, (step - self.config.adversarial_from) / 100))
        return 1.0

    def generate(self, model: Vocoder, batch: SegmentBatch) -> Tensor:
        """Waveform [B, samples] of a batch, with fresh source phase and noise."""
        hop, rate = self.features.hop_length, self.features.sample_rate_hz
        mel, log_f0 = batch.mel.to(self.device), batch.log_f0.to(self.device)
        voicing = batch.voicing.to(self.device)
        phase = torch.rand(len(mel), 1, device=self.device)
        harmonic = harmonic_source(log_f0, model.sounding(voicing), hop, rate, phase)
        noise = torch.randn_like(harmonic) / (0.375 * model.config.fft_size) ** 0.5
        heard = model.config
        if not self.config.through_correction:
            heard = replace(heard, corrects=False)
        return synthesise(model(mel, log_f0, voicing), harmonic, noise, heard, self.features)

    def train_step(self, step: int) -> dict[str, float]:
        """Judge first, then the vocoder."""
        c = self.config
        rng = np.random.default_rng((c.loop.seed, step))
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
        return {k: float(v.detach()) for k, v in losses.items()}

    def adversarial(self, output: Tensor, target: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Update the judges; what they say of `output`, and the weighted sum of it."""
        c = self.config
        judged = discriminator_loss(self.judge(target), self.judge(output.detach()))
        self.update("judge", judged, 10.0)
        self.judge.requires_grad_(False)
        real, fake = self.judge(target), self.judge(output)
        self.judge.requires_grad_(True)
        terms = {
            "judge": judged,
            "adversarial": generator_loss(fake),
            "matching": feature_matching_loss(real, fake),
        }
        weighted = (
            c.adversarial_weight * terms["adversarial"] + c.matching_weight * terms["matching"]
        )
        return terms, weighted

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Spectral losses on held-out speakers; writes four utterances to listen to."""
        import soundfile

        assert isinstance(model, Vocoder)
        torch.manual_seed(0)
        output = self.generate(model, self.valid_batch)
        losses = self.spectral(output, self.valid_batch.audio.to(self.device))
        for i in range(4):
            wave = output[i].cpu().numpy()
            soundfile.write(folder / f"valid-{i}.wav", wave, self.features.sample_rate_hz)
        return {k: float(v) for k, v in losses.items()}
