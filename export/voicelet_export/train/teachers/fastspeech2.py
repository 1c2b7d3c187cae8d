"""Train FastSpeech 2 as a teacher; durations are learned with the rest, or taken from the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray, frame_energy_db
from voicelet_export.corpus.align import boundary_errors_ms
from voicelet_export.errors import CorpusError
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.teachers.fft_fastspeech2 import (
    FftFastSpeech2,
    FftFastSpeech2Config,
    relative_pitch,
)
from voicelet_export.models.teachers.learned_aligner import (
    beta_binomial_prior,
    binarization_loss,
    forward_sum_loss,
    hard_durations,
)
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.task import mean_terms, validation_groups
from voicelet_export.train.teachers.mel_task import SpeechTask
from voicelet_export.train.utterances import (
    ENERGY_MEAN_DB,
    ENERGY_STD_DB,
    UtteranceBatch,
    token_means,
)


@dataclass(frozen=True)
class FastSpeech2Training:
    """The recipe.

    Attributes:
        max_frames: frames in a batch, padding included.
        corpus_weights: cache folder name → how much more often its utterances are drawn.
        durations: "learned" by the aligner, which is trained along; "corpus" takes the cache's;
            "auto" takes them where all utterances have them, and learns them otherwise.
        speaker_vectors: .npz of vectors by speaker name, or "" for those of the cache.
        duration_weight, pitch_weight, energy_weight, source_weight: beside the mel's loss (1).
        aligner_weight, binarization_weight: of the aligner's two losses.
        binarize_from, binarize_ramp: the step at which the binarization loss enters, and how many
            it takes to its full weight: a soft alignment has to be found first.
        prior_scale: of the beta-binomial prior.
    """

    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=100_000, warmup_steps=1000))
    model: FftFastSpeech2Config = field(default_factory=FftFastSpeech2Config)
    max_frames: int = 4800
    corpus_weights: dict[str, float] = field(default_factory=dict)
    durations: Literal["auto", "learned", "corpus"] = "auto"
    speaker_vectors: str = ""
    duration_weight: float = 0.3
    pitch_weight: float = 0.1
    energy_weight: float = 0.1
    source_weight: float = 0.1
    aligner_weight: float = 1.0
    binarization_weight: float = 1.0
    binarize_from: int = 2000
    binarize_ramp: int = 2000
    prior_scale: float = 1.0
    weight_decay: float = 1e-6


class FastSpeech2Task(SpeechTask[FastSpeech2Training]):
    """One step of training."""

    averaged = kind = "fastspeech2"

    def __init__(
        self,
        config: FastSpeech2Training,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        super().__init__(config, train, mel_mean, mel_std)
        self.model = self.learns(
            "fastspeech2",
            FftFastSpeech2(config.model),
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )
        train, valid = self.prepare(train, valid)
        aligned = all(map(is_aligned, train + valid))
        self.learns_durations = config.durations == "learned" or not aligned
        if config.durations == "corpus" and not aligned:
            raise CorpusError(
                "the cache has no durations for some utterances; set `durations: learned`"
            )

    def align(
        self, model: FftFastSpeech2, batch: UtteranceBatch, keep: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Durations int64 [B, N] of a batch, and the aligner's losses if it is in use."""
        if not self.learns_durations:
            return batch.durations, {}
        prior = beta_binomial_prior(batch.n_phones, batch.n_frames, self.config.prior_scale)
        logits, log_attention = model.align(batch.phones, batch.mel, keep, prior)
        durations = hard_durations(log_attention, batch.n_phones, batch.n_frames)
        return durations, {
            "align": forward_sum_loss(logits, batch.n_phones, batch.n_frames),
            "binarize": binarization_loss(log_attention, durations),
        }

    def losses(
        self, model: FftFastSpeech2, batch: UtteranceBatch, speaker: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Loss terms, and the durations [B, N] that they were computed with."""
        keep = length_mask(batch.n_phones, batch.phones.shape[1])
        durations, terms = self.align(model, batch, keep)
        pitch, energy = self.token_targets(batch, durations)
        hidden = model.encode(batch.phones, speaker, keep)
        guess = model.variances(hidden, keep)
        frames, frame_keep = model.decode(hidden, pitch, energy, durations)
        bands, mask = frame_keep * batch.bands, keep.squeeze(-1)
        coarse = masked_l1(frames.coarse.float(), batch.mel, bands)
        refined = masked_l1(frames.mel.float(), batch.mel, bands)
        voiced = frame_keep.squeeze(-1) * batch.voicing
        bce = nn.functional.binary_cross_entropy_with_logits(
            frames.voicing.float(), batch.voicing, weight=frame_keep.squeeze(-1), reduction="sum"
        )
        track = relative_pitch(batch.log_f0, batch.log_f0_mean)
        terms |= {
            "mel": coarse if model.postnet is None else coarse + refined,
            "duration": _mse(guess.log_duration, durations.clamp_min(1).float().log(), mask),
            "pitch": _mse(guess.pitch, pitch, mask),
            "energy": _mse(guess.energy, energy, mask),
            "source": masked_l1(frames.pitch.float(), track, voiced) + bce / frame_keep.sum(),
        }
        return terms, durations

    def token_targets(self, batch: UtteranceBatch, durations: Tensor) -> tuple[Tensor, Tensor]:
        """Mean pitch and energy of every phone under these durations, [B, N] each."""
        track = relative_pitch(batch.log_f0, batch.log_f0_mean).cpu().numpy()
        voicing, frames = batch.voicing.cpu().numpy(), durations.cpu().numpy()
        level = frame_energy_db(batch.mel.cpu().numpy() * self.sampler.std + self.sampler.mean)
        energy = (level - ENERGY_MEAN_DB) / ENERGY_STD_DB
        pitch_means = np.zeros(frames.shape, np.float32)
        energy_means = np.zeros(frames.shape, np.float32)
        for row, (n, t) in enumerate(zip(batch.n_phones.tolist(), batch.n_frames.tolist())):
            mine = frames[row, :n]
            pitch_means[row, :n] = token_means(track[row, :t], voicing[row, :t], mine)
            ones = np.ones(t, np.float32)
            energy_means[row, :n] = token_means(energy[row, :t], ones, mine)
        return (
            torch.from_numpy(pitch_means).to(self.device),
            torch.from_numpy(energy_means).to(self.device),
        )

    def total(self, terms: dict[str, Tensor], step: int) -> Tensor:
        """The weighted sum of what :meth:`losses` returns."""
        c = self.config
        total = terms["mel"]
        for name in ("duration", "pitch", "energy", "source"):
            total = total + getattr(c, f"{name}_weight") * terms[name]
        if "align" in terms:
            ramp = min(1.0, max(0.0, (step - c.binarize_from) / max(1, c.binarize_ramp)))
            total = total + c.aligner_weight * terms["align"]
            total = total + ramp * c.binarization_weight * terms["binarize"]
        return total

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Losses on held-out utterances; the aligner's error where the cache has durations."""
        assert isinstance(model, FftFastSpeech2)
        rows: list[dict[str, Tensor]] = []
        errors: list[float] = []
        for group in validation_groups(self.valid.items):
            batch = self.valid.collate(group, None).to(self.device)
            terms, durations = self.losses(model, batch, self.valid_speakers.of(group, batch))
            rows.append(terms)
            errors += _boundary_errors(group, durations)
        means = mean_terms(rows)
        if errors and self.learns_durations:
            means["boundary_median_ms"] = float(np.median(errors))
        return means


def is_aligned(item: Item) -> bool:
    """Whether the cache holds durations that fill the utterance."""
    return int(item.cache.durations(item.entry).sum()) == item.entry.n_frames


def _mse(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    return ((output.float() - target) ** 2 * mask).sum() / mask.sum()


def _boundary_errors(items: Sequence[Item], durations: Tensor) -> list[float]:
    errors: list[float] = []
    for item, row in zip(items, durations.cpu().numpy()):
        if is_aligned(item):
            rate = item.cache.features.frames_per_second
            truth = item.cache.durations(item.entry)
            errors += boundary_errors_ms(row[: len(truth)], truth, rate).tolist()
    return errors
