"""Layers that teachers of mels share: speaker projection, positions, PostNet."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

SOURCE_FEATURES = 2
"""log f0 and voicing of a frame, which source-filter vocoders ask for beside the mel."""


class SpeakerProjection(nn.Module):
    """A speaker's vector of any kind and length (d-vector, x-vector, …) → `channels`.

    Vectors are standardized by the statistics of the training speakers first.  Jia et al. (2018)
    condition Tacotron 2 on d-vectors this way; Snyder et al. (2018) describe x-vectors.

    Args:
        size: length of the vector; 0 for a single speaker, whose projection is zero.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.size, self.channels = size, channels
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        if size:
            self.project = nn.Sequential(nn.Linear(size, channels), nn.Softsign())

    def set_statistics(self, vectors: npt.NDArray[np.float32]) -> None:
        """Take mean and spread of the training speakers' vectors [speakers, size]."""
        if self.size:
            self.mean.copy_(torch.from_numpy(vectors.mean(axis=0)))
            # A lone speaker has no spread; the vector then projects to its bias.
            spread = vectors.std(axis=0)
            self.std.copy_(torch.from_numpy(np.where(spread > 1e-5, spread, 1.0)))

    def forward(self, vectors: Tensor) -> Tensor:
        """[B, size] → [B, channels]."""
        if not self.size:
            return vectors.new_zeros(len(vectors), self.channels)
        projected: Tensor = self.project((vectors - self.mean) / self.std)
        return projected


def sinusoids(length: int, channels: int, like: Tensor) -> Tensor:
    """Positional encoding of Vaswani et al. (2017), section 3.5: [length, channels].

    Args:
        channels: even.
        like: gives type and device.
    """
    places = torch.arange(length, device=like.device, dtype=torch.float32)[:, None]
    half = torch.arange(0, channels, 2, device=like.device, dtype=torch.float32)
    angles = places * torch.exp(half * (-math.log(10_000.0) / channels))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1).to(like.dtype)


class PostNet(nn.Module):
    """Convolutions that refine a predicted mel (Shen et al. 2018, section 2.2).

    Args:
        layers: of convolutions, at least 2; all but the last are followed by tanh.
    """

    def __init__(
        self, n_mels: int, channels: int, kernel: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        widths = [n_mels, *[channels] * (layers - 1), n_mels]
        self.convs = nn.ModuleList(
            nn.Conv1d(a, b, kernel, padding=kernel // 2) for a, b in pairwise(widths)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(b) for b in widths[1:])
        self.dropout = nn.Dropout(dropout)

    def forward(self, mel: Tensor, keep: Tensor | None = None) -> Tensor:
        """The correction to `mel` [B, T, n_mels]; `keep` [B, T, 1] masks padding."""
        x = mel.transpose(1, 2)
        mask = None if keep is None else keep.transpose(1, 2)
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
            x = norm(conv(x if mask is None else x * mask))
            x = self.dropout(torch.tanh(x) if i < len(self.convs) - 1 else x)
        return x.transpose(1, 2)
