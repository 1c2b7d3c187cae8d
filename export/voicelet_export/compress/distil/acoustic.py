"""Distil an acoustic model: a small student learns what a trained one predicts, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet_export.compress.distil.store import Field, TeacherStore, teacher_identity
from voicelet_export.compress.distil.taps import LayerPair, MapMatcher, Taps, attention_loss
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.fastspeech2 import PITCH_SCALE, AcousticModel, expand_frames
from voicelet_export.train.acoustic import AcousticTask, AcousticTraining
from voicelet_export.train.data import Item
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.task import plain
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler

_ATTENTION = "encoder.attention"
_LONGEST_PHONE = 80  # frames; an untrained student's durations mustn't fill the memory


@dataclass(frozen=True)
class AcousticDistillation:
    """The recipe of a student.

    Attributes:
        training: the student's size, its batches, and the weights of the losses against the
            recordings.
        ground_weight: of all losses against the recordings together.
        forced_weight: of the teacher-forced mel, f0 and voicing (true durations, pitch and f0 go
            in), each by its weight below.
        free_weight, free_every: of the free-running mel and f0, and on which steps it is computed:
            the student decodes with its own durations, pitch and f0, and the teacher is run on the
            same ones, so that frame meets frame.
        mel_weight, f0_weight, voicing_weight: of the terms of forced and free running.
        duration_weight, pitch_weight, energy_weight: of the predictions a phone.
        maps, map_weight: pairs of layers whose outputs are compared.
        attention_weight: of the divergence of the attention maps.
        cached: keep the teacher's teacher-forced outputs in a store, for this and later runs;
            otherwise it runs at every step, on the very inputs of the student.
    """

    training: AcousticTraining = field(default_factory=AcousticTraining)
    ground_weight: float = 0.3
    forced_weight: float = 1.0
    free_weight: float = 0.0
    free_every: int = 2
    mel_weight: float = 1.0
    f0_weight: float = 0.2
    voicing_weight: float = 0.1
    duration_weight: float = 0.3
    pitch_weight: float = 0.1
    energy_weight: float = 0.1
    maps: tuple[LayerPair, ...] = ()
    map_weight: float = 0.1
    attention_weight: float = 0.0
    cached: bool = True

    def __post_init__(self) -> None:
        if self.free_every < 1:
            raise ValueError("free_every must be at least 1")


class AcousticOracle:
    """Asks a trained acoustic model, teacher-forced."""

    def __init__(
        self, model: AcousticModel, sampler: UtteranceSampler, config: AcousticDistillation
    ) -> None:
        self.model, self.sampler = model, sampler
        c = model.config
        self.layers = tuple(dict.fromkeys(p.teacher for p in config.maps))
        attention = config.attention_weight > 0
        self.taps = Taps(model, [*self.layers, *([_ATTENTION] if attention else [])])
        self.fields = {
            "log_duration": Field(("phones",)),
            "pitch": Field(("phones",)),
            "energy": Field(("phones",)),
            "mel": Field(("frames", c.n_mels)),
            "log_f0": Field(("frames",)),
            "voicing": Field(("frames",)),
        }
        if attention:
            self.fields["attention"] = Field((c.attention_heads, "phones", "phones"))
        for name in self.layers:
            rows = "phones" if name.startswith("encoder.") else "frames"
            self.fields[f"map.{name}"] = Field((rows, c.channels))

    def run(self, batch: UtteranceBatch) -> dict[str, Tensor]:
        """The teacher's outputs for a batch, by the names of `fields`."""
        keep_phones = length_mask(batch.n_phones, batch.phones.shape[1])
        keep = length_mask(batch.n_frames, batch.mel.shape[1])
        with torch.no_grad(), self.taps.watching() as seen:
            hidden, log_duration, pitch, energy, condition = self.model.encoder(
                batch.phones, batch.speaker, keep_phones
            )
            frames = expand_frames(
                hidden, batch.pitch, batch.energy, batch.durations, batch.mel.shape[1]
            )
            mel, log_f0, voicing = self.model.decoder(
                frames, condition, batch.log_f0_mean, keep, (batch.log_f0, batch.voicing)
            )
            out = {"log_duration": log_duration, "pitch": pitch, "energy": energy, "mel": mel}
            out |= {"log_f0": log_f0, "voicing": voicing.sigmoid()}
            out |= {f"map.{name}": seen[name] for name in self.layers}
            if "attention" in self.fields:
                given = seen[f"{_ATTENTION}/in"][0]
                out["attention"] = self.model.encoder.attention.attend(given, keep_phones)[0]
        return out

    def __call__(self, item: Item) -> dict[str, FloatArray]:
        """The teacher's outputs for one utterance in its speaker's mean voice."""
        device = next(self.model.parameters()).device
        with torch.autocast(device.type, enabled=False):  # kept outputs don't depend on the run
            said = self.run(self.sampler.collate([item], None).to(device))
        return {name: value[0].cpu().numpy() for name, value in said.items()}


class DistilAcousticTask(AcousticTask):
    """One step of distillation."""

    def __init__(
        self,
        distil: AcousticDistillation,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
        teacher: AcousticModel,
        store: Path,
    ) -> None:
        """Prepare; arguments beside those of the trainer's own task:

        Args:
            teacher: trained, frozen, of the same phones, mels and speaker vector.
            store: folder for the teacher's outputs.

        Raises:
            ConfigError: teacher and student don't fit, or a layer of `maps` isn't there.
        """
        super().__init__(distil.training, train, valid, mel_mean, mel_std)
        ours, theirs = self.model.config, teacher.config
        for name in ("n_symbols", "speaker_size", "n_mels"):
            if getattr(ours, name) != getattr(theirs, name):
                raise ConfigError(
                    f"the student's {name} is {getattr(ours, name)}, the teacher's "
                    f"{getattr(theirs, name)}; they must agree"
                )
        self.distil, self.teacher = distil, teacher.to(self.device)
        self.matcher = MapMatcher(distil.maps, self.model, teacher)
        self.matcher.join(self)
        attention = [_ATTENTION] if distil.attention_weight > 0 else []
        watched = {"encoder", "decoder", *attention, *(p.student for p in distil.maps)}
        self.taps = Taps(self.model, sorted(watched))
        self.oracle = AcousticOracle(self.teacher, self.sampler, distil)
        self.store: TeacherStore | None = None
        if distil.cached:
            identity = teacher_identity(teacher, "acoustic", mel_mean.tolist(), mel_std.tolist())
            self.store = TeacherStore(
                store, identity, self.oracle.fields, self.sampler.items, self.oracle
            )

    def train_step(self, step: int) -> dict[str, float]:
        """One update of the student."""
        c, d = self.config, self.distil
        rng = self.rng(step)
        items = self.sampler.choose(rng)
        batch = self.sampler.collate(items, rng).to(self.device)
        taught = self.store.batch(items) if self.store is not None else self.oracle.run(batch)
        taught = {name: value.to(self.device) for name, value in taught.items()}
        with self.taps.watching() as seen:
            ground, _, keep = self.losses(self.model, batch, c.f0_noise)
        terms = self._taught_losses(seen, taught, batch, keep)
        total = d.ground_weight * self.total(ground) + self._weighted(terms)
        if d.free_weight > 0 and step % d.free_every == 0:
            free = self._free_losses(seen["encoder"], batch)
            total = total + d.free_weight * (
                d.mel_weight * free["free_mel"] + d.f0_weight * free["free_f0"]
            )
            terms |= free
        self.update("acoustic", total, 1.0)
        terms |= ground
        return plain(terms)

    def _taught_losses(
        self,
        seen: dict[str, tuple[Tensor, ...]],
        taught: dict[str, Tensor],
        batch: UtteranceBatch,
        keep: Tensor,
    ) -> dict[str, Tensor]:
        """Student against teacher, teacher-forced."""
        keep_phones = length_mask(batch.n_phones, batch.phones.shape[1])
        phone_mask, frame_mask = keep_phones.squeeze(-1), keep.squeeze(-1)
        _, log_duration, pitch, energy, _ = seen["encoder"]
        mel, log_f0, voicing = seen["decoder"]
        bce = nn.functional.binary_cross_entropy_with_logits(
            voicing, taught["voicing"], weight=frame_mask, reduction="sum"
        )
        f0_mask = frame_mask * batch.voicing
        terms = {
            "teacher_mel": masked_l1(mel, taught["mel"], keep),
            "teacher_duration": masked_l1(log_duration, taught["log_duration"], phone_mask),
            "teacher_pitch": masked_l1(pitch, taught["pitch"], phone_mask),
            "teacher_energy": masked_l1(energy, taught["energy"], phone_mask),
            "teacher_f0": masked_l1(log_f0, taught["log_f0"], f0_mask) / PITCH_SCALE,
            "teacher_voicing": bce / frame_mask.sum(),
        }
        if self.distil.maps:
            rows = {"encoder": keep_phones, "decoder": keep}
            maps = {p.student: torch.as_tensor(seen[p.student]) for p in self.distil.maps}
            terms["teacher_map"] = self.matcher.loss(
                maps, taught, lambda name: rows[name.split(".")[0]]
            )
        if "attention" in taught:
            given = seen[f"{_ATTENTION}/in"][0]
            ours = self.model.encoder.attention.attend(given, keep_phones)[0]
            terms["teacher_attention"] = attention_loss(ours, taught["attention"], keep_phones)
        return terms

    def _weighted(self, terms: dict[str, Tensor]) -> Tensor:
        d = self.distil
        total = terms["teacher_mel"].new_zeros(())
        for name, value in terms.items():
            kind = name.removeprefix("teacher_")
            weight = getattr(d, f"{kind}_weight")
            total = total + value * weight * (
                d.forced_weight if kind in ("mel", "f0", "voicing") else 1.0
            )
        return total

    def _free_losses(self, encoded: tuple[Tensor, ...], batch: UtteranceBatch) -> dict[str, Tensor]:
        """The student by itself, against the teacher with the student's durations and pitch."""
        hidden, log_duration, pitch, energy, condition = encoded
        keep_phones = length_mask(batch.n_phones, batch.phones.shape[1])
        durations = log_duration.detach().exp().round().clamp(1, _LONGEST_PHONE)
        durations = (durations * keep_phones.squeeze(-1)).long()
        n_frames = durations.sum(dim=1)
        longest = int(n_frames.max())
        keep = length_mask(n_frames, longest)
        frames = expand_frames(hidden, pitch, energy, durations, longest)
        mel, log_f0, voicing = self.model.decoder(frames, condition, batch.log_f0_mean, keep)
        with torch.no_grad():
            theirs, _, _, _, their_condition = self.teacher.encoder(
                batch.phones, batch.speaker, keep_phones
            )
            their_frames = expand_frames(theirs, pitch, energy, durations, longest)
            their_mel, their_f0, their_voicing = self.teacher.decoder(
                their_frames, their_condition, batch.log_f0_mean, keep,
                (log_f0, torch.sigmoid(voicing)),
            )  # fmt: skip
        voiced = keep.squeeze(-1) * their_voicing.sigmoid()
        return {
            "free_mel": masked_l1(mel, their_mel, keep),
            "free_f0": masked_l1(log_f0, their_f0, voiced) / PITCH_SCALE,
        }
