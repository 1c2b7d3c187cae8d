"""Train the second speaker encoder of the benchmarks with an additive margin (Wang et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.speaker.phone_posteriors import normalize_bands
from voicelet_export.metrics.eer import equal_error_rate
from voicelet_export.models.xvector import XVector, XVectorConfig, save_xvector
from voicelet_export.train.data import Item, by_speaker
from voicelet_export.train.loop import LoopConfig, Trainer
from voicelet_export.train.mel_augment import MelAugmentConfig, augment, mask_bands
from voicelet_export.train.task import ModelTask


@dataclass(frozen=True)
class XVectorTraining:
    """The recipe of the second encoder.

    Attributes:
        speakers: in a batch, one stretch of each.
        frames: length of a stretch.
        scale, margin: of the cosines that become logits (equation 7).
        validation_frames: stretches of held-out people compared with one another.
    """

    loop: LoopConfig = field(
        default_factory=lambda: LoopConfig(
            steps=1500, warmup_steps=50, learning_rate=3e-3, final_ratio=0.02, ema=0.99
        )
    )
    model: XVectorConfig = field(default_factory=XVectorConfig)
    augment: MelAugmentConfig = field(
        default_factory=lambda: MelAugmentConfig(speed=0.03, warp=0.0, mask_bands=8)
    )
    speakers: int = 64
    frames: int = 160
    scale: float = 30.0
    margin: float = 0.2
    validation_frames: int = 320


class XVectorTask(ModelTask[XVectorTraining]):
    """Which of the training speakers it is."""

    averaged = "xvector"

    def __init__(self, config: XVectorTraining, train: list[Item], valid: list[Item]) -> None:
        super().__init__(config)
        self.people, self.held_out = by_speaker(train), by_speaker(valid)
        if len(self.people) < 2:
            raise ValueError("the second encoder needs two or more people with two utterances each")
        self.names = sorted(self.people)
        self.model = self.learns("xvector", XVector(config.model), weight_decay=0.05)
        classes = nn.Linear(config.model.size, len(self.names), bias=False)
        self.classes = self.learns("classes", classes, weight_decay=0.05)

    def stretch(
        self, item: Item, rng: np.random.Generator, frames: int, change: bool
    ) -> FloatArray:
        """[frames, n_bands] of an utterance, repeated where it is shorter."""
        mel = item.cache.mel(item.entry)[:, : self.config.model.n_bands]
        if change:
            mel, _ = augment(mel, np.zeros(len(mel), np.int64), rng, self.config.augment)
        bands = normalize_bands(mel, self.config.model.n_bands)
        bands = np.tile(bands, (-(-frames // len(bands)), 1))
        first = int(rng.integers(0, len(bands) - frames + 1))
        bands = bands[first : first + frames]
        if change:
            mask_bands(bands, rng, self.config.augment.mask_bands)
        return bands

    def train_step(self, step: int) -> dict[str, float]:
        """One update."""
        c = self.config
        rng = self.rng(step)
        chosen = rng.permutation(len(self.names))[: c.speakers]
        pools = [self.people[self.names[int(i)]] for i in chosen]
        items = [pool[int(rng.integers(len(pool)))] for pool in pools]
        batch = np.stack([self.stretch(item, rng, c.frames, True) for item in items])
        target = torch.from_numpy(chosen).to(self.device)
        vectors = self.model(torch.from_numpy(batch).to(self.device))
        loss = self.loss(vectors, target)
        self.update("xvector", loss, 5.0)
        self.update("classes", self.loss(vectors.detach(), target), 5.0)
        return {"loss": float(loss.detach())}

    def loss(self, vectors: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of scaled cosines, the right one less the margin."""
        cosines = vectors @ nn.functional.normalize(self.classes.weight, dim=-1).T
        less = nn.functional.one_hot(target, cosines.shape[1]) * self.config.margin
        return nn.functional.cross_entropy(self.config.scale * (cosines - less), target)

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Equal error rate between utterances of held-out people."""
        if len(self.held_out) < 2:
            return {}
        rng = np.random.default_rng(0)
        vectors, who = [], []
        for i, name in enumerate(sorted(self.held_out)):
            for item in self.held_out[name][:8]:
                bands = self.stretch(item, rng, self.config.validation_frames, False)
                vectors.append(
                    model(torch.from_numpy(bands)[None].to(self.device))[0].cpu().numpy()
                )
                who.append(i)
        cosines, people = np.stack(vectors) @ np.stack(vectors).T, np.array(who)
        same = people[:, None] == people[None, :]
        pairs = np.triu(np.ones_like(same), 1)
        eer, threshold = equal_error_rate(cosines[same & pairs], cosines[~same & pairs])
        return {"eer": eer, "threshold": threshold}


def save_average(trainer: Trainer, path: Path) -> None:
    """Write the averaged weights for the benchmarks."""
    model = trainer.average
    assert isinstance(model, XVector)
    save_xvector(model, path)
