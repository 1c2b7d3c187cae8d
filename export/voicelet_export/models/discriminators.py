"""Small discriminators: waveform by periods (Kong et al. 2020) and mel patches."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

DiscriminatorOutput = tuple[Tensor, list[Tensor]]
"""A score map and the feature maps that led to it."""


class PeriodDiscriminator(nn.Module):
    """Folds the waveform by one period and scores each column.

    The columns share their weights and never mix, so they run as one batch of 1-D convolutions,
    which a CPU does several times faster than the same thing in 2-D.
    """

    def __init__(self, period: int, channels: tuple[int, ...] = (8, 16, 32, 64)) -> None:
        super().__init__()
        self.period = period
        sizes = (1, *channels)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv1d(a, b, 5, 3, padding=2)) for a, b in pairwise(sizes)
        )
        self.post = weight_norm(nn.Conv1d(channels[-1], 1, 3, padding=1))

    def forward(self, wave: Tensor) -> DiscriminatorOutput:
        """Score waveforms [B, samples]."""
        extra = -wave.shape[-1] % self.period
        folded = nn.functional.pad(wave, (0, extra)).view(len(wave), -1, self.period)
        x = folded.transpose(1, 2).reshape(len(wave) * self.period, 1, -1)
        maps = []
        for conv in self.convs:
            x = nn.functional.leaky_relu(conv(x), 0.1)
            maps.append(x)
        return self.post(x), maps


class SpectrogramDiscriminator(nn.Module):
    """Scores log-magnitude spectrograms, strided in frequency to stay cheap (after UnivNet)."""

    def __init__(self, fft_size: int, hop: int, channels: int = 16) -> None:
        super().__init__()
        self.fft_size, self.hop = fft_size, hop
        strides = [(1, 4), (1, 3), (2, 2), (1, 2)]
        sizes = (1, channels, 2 * channels, 2 * channels, 2 * channels)
        kernels = (7, 5, 5, 3)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (3, k), s, padding=(1, k // 2)))
            for a, b, k, s in zip(sizes, sizes[1:], kernels, strides)
        )
        self.post = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 3), padding=(1, 1)))

    def forward(self, wave: Tensor) -> DiscriminatorOutput:
        """Score waveforms [B, samples]."""
        window = torch.hann_window(self.fft_size, device=wave.device)
        spectrum = torch.stft(
            wave, self.fft_size, self.hop, window=window, center=False, return_complex=True
        )
        x = torch.log(spectrum.abs().clamp_min(1e-4)).transpose(1, 2).unsqueeze(1) * 0.4
        maps = []
        for conv in self.convs:
            x = nn.functional.leaky_relu(conv(x), 0.1)
            maps.append(x)
        return self.post(x), maps


class WaveDiscriminator(nn.Module):
    """Several period and spectrogram discriminators side by side."""

    def __init__(
        self,
        periods: tuple[int, ...] = (2, 3, 5, 7, 11),
        resolutions: tuple[tuple[int, int], ...] = ((512, 192), (1200, 400)),
    ) -> None:
        super().__init__()
        # The attribute is a key of saved weights.
        self.judges = nn.ModuleList(
            [PeriodDiscriminator(p) for p in periods]
            + [SpectrogramDiscriminator(n, h) for n, h in resolutions]
        )

    def forward(self, wave: Tensor) -> list[DiscriminatorOutput]:
        """Score waveforms [B, samples] with every discriminator."""
        return [discriminator(wave) for discriminator in self.judges]


class MelDiscriminator(nn.Module):
    """Scores patches of a normalized mel spectrogram, so that the acoustic model isn't smooth."""

    def __init__(self, n_mels: int = 80, channels: int = 32) -> None:
        super().__init__()
        sizes = (1, channels, channels, 2 * channels, 2 * channels)
        strides = [(1, 2), (2, 2), (2, 2), (1, 2)]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (3, 5), s, padding=(1, 2)))
            for a, b, s in zip(sizes, sizes[1:], strides)
        )
        self.post = weight_norm(nn.Conv2d(sizes[-1], 1, 3, padding=1))

    def forward(self, mel: Tensor) -> DiscriminatorOutput:
        """Score mels [B, T, n_mels]."""
        x = mel.unsqueeze(1)
        maps = []
        for conv in self.convs:
            x = nn.functional.leaky_relu(conv(x), 0.2)
            maps.append(x)
        return self.post(x), maps
