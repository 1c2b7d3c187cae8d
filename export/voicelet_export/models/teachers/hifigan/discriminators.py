"""The discriminators of HiFi-GAN (Kong, Kim & Bae 2020, section 2.3), also those of VITS.

Larger than those of `models/discriminators.py`, which are cut down for training on a CPU.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, leaky_relu, pad
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from voicelet_export.models.discriminators import DiscriminatorOutput

_PERIOD_CHANNELS = (32, 128, 512, 1024, 1024)
_SCALE_LAYERS = (  # channels, kernel, stride, groups
    (128, 15, 1, 1), (128, 41, 2, 4), (256, 41, 2, 16), (512, 41, 4, 16), (1024, 41, 4, 16),
    (1024, 41, 1, 16), (1024, 5, 1, 1),
)  # fmt: skip


class PeriodDiscriminator(nn.Module):
    """Folds the waveform by one period and scores the columns with 2-D convolutions.

    Args:
        scale: factor on the paper's channels.
    """

    def __init__(self, period: int, scale: float = 1.0) -> None:
        super().__init__()
        self.period = period
        sizes = (1, *(max(1, int(c * scale)) for c in _PERIOD_CHANNELS))
        strides = (3, 3, 3, 3, 1)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (s, 1), padding=(2, 0)))
            for (a, b), s in zip(pairwise(sizes), strides)
        )
        self.conv_post = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, wave: Tensor) -> DiscriminatorOutput:
        """Score waveforms [B, samples]."""
        extra = -wave.shape[-1] % self.period
        mode = "reflect" if extra < wave.shape[-1] else "constant"
        x = pad(wave[:, None], (0, extra), mode)
        x = x.view(len(wave), 1, -1, self.period)
        return _scored(x, self.convs, self.conv_post)


class ScaleDiscriminator(nn.Module):
    """Scores the waveform by grouped, strided convolutions.

    Args:
        spectral: normalize by the spectral norm, as the paper does where the waveform isn't pooled.
        scale: factor on the paper's channels.
    """

    def __init__(self, spectral: bool = False, scale: float = 1.0) -> None:
        super().__init__()
        norm: Any = spectral_norm if spectral else weight_norm
        layers, before = [], 1
        for channels, kernel, stride, groups in _SCALE_LAYERS:
            after = max(1, int(channels * scale))
            shared = min(groups, before, after)
            while before % shared or after % shared:
                shared -= 1
            layers.append(
                norm(nn.Conv1d(before, after, kernel, stride, groups=shared, padding=kernel // 2))
            )
            before = after
        self.convs = nn.ModuleList(layers)
        self.conv_post = norm(nn.Conv1d(before, 1, 3, padding=1))

    def forward(self, wave: Tensor) -> DiscriminatorOutput:
        """Score waveforms [B, samples]."""
        return _scored(wave[:, None], self.convs, self.conv_post)


class MultiPeriodDiscriminator(nn.Module):
    """The multi-period discriminator."""

    def __init__(self, periods: tuple[int, ...] = (2, 3, 5, 7, 11), scale: float = 1.0) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(PeriodDiscriminator(p, scale) for p in periods)

    def forward(self, wave: Tensor) -> list[DiscriminatorOutput]:
        """Score waveforms [B, samples] by every period."""
        return [discriminator(wave) for discriminator in self.discriminators]


class MultiScaleDiscriminator(nn.Module):
    """The multi-scale discriminator: the waveform, and the waveform pooled once and twice."""

    def __init__(self, scales: int = 3, scale: float = 1.0) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            ScaleDiscriminator(i == 0, scale) for i in range(scales)
        )

    def forward(self, wave: Tensor) -> list[DiscriminatorOutput]:
        """Score waveforms [B, samples] at every scale."""
        out = []
        for i, discriminator in enumerate(self.discriminators):
            if i:
                wave = avg_pool1d(wave[:, None], 4, 2, padding=2)[:, 0]
            out.append(discriminator(wave))
        return out


class HifiganDiscriminator(nn.Module):
    """Both discriminators of HiFi-GAN."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.mpd, self.msd = (
            MultiPeriodDiscriminator(scale=scale),
            MultiScaleDiscriminator(scale=scale),
        )

    def forward(self, wave: Tensor) -> list[DiscriminatorOutput]:
        """Score waveforms [B, samples] by all periods and scales."""
        return [*self.mpd(wave), *self.msd(wave)]


class VitsDiscriminator(nn.Module):
    """The discriminators of VITS: one of a scale, and the multi-period one."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(
            [
                ScaleDiscriminator(scale=scale),
                *(PeriodDiscriminator(p, scale) for p in (2, 3, 5, 7, 11)),
            ]
        )

    def forward(self, wave: Tensor) -> list[DiscriminatorOutput]:
        """Score waveforms [B, samples]."""
        return [discriminator(wave) for discriminator in self.discriminators]


def _scored(x: Tensor, convs: nn.ModuleList, last: nn.Module) -> DiscriminatorOutput:
    maps = []
    for conv in convs:
        x = leaky_relu(conv(x), 0.1)
        maps.append(x)
    score = last(x)
    return score, [*maps, score]
