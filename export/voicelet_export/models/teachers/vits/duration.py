"""Duration predictors of VITS: one that samples and one that regresses."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from voicelet_export.models.teachers.vits.flows import ConvFlow, ElementwiseAffine, Flip
from voicelet_export.models.teachers.vits.layers import ColumnNorm, SeparableConvs

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class StochasticDurationPredictor(nn.Module):
    """Log durations from noise by spline flows (VITS, section 2.2.2 and appendix B.2).

    Integer durations are made continuous by variational dequantization and given a second channel
    by variational data augmentation; the network for these (`post_*`) is needed only to train.

    Args:
        trainable: also make what only training needs.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        dropout: float,
        flows: int,
        speaker_channels: int,
        bins: int,
        bound: float,
        trainable: bool,
    ) -> None:
        super().__init__()
        self.pre = nn.Conv1d(channels, channels, 1)
        self.convs = SeparableConvs(channels, kernel, 3, dropout)
        self.proj = nn.Conv1d(channels, channels, 1)

        def stack(first: int) -> nn.ModuleList:
            layers: list[nn.Module] = [ElementwiseAffine(2)]
            for i in range(flows):
                # The first spline of `flows` shapes the second channel alone, which isn't spoken.
                made = i >= first
                layers.append(
                    ConvFlow(2, channels, kernel, 3, bins, bound) if made else nn.Identity()
                )
                layers.append(Flip())
            return nn.ModuleList(layers)

        self.flows = stack(0 if trainable else 1)
        if trainable:
            self.post_pre = nn.Conv1d(1, channels, 1)
            self.post_convs = SeparableConvs(channels, kernel, 3, dropout)
            self.post_proj = nn.Conv1d(channels, channels, 1)
            self.post_flows = stack(0)
        if speaker_channels:
            self.cond = nn.Conv1d(speaker_channels, channels, 1)

    def _told(self, x: Tensor, keep: Tensor, speaker: Tensor | None) -> Tensor:
        x = self.pre(x)
        if speaker is not None:
            x = x + self.cond(speaker)
        return self.proj(self.convs(x, keep)) * keep

    def forward(
        self,
        x: Tensor,
        keep: Tensor,
        speaker: Tensor | None = None,
        noise: Tensor | None = None,
        noise_scale: Tensor | float = 1.0,
    ) -> Tensor:
        """Sample log durations [B, 1, N].

        Args:
            x: hidden states [B, C, N].
            keep: [B, 1, N].
            speaker: [B, speaker_channels, 1].
            noise: standard normal [B, 2, N]; drawn when `None`.
            noise_scale: standard deviation of the noise that is used.
        """
        told = self._told(x, keep, speaker)
        if noise is None:
            noise = torch.randn(x.shape[0], 2, x.shape[2], dtype=x.dtype, device=x.device)
        z = noise * noise_scale
        layers = list(self.flows)
        for layer in [*reversed(layers[2:]), layers[0]]:  # without the first spline
            z, _ = layer(z, keep, told, reverse=True)
        return z[:, :1]

    def loss(
        self, x: Tensor, keep: Tensor, durations: Tensor, speaker: Tensor | None = None
    ) -> Tensor:
        """Upper bound of the negative log-likelihood of `durations` [B, 1, N] (frames), [B]."""
        told = self._told(x, keep, speaker)
        about = self.post_proj(self.post_convs(self.post_pre(durations), keep)) * keep
        noise = torch.randn(x.shape[0], 2, x.shape[2], dtype=x.dtype, device=x.device) * keep
        z, logdet = noise, x.new_zeros(x.shape[0])
        for layer in self.post_flows:
            z, more = layer(z, keep, told + about)
            logdet = logdet + more
        u, extra = z[:, :1], z[:, 1:]
        fraction = torch.sigmoid(u) * keep  # of a frame, taken off the integer duration
        logdet = logdet + ((logsigmoid(u) + logsigmoid(-u)) * keep).sum(dim=(1, 2))
        posterior = -((_HALF_LOG_2PI + 0.5 * noise**2) * keep).sum(dim=(1, 2)) - logdet
        log_duration = torch.log((durations - fraction).clamp_min(1e-5)) * keep
        logdet = -log_duration.sum(dim=(1, 2))
        z = torch.cat([log_duration, extra], dim=1)
        for layer in self.flows:
            z, more = layer(z, keep, told)
            logdet = logdet + more
        return ((_HALF_LOG_2PI + 0.5 * z**2) * keep).sum(dim=(1, 2)) - logdet + posterior


class DurationPredictor(nn.Module):
    """Log durations by regression, as in FastSpeech and Glow-TTS.

    Args:
        norm_epsilon: of the layer norms.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        kernel: int,
        dropout: float,
        speaker_channels: int,
        norm_epsilon: float,
    ) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, hidden, kernel, padding=kernel // 2)
        self.norm_1 = ColumnNorm(hidden, norm_epsilon)
        self.conv_2 = nn.Conv1d(hidden, hidden, kernel, padding=kernel // 2)
        self.norm_2 = ColumnNorm(hidden, norm_epsilon)
        self.proj = nn.Conv1d(hidden, 1, 1)
        self.dropout = nn.Dropout(dropout)
        if speaker_channels:
            self.cond = nn.Conv1d(speaker_channels, channels, 1)

    def forward(self, x: Tensor, keep: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Log durations [B, 1, N] of hidden states [B, C, N]."""
        if speaker is not None:
            x = x + self.cond(speaker)
        x = self.dropout(self.norm_1(torch.relu(self.conv_1(x * keep))))
        x = self.dropout(self.norm_2(torch.relu(self.conv_2(x * keep))))
        return self.proj(x * keep) * keep

    def loss(
        self, x: Tensor, keep: Tensor, durations: Tensor, speaker: Tensor | None = None
    ) -> Tensor:
        """Squared error of the log durations, [B]; `durations` [B, 1, N] in frames."""
        target = torch.log(durations + 1e-6) * keep
        return ((self(x, keep, speaker) - target) ** 2).sum(dim=(1, 2))
