"""Train FastSpeech 2 as a teacher; durations are learned with the rest, or taken from the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
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
    binarisation_loss,
    forward_sum_loss,
    hard_durations,
)
from voicelet_export.models.teachers.mel_voice import MelVoice, save_mel_voice
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig, Task, Trainer
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.teachers.speakers import SpeakerVectors, spoken_items
from voicelet_export.train.utterances import (
    ENERGY_MEAN_DB,
    ENERGY_STD_DB,
    UtteranceBatch,
    UtteranceSampler,
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
        aligner_weight, binarisation_weight: of the aligner's two losses.
        binarise_from, binarise_ramp: the step at which the binarisation loss enters, and how many
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
    binarisation_weight: float = 1.0
    binarise_from: int = 2000
    binarise_ramp: int = 2000
    prior_scale: float = 1.0
    weight_decay: float = 1e-6


class FastSpeech2Task(Task):
    """One step of training."""

    averaged = "fastspeech2"

    def __init__(
        self,
        config: FastSpeech2Training,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        self.config = config
        self.features = train[0].cache.features
        self.device = torch.device(config.loop.device)
        torch.manual_seed(config.loop.seed)
        self.model = FftFastSpeech2(config.model).to(self.device)
        self.modules = {"fastspeech2": self.model}
        self.optimisers = {
            "fastspeech2": torch.optim.AdamW(
                self.model.parameters(), betas=(0.9, 0.98), weight_decay=config.weight_decay
            )
        }
        train = spoken_items(train, "to train on", 2)
        valid = spoken_items(valid, "held out")
        aligned = all(map(is_aligned, train + valid))
        self.learns_durations = config.durations == "learned" or not aligned
        if config.durations == "corpus" and not aligned:
            raise CorpusError(
                "the cache has no durations for some utterances; set `durations: learned`"
            )
        self.sampler = UtteranceSampler(
            train, mel_mean, mel_std, config.max_frames, config.corpus_weights
        )
        self.valid = UtteranceSampler(valid, mel_mean, mel_std, config.max_frames)
        size, path = config.model.speaker_size, config.speaker_vectors
        self.speakers = SpeakerVectors(self.sampler, size, path)
        self.valid_speakers = SpeakerVectors(self.valid, size, path)
        self.model.speaker.set_statistics(self.speakers.matrix())

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
            "binarise": binarisation_loss(log_attention, durations),
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
            ramp = min(1.0, max(0.0, (step - c.binarise_from) / max(1, c.binarise_ramp)))
            total = total + c.aligner_weight * terms["align"]
            total = total + ramp * c.binarisation_weight * terms["binarise"]
        return total

    def train_step(self, step: int) -> dict[str, float]:
        """One update."""
        rng = np.random.default_rng((self.config.loop.seed, step))
        items = self.sampler.choose(rng)
        batch = self.sampler.collate(items, rng).to(self.device)
        terms, _ = self.losses(self.model, batch, self.speakers.of(items, batch))
        self.update("fastspeech2", self.total(terms, step), 1.0)
        return {k: float(v.detach()) for k, v in terms.items()}

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Losses on held-out utterances; the aligner's error where the cache has durations."""
        assert isinstance(model, FftFastSpeech2)
        sums: dict[str, float] = {}
        errors: list[float] = []
        items = self.valid.items
        groups = [items[i : i + 8] for i in range(0, len(items), max(8, len(items) // 10))]
        for group in groups:
            batch = self.valid.collate(group, None).to(self.device)
            terms, durations = self.losses(model, batch, self.valid_speakers.of(group, batch))
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value) / len(groups)
            errors += _boundary_errors(group, durations)
        if errors and self.learns_durations:
            sums["boundary_median_ms"] = float(np.median(errors))
        return sums

    def voice(self) -> MelVoice:
        """What the model folder says of the model being trained."""
        return MelVoice(
            kind="fastspeech2",
            model=asdict(self.config.model),
            features=self.features,
            mel_mean=tuple(self.sampler.mean.tolist()),
            mel_std=tuple(self.sampler.std.tolist()),
            speakers=self.speakers.table(),
        )


def is_aligned(item: Item) -> bool:
    """Whether the cache holds durations that fill the utterance."""
    return int(item.cache.durations(item.entry).sum()) == item.entry.n_frames


def save_trained(trainer: Trainer, path: Path) -> None:
    """Write the averaged weights as a model folder, for `MelTeacher`."""
    assert isinstance(trainer.task, FastSpeech2Task)
    save_mel_voice(path, trainer.task.voice(), trainer.average.state_dict())


def _mse(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    return ((output.float() - target) ** 2 * mask).sum() / mask.sum()


def _boundary_errors(items: Sequence[Item], durations: Tensor) -> list[float]:
    found: list[float] = []
    for item, row in zip(items, durations.cpu().numpy()):
        if is_aligned(item):
            rate = item.cache.features.frames_per_second
            truth = item.cache.durations(item.entry)
            found += boundary_errors_ms(row[: len(truth)], truth, rate).tolist()
    return found
