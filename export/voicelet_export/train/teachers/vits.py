"""Train VITS (Kim, Kong & Son 2021) on a feature cache with phones; alignment is learnt."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.text.phones import PhoneInventory
from voicelet_export.errors import CorpusError
from voicelet_export.models.teachers.hifigan.discriminators import VitsDiscriminator
from voicelet_export.models.teachers.hifigan.generator import HifiganConfig
from voicelet_export.models.teachers.symbols import SymbolTable
from voicelet_export.models.teachers.vits.config import VitsConfig
from voicelet_export.models.teachers.vits.layers import WaveNet
from voicelet_export.models.teachers.vits.model import Reconstructed, Vits, kl_loss
from voicelet_export.models.teachers.vits.voice import VitsVoice, save_vits
from voicelet_export.models.teachers.weight_norm import add_weight_norm
from voicelet_export.models.vocos import frame_stft
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig, Trainer
from voicelet_export.train.losses import SpectralLoss
from voicelet_export.train.task import DISCRIMINATOR, AdversarialTask, mean_terms, plain
from voicelet_export.train.teachers.hifigan import KERNELS_300, RATES_300
from voicelet_export.train.teachers.vits_data import VitsBatch, VitsSampler, d_vectors

log = logging.getLogger(__name__)


def _model() -> VitsConfig:
    decoder = HifiganConfig(
        n_mels=192, upsample_rates=RATES_300, upsample_kernels=KERNELS_300, last_bias=False
    )
    return VitsConfig(decoder=decoder)


def _loop() -> LoopConfig:
    return LoopConfig(steps=200_000, learning_rate=2e-4)


@dataclass(frozen=True)
class VitsTraining:
    """The recipe of a VITS.

    Attributes:
        model: sizes; what follows from the data (symbols, speakers, spectrum) is filled in.
        speakers: "none" for one voice; "table" learns a vector a speaker; "d_vector" takes those
            of the cache, which also serve people never heard in training.
        speaker_channels: of a learnt vector.
        blanks: put a blank between symbols, which makes alignments easier to find.
        max_frames: in a batch, padding included.
        segment_frames: of the stretch that is decoded.
        judge_scale: factor on the channels of the paper's discriminators.
        adversarial_from: first batch with discriminators.
        mel_weight, kl_weight, duration_weight, adversarial_weight, matching_weight: of the loss
            terms; the latter two are means over the six discriminators, where the paper sums.
    """

    loop: LoopConfig = field(default_factory=_loop)
    model: VitsConfig = field(default_factory=_model)
    speakers: Literal["none", "table", "d_vector"] = "d_vector"
    speaker_channels: int = 256
    blanks: bool = True
    max_frames: int = 6000
    segment_frames: int = 32
    judge_scale: float = 1.0
    adversarial_from: int = 0
    mel_weight: float = 45.0
    kl_weight: float = 1.0
    duration_weight: float = 1.0
    adversarial_weight: float = 6.0
    matching_weight: float = 12.0
    weight_decay: float = 0.01


class VitsTask(AdversarialTask[VitsTraining]):
    """One step of VITS training.

    Raises:
        ConfigError: the decoder doesn't make the features' hop.
        CorpusError: no utterance is long enough.
    """

    averaged = "vits"

    def __init__(
        self,
        config: VitsTraining,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        super().__init__(config)
        self.features = train[0].cache.features
        blank = len(PhoneInventory().symbols)
        self.symbols = SymbolTable("voicelet", {}, blank if config.blanks else None)
        self.speakers = {} if config.speakers == "none" else d_vectors(train)
        model = Vits(self._sizes())
        if config.speakers == "d_vector":
            table = torch.from_numpy(np.stack(list(self.speakers.values())))
            model.emb_g.weight.data.copy_(table)
            model.emb_g.weight.requires_grad_(False)
        nets = [m for m in model.modules() if isinstance(m, WaveNet)]
        add_weight_norm([model.dec.ups, model.dec.resblocks, *nets])
        adam: dict[str, Any] = {"betas": (0.8, 0.99), "eps": 1e-9}
        adam["weight_decay"] = config.weight_decay
        self.model = self.learns("vits", model, **adam)
        discriminator = VitsDiscriminator(config.judge_scale)
        self.discriminator = self.learns(DISCRIMINATOR, discriminator, **adam)
        self.spectral = SpectralLoss(self.features)
        limits = config.segment_frames, config.max_frames
        self.sampler = VitsSampler(train, self.symbols, self.speakers, *limits)
        self.valid = VitsSampler(valid, self.symbols, self.speakers, *limits)
        for sampler, kind in ((self.sampler, "training"), (self.valid, "validation")):
            if not sampler.items:
                raise CorpusError(
                    f"no {kind} utterance has {config.segment_frames} frames (segment_frames) and "
                    "a frame for each symbol"
                )

    def _sizes(self) -> VitsConfig:
        c, count = self.config, len(self.speakers)
        if c.model.decoder.hop_length != self.features.hop_length:
            raise ConfigError(
                f"model.decoder.upsample_rates multiply to {c.model.decoder.hop_length}; the "
                f"features have a hop of {self.features.hop_length}"
            )
        width = 0
        if count:
            d_vector = len(next(iter(self.speakers.values())))
            width = d_vector if c.speakers == "d_vector" else c.speaker_channels
        return replace(
            c.model,
            n_symbols=self.symbols.highest() + 1,
            n_speakers=count,
            speaker_channels=width,
            spectrum_bins=self.features.win_length // 2 + 1,
            decoder=replace(c.model.decoder, speaker_channels=width),
        )

    def speaker(self, model: Vits, batch: VitsBatch, noise: float) -> Tensor | None:
        """Vectors [B, channels, 1] of a batch's speakers."""
        if self.config.speakers == "d_vector":
            vector = batch.d_vector + noise * torch.randn_like(batch.d_vector)
            return vector[:, :, None]
        return model.speaker(batch.row)

    def spectrum(self, batch: VitsBatch) -> Tensor:
        """Linear magnitudes [B, bins, T]."""
        window = torch.hann_window(self.features.win_length, device=batch.audio.device)
        return frame_stft(batch.audio, window, self.features.hop_length).abs().transpose(1, 2)

    def terms(
        self, model: Vits, batch: VitsBatch, speaker: Tensor | None, rng: np.random.Generator
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Loss terms but the adversarial, and decoded and true stretches [B, samples]."""
        rebuilt = model.reconstruct(
            batch.ids, batch.n_symbols, self.spectrum(batch), batch.n_frames, speaker
        )
        latent, target = self._stretches(rebuilt, batch, rng)
        output = model.dec(latent, speaker)[:, 0]
        difference = self.spectral.log_mel(output) - self.spectral.log_mel(target)
        terms = {
            "mel": difference.abs().mean(),
            "kl": kl_loss(rebuilt),
            "duration": rebuilt.duration_loss.sum() / batch.n_symbols.sum(),
        }
        return terms, output, target

    def _stretches(
        self, rebuilt: Reconstructed, batch: VitsBatch, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        size, hop = self.config.segment_frames, self.features.hop_length
        latents, waves = [], []
        for row, length in enumerate(batch.n_frames.tolist()):
            first = int(rng.integers(0, length - size + 1))
            latents.append(rebuilt.latent[row, :, first : first + size])
            waves.append(batch.audio[row, first * hop : (first + size) * hop])
        return torch.stack(latents), torch.stack(waves)

    def train_step(self, step: int) -> dict[str, float]:
        """Discriminators first, then the model."""
        c = self.config
        rng = self.rng(step)
        batch = self.sampler.draw(rng).to(self.device)
        speaker = self.speaker(self.model, batch, 0.012)
        terms, output, target = self.terms(self.model, batch, speaker, rng)
        total = c.mel_weight * terms["mel"] + c.kl_weight * terms["kl"]
        total = total + c.duration_weight * terms["duration"]
        if step >= c.adversarial_from:
            terms |= self.adversarial_terms(target, output, 1000.0)
            total = total + c.adversarial_weight * terms["adversarial"]
            total = total + c.matching_weight * terms["matching"]
        self.update("vits", total, 1000.0)
        return plain(terms)

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Losses on held-out speakers; writes what the model says of their texts."""
        import soundfile

        assert isinstance(model, Vits)
        rng, rows = np.random.default_rng(0), []
        items = self.valid.items[:: max(1, len(self.valid.items) // 8)]
        for index, item in enumerate(items):
            batch = self.valid.collate([item]).to(self.device)
            speaker = self.speaker(model, batch, 0.0)
            rows.append(self.terms(model, batch, speaker, rng)[0])
            if index < 3:
                planned = model.plan(batch.ids, batch.n_symbols, speaker)
                if int(planned.n_frames[0]) < 4 * int(batch.n_frames[0]) + 400:  # not before
                    wave = model.render(planned, speaker).wave[0].cpu().numpy()
                    path = folder / f"valid-{index}.wav"
                    soundfile.write(path, wave, self.features.sample_rate_hz)
        return mean_terms(rows)


def save_trained(trainer: Trainer, folder: Path) -> None:
    """Write the averaged model as a model folder, with what going on with training needs.

    Raises:
        OutputError: it can't be written.
    """
    task = trainer.task
    assert isinstance(task, VitsTask)
    voice = VitsVoice(
        model=task.model.config,
        sample_rate_hz=task.features.sample_rate_hz,
        symbols=task.symbols,
        speakers={name: i for i, name in enumerate(task.speakers)} or {"": 0},
        trainable=True,
        origin={"trained_steps": trainer.step},
    )
    save_vits(folder, voice, trainer.average.state_dict())
