"""The HiFi-GAN generator (Kong, Kim & Bae 2020), alone or as the decoder of VITS.

Attribute names are those of the authors' checkpoints, so that `load_state_dict` takes them once
their weight norm is folded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

_SLOPE = 0.1
_LAST_SLOPE = 0.01  # the authors leave the last activation at torch's default
_MOST_CHANNELS = 4096


@dataclass(frozen=True)
class HifiganConfig:
    """Sizes of a generator; the defaults are V1.

    Attributes:
        n_mels: channels of its input (the latent's, as a decoder of VITS).
        initial_channels: after the first convolution; every upsampling halves them.
        upsample_rates: their product is the hop length in samples.
        upsample_kernels: of the transposed convolutions.
        resblock: "1" has pairs of convolutions, "2" single ones.
        resblock_kernels, resblock_dilations: of the parallel residual blocks.
        speaker_channels: of a speaker vector that is added after the first convolution; 0 for none.
        last_bias: whether the last convolution has a bias (VITS leaves it out).
    """

    n_mels: int = 80
    initial_channels: int = 512
    upsample_rates: tuple[int, ...] = (8, 8, 2, 2)
    upsample_kernels: tuple[int, ...] = (16, 16, 4, 4)
    resblock: Literal["1", "2"] = "1"
    resblock_kernels: tuple[int, ...] = (3, 7, 11)
    resblock_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    speaker_channels: int = 0
    last_bias: bool = True

    def __post_init__(self) -> None:
        if not self.upsample_rates or len(self.upsample_rates) != len(self.upsample_kernels):
            raise ValueError("upsample_rates and upsample_kernels must be of one length, not 0")
        if not self.resblock_kernels or len(self.resblock_kernels) != len(self.resblock_dilations):
            raise ValueError("resblock_kernels and resblock_dilations must be of one length, not 0")
        if any(not 0 < r <= k or (k - r) % 2 for r, k in self.upsampling):
            raise ValueError("every upsampling kernel must exceed its rate by an even number")
        if any(k < 1 or k % 2 == 0 for k in self.resblock_kernels):
            raise ValueError("resblock_kernels must be odd")
        if any(not d or min(d) < 1 for d in self.resblock_dilations):
            raise ValueError("resblock_dilations must be lists of positive numbers")
        if not 0 < self.n_mels <= _MOST_CHANNELS or not 0 <= self.speaker_channels <= 65536:
            raise ValueError("n_mels or speaker_channels is out of range")
        least = 2 ** len(self.upsample_rates)
        if not least <= self.initial_channels <= _MOST_CHANNELS:
            raise ValueError(f"initial_channels must lie between {least} and {_MOST_CHANNELS}")

    @property
    def upsampling(self) -> list[tuple[int, int]]:
        """(rate, kernel) of each upsampling."""
        return list(zip(self.upsample_rates, self.upsample_kernels))

    @property
    def hop_length(self) -> int:
        """Samples made of one frame."""
        return math.prod(self.upsample_rates)


V1 = HifiganConfig()
V2 = replace(V1, initial_channels=128)
V3 = HifiganConfig(
    initial_channels=256,
    upsample_rates=(8, 8, 4),
    upsample_kernels=(16, 16, 8),
    resblock="2",
    resblock_kernels=(3, 5, 7),
    resblock_dilations=((1, 2), (2, 6), (3, 12)),
)


def _same(channels: int, kernel: int, dilation: int) -> nn.Conv1d:
    side = dilation * (kernel - 1) // 2
    return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=side)


class PairedBlock(nn.Module):
    """Residual block "1": a dilated convolution and a plain one, several times."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(_same(channels, kernel, d) for d in dilations)
        self.convs2 = nn.ModuleList(_same(channels, kernel, 1) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] → [B, C, T]."""
        for dilated, plain in zip(self.convs1, self.convs2):
            y = dilated(leaky_relu(x, _SLOPE))
            x = x + plain(leaky_relu(y, _SLOPE))
        return x


class SingleBlock(nn.Module):
    """Residual block "2": one dilated convolution, a few times."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(_same(channels, kernel, d) for d in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] → [B, C, T]."""
        for conv in self.convs:
            x = x + conv(leaky_relu(x, _SLOPE))
        return x


class HifiganGenerator(nn.Module):
    """Frames → waveform: transposed convolutions, each with parallel residual blocks."""

    def __init__(self, config: HifiganConfig = V1) -> None:
        super().__init__()
        self.config = c = config
        block = PairedBlock if c.resblock == "1" else SingleBlock
        self.conv_pre = nn.Conv1d(c.n_mels, c.initial_channels, 7, padding=3)
        if c.speaker_channels:
            self.cond = nn.Conv1d(c.speaker_channels, c.initial_channels, 1)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        channels = c.initial_channels
        for rate, kernel in c.upsampling:
            half, side = channels // 2, (kernel - rate) // 2
            self.ups.append(nn.ConvTranspose1d(channels, half, kernel, rate, padding=side))
            for size, dilations in zip(c.resblock_kernels, c.resblock_dilations):
                self.resblocks.append(block(half, size, dilations))
            channels = half
        self.conv_post = nn.Conv1d(channels, 1, 7, padding=3, bias=c.last_bias)
        for layer in (*self.ups.modules(), *self.resblocks.modules(), self.conv_post):
            if isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)):
                nn.init.normal_(layer.weight, 0.0, 0.01)

    def forward(self, x: Tensor, speaker: Tensor | None = None) -> Tensor:
        """Make a waveform.

        Args:
            x: [B, n_mels, T] natural-log mel (or a latent).
            speaker: [B, speaker_channels, 1] for a conditioned generator.

        Returns:
            [B, 1, T · hop_length] in (-1, 1).
        """
        x = self.conv_pre(x)
        if speaker is not None:
            x = x + self.cond(speaker)
        count = len(self.config.resblock_kernels)
        for i, up in enumerate(self.ups):
            x = up(leaky_relu(x, _SLOPE))
            blocks = self.resblocks[i * count : (i + 1) * count]
            total = blocks[0](x)
            for parallel in blocks[1:]:
                total = total + parallel(x)
            x = total / count
        return torch.tanh(self.conv_post(leaky_relu(x, _LAST_SLOPE)))
