"""Losses of single utterances, whose gradients are clipped one by one."""

from __future__ import annotations

from torch import Tensor, nn

from voicelet_export.models.blocks import length_mask
from voicelet_export.models.fastspeech2 import PITCH_SCALE, expand_frames
from voicelet_export.train.utterances import UtteranceBatch


def utterance_losses(
    adapted: nn.Module, batch: UtteranceBatch, decoder: nn.Module
) -> dict[str, Tensor]:
    """Losses of each utterance with its true durations, pitch and energy, [B] each.

    Args:
        adapted: an `Adapted`, or a wrapper of one; it is called for the encoder.
        decoder: of the same model.
    """
    longest = batch.mel.shape[1]
    keep_phones = length_mask(batch.n_phones, batch.phones.shape[1])
    keep = length_mask(batch.n_frames, longest)
    hidden, log_duration, pitch, energy, condition = adapted(
        batch.phones, batch.speaker, keep_phones
    )
    frames = expand_frames(hidden, batch.pitch, batch.energy, batch.durations, longest)
    given = (batch.log_f0, batch.voicing)
    mel, log_f0, _ = decoder(frames, condition, batch.log_f0_mean, keep, given)
    phone_mask, voiced = keep_phones.squeeze(-1), keep.squeeze(-1) * batch.voicing
    target = batch.durations.clamp_min(1).float().log()
    return {
        "mel": _row_l1(mel, batch.mel, keep * batch.bands),
        "duration": _row_l1(log_duration, target, phone_mask),
        "pitch": _row_l1(pitch, batch.pitch, phone_mask),
        "energy": _row_l1(energy, batch.energy, phone_mask),
        "f0": _row_l1(log_f0, batch.log_f0, voiced) / PITCH_SCALE,
    }


def _row_l1(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    error = ((a - b).abs() * weight).flatten(1).sum(dim=1)
    return error / weight.expand_as(a).flatten(1).sum(dim=1).clamp_min(1.0)
