"""Train Tacotron 2 as a teacher, each frame told the true one before it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, pad

from voicelet.audio.features import FloatArray
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.teachers.fft_fastspeech2 import relative_pitch
from voicelet_export.models.teachers.tacotron2 import (
    Spectrum,
    Tacotron2,
    Tacotron2Config,
    guided_attention_loss,
)
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.task import mean_terms, validation_groups
from voicelet_export.train.teachers.mel_task import SpeechTask
from voicelet_export.train.utterances import UtteranceBatch


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


class Tacotron2Task(SpeechTask[Tacotron2Training]):
    """One step of training."""

    averaged = kind = "tacotron2"

    def __init__(
        self,
        config: Tacotron2Training,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        super().__init__(config, train, mel_mean, mel_std)
        self.model = self.learns(
            "tacotron2", Tacotron2(config.model), eps=1e-6, weight_decay=config.weight_decay
        )
        self.prepare(train, valid)

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

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Teacher-forced losses on held-out utterances, and how sure the attention is (0..1)."""
        assert isinstance(model, Tacotron2)
        rows: list[dict[str, Tensor]] = []
        r = model.config.frames_per_step
        for group in validation_groups(self.valid.items):
            batch = self.valid.collate(group, None).to(self.device)
            terms, out = self.losses(model, batch, self.valid_speakers.of(group, batch))
            inside = length_mask((batch.n_frames + r - 1) // r, out.attention.shape[1]).squeeze(-1)
            sure = (out.attention.amax(dim=-1) * inside).sum() / inside.sum()
            rows.append(terms | {"attention": sure})
        return mean_terms(rows)
