"""Timbre tokens: what a voice sounds like beyond its d-vector, from the enrolment's own mels.

A reference encoder (ConvNeXt over pairs of frames) is read by a few learned queries; each becomes
a token (Perceiver's cross-attention, Jaegle et al. 2021; attention of the text to a reference, Zhou
et al. 2022).  They are computed once, at enrolment.  Phones attend to them, and all of them
together join the d-vector in the adaptive norms.

Tokens of zeros add exactly nothing: that is how a person without tokens is spoken.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voicelet_export.models.blocks import ConvNeXtBlock

_PAIR = 2  # frames that the reference encoder reads as one
ATTENTION_HEADS = 4


class TimbreEncoder(nn.Module):
    """Mels of a person → tokens.

    Args:
        n_mels: mel bands that are given.
        bands: how many of them are read, from the lowest up.
        tokens, width: how many tokens, and numbers in each.
        channels, blocks: of the convolutions.
    """

    def __init__(
        self, n_mels: int, bands: int, tokens: int, width: int, channels: int, blocks: int
    ) -> None:
        super().__init__()
        self.n_mels, self.bands, self.width = n_mels, bands, width
        self.project = nn.Linear(_PAIR * bands, channels)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(channels, 3 * channels, 7, False, 0.5) for _ in range(blocks)
        )
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Parameter(torch.randn(tokens, width))
        self.key_value = nn.Linear(channels, 2 * width)
        self.out_norm = nn.LayerNorm(width)

    def forward(self, mel: Tensor, keep: Tensor) -> Tensor:
        """Summarize a batch of references.

        Args:
            mel: [B, R, n_mels], normalized; R is at least 2, and an odd last frame isn't read.
            keep: [B, R, 1], ones where there is speech; a row of zeros gives tokens of zeros.

        Returns:
            [B, tokens, width].
        """
        batch, frames = mel.shape[0], mel.shape[1] // _PAIR * _PAIR
        pairs = (mel[..., : self.bands] * keep)[:, :frames].reshape(batch, frames // _PAIR, -1)
        there = keep[:, :frames].reshape(batch, -1, _PAIR).amin(dim=-1, keepdim=True)
        x = self.project(pairs)
        for block in self.blocks:
            x = block(x, None, there)
        key, value = self.key_value(self.norm(x)).chunk(2, dim=-1)
        found = _attend(self.query.expand(batch, -1, -1), key, value, there)
        tokens: Tensor = self.out_norm(found)
        return tokens * there.amax(dim=1, keepdim=True)


class TimbreAttention(nn.Module):
    """Phones look up what they need of a voice; the result is added to them."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, width)
        # Without biases, so that tokens of zeros give nothing.
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, channels, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """`x` [B, N, C] and `tokens` [B, K, width] → [B, N, C]."""
        key, value = self.key_value(tokens).chunk(2, dim=-1)
        out: Tensor = x + self.out(_attend(self.query(self.norm(x)), key, value, None))
        return out


def _attend(query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None) -> Tensor:
    """Attention of several heads, [B, Q, W] over [B, K, W]; `keep` [B, K, 1] masks keys."""
    batch, _, width = query.shape
    shape = (batch, -1, ATTENTION_HEADS, width // ATTENTION_HEADS)
    q, k, v = (x.reshape(shape).transpose(1, 2) for x in (query, key, value))
    score = q @ k.transpose(-1, -2) * shape[-1] ** -0.5
    if keep is not None:
        score = score.masked_fill(keep.transpose(1, 2)[:, None] == 0, -1e4)
    return (score.softmax(dim=-1) @ v).transpose(1, 2).reshape(batch, -1, width)
