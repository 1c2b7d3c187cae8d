"""Distil a vocoder: a small student learns the waveforms and the filters of a trained one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet_export.compress.distil.store import Field, TeacherStore, teacher_identity
from voicelet_export.compress.distil.taps import LayerPair, MapMatcher, Taps
from voicelet_export.models.vocos import Vocoder
from voicelet_export.train.data import Item, SegmentBatch, continuous_log_f0
from voicelet_export.train.task import plain
from voicelet_export.train.vocoder import VocoderTask, VocoderTraining


@dataclass(frozen=True)
class VocoderDistillation:
    """The recipe of a student.

    Attributes:
        training: the student's size, its batches, the weights of the spectral and adversarial
            losses, and when discriminators enter.
        ground_weight, wave_weight: of the spectral losses against the recordings and against the
            teacher's waveforms.  Discriminators hear the recordings, or the teacher where
            `ground_weight` is 0.
        filter_weight: of the filters themselves: log magnitudes, and phase where voiced.
        maps, map_weight: pairs of layers whose outputs are compared.
        cached: keep the teacher's outputs in a store, for this and later runs (2.9 MB a minute for
            waveforms, 17 MB with filters); otherwise it runs at every step, on the very inputs and
            with the very sources of the student.
    """

    training: VocoderTraining = field(default_factory=VocoderTraining)
    ground_weight: float = 0.5
    wave_weight: float = 0.5
    filter_weight: float = 1.0
    maps: tuple[LayerPair, ...] = ()
    map_weight: float = 0.5
    cached: bool = True


class VocoderOracle:
    """Asks a trained vocoder."""

    def __init__(self, task: VocoderTask, model: Vocoder, config: VocoderDistillation) -> None:
        self.task, self.model = task, model
        self.layers = tuple(dict.fromkeys(p.teacher for p in config.maps))
        self.taps = Taps(model, ["", *self.layers])
        c, features = model.config, task.features
        self.fields: dict[str, Field] = {}
        if config.wave_weight > 0 or config.ground_weight == 0:
            self.fields["wave"] = Field(("frames", features.hop_length))
        if config.filter_weight > 0:
            for name in ("harmonic", "phase", "noise"):
                self.fields[name] = Field(("frames", c.n_bins))
        for name in self.layers:
            self.fields[f"map.{name}"] = Field(("frames", c.channels))

    def run(self, batch: SegmentBatch) -> dict[str, Tensor]:
        """The teacher's outputs for a batch; the state of the random numbers is left as it was.

        What is generated next from the same batch has the same sources, therefore.
        """
        with torch.no_grad(), self.taps.watching() as seen, torch.random.fork_rng(devices=[]):
            wave = self.task.generate(self.model, batch)
        out = dict(zip(("harmonic", "phase", "noise"), seen[""]))
        out["wave"] = wave.view(len(wave), -1, self.task.features.hop_length)
        out |= {f"map.{name}": seen[name] for name in self.layers}
        return {name: value for name, value in out.items() if name in self.fields}

    def __call__(self, item: Item) -> dict[str, FloatArray]:
        """The teacher's outputs for a whole utterance."""
        sampler, entry = self.task.sampler, item.entry
        log_f0, voicing = continuous_log_f0(item.cache.f0_hz(entry))
        mel = (item.cache.mel(entry) - sampler.mean) / sampler.std
        row = lambda v: torch.from_numpy(v.astype(np.float32))[None]  # noqa: E731
        whole = SegmentBatch(row(mel), row(log_f0), row(voicing), torch.zeros(0))
        # The sources' random numbers depend on the utterance alone.
        with torch.random.fork_rng(devices=[]), torch.autocast("cpu", enabled=False):
            torch.manual_seed(entry.first_frame)
            said = self.run(whole)
        return {name: value[0].cpu().numpy() for name, value in said.items()}


class DistilVocoderTask(VocoderTask):
    """One step of distillation."""

    def __init__(
        self,
        distil: VocoderDistillation,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
        teacher: Vocoder,
        store: Path,
    ) -> None:
        """Prepare; arguments beside those of the trainer's own task:

        Args:
            teacher: trained and frozen, of the same mels.
            store: folder for the teacher's outputs.

        Raises:
            ConfigError: teacher and student don't fit, or a layer of `maps` isn't there.
        """
        super().__init__(distil.training, train, valid, mel_mean, mel_std)
        ours, theirs = self.vocoder.config, teacher.config
        if ours.n_mels != theirs.n_mels:
            raise ConfigError("the student's n_mels isn't the teacher's; they must agree")
        if distil.filter_weight > 0 and ours.fft_size != theirs.fft_size:
            raise ConfigError(
                f"filters of fft_size {ours.fft_size} and {theirs.fft_size} can't be compared; "
                "set filter_weight to 0 or use the teacher's size"
            )
        self.distil, self.teacher = distil, teacher.to(self.device)
        self.matcher = MapMatcher(distil.maps, self.vocoder, teacher)
        self.matcher.join(self)
        self.taps = Taps(self.vocoder, ["", *(p.student for p in distil.maps)])
        self.oracle = VocoderOracle(self, self.teacher, distil)
        self.store: TeacherStore | None = None
        if distil.cached:
            identity = teacher_identity(teacher, "vocoder", mel_mean.tolist(), mel_std.tolist())
            self.store = TeacherStore(
                store, identity, self.oracle.fields, self.sampler.items, self.oracle
            )

    def train_step(self, step: int) -> dict[str, float]:
        """One update of the student, and of the discriminators once they have entered."""
        c, d = self.config, self.distil
        rng = self.rng(step)
        places = self.sampler.choose(rng, c.batch_size)
        clean = self.sampler.collate(places)
        recorded = clean.audio.to(self.device)
        noisy = clean.mel + c.mel_noise * torch.randn_like(clean.mel)
        batch = SegmentBatch(noisy, clean.log_f0, clean.voicing, clean.audio)
        taught = self._ask(places, batch)
        with self.taps.watching() as seen:
            output = self.generate(self.vocoder, batch)
        terms, total = self._heard_losses(output, recorded, taught)
        if d.filter_weight > 0:
            terms["teacher_filter"] = filter_loss(seen[""], taught, batch.voicing.to(self.device))
            total = total + d.filter_weight * terms["teacher_filter"]
        if d.maps:
            terms["teacher_map"] = self.matcher.loss(seen, taught, lambda _: None)
            total = total + d.map_weight * terms["teacher_map"]
        if step >= c.adversarial_from:
            target = recorded if d.ground_weight > 0 else taught["wave"].flatten(1)
            scores, weighted = self.adversarial(output, target)
            terms |= scores
            total = total + weighted
        self.update("vocoder", total, 10.0)
        return plain(terms)

    def _ask(self, places: Sequence[tuple[Item, int]], batch: SegmentBatch) -> dict[str, Tensor]:
        """The teacher's outputs for a batch of stretches; names as in the oracle's `fields`."""
        if self.store is None:
            return self.oracle.run(batch)
        count = self.config.segment_frames
        rows = [
            {name: value[first : first + count] for name, value in self.store.get(item).items()}
            for item, first in places
        ]
        return {
            name: torch.from_numpy(np.stack([row[name] for row in rows])).to(self.device)
            for name in self.oracle.fields
        }

    def _heard_losses(
        self, output: Tensor, recorded: Tensor, taught: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Spectral losses against recordings and teacher."""
        c, d = self.config, self.distil
        terms: dict[str, Tensor] = {}
        total = output.new_zeros(())
        for prefix, weight, target in (
            ("", d.ground_weight, recorded),
            ("teacher_", d.wave_weight, taught.get("wave", output).flatten(1)),
        ):
            if weight > 0:
                found = self.spectral(output, target)
                terms |= {f"{prefix}{name}": value for name, value in found.items()}
                total = total + weight * (
                    c.mel_weight * found["mel"] + c.stft_weight * found["stft"]
                )
        return terms, total


def filter_loss(student: Sequence[Tensor], taught: dict[str, Tensor], voicing: Tensor) -> Tensor:
    """Distance of the filters of harmonics (where voiced) and noise, in nats and radians.

    Args:
        student: harmonic log magnitude, phase and noise log magnitude, each [B, T, bins].
        taught: the teacher's, as "harmonic", "phase", "noise".
        voicing: [B, T].
    """
    harmonic, phase, noise = student
    voiced = voicing.unsqueeze(-1)
    share = (voiced.sum() * harmonic.shape[-1]).clamp_min(1.0)
    magnitude = ((harmonic - taught["harmonic"]).abs() * voiced).sum() / share
    turned = ((1.0 - torch.cos(phase - taught["phase"])) * voiced).sum() / share
    return magnitude + turned + (noise - taught["noise"]).abs().mean()
