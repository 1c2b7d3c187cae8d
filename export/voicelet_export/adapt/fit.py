"""Learn the correction of the decoder's condition from half a minute of a person's speech.

Only the scales and shifts of the decoder's layer norms and its mean spectrum move, some three
thousand numbers that all frames share (conditional layer norm, AdaSpeech, Chen et al. 2021).  The
mel alone would make speech smoother and less like the person (measured: 0.89 to 0.83 in one voice);
so the speaker encoder listens as well, as in the training of the voice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from voicelet.bundle import Bundle
from voicelet.errors import ConfigError, RecordingRejectedError
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.profile import Profile
from voicelet_export.adapt.decoder import read_decoder
from voicelet_export.adapt.encoder import read_speaker_encoder
from voicelet_export.convert.parity import run, session
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.fastspeech2 import AcousticDecoder, expand_frames
from voicelet_export.train.data import Item
from voicelet_export.train.losses import masked_l1
from voicelet_export.train.speaker_loss import SpeakerConsistency
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitConfig:
    """How an adaptation is learnt.

    Attributes:
        steps: of Adam, one utterance batch each.
        learning_rate: at the start; it falls to 0 over the last three fifths.
        batch: utterances in a step.
        decay: weight of the squared length of the correction.
        speaker_weight: of 1 - cosine to the profile's d-vector, in one window a step.
        held_out: share of the utterances (at least one) that are held out and not learnt from.
        least_speech_s: less speech than this isn't learnt from.
        least_gain: relative fall of the held-out mel loss below which the adaptation is dropped.
        check_every: steps between looks at the held-out loss; the best of them is kept.
    """

    steps: int = 160
    learning_rate: float = 0.009
    batch: int = 4
    decay: float = 1e-4
    speaker_weight: float = 0.5
    held_out: float = 0.2
    least_speech_s: float = 10.0
    least_gain: float = 0.01
    check_every: int = 20

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.check_every) < 1 or not 0.0 < self.held_out < 1.0:
            raise ConfigError("steps, batch and check_every must be positive, held_out in 0..1")


@dataclass(frozen=True)
class Heard:
    """A batch with what the bundle's encoder makes of it."""

    batch: UtteranceBatch
    frames: Tensor
    condition: Tensor
    log_duration: Tensor
    keep: Tensor
    phone_mask: Tensor


def fit(
    bundle: Bundle,
    profile: Profile,
    items: Sequence[Item],
    config: FitConfig = FitConfig(),
    on_step: Callable[[float], None] | None = None,
) -> Adaptation | None:
    """Learn an adaptation.

    Args:
        bundle: the voice that is adapted.
        profile: whose speaker vector the voice is told.
        items: aligned utterances of the person, at least two.
        on_step: called with the share that is done, 0..1.

    Returns:
        The adaptation, or None if speech that it didn't learn from didn't gain by it.

    Raises:
        RecordingRejectedError: there is too little aligned speech.
        BundleError: the bundle's decoder can't be adapted.
    """
    if len({i.entry.id for i in items}) < 2 or _seconds(items) < config.least_speech_s:
        raise RecordingRejectedError(
            [
                f"{_seconds(items):.0f} s in {len(items)} utterances could be matched with their"
                f" texts; adaptation needs {config.least_speech_s:.0f} s in two or more, 30 to 60 s"
                " are better"
            ]
        )
    decoder, sha256 = read_decoder(bundle)
    statistics = bundle.manifest.statistics
    mean = np.array(statistics.mel_mean, np.float32)
    std = np.array(statistics.mel_std, np.float32)
    encoder = session(bundle.graph_path("acoustic_encoder")[0].read_bytes())
    vector = profile.speaker_vector(mean, std)
    ordered = sorted(items, key=lambda i: i.entry.id)
    every = max(2, round(1.0 / config.held_out))
    held_out, learnt = ordered[::every], [x for i, x in enumerate(ordered) if i % every]
    sampler = UtteranceSampler(ordered, mean, std, 10**6)

    def heard(group: Sequence[Item]) -> Heard:
        return _hear(encoder, sampler.collate(list(group), None), vector)

    by_length = sorted(learnt, key=lambda i: (i.entry.n_frames, i.entry.id))
    train = [heard(by_length[i : i + config.batch]) for i in range(0, len(by_length), config.batch)]
    valid = [heard([item]) for item in held_out]
    speaker = SpeakerConsistency(read_speaker_encoder(bundle), mean, std)
    wanted = torch.from_numpy(profile.d_vector.copy())
    shift, losses = _descend(decoder, (speaker, wanted), train, valid, config, on_step)
    log.info("held-out mel loss %.4f, then %.4f", losses[0], min(losses))
    if not min(losses) < (1.0 - config.least_gain) * losses[0]:
        return None
    found = Adaptation(
        decoder_sha256=sha256,
        condition_shift=shift,
        log_duration_shift=_rate(train),
        speech_s=_seconds(learnt),
        loss_before=losses[0],
        loss_after=min(losses),
    )
    return found if _rate_helps(valid, found) else replace(found, log_duration_shift=0.0)


def _descend(
    decoder: AcousticDecoder,
    speaker: tuple[SpeakerConsistency, Tensor],
    train: Sequence[Heard],
    valid: Sequence[Heard],
    config: FitConfig,
    on_step: Callable[[float], None] | None,
) -> tuple[np.ndarray, list[float]]:
    """The best correction by the held-out loss, and that loss from the first look to the last."""
    shift = torch.zeros(decoder.config.condition_size, requires_grad=True)
    optimizer = torch.optim.Adam([shift], lr=config.learning_rate, betas=(0.9, 0.98))
    best = shift.detach().clone()
    losses = [_held_out_loss(decoder, valid, shift)]
    order = np.random.default_rng(0)
    queue: list[int] = []
    for step in range(config.steps):
        queue = queue or [int(i) for i in order.permutation(len(train))]
        heard = train[queue.pop()]
        mel, loss = _mel_loss(decoder, heard, shift)
        loss = loss + config.decay * shift.square().sum()
        if config.speaker_weight > 0.0:
            loss = loss + config.speaker_weight * _speaker_loss(*speaker, mel, heard, order)
        optimizer.zero_grad()
        loss.backward()
        left = (config.steps - step) / (0.6 * config.steps)
        optimizer.param_groups[0]["lr"] = config.learning_rate * min(1.0, left)
        optimizer.step()
        if (step + 1) % config.check_every == 0 or step + 1 == config.steps:
            losses.append(_held_out_loss(decoder, valid, shift))
            if losses[-1] == min(losses):
                best = shift.detach().clone()
        if on_step is not None:
            on_step((step + 1) / config.steps)
    return best.numpy(), losses


def _hear(encoder: object, batch: UtteranceBatch, vector: np.ndarray) -> Heard:
    """Run the bundle's own encoder, with true durations, pitch and energy for the decoder."""
    hidden, conditions, log_durations = [], [], []
    for row, count in enumerate(batch.n_phones.tolist()):
        feed = {"phones": batch.phones[row : row + 1, :count].numpy(), "speaker": vector[None]}
        out = run(encoder, feed)
        longer = batch.phones.shape[1] - count
        hidden.append(np.pad(out["hidden"][0], ((0, longer), (0, 0))))
        log_durations.append(np.pad(out["log_duration"][0], (0, longer)))
        conditions.append(out["condition"][0])
    longest = batch.mel.shape[1]
    frames = expand_frames(
        torch.from_numpy(np.stack(hidden)), batch.pitch, batch.energy, batch.durations, longest
    )
    return Heard(
        batch,
        frames,
        torch.from_numpy(np.stack(conditions)),
        torch.from_numpy(np.stack(log_durations)),
        length_mask(batch.n_frames, longest),
        length_mask(batch.n_phones, batch.phones.shape[1]).squeeze(-1),
    )


def _mel_loss(decoder: AcousticDecoder, heard: Heard, shift: Tensor) -> tuple[Tensor, Tensor]:
    b = heard.batch
    mel, _, _ = decoder(
        heard.frames, heard.condition + shift, b.log_f0_mean, heard.keep, (b.log_f0, b.voicing)
    )
    return mel, masked_l1(mel, b.mel, heard.keep * b.bands)


def _speaker_loss(
    speaker: SpeakerConsistency, wanted: Tensor, mel: Tensor, heard: Heard, rng: np.random.Generator
) -> Tensor:
    """Of a random window of one utterance; 0 where all are shorter than a window."""
    size = speaker.window_frames
    long = np.flatnonzero(heard.batch.n_frames.numpy() >= size)
    if len(long) == 0:
        return mel.new_zeros(())
    row = int(rng.choice(long))
    first = int(rng.integers(0, int(heard.batch.n_frames[row]) - size + 1))
    loss: Tensor = speaker(mel[row : row + 1, first : first + size], wanted[None])
    return loss


@torch.no_grad()
def _held_out_loss(decoder: AcousticDecoder, valid: Sequence[Heard], shift: Tensor) -> float:
    sizes = [int(h.batch.n_frames.sum()) for h in valid]
    losses = [float(_mel_loss(decoder, h, shift)[1]) for h in valid]
    return float(np.average(losses, weights=sizes))


def _deviations(heard: Sequence[Heard]) -> np.ndarray:
    """True less predicted log durations of all phones but the pads at both ends."""
    out = []
    for h in heard:
        for row, count in enumerate(h.batch.n_phones.tolist()):
            inner = slice(1, count - 1)
            true = h.batch.durations[row, inner].clamp_min(1).float().log()
            out.append((true - h.log_duration[row, inner]).numpy())
    return np.concatenate(out)


def _rate(train: Sequence[Heard]) -> float:
    """How much slower than predicted the person speaks, as a shift of log durations."""
    return float(np.clip(np.median(_deviations(train)), -0.3, 0.3))


def _rate_helps(valid: Sequence[Heard], found: Adaptation) -> bool:
    left = _deviations(valid)
    return float(np.abs(left - found.log_duration_shift).mean()) < float(np.abs(left).mean())


def _seconds(items: Sequence[Item]) -> float:
    return sum(i.entry.n_frames / i.cache.features.frames_per_second for i in items)
