"""VITS (Kim, Kong & Son 2021): text to waveform in one model.

A conditional variational autoencoder: the posterior encoder maps a spectrum to a latent that the
HiFi-GAN decoder turns into sound; the prior, a Gaussian per symbol bent by a flow, is aligned with
it by monotonic alignment search.  At inference durations and latent are sampled from the prior.
Attribute names are those of the authors' checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from voicelet_export.models.teachers.hifigan.generator import HifiganGenerator
from voicelet_export.models.teachers.vits.align import monotonic_alignment, prior_scores
from voicelet_export.models.teachers.vits.config import VitsConfig
from voicelet_export.models.teachers.vits.duration import (
    DurationPredictor,
    StochasticDurationPredictor,
)
from voicelet_export.models.teachers.vits.flows import CouplingFlow
from voicelet_export.models.teachers.vits.layers import WaveNet, keep_mask
from voicelet_export.models.teachers.vits.text import TextEncoder, Transformer


@dataclass(frozen=True)
class Planned:
    """What :meth:`Vits.plan` makes: the prior of every frame.

    Attributes:
        mean, log_std: [B, latent, T].
        durations: frames of each symbol, [B, N], whole numbers as floats.
        n_frames: int64 [B].
        keep: [B, 1, T].
    """

    mean: Tensor
    log_std: Tensor
    durations: Tensor
    n_frames: Tensor
    keep: Tensor


@dataclass(frozen=True)
class Sampled:
    """What :meth:`Vits.infer` and :meth:`Vits.render` make.

    Attributes:
        wave: [B, samples]; rows end after `n_frames` · hop length samples.
        durations: frames of each symbol, [B, N], whole numbers as floats.
        n_frames: int64 [B].
        latent: what the decoder was given, [B, latent, T].
    """

    wave: Tensor
    durations: Tensor
    n_frames: Tensor
    latent: Tensor


@dataclass(frozen=True)
class Reconstructed:
    """What :meth:`Vits.reconstruct` makes, for the losses; T frames, N symbols.

    Attributes:
        latent: sample of the posterior, [B, latent, T].
        through: the same after the flow.
        log_std: of the posterior, [B, latent, T].
        prior_mean, prior_log_std: of the aligned prior, [B, latent, T].
        keep: [B, 1, T].
        duration_loss: [B], summed over symbols.
        durations: frames of each symbol as aligned, [B, N].
    """

    latent: Tensor
    through: Tensor
    log_std: Tensor
    prior_mean: Tensor
    prior_log_std: Tensor
    keep: Tensor
    duration_loss: Tensor
    durations: Tensor


class PosteriorEncoder(nn.Module):
    """Linear spectrum → latent."""

    def __init__(self, config: VitsConfig) -> None:
        super().__init__()
        c = config
        self.pre = nn.Conv1d(c.spectrum_bins, c.channels, 1)
        self.enc = WaveNet(c.channels, 5, 1, c.posterior_layers, c.speaker_channels)
        self.proj = nn.Conv1d(c.channels, 2 * c.latent, 1)

    def forward(
        self, spectrum: Tensor, keep: Tensor, speaker: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """[B, bins, T] → a sample, the mean and the log standard deviation, each [B, latent, T]."""
        hidden = self.enc(self.pre(spectrum) * keep, keep, speaker)
        mean, log_std = (self.proj(hidden) * keep).chunk(2, dim=1)
        sample = (mean + torch.randn_like(mean) * torch.exp(log_std)) * keep
        return sample, mean, log_std


class Vits(nn.Module):
    """The whole generator.

    Args:
        trainable: also make the parts that only training needs (the posterior encoder and the
            duration predictor's posterior).
    """

    def __init__(self, config: VitsConfig, trainable: bool = True) -> None:
        super().__init__()
        self.config = c = config
        self.enc_p = TextEncoder(
            c.n_symbols,
            c.channels,
            c.latent,
            Transformer(c.channels, c.filter, c.heads, c.layers, c.kernel, c.window, c.dropout),
        )
        self.dec = HifiganGenerator(c.decoder)
        self.flow = CouplingFlow(
            c.couplings,
            channels=c.latent,
            hidden=c.channels,
            kernel=c.coupling_kernel,
            dilation_rate=c.dilation_rate,
            layers=c.coupling_layers,
            speaker_channels=c.speaker_channels,
        )
        self.dp: nn.Module
        told = c.speaker_channels if c.speaker_durations else 0
        if c.stochastic_durations:
            self.dp = StochasticDurationPredictor(
                c.channels, c.duration_kernel, c.duration_dropout, c.duration_flows,
                told, c.spline_bins, c.spline_bound, trainable,
            )  # fmt: skip
        else:
            self.dp = DurationPredictor(
                c.channels, c.duration_filter, c.duration_kernel, c.duration_dropout,
                told, c.duration_epsilon,
            )  # fmt: skip
        if trainable:
            self.enc_q = PosteriorEncoder(c)
        if c.n_speakers:
            self.emb_g = nn.Embedding(c.n_speakers, c.speaker_channels)

    def speaker(self, index: Tensor) -> Tensor | None:
        """Vectors [B, speaker_channels, 1] of rows [B] of the table; `None` without a table."""
        return self.emb_g(index)[:, :, None] if self.config.n_speakers else None

    def plan(
        self,
        ids: Tensor,
        lengths: Tensor,
        speaker: Tensor | None = None,
        length_scale: Tensor | float = 1.0,
        duration_noise_scale: Tensor | float = 0.8,
        duration_noise: Tensor | None = None,
        durations: Tensor | None = None,
    ) -> Planned:
        """Read the text and choose its durations.

        Args:
            ids: symbols, int64 [B, N].
            lengths: int64 [B].
            speaker: [B, speaker_channels, 1], see :meth:`speaker`.
            length_scale: factor of all durations.
            duration_noise_scale: standard deviation of the noise behind the durations.
            duration_noise: standard normal [B, 2, N]; drawn when `None`.
            durations: frames of each symbol [B, N], instead of predicted ones.
        """
        keep = keep_mask(lengths, ids.shape[1])
        hidden, mean, log_std = self.enc_p(ids, keep)
        if durations is None:
            told = speaker if self.config.speaker_durations else None
            if self.config.stochastic_durations:
                log_w = self.dp(hidden, keep, told, duration_noise, duration_noise_scale)
            else:
                log_w = self.dp(hidden, keep, told)
            durations = torch.ceil(torch.exp(log_w) * keep * length_scale)[:, 0]
        n_frames = durations.sum(dim=1).clamp_min(1.0).long()
        frame_keep = keep_mask(n_frames, n_frames.max())
        return Planned(
            spread(mean, durations, frame_keep),
            spread(log_std, durations, frame_keep),
            durations,
            n_frames,
            frame_keep,
        )

    def render(
        self,
        planned: Planned,
        speaker: Tensor | None = None,
        noise_scale: Tensor | float = 0.667,
        latent_noise: Tensor | None = None,
    ) -> Sampled:
        """Sample the latent of a plan and decode it.

        Args:
            noise_scale: standard deviation of the latent relative to the prior's.
            latent_noise: standard normal [B, latent, at least T]; drawn when `None`.
        """
        if latent_noise is None:
            latent_noise = torch.randn_like(planned.mean)
        noise = latent_noise[:, :, : planned.mean.shape[2]]
        z = planned.mean + noise * torch.exp(planned.log_std) * noise_scale
        latent = self.flow(z, planned.keep, speaker, reverse=True) * planned.keep
        wave = self.dec(latent, speaker)[:, 0]
        return Sampled(wave, planned.durations, planned.n_frames, latent)

    def infer(
        self,
        ids: Tensor,
        lengths: Tensor,
        speaker: Tensor | None = None,
        noise_scale: Tensor | float = 0.667,
        length_scale: Tensor | float = 1.0,
        duration_noise_scale: Tensor | float = 0.8,
        duration_noise: Tensor | None = None,
        latent_noise: Tensor | None = None,
        durations: Tensor | None = None,
    ) -> Sampled:
        """Speak: :meth:`plan`, then :meth:`render`."""
        planned = self.plan(
            ids, lengths, speaker, length_scale, duration_noise_scale, duration_noise, durations
        )
        return self.render(planned, speaker, noise_scale, latent_noise)

    def reconstruct(
        self,
        ids: Tensor,
        lengths: Tensor,
        spectrum: Tensor,
        n_frames: Tensor,
        speaker: Tensor | None = None,
    ) -> Reconstructed:
        """Align text and spectrum [B, bins, T] and return what the losses need.

        Raises:
            ValueError: an utterance has more symbols than frames.
        """
        keep = keep_mask(lengths, ids.shape[1])
        frame_keep = keep_mask(n_frames, spectrum.shape[2])
        hidden, mean, log_std = self.enc_p(ids, keep)
        latent, _, posterior_log_std = self.enc_q(spectrum, frame_keep, speaker)
        through = self.flow(latent, frame_keep, speaker)
        with torch.no_grad(), torch.autocast(ids.device.type, enabled=False):
            scores = prior_scores(mean.float(), log_std.float(), through.float()).cpu().numpy()
            found = monotonic_alignment(scores, lengths.cpu().numpy(), n_frames.cpu().numpy())
            durations = torch.from_numpy(found).to(keep)
        told = speaker.detach() if speaker is not None and self.config.speaker_durations else None
        with torch.autocast(ids.device.type, enabled=False):  # splines want all their digits
            text = hidden.detach().float()
            duration_loss = self.dp.loss(text, keep, durations[:, None], told)
        return Reconstructed(
            latent=latent,
            through=through,
            log_std=posterior_log_std,
            prior_mean=spread(mean, durations, frame_keep),
            prior_log_std=spread(log_std, durations, frame_keep),
            keep=frame_keep,
            duration_loss=duration_loss,
            durations=durations,
        )


def spread(values: Tensor, durations: Tensor, keep: Tensor) -> Tensor:
    """Repeat each symbol's values [B, C, N] for its frames: [B, C, T], zero where `keep` is."""
    ends = torch.cumsum(durations, dim=1)
    frames = torch.arange(keep.shape[2], device=values.device)
    owner = (ends[:, None, :] <= frames[None, :, None]).long().sum(dim=2)
    owner = owner.clamp(max=values.shape[2] - 1)
    index = owner[:, None, :].expand(values.shape[0], values.shape[1], keep.shape[2])
    return torch.gather(values, 2, index) * keep


def kl_loss(made: Reconstructed) -> Tensor:
    """KL divergence of posterior and prior, of one sample, per frame (VITS, eq. 3 and 4)."""
    prior = made.prior_log_std.float()  # a half's exponent is too short for what follows
    square = (made.through - made.prior_mean).float() ** 2 * torch.exp(-2.0 * prior)
    each = prior - made.log_std.float() - 0.5 + 0.5 * square
    return (each * made.keep).sum() / made.keep.sum()
