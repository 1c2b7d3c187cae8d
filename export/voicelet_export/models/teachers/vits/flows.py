"""The invertible layers of VITS."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voicelet_export.models.teachers.vits.layers import SeparableConvs, WaveNet
from voicelet_export.models.teachers.vits.spline import spline


class ElementwiseAffine(nn.Module):
    """A learnt scale and shift of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.zeros(channels, 1))
        self.logs = nn.Parameter(torch.zeros(channels, 1))

    def forward(
        self, x: Tensor, keep: Tensor, told: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, Tensor]:
        """[B, C, T] → [B, C, T] and the log-determinant [B] (of the forward direction)."""
        logdet = (self.logs * keep).sum(dim=(1, 2))
        if reverse:
            return (x - self.m) * torch.exp(-self.logs) * keep, -logdet
        return (self.m + torch.exp(self.logs) * x) * keep, logdet


class Flip(nn.Module):
    """Reverse the order of the channels."""

    def forward(
        self, x: Tensor, keep: Tensor, told: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, Tensor]:
        """[B, C, T] → [B, C, T] and zeros [B]."""
        return torch.flip(x, [1]), x.new_zeros(x.shape[0])


class ConvFlow(nn.Module):
    """Half of the channels choose the splines that the other half goes through."""

    def __init__(
        self, channels: int, hidden: int, kernel: int, layers: int, bins: int, bound: float
    ) -> None:
        super().__init__()
        self.half, self.hidden, self.bins, self.bound = channels // 2, hidden, bins, bound
        self.pre = nn.Conv1d(self.half, hidden, 1)
        self.convs = SeparableConvs(hidden, kernel, layers)
        self.proj = nn.Conv1d(hidden, self.half * (3 * bins - 1), 1)
        nn.init.zeros_(self.proj.weight)  # so that it starts as the identity
        nn.init.zeros_(self.proj.bias)

    def forward(
        self, x: Tensor, keep: Tensor, told: Tensor | None = None, reverse: bool = False
    ) -> tuple[Tensor, Tensor]:
        """[B, C, T] → [B, C, T] and the log-determinant [B]."""
        first, second = x[:, : self.half], x[:, self.half :]
        raw = self.proj(self.convs(self.pre(first), keep, told)) * keep
        raw = raw.view(x.shape[0], self.half, 3 * self.bins - 1, x.shape[2]).transpose(2, 3)
        scale = self.hidden**-0.5
        second, log_slope = spline(
            second,
            raw[..., : self.bins] * scale,
            raw[..., self.bins : 2 * self.bins] * scale,
            raw[..., 2 * self.bins :],
            self.bound,
            reverse,
        )
        return torch.cat([first, second], dim=1) * keep, (log_slope * keep).sum(dim=(1, 2))


class ResidualCoupling(nn.Module):
    """Half of the channels shift the other half (no scaling, so it keeps volume)."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        kernel: int,
        dilation_rate: int,
        layers: int,
        speaker_channels: int,
    ) -> None:
        super().__init__()
        self.half = channels // 2
        self.pre = nn.Conv1d(self.half, hidden, 1)
        self.enc = WaveNet(hidden, kernel, dilation_rate, layers, speaker_channels)
        self.post = nn.Conv1d(hidden, self.half, 1)
        nn.init.zeros_(self.post.weight)
        nn.init.zeros_(self.post.bias)

    def forward(
        self, x: Tensor, keep: Tensor, speaker: Tensor | None = None, reverse: bool = False
    ) -> Tensor:
        """[B, C, T] → [B, C, T]; the log-determinant is zero."""
        first, second = x[:, : self.half], x[:, self.half :]
        shift = self.post(self.enc(self.pre(first) * keep, keep, speaker)) * keep
        second = (second - shift if reverse else second + shift) * keep
        return torch.cat([first, second], dim=1)


class CouplingFlow(nn.Module):
    """The prior's flow: residual couplings with the channels flipped after each."""

    def __init__(self, couplings: int, **sizes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(couplings):
            layers += [ResidualCoupling(**sizes), Flip()]
        self.flows = nn.ModuleList(layers)

    def forward(
        self, x: Tensor, keep: Tensor, speaker: Tensor | None = None, reverse: bool = False
    ) -> Tensor:
        """Posterior's latent → prior's latent, or back when `reverse`; both [B, C, T]."""
        for layer in reversed(self.flows) if reverse else self.flows:
            flips = isinstance(layer, Flip)
            x = torch.flip(x, [1]) if flips else layer(x, keep, speaker, reverse)
        return x
