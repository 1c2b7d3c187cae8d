"""Layers that the acoustic model and the vocoder share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Layer norm over the last axis, with an optional scale and shift from a condition."""

    def __init__(self, channels: int, affine: bool = True) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-5, elementwise_affine=affine)

    def forward(self, x: Tensor, film: Tensor | None = None) -> Tensor:
        """Normalize `x` [B, T, C]; `film` [B, 1, 2C] holds scale - 1 and shift."""
        y: Tensor = self.norm(x)
        if film is not None:
            scale, shift = film.chunk(2, dim=-1)
            y = y * (1.0 + scale) + shift
        return y


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, norm, two matrix products, residual (Liu et al. 2022, in 1-D).

    Nearly all weights sit in matrix products, which int8 kernels run fast.  The norm takes a
    condition (adaptive layer norm) when `adaptive`.
    """

    def __init__(
        self, channels: int, hidden: int, kernel: int, adaptive: bool, layer_scale: float
    ) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = ChannelNorm(channels, affine=not adaptive)
        self.expand = nn.Linear(channels, hidden)
        self.contract = nn.Linear(hidden, channels)
        self.layer_scale = nn.Parameter(torch.full((channels,), layer_scale))

    def forward(self, x: Tensor, film: Tensor | None = None, keep: Tensor | None = None) -> Tensor:
        """Transform `x` [B, T, C].

        Args:
            film: [B, 1, 2C] for an adaptive block.
            keep: [B, T, 1] ones where there is signal; padding is zeroed before the convolution.
        """
        masked = x if keep is None else x * keep
        y = self.depthwise(masked.transpose(1, 2)).transpose(1, 2)
        y = self.norm(y, film)
        y = self.contract(torch.relu(self.expand(y)))
        return x + y * self.layer_scale


class SelfAttention(nn.Module):
    """Multi-head self-attention with a residual, for the sentence's wider context.

    Heads are `width` channels wide; 0 shares all channels out between them.
    """

    def __init__(self, channels: int, heads: int, width: int = 0) -> None:
        super().__init__()
        self.heads, self.width = heads, width or channels // heads
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * self.heads * self.width)
        self.out = nn.Linear(self.heads * self.width, channels)

    def forward(self, x: Tensor, keep: Tensor | None = None) -> Tensor:
        """Attend over `x` [B, T, C]; `keep` [B, T, 1] masks padding keys."""
        batch, length, _ = x.shape
        probabilities, values = self.attend(x, keep)
        y = (probabilities @ values).transpose(1, 2).reshape(batch, length, -1)
        return x + self.out(y)

    def attend(self, x: Tensor, keep: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Where each place looks, [B, heads, T, T], and the values there, [B, heads, T, width]."""
        batch, length, _ = x.shape
        parts = self.qkv(self.norm(x)).chunk(3, dim=-1)
        q, k, v = (p.view(batch, length, self.heads, self.width).transpose(1, 2) for p in parts)
        score = q @ k.transpose(-1, -2) * self.width**-0.5
        if keep is not None:
            score = score.masked_fill(keep.transpose(1, 2)[:, None] == 0, -1e4)
        return score.softmax(dim=-1), v


def length_mask(lengths: Tensor, longest: int) -> Tensor:
    """[B, longest, 1] float mask of the first `lengths[b]` places of each row."""
    places = torch.arange(longest, device=lengths.device)
    return (places[None, :] < lengths[:, None]).float().unsqueeze(-1)


def check_block_sizes(sizes: tuple[int, ...], blocks: int, name: str) -> None:
    """Hold the hidden sizes of single blocks to the number of blocks; empty means all alike.

    Raises:
        ValueError: there are more or fewer of them, or one isn't positive.
    """
    if sizes and (len(sizes) != blocks or min(sizes) < 1):
        raise ValueError(f"{name} must be empty or hold {blocks} sizes of at least 1")
