"""Train or tune the speaker encoder with the generalized end-to-end loss (Wan et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample
from voicelet.speaker.ge2e_mel import GE2E_FEATURES, WINDOW_FRAMES, ge2e_mel
from voicelet_export.metrics.eer import equal_error_rate
from voicelet_export.models.speaker_encoder import SpeakerEncoder, SpeakerEncoderConfig
from voicelet_export.train.data import Item, by_speaker
from voicelet_export.train.loop import LoopConfig
from voicelet_export.train.speaker_loss import load_encoder
from voicelet_export.train.task import ModelTask


@dataclass(frozen=True)
class EncoderTraining:
    """The encoder's recipe.

    Attributes:
        start: weights to tune (GE2E checkpoint or safetensors), or "" to train from scratch.
        speakers, windows: people in a batch, and windows of 1.6 s of each.
        noise_db: range of the signal-to-noise ratios of added white noise.
    """

    loop: LoopConfig = field(default_factory=LoopConfig)
    model: SpeakerEncoderConfig = field(default_factory=SpeakerEncoderConfig)
    start: str = ""
    speakers: int = 16
    windows: int = 4
    noise_db: tuple[float, float] = (10.0, 50.0)


class EncoderWithScale(nn.Module):
    """The encoder and the two numbers that turn cosines into logits."""

    def __init__(self, encoder: SpeakerEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.bias = nn.Parameter(torch.tensor(-5.0))

    def forward(self, mel: Tensor) -> Tensor:
        """d-vectors of windows, as :class:`SpeakerEncoder` gives them."""
        out: Tensor = self.encoder(mel)
        return out


def ge2e_loss(embeddings: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
    """Softmax form of the GE2E loss (equations 4 to 6 and 8).

    Args:
        embeddings: [speakers, windows, size], L2 norm 1; at least two windows.
        scale, bias: of the similarity; the scale is kept positive.
    """
    speakers, windows, _ = embeddings.shape
    total = embeddings.sum(dim=1)
    centroids = nn.functional.normalize(total, dim=-1)
    # A window isn't compared with a centroid that it is part of.
    others = nn.functional.normalize((total[:, None] - embeddings) / (windows - 1), dim=-1)
    similarity = torch.einsum("swd,cd->swc", embeddings, centroids)
    own = (embeddings * others).sum(dim=-1)
    mask = torch.eye(speakers, dtype=torch.bool, device=embeddings.device)[:, None, :]
    similarity = torch.where(mask, own[..., None], similarity)
    logits = (scale.clamp_min(1e-3) * similarity + bias).reshape(speakers * windows, speakers)
    target = torch.arange(speakers, device=logits.device).repeat_interleave(windows)
    return nn.functional.cross_entropy(logits, target)


class EncoderTask(ModelTask[EncoderTraining]):
    """One step of GE2E training."""

    averaged = "encoder"

    def __init__(self, config: EncoderTraining, train: list[Item], valid: list[Item]) -> None:
        super().__init__(config)
        encoder = load_encoder(Path(config.start)) if config.start else None
        model = EncoderWithScale(encoder or SpeakerEncoder(config.model))
        model.requires_grad_(True).train()
        self.model = self.learns("encoder", model, torch.optim.Adam)
        self.people = by_speaker(train)
        self.held_out = by_speaker(valid)
        if len(self.people) < 2:
            raise ValueError("GE2E training needs two or more people with two utterances each")

    def _window(self, item: Item, rng: np.random.Generator, noise: bool) -> FloatArray:
        entry, features = item.entry, item.cache.features
        seconds = WINDOW_FRAMES / GE2E_FEATURES.frames_per_second
        count = int(np.ceil(seconds * features.frames_per_second))
        first = int(rng.integers(0, max(1, entry.n_frames - count + 1)))
        wave = item.cache.audio(entry, first, min(count, entry.n_frames))
        if noise:
            level = float(np.sqrt(np.mean(wave**2))) * 10 ** (
                -rng.uniform(*self.config.noise_db) / 20.0
            )
            wave = wave + (level * rng.standard_normal(len(wave))).astype(np.float32)
        mel = ge2e_mel(resample(wave, features.sample_rate_hz, GE2E_FEATURES.sample_rate_hz))
        return np.pad(mel, ((0, max(0, WINDOW_FRAMES - len(mel))), (0, 0)))[:WINDOW_FRAMES]

    def _draw(
        self, people: dict[str, list[Item]], rng: np.random.Generator, count: int, noise: bool
    ) -> Tensor:
        names = sorted(people)
        chosen = rng.permutation(len(names))[: min(count, len(names))]
        windows = [
            self._window(items[int(rng.integers(len(items)))], rng, noise)
            for items in (people[names[int(i)]] for i in chosen)
            for _ in range(self.config.windows)
        ]
        stacked = torch.from_numpy(np.stack(windows)).to(self.device)
        return stacked.view(len(chosen), self.config.windows, WINDOW_FRAMES, -1)

    def train_step(self, step: int) -> dict[str, float]:
        """One update."""
        rng = self.rng(step)
        batch = self._draw(self.people, rng, self.config.speakers, noise=True)
        speakers, windows = batch.shape[:2]
        embeddings = self.model(batch.flatten(0, 1)).view(speakers, windows, -1)
        loss = ge2e_loss(embeddings, self.model.scale, self.model.bias)
        self.update("encoder", loss, 3.0)
        return {"loss": float(loss.detach())}

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Equal error rate between single windows of held-out people."""
        if len(self.held_out) < 2:
            return {}
        rng = np.random.default_rng(0)
        batch = self._draw(self.held_out, rng, len(self.held_out), noise=False)
        speakers, windows = batch.shape[:2]
        vectors = model(batch.flatten(0, 1)).cpu().numpy()
        cosines = vectors @ vectors.T
        who = np.arange(speakers).repeat(windows)
        same = (who[:, None] == who[None, :]) & ~np.eye(len(who), dtype=bool)
        eer, threshold = equal_error_rate(cosines[same], cosines[who[:, None] != who[None, :]])
        return {"eer": eer, "threshold": threshold}
