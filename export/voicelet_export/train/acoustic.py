"""Train the acoustic model: durations, pitch, energy and mels together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.discriminators import MelDiscriminator
from voicelet_export.models.fastspeech2 import (
    PITCH_SCALE,
    AcousticConfig,
    AcousticModel,
    expand_frames,
)
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.speaker_loss import SpeakerConsistency, load_encoder
from voicelet_export.train.task import DISCRIMINATOR, AdversarialTask, plain
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler


@dataclass(frozen=True)
class AcousticTraining:
    """The acoustic model's recipe.

    Attributes:
        max_frames: frames in a batch, padding included.
        corpus_weights: cache folder name → how much more often its utterances are drawn.
        adversarial_from: first step with a mel discriminator.
        duration_weight, pitch_weight, energy_weight, f0_weight, voicing_weight: of the loss terms
            beside the mel's (1).
        f0_noise: standard deviation of noise on the pitch and f0 that the decoder is given.
        patch_frames: length of the stretches that the discriminator sees.
        speaker_encoder: weights of the frozen encoder for the speaker-consistency loss, or "".
        speaker_from, speaker_every, speaker_windows, speaker_weight: when that loss enters, on
            which steps it is computed, on how many windows of 1.6 s, and how much it counts.
    """

    loop: LoopConfig = field(default_factory=LoopConfig)
    model: AcousticConfig = field(default_factory=AcousticConfig)
    max_frames: int = 4800
    corpus_weights: dict[str, float] = field(default_factory=dict)
    adversarial_from: int = 1_000_000
    duration_weight: float = 0.3
    pitch_weight: float = 0.1
    energy_weight: float = 0.1
    f0_weight: float = 0.2
    voicing_weight: float = 0.1
    adversarial_weight: float = 0.1
    matching_weight: float = 0.4
    f0_noise: float = 0.05
    patch_frames: int = 128
    speaker_encoder: str = ""
    speaker_from: int = 0
    speaker_every: int = 2
    speaker_windows: int = 6
    speaker_weight: float = 1.0
    weight_decay: float = 0.01


class AcousticTask(AdversarialTask[AcousticTraining]):
    """One step of acoustic training."""

    averaged = "acoustic"
    discriminator_rate = 0.5

    def __init__(
        self,
        config: AcousticTraining,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        super().__init__(config)
        decay = config.weight_decay
        model = AcousticModel(config.model)
        self.model = self.learns("acoustic", model, betas=(0.9, 0.98), weight_decay=decay)
        discriminator = MelDiscriminator(config.model.n_mels)
        self.discriminator = self.learns(
            DISCRIMINATOR, discriminator, betas=(0.5, 0.9), weight_decay=decay
        )
        self.consistency: SpeakerConsistency | None = None
        if config.speaker_encoder:
            encoder = load_encoder(Path(config.speaker_encoder))
            self.consistency = SpeakerConsistency(encoder, mel_mean, mel_std).to(self.device)
        weights = config.corpus_weights
        self.sampler = UtteranceSampler(train, mel_mean, mel_std, config.max_frames, weights)
        self.valid = UtteranceSampler(valid, mel_mean, mel_std, config.max_frames)
        vectors = [self.sampler.speaker_vector(i, None)[0] for i in self.sampler.items[::4]]
        self.model.encoder.set_speaker_statistics(np.stack(vectors))

    def losses(
        self, model: AcousticModel, batch: UtteranceBatch, noise: float
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Loss terms, the predicted mel and the frame mask."""
        longest = batch.mel.shape[1]
        keep_phones = length_mask(batch.n_phones, batch.phones.shape[1])
        keep = length_mask(batch.n_frames, longest)
        hidden, log_duration, pitch, energy, condition = model.encoder(
            batch.phones, batch.speaker, keep_phones
        )
        token_noise = noise * torch.randn_like(batch.pitch)
        frames = expand_frames(
            hidden, batch.pitch + token_noise, batch.energy, batch.durations, longest
        )
        given = batch.log_f0 + noise * PITCH_SCALE * torch.randn_like(batch.log_f0)
        mel, log_f0, voicing = model.decoder(
            frames, condition, batch.log_f0_mean, keep, (given, batch.voicing)
        )
        phone_mask, frame_mask = keep_phones.squeeze(-1), keep.squeeze(-1)
        target_duration = batch.durations.clamp_min(1).float().log()
        bce = nn.functional.binary_cross_entropy_with_logits(
            voicing, batch.voicing, weight=frame_mask, reduction="sum"
        )
        terms = {
            "mel": masked_l1(mel, batch.mel, keep * batch.bands),
            "duration": masked_l1(log_duration, target_duration, phone_mask),
            "pitch": masked_l1(pitch, batch.pitch, phone_mask),
            "energy": masked_l1(energy, batch.energy, phone_mask),
            "f0": masked_l1(log_f0, batch.log_f0, frame_mask * batch.voicing) / PITCH_SCALE,
            "voicing": bce / frame_mask.sum(),
        }
        return terms, mel, keep

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of what :meth:`losses` returns."""
        weighted = ("duration", "pitch", "energy", "f0", "voicing")
        others = (getattr(self.config, f"{name}_weight") * terms[name] for name in weighted)
        return terms["mel"] + sum(others, start=terms["mel"].new_zeros(()))

    def train_step(self, step: int) -> dict[str, float]:
        """One update of the model, and of the discriminator once it has entered."""
        c = self.config
        rng = self.rng(step)
        batch = self.sampler.draw(rng).to(self.device)
        terms, mel, _ = self.losses(self.model, batch, c.f0_noise)
        total = self.total(terms)
        if step >= c.adversarial_from:
            fake, real = self._patches(mel, batch, rng)
            terms |= self.adversarial_terms(real, fake, 1.0)
            total = total + c.adversarial_weight * terms["adversarial"]
            total = total + c.matching_weight * terms["matching"]
        if self.consistency is not None and step >= c.speaker_from and step % c.speaker_every == 0:
            speaker = self._speaker_loss(self.consistency, mel, batch, rng)
            if speaker is not None:
                terms["speaker"] = speaker
                total = total + c.speaker_weight * speaker
        self.update("acoustic", total, 1.0)
        return plain(terms)

    def _speaker_loss(
        self,
        consistency: SpeakerConsistency,
        mel: Tensor,
        batch: UtteranceBatch,
        rng: np.random.Generator,
    ) -> Tensor | None:
        """Consistency of random windows with their speakers; `None` if all rows are too short."""
        size = consistency.window_frames
        long = np.flatnonzero(batch.n_frames.cpu().numpy() >= size)
        if len(long) == 0:
            return None
        rows = rng.permutation(long)[: self.config.speaker_windows]
        cuts = []
        for row in rows:
            first = int(rng.integers(0, int(batch.n_frames[row]) - size + 1))
            cuts.append(mel[row, first : first + size])
        loss: Tensor = consistency(torch.stack(cuts), batch.d_vector[rows])
        return loss

    def _patches(
        self, mel: Tensor, batch: UtteranceBatch, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Matching stretches of predicted and real mels; bands a recording lacks are levelled."""
        size = min(self.config.patch_frames, int(batch.n_frames.min()))
        fakes, reals = [], []
        for row, length in enumerate(batch.n_frames.tolist()):
            first = int(rng.integers(0, length - size + 1))
            cut = slice(first, first + size)
            band = batch.bands[row]
            fakes.append(mel[row, cut] * band)
            reals.append(batch.mel[row, cut] * band)
        return torch.stack(fakes), torch.stack(reals)

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Losses on held-out speakers with their true durations and f0; writes a picture."""
        assert isinstance(model, AcousticModel)
        sums: dict[str, float] = {}
        items = self.valid.items
        groups = [items[i : i + 8] for i in range(0, len(items), max(8, len(items) // 10))]
        for group in groups:
            batch = self.valid.collate(group, None).to(self.device)
            terms, mel, _ = self.losses(model, batch, 0.0)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value) / len(groups)
            last = (mel, batch)
        _picture(last[0], last[1], folder / "valid.png")
        return sums


def _picture(mel: Tensor, batch: UtteranceBatch, path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    length = int(batch.n_frames[0])
    figure = Figure(figsize=(12, 6))
    for i, (name, image) in enumerate((("target", batch.mel[0]), ("predicted", mel[0]))):
        axes = figure.add_subplot(2, 1, i + 1)
        shown = image[:length].cpu().numpy().T
        axes.imshow(shown, origin="lower", aspect="auto", vmin=-2.5, vmax=2.5)
        axes.set_title(name)
    figure.savefig(path)
