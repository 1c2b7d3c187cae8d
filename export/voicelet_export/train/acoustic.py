"""Train the acoustic model: durations, pitch, energy and mels together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.speaker.vector import D_VECTOR_SIZE, F0_SIZE
from voicelet.text.phones import ENGLISH_SYMBOLS, MULTILINGUAL_SYMBOLS
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.discriminators import MelDiscriminator
from voicelet_export.models.fastspeech2 import (
    PITCH_SCALE,
    AcousticConfig,
    AcousticModel,
    expand_frames,
    grown_state,
)
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.speaker_loss import SpeakerConsistency, load_encoder
from voicelet_export.train.task import DISCRIMINATOR, AdversarialTask, plain
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler

_SOUNDS_LIKE = {
    "o": "O", "y": "u", "ø": "ɜ", "œ": "ɜ", "ɒ": "ɑ", "Q": "O", "ɨ": "ɪ", "r": "ɹ", "ɾ": "T",
    "ʁ": "ɹ", "x": "h", "ɣ": "ɡ", "β": "v", "ç": "h", "ʝ": "j", "ɲ": "n", "ʎ": "l", "ɥ": "w",
    "ʦ": "t", "ʣ": "d", "c": "k",
}  # fmt: skip


@dataclass(frozen=True)
class AcousticTraining:
    """The acoustic model's recipe.

    Attributes:
        max_frames: frames in a batch, padding included.
        corpus_weights: cache folder name → how much more often its utterances are drawn.
        adversarial_from: first step with a mel discriminator.
        duration_weight, pitch_weight, energy_weight, f0_weight, voicing_weight: of the loss terms
            beside the mel's (1).
        f0_noise: standard deviation of noise on the pitch and f0 that the decoder is given.
        patch_frames: length of the stretches that the discriminator sees.
        speaker_encoder: weights of the frozen encoder for the speaker-consistency loss, or "".
        speaker_from, speaker_every, speaker_windows, speaker_weight: when that loss enters, on
            which steps it is computed, on how many windows of 1.6 s, and how much it counts.
        stranger_weight, stranger_rows: of that loss for rows of the batch that are spoken once more
            by somebody between two people, of whom nothing but the encoder's verdict is asked; 0
            for none.
        reference_frames: most frames of other speech of the same person that timbre tokens are
            made of; needed where the model has tokens.
        drop_d_vector, drop_pitch, drop_timbre: probability that a row is trained without that part
            of what is known of its speaker (the mean takes the place of the first two).
    """

    loop: LoopConfig = field(default_factory=LoopConfig)
    model: AcousticConfig = field(default_factory=AcousticConfig)
    max_frames: int = 4800
    corpus_weights: dict[str, float] = field(default_factory=dict)
    adversarial_from: int = 1_000_000
    duration_weight: float = 0.3
    pitch_weight: float = 0.1
    energy_weight: float = 0.1
    f0_weight: float = 0.2
    voicing_weight: float = 0.1
    adversarial_weight: float = 0.1
    matching_weight: float = 0.4
    f0_noise: float = 0.05
    patch_frames: int = 128
    speaker_encoder: str = ""
    speaker_from: int = 0
    speaker_every: int = 2
    speaker_windows: int = 6
    speaker_weight: float = 1.0
    stranger_weight: float = 0.0
    stranger_rows: int = 4
    weight_decay: float = 0.01
    reference_frames: int = 0
    drop_d_vector: float = 0.0
    drop_pitch: float = 0.0
    drop_timbre: float = 0.0

    def __post_init__(self) -> None:
        if bool(self.reference_frames) != bool(self.model.timbre_tokens):
            raise ValueError("reference_frames and model.timbre_tokens go together; give both")
        if self.reference_frames and self.reference_frames < 12:
            raise ValueError("reference_frames must be at least 12")
        if not all(0.0 <= p <= 1.0 for p in self._drops):
            raise ValueError("drop_d_vector, drop_pitch and drop_timbre must lie within 0 and 1")

    @property
    def _drops(self) -> tuple[float, float, float]:
        return self.drop_d_vector, self.drop_pitch, self.drop_timbre


class AcousticTask(AdversarialTask[AcousticTraining]):
    """One step of acoustic training."""

    averaged = "acoustic"
    discriminator_rate = 0.5

    def __init__(
        self,
        config: AcousticTraining,
        train: list[Item],
        valid: list[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
    ) -> None:
        super().__init__(config)
        decay = config.weight_decay
        model = AcousticModel(config.model)
        self.model = self.learns("acoustic", model, betas=(0.9, 0.98), weight_decay=decay)
        discriminator = MelDiscriminator(config.model.n_mels)
        self.discriminator = self.learns(
            DISCRIMINATOR, discriminator, betas=(0.5, 0.9), weight_decay=decay
        )
        self.consistency: SpeakerConsistency | None = None
        if config.speaker_encoder:
            encoder = load_encoder(Path(config.speaker_encoder))
            self.consistency = SpeakerConsistency(encoder, mel_mean, mel_std).to(self.device)
        weights = config.corpus_weights
        size, frames = config.max_frames, config.reference_frames
        self.sampler = UtteranceSampler(train, mel_mean, mel_std, size, weights, frames)
        self.valid = UtteranceSampler(valid, mel_mean, mel_std, size, weights, frames)
        vectors = [self.sampler.speaker_vector(i, None)[0] for i in self.sampler.items[::4]]
        self.model.encoder.set_speaker_statistics(np.stack(vectors))

    def adopt(self, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Add what this model has and the other lacks: tokens, languages, phones.

        A new phone begins near the English one that it sounds most like.
        """
        grown = grown_state(self.model, state)
        rows = grown["encoder.embed.weight"].clone()
        known, english = len(state["encoder.embed.weight"]), len(ENGLISH_SYMBOLS)
        first = english if known <= english + 1 else known  # English models have a spare row
        for new, like in _SOUNDS_LIKE.items():
            place = MULTILINGUAL_SYMBOLS.index(new)
            if first <= place < len(rows):
                rows[place] = rows[MULTILINGUAL_SYMBOLS.index(like)] + 0.2 * rows[place]
        return {**grown, "encoder.embed.weight": rows}

    def losses(
        self, model: AcousticModel, batch: UtteranceBatch, noise: float
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Loss terms, the predicted mel and the frame mask."""
        longest = batch.mel.shape[1]
        keep_phones = length_mask(batch.n_phones, batch.phones.shape[1])
        keep = length_mask(batch.n_frames, longest)
        tokens = model.encoder.voice_tokens(batch.reference, batch.n_reference)
        hidden, log_duration, pitch, energy, condition = model.encoder(
            batch.phones, batch.speaker, keep_phones, tokens, batch.language
        )
        token_noise = noise * torch.randn_like(batch.pitch)
        frames = expand_frames(
            hidden, batch.pitch + token_noise, batch.energy, batch.durations, longest
        )
        given = batch.log_f0 + noise * PITCH_SCALE * torch.randn_like(batch.log_f0)
        mel, log_f0, voicing = model.decoder(
            frames, condition, batch.log_f0_mean, keep, (given, batch.voicing)
        )
        phone_mask, frame_mask = keep_phones.squeeze(-1), keep.squeeze(-1)
        target_duration = batch.durations.clamp_min(1).float().log()
        bce = nn.functional.binary_cross_entropy_with_logits(
            voicing, batch.voicing, weight=frame_mask, reduction="sum"
        )
        terms = {
            "mel": masked_l1(mel, batch.mel, keep * batch.bands),
            "duration": masked_l1(log_duration, target_duration, phone_mask),
            "pitch": masked_l1(pitch, batch.pitch, phone_mask),
            "energy": masked_l1(energy, batch.energy, phone_mask),
            "f0": masked_l1(log_f0, batch.log_f0, frame_mask * batch.voicing) / PITCH_SCALE,
            "voicing": bce / frame_mask.sum(),
        }
        return terms, mel, keep

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum of what :meth:`losses` returns."""
        weighted = ("duration", "pitch", "energy", "f0", "voicing")
        others = (getattr(self.config, f"{name}_weight") * terms[name] for name in weighted)
        return terms["mel"] + sum(others, start=terms["mel"].new_zeros(()))

    def train_step(self, step: int) -> dict[str, float]:
        """One update of the model, and of the discriminator once it has entered."""
        c = self.config
        rng = self.rng(step)
        batch = self._less_known(self.sampler.draw(rng).to(self.device), rng)
        terms, mel, _ = self.losses(self.model, batch, c.f0_noise)
        total = self.total(terms)
        if step >= c.adversarial_from:
            fake, real = self._patches(mel, batch, rng)
            terms |= self.adversarial_terms(real, fake, 1.0)
            total = total + c.adversarial_weight * terms["adversarial"]
            total = total + c.matching_weight * terms["matching"]
        if self.consistency is not None and step >= c.speaker_from and step % c.speaker_every == 0:
            speaker = self._speaker_loss(self.consistency, mel, batch, rng)
            if speaker is not None:
                terms["speaker"] = speaker
                total = total + c.speaker_weight * speaker
            stranger = self._stranger_loss(self.consistency, batch, rng)
            if stranger is not None:
                terms["stranger"] = stranger
                total = total + c.stranger_weight * stranger
        self.update("acoustic", total, 1.0)
        return plain(terms)

    def _less_known(self, batch: UtteranceBatch, rng: np.random.Generator) -> UtteranceBatch:
        """Some rows without their d-vector, their pitch statistics or their tokens."""
        c, rows = self.config, len(batch.speaker)
        if not any(c._drops):
            return batch
        drop = rng.random((3, rows, 1)) < np.array(c._drops)[:, None, None]
        d_vector, pitch, timbre = torch.from_numpy(drop).to(self.device)
        place = torch.arange(batch.speaker.shape[1], device=self.device)
        is_pitch = (place >= D_VECTOR_SIZE) & (place < D_VECTOR_SIZE + F0_SIZE)
        gone = (d_vector & (place < D_VECTOR_SIZE)) | (pitch & is_pitch)
        speaker = torch.where(gone, self.model.encoder.speaker_mean, batch.speaker)
        counts = batch.n_reference
        if counts is not None:
            counts = counts.masked_fill(timbre.squeeze(1), 0)
        return replace(batch, speaker=speaker, n_reference=counts)

    def _speaker_loss(
        self,
        consistency: SpeakerConsistency,
        mel: Tensor,
        batch: UtteranceBatch,
        rng: np.random.Generator,
    ) -> Tensor | None:
        """Consistency of random windows with their speakers; `None` if all rows are too short."""
        size = consistency.window_frames
        long = np.flatnonzero(batch.n_frames.cpu().numpy() >= size)
        if len(long) == 0:
            return None
        rows = rng.permutation(long)[: self.config.speaker_windows]
        cuts = []
        for row in rows:
            first = int(rng.integers(0, int(batch.n_frames[row]) - size + 1))
            cuts.append(mel[row, first : first + size])
        loss: Tensor = consistency(torch.stack(cuts), batch.d_vector[rows])
        return loss

    def _stranger_loss(
        self, consistency: SpeakerConsistency, batch: UtteranceBatch, rng: np.random.Generator
    ) -> Tensor | None:
        """Consistency of what nobody ever said in that voice; `None` where it isn't asked for.

        The texts, durations and tunes of the batch, at the pitch of somebody else.
        """
        c = self.config
        size = consistency.window_frames
        long = np.flatnonzero(batch.n_frames.cpu().numpy() >= size)
        if not c.stranger_weight or len(long) == 0:
            return None
        rows = rng.permutation(long)[: c.stranger_rows]
        said = batch.rows(rows)
        vectors, means, d_vectors = zip(*(self.sampler.stranger(rng) for _ in rows))
        new_mean = torch.tensor(means).reshape(-1, 1).to(said.log_f0_mean)
        spoken = replace(
            said,
            speaker=torch.from_numpy(np.stack(vectors)).to(said.speaker),
            d_vector=torch.from_numpy(np.stack(d_vectors)).to(said.d_vector),
            log_f0=said.log_f0 - said.log_f0_mean + new_mean,
            log_f0_mean=new_mean,
            n_reference=None if said.n_reference is None else torch.zeros_like(said.n_reference),
        )
        _, mel, _ = self.losses(self.model, spoken, c.f0_noise)
        cuts = []
        for row, count in enumerate(spoken.n_frames.tolist()):
            first = int(rng.integers(0, count - size + 1))
            cuts.append(mel[row, first : first + size])
        loss: Tensor = consistency(torch.stack(cuts), spoken.d_vector)
        return loss

    def _patches(
        self, mel: Tensor, batch: UtteranceBatch, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Matching stretches of predicted and real mels; bands a recording lacks are levelled."""
        size = min(self.config.patch_frames, int(batch.n_frames.min()))
        fakes, reals = [], []
        for row, length in enumerate(batch.n_frames.tolist()):
            first = int(rng.integers(0, length - size + 1))
            cut = slice(first, first + size)
            band = batch.bands[row]
            fakes.append(mel[row, cut] * band)
            reals.append(batch.mel[row, cut] * band)
        return torch.stack(fakes), torch.stack(reals)

    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Losses on held-out speakers with their true durations and f0; writes a picture.

        `cosine` is the likeness of the middle of what is predicted to its speaker by the encoder of
        the speaker loss, over all and for each cache.  With tokens, the mels and the likeness
        without them are told too.
        """
        assert isinstance(model, AcousticModel)
        sums: dict[str, list[float]] = defaultdict(list)
        items = self.valid.items
        for group in (items[i : i + 8] for i in range(0, len(items), max(8, len(items) // 10))):
            batch = self.valid.collate(group, None).to(self.device)
            terms, mel, _ = self.losses(model, batch, 0.0)
            for name, value in terms.items():
                sums[name].append(float(value))
            likeness = self._likeness(mel, batch)
            sums["cosine"] += likeness.values()
            for row, value in likeness.items():
                sums[f"cosine_{group[row].cache.folder.name}"].append(value)
            if batch.n_reference is not None:
                untold = replace(batch, n_reference=torch.zeros_like(batch.n_reference))
                plain, plain_mel, _ = self.losses(model, untold, 0.0)
                sums["mel_without_tokens"].append(float(plain["mel"]))
                sums["cosine_without_tokens"] += self._likeness(plain_mel, batch).values()
            last = (mel, batch)
        _picture(last[0], last[1], folder / "valid.png")
        return {name: float(np.mean(values)) for name, values in sums.items() if values}

    def _likeness(self, mel: Tensor, batch: UtteranceBatch) -> dict[int, float]:
        """Row → cosine of the d-vectors of its middle and of its speaker; not of short rows."""
        if self.consistency is None:
            return {}
        size, counts = self.consistency.window_frames, batch.n_frames.tolist()
        long = [row for row, count in enumerate(counts) if count >= size]
        if not long:
            return {}
        starts = [(counts[row] - size) // 2 for row in long]
        cuts = torch.stack([mel[row, first : first + size] for row, first in zip(long, starts)])
        cosines = (self.consistency.embed(cuts) * batch.d_vector[long]).sum(dim=-1)
        return dict(zip(long, cosines.tolist()))


def _picture(mel: Tensor, batch: UtteranceBatch, path: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    length = int(batch.n_frames[0])
    figure = Figure(figsize=(12, 6))
    for i, (name, image) in enumerate((("target", batch.mel[0]), ("predicted", mel[0]))):
        axes = figure.add_subplot(2, 1, i + 1)
        shown = image[:length].cpu().numpy().T
        axes.imshow(shown, origin="lower", aspect="auto", vmin=-2.5, vmax=2.5)
        axes.set_title(name)
    figure.savefig(path)
