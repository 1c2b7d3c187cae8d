"""Small discriminators: waveform by periods (Kong et al. 2020) and mel patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

Judgement = tuple[Tensor, list[Tensor]]
"""A score map and the feature maps that led to it."""


class PeriodDiscriminator(nn.Module):
    """Folds the waveform by one period and judges the columns."""

    def __init__(self, period: int, channels: tuple[int, ...] = (16, 32, 64, 64)) -> None:
        super().__init__()
        self.period = period
        sizes = (1, *channels)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (3, 1), padding=(2, 0)))
            for a, b in zip(sizes, sizes[1:])
        )
        self.post = weight_norm(nn.Conv2d(channels[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, wave: Tensor) -> Judgement:
        """Judge waveforms [B, samples]."""
        extra = -wave.shape[-1] % self.period
        x = nn.functional.pad(wave, (0, extra)).view(len(wave), 1, -1, self.period)
        maps = []
        for conv in self.convs:
            x = nn.functional.leaky_relu(conv(x), 0.1)
            maps.append(x)
        return self.post(x), maps


class SpectrogramDiscriminator(nn.Module):
    """Judges log-magnitude spectrograms, strided in frequency to stay cheap (after UnivNet)."""

    def __init__(self, fft_size: int, hop: int, channels: int = 24) -> None:
        super().__init__()
        self.fft_size, self.hop = fft_size, hop
        strides = [(1, 3), (1, 3), (2, 3), (2, 2)]
        sizes = (1, channels, channels, 2 * channels, 2 * channels)
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (3, 7), s, padding=(1, 3)))
            for a, b, s in zip(sizes, sizes[1:], strides)
        )
        self.post = weight_norm(nn.Conv2d(sizes[-1], 1, (3, 3), padding=(1, 1)))

    def forward(self, wave: Tensor) -> Judgement:
        """Judge waveforms [B, samples]."""
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
        periods: tuple[int, ...] = (2, 3, 5, 7),
        resolutions: tuple[tuple[int, int], ...] = ((512, 128), (1024, 256)),
    ) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            [PeriodDiscriminator(p) for p in periods]
            + [SpectrogramDiscriminator(n, h) for n, h in resolutions]
        )

    def forward(self, wave: Tensor) -> list[Judgement]:
        """Judge waveforms [B, samples] with every discriminator."""
        return [judge(wave) for judge in self.judges]


class MelDiscriminator(nn.Module):
    """Judges patches of a normalised mel spectrogram, so that the acoustic model isn't smooth."""

    def __init__(self, n_mels: int = 80, channels: int = 32) -> None:
        super().__init__()
        sizes = (1, channels, channels, 2 * channels, 2 * channels)
        strides = [(1, 2), (2, 2), (2, 2), (1, 2)]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (3, 5), s, padding=(1, 2)))
            for a, b, s in zip(sizes, sizes[1:], strides)
        )
        self.post = weight_norm(nn.Conv2d(sizes[-1], 1, 3, padding=1))

    def forward(self, mel: Tensor) -> Judgement:
        """Judge mels [B, T, n_mels]."""
        x = mel.unsqueeze(1)
        maps = []
        for conv in self.convs:
            x = nn.functional.leaky_relu(conv(x), 0.2)
            maps.append(x)
        return self.post(x), maps
