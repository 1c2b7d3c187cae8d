"""DiffWave (Kong et al. 2021): a vocoder that turns noise into speech in a few steps.

A non-causal WaveNet guesses the noise in a noisy waveform, told the mel and how much noise there
is.  The mel is brought to samples by transposed convolutions whose rates multiply to the hop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, silu

_EMBEDDING = 128
_STEP_CHANNELS = 512
_UPSAMPLE_SLOPE = 0.4


@dataclass(frozen=True)
class DiffWaveConfig:
    """Sizes and noise schedules; the defaults are DiffWave BASE, for a hop of 300.

    Attributes:
        channels: of the residual path.
        layers, dilation_cycle: layer `i` is dilated by `2 ** (i % dilation_cycle)`.
        upsample_rates: their product is the hop length in samples (16 · 16 in the paper).
        steps, first_beta, last_beta: the linear noise schedule of training.
        fast_betas: noise schedule of fast sampling (section 3.1, 6 steps).
    """

    n_mels: int = 80
    channels: int = 64
    layers: int = 30
    dilation_cycle: int = 10
    upsample_rates: tuple[int, ...] = (15, 20)
    steps: int = 50
    first_beta: float = 1e-4
    last_beta: float = 0.05
    fast_betas: tuple[float, ...] = (1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5)

    def __post_init__(self) -> None:
        if min(self.n_mels, self.channels, self.layers, self.dilation_cycle) < 1:
            raise ValueError("n_mels, channels, layers and dilation_cycle must be at least 1")
        if not self.upsample_rates or min(self.upsample_rates) < 2:
            raise ValueError("upsample_rates must be at least 2 each")
        if self.steps < 2 or not 0.0 < self.first_beta < self.last_beta < 1.0:
            raise ValueError("the noise schedule needs 2 steps and 0 < first_beta < last_beta < 1")
        if not self.fast_betas or not all(0.0 < b < 1.0 for b in self.fast_betas):
            raise ValueError("fast_betas must lie between 0 and 1")

    @property
    def hop_length(self) -> int:
        """Samples made of one frame."""
        return math.prod(self.upsample_rates)

    @property
    def betas(self) -> npt.NDArray[np.float64]:
        """Noise added at each training step, [steps]."""
        return np.linspace(self.first_beta, self.last_beta, self.steps)


class StepEmbedding(nn.Module):
    """How much noise there is, as a vector (section 4.1, equation 8 of the paper)."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.first = nn.Linear(_EMBEDDING, _STEP_CHANNELS)
        self.second = nn.Linear(_STEP_CHANNELS, _STEP_CHANNELS)

    def table(self, like: Tensor) -> Tensor:
        """Sine and cosine of every step, [steps, 128]."""
        half = _EMBEDDING // 2
        steps = torch.arange(self.steps, device=like.device, dtype=torch.float64)[:, None]
        rates = 10.0 ** (4.0 * torch.arange(half, device=like.device).double() / (half - 1))
        angles = steps * rates
        return torch.cat([angles.sin(), angles.cos()], dim=1).to(like.dtype)

    def forward(self, step: Tensor) -> Tensor:
        """[B] (fractions lie between their neighbours) → [B, 512]."""
        table = self.table(self.first.weight)
        low = step.floor().long().clamp(0, self.steps - 1)
        high = (low + 1).clamp_max(self.steps - 1)
        share = (step - low).unsqueeze(-1).to(table.dtype)
        x = table[low] + (table[high] - table[low]) * share
        return silu(self.second(silu(self.first(x))))


class MelUpsampler(nn.Module):
    """Frames → samples, by transposed convolutions over time and bands (section 4.1)."""

    def __init__(self, rates: tuple[int, ...]) -> None:
        super().__init__()
        self.rates = rates
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(
                1, 1, (3, 2 * rate), stride=(1, rate), padding=(1, rate // 2 + rate % 2),
                output_padding=(0, rate % 2),
            )
            for rate in rates
        )  # fmt: skip

    def forward(self, mel: Tensor) -> Tensor:
        """[B, n_mels, T] → [B, n_mels, T · hop]."""
        x = mel.unsqueeze(1)
        for conv in self.convs:
            x = leaky_relu(conv(x), _UPSAMPLE_SLOPE)
        return x.squeeze(1)


class ResidualLayer(nn.Module):
    """A dilated convolution with a gate, told the mel and the step (figure 2)."""

    def __init__(self, channels: int, n_mels: int, dilation: int) -> None:
        super().__init__()
        self.step = nn.Linear(_STEP_CHANNELS, channels)
        self.dilated = nn.Conv1d(channels, 2 * channels, 3, padding=dilation, dilation=dilation)
        self.condition = nn.Conv1d(n_mels, 2 * channels, 1)
        self.out = nn.Conv1d(channels, 2 * channels, 1)
        for conv in (self.dilated, self.condition, self.out):
            nn.init.kaiming_normal_(conv.weight)

    def forward(self, x: Tensor, mel: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        """Residual and skip, [B, channels, samples] each."""
        y = self.dilated(x + self.step(step).unsqueeze(-1)) + self.condition(mel)
        gate, wave = y.chunk(2, dim=1)
        residual, skip = self.out(torch.sigmoid(gate) * torch.tanh(wave)).chunk(2, dim=1)
        return (x + residual) * 0.5**0.5, skip


class DiffWave(nn.Module):
    """Noisy waveform, mel and step → the noise."""

    def __init__(self, config: DiffWaveConfig = DiffWaveConfig()) -> None:
        super().__init__()
        self.config = c = config
        self.entry = nn.Conv1d(1, c.channels, 1)
        self.embedding = StepEmbedding(c.steps)
        self.upsampler = MelUpsampler(c.upsample_rates)
        self.layers = nn.ModuleList(
            ResidualLayer(c.channels, c.n_mels, 2 ** (i % c.dilation_cycle))
            for i in range(c.layers)
        )
        self.skip = nn.Conv1d(c.channels, c.channels, 1)
        self.out = nn.Conv1d(c.channels, 1, 1)
        nn.init.kaiming_normal_(self.entry.weight)
        nn.init.kaiming_normal_(self.skip.weight)
        nn.init.zeros_(self.out.weight)

    def forward(self, wave: Tensor, mel: Tensor, step: Tensor) -> Tensor:
        """Guess the noise.

        Args:
            wave: noisy [B, T · hop_length].
            mel: normalized [B, T, n_mels].
            step: [B], 0 .. steps - 1; fractions are allowed.

        Returns:
            [B, T · hop_length].
        """
        return self.denoise(wave, self.upsampler(mel.transpose(1, 2)), step)

    def denoise(self, wave: Tensor, upsampled: Tensor, step: Tensor) -> Tensor:
        """The same with the mel brought to samples already, [B, n_mels, samples]."""
        x = torch.relu(self.entry(wave.unsqueeze(1)))
        told = self.embedding(step)
        total = torch.zeros_like(x)
        for layer in self.layers:
            x, skip = layer(x, upsampled, told)
            total = total + skip
        total = total / len(self.layers) ** 0.5
        noise: Tensor = self.out(torch.relu(self.skip(total))).squeeze(1)
        return noise

    def noisy(self, wave: Tensor, step: Tensor, noise: Tensor) -> Tensor:
        """Waveforms [B, samples] after `step` [B] steps of noise (equation 4, in closed form)."""
        kept = torch.as_tensor(np.cumprod(1.0 - self.config.betas), dtype=wave.dtype)
        level = kept.to(wave.device)[step].unsqueeze(-1)
        return level.sqrt() * wave + (1.0 - level).sqrt() * noise

    @torch.no_grad()
    def sample(
        self, mel: Tensor, generator: torch.Generator | None = None, fast: bool = True
    ) -> Tensor:
        """Make a waveform from noise (algorithm 2; appendix B for fast sampling).

        Args:
            mel: normalized [B, T, n_mels].
            generator: of the noise, on the CPU.
            fast: `fast_betas` in place of all steps of training.

        Returns:
            [B, T · hop_length] in [-1, 1].
        """
        c = self.config
        betas = np.array(c.fast_betas) if fast else c.betas
        steps = aligned_steps(c.betas, betas) if fast else np.arange(c.steps, dtype=np.float64)
        alphas = 1.0 - betas
        kept = np.cumprod(alphas)
        upsampled = self.upsampler(mel.transpose(1, 2))
        shape = (len(mel), mel.shape[1] * c.hop_length)
        draw = lambda: torch.randn(shape, generator=generator).to(mel)  # noqa: E731
        wave = draw()
        for i in range(len(betas) - 1, -1, -1):
            step = torch.full((len(mel),), float(steps[i]), device=mel.device)
            guess = self.denoise(wave, upsampled, step)
            wave = (wave - betas[i] / math.sqrt(1.0 - kept[i]) * guess) / math.sqrt(alphas[i])
            if i > 0:
                spread = betas[i] * (1.0 - kept[i - 1]) / (1.0 - kept[i])
                wave = wave + math.sqrt(spread) * draw()
        return wave.clamp(-1.0, 1.0)


def aligned_steps(
    trained: npt.NDArray[np.float64], fast: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The (fractional) training steps whose noise levels are those of a fast schedule.

    Levels are √ᾱ; between two training steps they are interpolated (appendix B, equation 13).

    Args:
        trained, fast: betas of the two schedules.

    Returns:
        [len(fast)], within 0 .. len(trained) - 1.
    """
    levels = np.sqrt(np.cumprod(1.0 - trained))
    wanted = np.sqrt(np.cumprod(1.0 - fast))
    found: npt.NDArray[np.float64] = np.interp(
        wanted, levels[::-1], np.arange(len(levels), dtype=np.float64)[::-1]
    )
    return found
