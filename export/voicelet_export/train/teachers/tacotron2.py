"""Train Tacotron 2 as a teacher, each frame told the true one before it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from voicelet.audio.features import FloatArray
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.teachers.fft_fastspeech2 import relative_pitch
from voicelet_export.models.teachers.mel_voice import MelVoice, save_mel_voice
from voicelet_export.models.teachers.tacotron2 import (
    Spectrum,
    Tacotron2,
    Tacotron2Config,
    guided_attention_loss,
)
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig, Task, Trainer
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.teachers.speakers import SpeakerVectors, spoken_items
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler


@dataclass(frozen=True)
class Tacotron2Training:
    """The recipe.

    Attributes:
        max_frames: frames in a batch, padding included.
        corpus_weights: cache folder name → how much more often its utterances are drawn.
        speaker_vectors: .npz of vectors by speaker name, or "" for those of the cache.
        source_weight, stop_weight: beside the mel's loss (1).
        stop_gain: how much the one step that ends an utterance counts among all that don't.
        guide_weight, guide_until: of the guided-attention loss, and the step after which it ends;
            attention finds the diagonal much sooner with it.
    """

    loop: LoopConfig = field(default_factory=lambda: LoopConfig(steps=100_000, warmup_steps=1000))
    model: Tacotron2Config = field(default_factory=Tacotron2Config)
    max_frames: int = 9600
    corpus_weights: dict[str, float] = field(default_factory=dict)
    speaker_vectors: str = ""
    source_weight: float = 0.1
    stop_weight: float = 1.0
    stop_gain: float = 8.0
    guide_weight: float = 1.0
    guide_until: int = 20_000
    weight_decay: float = 1e-6


class Tacotron2Task(Task):
    """One step of training."""

    averaged = "tacotron2"

    def __init__(
        self,
        config: Tacotron2Training,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        self.config = config
        self.features = train[0].cache.features
        self.device = torch.device(config.loop.device)
        torch.manual_seed(config.loop.seed)
        self.model = Tacotron2(config.model).to(self.device)
        self.modules = {"tacotron2": self.model}
        self.optimisers = {
            "tacotron2": torch.optim.AdamW(
                self.model.parameters(), eps=1e-6, weight_decay=config.weight_decay
            )
        }
        train = spoken_items(train, "to train on", 2)
        valid = spoken_items(valid, "held out")
        self.sampler = UtteranceSampler(
            train, mel_mean, mel_std, config.max_frames, config.corpus_weights
        )
        self.valid = UtteranceSampler(valid, mel_mean, mel_std, config.max_frames)
        size, path = config.model.speaker_size, config.speaker_vectors
        self.speakers = SpeakerVectors(self.sampler, size, path)
        self.valid_speakers = SpeakerVectors(self.valid, size, path)
        self.model.speaker.set_statistics(self.speakers.matrix())

    def losses(
        self, model: Tacotron2, batch: UtteranceBatch, speaker: Tensor
    ) -> tuple[dict[str, Tensor], Spectrum]:
        """Loss terms of a teacher-forced batch, and what was decoded."""
        r = model.config.frames_per_step
        keep = length_mask(batch.n_phones, batch.phones.shape[1])
        longest = batch.mel.shape[1]
        extra = -longest % r
        mel = pad(batch.mel, (0, 0, 0, extra))
        keep_frames = length_mask(batch.n_frames, longest + extra)
        out = model(batch.phones, speaker, keep, mel, keep_frames)
        bands, frame_mask = keep_frames * batch.bands, keep_frames.squeeze(-1)
        voicing = pad(batch.voicing, (0, extra))
        track = pad(relative_pitch(batch.log_f0, batch.log_f0_mean), (0, extra))
        bce = binary_cross_entropy_with_logits(
            out.voicing.float(), voicing, weight=frame_mask, reduction="sum"
        )
        n_steps = (batch.n_frames + r - 1) // r
        terms = {
            "mel": masked_l1(out.coarse.float(), mel, bands)
            + masked_l1(out.mel.float(), mel, bands),
            "source": masked_l1(out.pitch.float(), track, frame_mask * voicing)
            + bce / frame_mask.sum(),
            "stop": self._stop_loss(out.stop.float(), n_steps),
            "guide": guided_attention_loss(out.attention, batch.n_phones, n_steps),
        }
        return terms, out

    def _stop_loss(self, logits: Tensor, n_steps: Tensor) -> Tensor:
        """Cross entropy of the stop token, which is due on an utterance's last step."""
        steps = torch.arange(logits.shape[1], device=logits.device)[None, :]
        due = (steps == n_steps[:, None] - 1).float()
        inside = (steps < n_steps[:, None]).float()
        gain = logits.new_tensor(self.config.stop_gain)
        each = binary_cross_entropy_with_logits(logits, due, pos_weight=gain, reduction="none")
        return (each * inside).sum() / inside.sum()

    def total(self, terms: dict[str, Tensor], step: int) -> Tensor:
        """The weighted sum of what :meth:`losses` returns."""
        c = self.config
        total = terms["mel"] + c.source_weight * terms["source"] + c.stop_weight * terms["stop"]
        return total + c.guide_weight * terms["guide"] if step < c.guide_until else total

    def train_step(self, step: int) -> dict[str, float]:
        """One update."""
        rng = np.random.default_rng((self.config.loop.seed, step))
        items = self.sampler.choose(rng)
        batch = self.sampler.collate(items, rng).to(self.device)
        terms, _ = self.losses(self.model, batch, self.speakers.of(items, batch))
        self.update("tacotron2", self.total(terms, step), 1.0)
        return {k: float(v.detach()) for k, v in terms.items()}

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Teacher-forced losses on held-out utterances, and how sure the attention is (0..1)."""
        assert isinstance(model, Tacotron2)
        sums: dict[str, float] = {}
        items = self.valid.items
        groups = [items[i : i + 8] for i in range(0, len(items), max(8, len(items) // 10))]
        r = model.config.frames_per_step
        for group in groups:
            batch = self.valid.collate(group, None).to(self.device)
            terms, out = self.losses(model, batch, self.valid_speakers.of(group, batch))
            inside = length_mask((batch.n_frames + r - 1) // r, out.attention.shape[1]).squeeze(-1)
            sure = (out.attention.amax(dim=-1) * inside).sum() / inside.sum()
            for name, value in (terms | {"attention": sure}).items():
                sums[name] = sums.get(name, 0.0) + float(value) / len(groups)
        return sums

    def voice(self) -> MelVoice:
        """What the model folder says of the model being trained."""
        return MelVoice(
            kind="tacotron2",
            model=asdict(self.config.model),
            features=self.features,
            mel_mean=tuple(self.sampler.mean.tolist()),
            mel_std=tuple(self.sampler.std.tolist()),
            speakers=self.speakers.table(),
        )


def save_trained(trainer: Trainer, path: Path) -> None:
    """Write the averaged weights as a model folder, for `MelTeacher`."""
    assert isinstance(trainer.task, Tacotron2Task)
    save_mel_voice(path, trainer.task.voice(), trainer.average.state_dict())
