"""Local training in a round: a few steps on the device's speech, clipped per utterance."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet_export.models.blocks import length_mask
from voicelet_export.models.fastspeech2 import PITCH_SCALE, expand_frames
from voicelet_export.train.utterances import UtteranceBatch, UtteranceSampler
from voicelet_federated.app.adapter import Adapted
from voicelet_federated.app.config import LocalTraining
from voicelet_federated.errors import UpdateError


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
    source = (batch.log_f0, batch.voicing)
    mel, log_f0, _ = decoder(frames, condition, batch.log_f0_mean, keep, source)
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


_WEIGHTS = {"mel": 1.0, "duration": 0.3, "pitch": 0.1, "energy": 0.1, "f0": 0.2}


@dataclass(frozen=True)
class LocalResult:
    """The result of local training; only the update, clipped and noised, ever leaves a device.

    Attributes:
        update: new adapter less the one received, float32 [size].
        loss_before, loss_after: mean loss of the first and the last step's utterances, before each.
        steps, seconds: taken.
    """

    update: FloatArray
    loss_before: float
    loss_after: float
    steps: int
    seconds: float


def train_locally(
    adapted: Adapted,
    start: FloatArray,
    sampler: UtteranceSampler,
    config: LocalTraining,
    seed: int,
) -> LocalResult:
    """Train the adapter on a device's own speech (DP-SGD's clipping, Abadi et al. 2016).

    The noise of differential privacy is the whole user's, not an utterance's, and is added to the
    update when it is encoded (:class:`voicelet_federated.privacy.skellam.NoiseShare`).

    Args:
        adapted: the model; its adapter is set to `start`.
        start: the global adapter, float32 [size].
        sampler: of this device's utterances.
        seed: of the choice of utterances.

    Raises:
        UpdateError: the device has no speech, or training gave numbers that aren't finite.
    """
    if not sampler.items:
        raise UpdateError("this device holds no aligned speech; enrol a voice first")
    began = time.monotonic()
    adapted.set_flat(start)
    wrapped = per_sample(adapted)
    weight = adapted.adapter.weight
    velocity = torch.zeros_like(weight)
    losses: list[float] = []
    rng = np.random.default_rng(seed)
    try:
        for _ in range(config.steps):
            count = min(config.utterances, len(sampler.items))
            indices = rng.choice(len(sampler.items), size=count, replace=False)
            batch = sampler.collate([sampler.items[int(i)] for i in indices], None)
            terms = utterance_losses(wrapped, batch, adapted.base.decoder)
            total = sum((_WEIGHTS[k] * v for k, v in terms.items()), start=torch.zeros(count))
            with warnings.catch_warnings():
                # Hooks of layers whose input needs no gradient, as that of the adapter's ones.
                warnings.filterwarnings("ignore", message="Full backward hook")
                total.sum().backward()
            losses.append(float(total.mean().detach()))
            gradient = clipped_mean(weight.grad_sample, config.utterance_clip)
            velocity = config.momentum * velocity + gradient
            with torch.no_grad():
                weight -= config.learning_rate * velocity
            weight.grad = weight.grad_sample = None
            if time.monotonic() - began > config.max_seconds:
                break
    finally:
        wrapped.remove_hooks()
    update = adapted.get_flat() - start
    if not np.isfinite(update).all():
        raise UpdateError(
            "training gave numbers that aren't finite; this device sits the round out"
        )
    return LocalResult(update, losses[0], losses[-1], len(losses), time.monotonic() - began)


def per_sample(adapted: Adapted) -> Any:
    """Wrap a model so that its adapter gets a gradient for each utterance (Opacus)."""
    from opacus import GradSampleModule

    with warnings.catch_warnings():
        # Opacus warns of the frozen layers it doesn't hook.
        warnings.simplefilter("ignore")
        return GradSampleModule(adapted, loss_reduction="sum", strict=False)


def clipped_mean(gradients: Tensor, clip: float) -> Tensor:
    """Mean over the first axis of gradients whose norms are held to `clip`."""
    norms = gradients.flatten(1).norm(dim=1)
    factors = (clip / (norms + 1e-12)).clamp_max(1.0)
    return torch.einsum("b,b...->...", factors, gradients) / len(gradients)
