"""The text encoder of VITS: a transformer that attends by relative position (Shaw et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voicelet_export.models.teachers.vits.layers import ColumnNorm


class RelativeAttention(nn.Module):
    """Multi-head self-attention with embeddings of the distance, up to `window` places.

    Places further apart than the window see no distance at all.  The embeddings are shared by the
    heads.
    """

    def __init__(self, channels: int, heads: int, window: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.window, self.width = heads, window, channels // heads
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        shape = (1, 2 * window + 1, self.width)
        self.emb_rel_k = nn.Parameter(torch.empty(shape))
        self.emb_rel_v = nn.Parameter(torch.empty(shape))
        for table in (self.emb_rel_k, self.emb_rel_v):
            nn.init.normal_(table, 0.0, self.width**-0.5)
        self.dropout = nn.Dropout(dropout)
        for conv in (self.conv_q, self.conv_k, self.conv_v):
            nn.init.xavier_uniform_(conv.weight)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """Attend over `x` [B, C, T]; `keep` [B, 1, T] masks the padding."""
        q = self._split(self.conv_q(x)) * self.width**-0.5
        k, v = self._split(self.conv_k(x)), self._split(self.conv_v(x))
        length = x.shape[2]
        places = torch.arange(length, device=x.device)
        distance = places[None, :] - places[:, None]  # of key j from query i
        near = (distance.abs() <= self.window).to(x.dtype)
        column = (distance.clamp(-self.window, self.window) + self.window)[None, None]
        by_distance = q @ self.emb_rel_k[:, None].transpose(-1, -2)  # [B, H, T, 2w + 1]
        score = q @ k.transpose(-1, -2)
        rows = column.expand(by_distance.shape[0], self.heads, length, length)
        score = score + torch.gather(by_distance, 3, rows) * near
        both = keep[:, :, :, None] * keep[:, :, None, :]
        score = score.masked_fill(both == 0, -1e4)
        weight = self.dropout(score.softmax(dim=-1))
        offsets = torch.arange(-self.window, self.window + 1, device=x.device)
        key = places[:, None] + offsets[None, :]  # [T, 2w + 1]
        inside = ((key >= 0) & (key < length)).to(x.dtype)
        taken = key.clamp(min=0).minimum(places[-1:])[None, None]
        taken = taken.expand(weight.shape[0], self.heads, length, offsets.shape[0])
        y = weight @ v + (torch.gather(weight, 3, taken) * inside) @ self.emb_rel_v[:, None]
        return self.conv_o(y.transpose(2, 3).reshape(x.shape[0], -1, length))

    def _split(self, x: Tensor) -> Tensor:
        """[B, C, T] → [B, heads, T, width]."""
        return x.view(x.shape[0], self.heads, self.width, x.shape[2]).transpose(2, 3)


class FeedForward(nn.Module):
    """Two convolutions with a ReLU between."""

    def __init__(self, channels: int, hidden: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, hidden, kernel, padding=kernel // 2)
        self.conv_2 = nn.Conv1d(hidden, channels, kernel, padding=kernel // 2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """[B, C, T] → [B, C, T]."""
        y = self.dropout(torch.relu(self.conv_1(x * keep)))
        return self.conv_2(y * keep) * keep


class Transformer(nn.Module):
    """Layers of attention and feed-forward, each followed by its norm."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        heads: int,
        layers: int,
        kernel: int,
        window: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList(
            RelativeAttention(channels, heads, window, dropout) for _ in range(layers)
        )
        self.norm_layers_1 = nn.ModuleList(ColumnNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(
            FeedForward(channels, hidden, kernel, dropout) for _ in range(layers)
        )
        self.norm_layers_2 = nn.ModuleList(ColumnNorm(channels) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """[B, C, T] → [B, C, T]."""
        x = x * keep
        layers = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2)
        for attention, first, feed_forward, second in layers:
            x = first(x + self.dropout(attention(x, keep)))
            x = second(x + self.dropout(feed_forward(x, keep)))
        return x * keep


class TextEncoder(nn.Module):
    """Symbols → hidden states and the prior's mean and log standard deviation of each."""

    def __init__(
        self, n_symbols: int, channels: int, latent: int, transformer: Transformer
    ) -> None:
        super().__init__()
        self.channels = channels
        self.emb = nn.Embedding(n_symbols, channels)
        nn.init.normal_(self.emb.weight, 0.0, channels**-0.5)
        self.encoder = transformer
        self.proj = nn.Conv1d(channels, 2 * latent, 1)

    def forward(self, ids: Tensor, keep: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode `ids` [B, N].

        Returns:
            hidden states [B, C, N]; mean and log standard deviation, both [B, latent, N].
        """
        x = self.emb(ids) * self.channels**0.5
        hidden = self.encoder(x.transpose(1, 2), keep)
        mean, log_std = (self.proj(hidden) * keep).chunk(2, dim=1)
        return hidden, mean, log_std
