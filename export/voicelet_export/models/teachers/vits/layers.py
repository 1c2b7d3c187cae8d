"""Layers that several parts of VITS share; all tensors are [B, channels, T]."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm


class ColumnNorm(nn.Module):
    """Layer norm over the channels of [B, C, T]."""

    def __init__(self, channels: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalize every column."""
        columns = x.transpose(1, 2)
        y = layer_norm(columns, self.gamma.shape, self.gamma, self.beta, self.epsilon)
        return y.transpose(1, 2)


class WaveNet(nn.Module):
    """Non-causal WaveNet with gated activations and skip connections (after WaveGlow).

    Args:
        channels: of the input, the residual path and the output.
        kernel: of the dilated convolutions, odd.
        dilation_rate: layer `i` is dilated by `dilation_rate ** i`.
        layers: how many.
        speaker_channels: of a speaker vector that every layer is told; 0 for none.
        dropout: on the gated activations.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        dilation_rate: int,
        layers: int,
        speaker_channels: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels, self.layers = channels, layers
        if speaker_channels:
            self.cond_layer = nn.Conv1d(speaker_channels, 2 * channels * layers, 1)
        self.in_layers, self.res_skip_layers = nn.ModuleList(), nn.ModuleList()
        for i in range(layers):
            dilation = dilation_rate**i
            side = dilation * (kernel - 1) // 2
            self.in_layers.append(
                nn.Conv1d(channels, 2 * channels, kernel, dilation=dilation, padding=side)
            )
            out = channels if i == layers - 1 else 2 * channels  # the last has no residual
            self.res_skip_layers.append(nn.Conv1d(channels, out, 1))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, keep: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Sum of the layers' skips.

        Args:
            x: [B, C, T].
            keep: [B, 1, T], ones where there is signal.
            speaker: [B, speaker_channels, 1].
        """
        told = None if speaker is None else self.cond_layer(speaker)
        total = torch.zeros_like(x)
        width = 2 * self.channels
        for i in range(self.layers):
            gates = self.in_layers[i](x)
            if told is not None:
                gates = gates + told[:, i * width : (i + 1) * width]
            wave, gate = gates.chunk(2, dim=1)
            y = self.res_skip_layers[i](self.dropout(torch.tanh(wave) * torch.sigmoid(gate)))
            if i < self.layers - 1:
                residual, y = y.chunk(2, dim=1)
                x = (x + residual) * keep
            total = total + y
        return total * keep


class SeparableConvs(nn.Module):
    """Dilated depthwise-separable convolutions with residuals (VITS, appendix B.2)."""

    def __init__(self, channels: int, kernel: int, layers: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.convs_sep, self.convs_1x1 = nn.ModuleList(), nn.ModuleList()
        self.norms_1, self.norms_2 = nn.ModuleList(), nn.ModuleList()
        for i in range(layers):
            dilation = kernel**i
            side = dilation * (kernel - 1) // 2
            self.convs_sep.append(
                nn.Conv1d(
                    channels, channels, kernel, groups=channels, dilation=dilation, padding=side
                )
            )
            self.convs_1x1.append(nn.Conv1d(channels, channels, 1))
            self.norms_1.append(ColumnNorm(channels))
            self.norms_2.append(ColumnNorm(channels))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, keep: Tensor, told: Tensor | None = None) -> Tensor:
        """[B, C, T] → [B, C, T]; `told` [B, C, T] is added to the input."""
        if told is not None:
            x = x + told
        parts = zip(self.convs_sep, self.norms_1, self.convs_1x1, self.norms_2)
        for depthwise, first, pointwise, second in parts:
            y = gelu(first(depthwise(x * keep)))
            y = gelu(second(pointwise(y)))
            x = x + self.dropout(y)
        return x * keep


def keep_mask(lengths: Tensor, longest: Tensor | int) -> Tensor:
    """[B, 1, longest] ones in the first `lengths[b]` places of each row."""
    places = torch.arange(longest, device=lengths.device)
    return (places[None, None, :] < lengths[:, None, None]).float()
