"""Train the frame classifier of the aligner on speech whose durations are exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.speaker.phone_posteriors import normalize_bands
from voicelet_export.corpus.align import AlignConfig, ForcedAligner, IntArray, boundary_errors_ms
from voicelet_export.models.aligner import (
    AlignerConfig,
    FrameClassifier,
    FramePosteriors,
    save_aligner,
)
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig, Trainer
from voicelet_export.train.mel_augment import MelAugmentConfig, augment, mask_bands
from voicelet_export.train.task import ModelTask

_IGNORED = -100


@dataclass(frozen=True)
class AlignerTraining:
    """The aligner's recipe.

    Attributes:
        batch: stretches in a step.
        frames: their length.
        label_smoothing: keeps posteriors from becoming certain, which real speech punishes.
        validation_items: held-out utterances aligned at each validation.
    """

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            steps=1000,
            warmup_steps=50,
            learning_rate=4e-3,
            final_ratio=0.02,
            ema=0.99,
            checkpoint_s=45.0,
            log_every=50,
            validate_every=500,
        )
    )
    model: AlignerConfig = field(default_factory=AlignerConfig)
    augment: MelAugmentConfig = field(default_factory=MelAugmentConfig)
    align: AlignConfig = field(default_factory=AlignConfig)
    batch: int = 8
    frames: int = 256
    label_smoothing: float = 0.02
    validation_items: int = 60


def log_prior(items: list[Item], classes: int) -> Tensor:
    """Log share of frames of each symbol, add-one smoothed, float32 [classes]."""
    counts = np.ones(classes)
    for item in items:
        np.add.at(counts, item.cache.phones(item.entry), item.cache.durations(item.entry))
    return torch.from_numpy(np.log(counts / counts.sum()).astype(np.float32))


def alignment_report(
    posteriors: FramePosteriors, items: list[Item], config: AlignConfig
) -> dict[str, float]:
    """Align utterances of known durations; errors of the inner boundaries and of frames."""
    aligner = ForcedAligner(posteriors.log_prior, config=config)
    errors, right, total = [], 0, 0
    for item in items:
        tokens, truth = item.cache.phones(item.entry), item.cache.durations(item.entry)
        durations = aligner.align(posteriors(item.cache.mel(item.entry)), tokens).durations_frames
        errors.append(boundary_errors_ms(durations, truth, item.cache.features.frames_per_second))
        places = np.arange(len(tokens))
        same = np.repeat(places, durations) == np.repeat(places, truth)
        right, total = right + int(same.sum()), total + len(same)
    flat = np.concatenate(errors)
    return {
        "boundary_median_ms": float(np.median(flat)),
        "boundary_mean_ms": float(flat.mean()),
        "boundary_p90_ms": float(np.percentile(flat, 90)),
        "within_25_ms": float((flat <= 25.0).mean()),
        "frame_accuracy": right / total,
    }


class AlignerTask(ModelTask[AlignerTraining]):
    """Cross-entropy of the symbol of each frame."""

    averaged = "aligner"

    def __init__(self, config: AlignerTraining, train: list[Item], valid: list[Item]) -> None:
        super().__init__(config)
        self.train, self.valid = train, valid
        model = FrameClassifier(config.model)
        model.log_prior.copy_(log_prior(train, config.model.classes))
        self.model = self.learns("aligner", model, betas=(0.9, 0.98), weight_decay=0.01)
        self._ends = np.cumsum([item.entry.n_frames for item in train])

    def _stretch(self, rng: np.random.Generator, item: Item) -> tuple[FloatArray, IntArray]:
        config = self.config
        labels = np.repeat(item.cache.phones(item.entry), item.cache.durations(item.entry))
        mel, labels = augment(item.cache.mel(item.entry), labels, rng, config.augment)
        bands = normalize_bands(mel, config.model.n_bands)
        mask_bands(bands, rng, config.augment.mask_bands)
        first = int(rng.integers(0, max(1, len(bands) - config.frames + 1)))
        cut = slice(first, first + config.frames)
        x = np.zeros((config.frames, config.model.n_bands), dtype=np.float32)
        y = np.full(config.frames, _IGNORED, dtype=np.int64)
        x[: len(bands[cut])], y[: len(bands[cut])] = bands[cut], labels[cut]
        return x, y

    def train_step(self, step: int) -> dict[str, float]:
        """One update on `batch` augmented stretches."""
        rng = self.rng(step)
        places = rng.integers(0, self._ends[-1], size=self.config.batch)
        drawn = [
            self._stretch(rng, self.train[int(np.searchsorted(self._ends, p, side="right"))])
            for p in places
        ]
        x = torch.from_numpy(np.stack([d[0] for d in drawn])).to(self.device)
        y = torch.from_numpy(np.stack([d[1] for d in drawn])).to(self.device)
        self.model.train()
        guess = self.model(x)
        loss = nn.functional.cross_entropy(
            guess.transpose(1, 2),
            y,
            ignore_index=_IGNORED,
            label_smoothing=self.config.label_smoothing,
        )
        self.update("aligner", loss, 1.0)
        known = y != _IGNORED
        right = (guess.argmax(dim=-1) == y)[known].float().mean()
        return {"loss": float(loss.detach()), "accuracy": float(right)}

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Align held-out speakers, each corpus for itself: only the teacher's labels are exact."""
        assert isinstance(model, FrameClassifier)
        posteriors = FramePosteriors(model)
        report: dict[str, float] = {}
        for name in dict.fromkeys(item.cache.folder.name for item in self.valid):
            mine = [item for item in self.valid if item.cache.folder.name == name]
            stride = max(1, len(mine) // self.config.validation_items)
            items = mine[::stride][: self.config.validation_items]
            errors = alignment_report(posteriors, items, self.config.align)
            report |= {f"{name}_{key}": value for key, value in errors.items()}
        return report


def save_average(trainer: Trainer, path: Path) -> None:
    """Write the averaged weights of an aligner's training, for `corpus align`."""
    assert isinstance(trainer.average, FrameClassifier)
    save_aligner(trainer.average, path)
