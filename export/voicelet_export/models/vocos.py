"""The vocoder student: a source-filter Vocos.

A ConvNeXt stack with an inverse-STFT head (Siuzdak 2023) that filters a harmonic and a noise source
in the STFT domain (after the neural source-filter and HiFT-Net ideas; Wang et al. 2019, Li et al.
2023).  The sources are made outside the graph, so pitch is exact and phase has something to
follow; the filters start from the mel's own envelope, so the network learns corrections only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FeatureConfig, hann_window, mel_centres_hz
from voicelet.synth.source_filter.correction import BAND_FLOOR, MOST_CORRECTED, Bands
from voicelet_export.models.blocks import ChannelNorm, ConvNeXtBlock, check_block_sizes

MAX_HARMONIC_HZ = 11500.0


@dataclass(frozen=True)
class VocoderConfig:
    """Sizes of the vocoder.

    Attributes:
        fft_size: of the synthesis STFT; also its window, in samples.
        block_hidden: hidden size of each block, where they differ (a pruned model); empty gives
            every block `hidden`.
        corrects: what the filters gave is measured and brought to the mel once (`corrected`).  No
            weights belong to it; the graph tells by its output `target`.
        continuous_source: pulses go on through unvoiced frames, and the filters, which hear
            voicing in the mel, decide how much of them is heard: a wrong voicing decision then
            costs nothing.  The graph has no `voicing` input.
    """

    n_mels: int = 80
    channels: int = 256
    hidden: int = 768
    blocks: int = 6
    kernel: int = 7
    fft_size: int = 1200
    block_hidden: tuple[int, ...] = ()
    continuous_source: bool = False
    corrects: bool = False

    def __post_init__(self) -> None:
        check_block_sizes(self.block_hidden, self.blocks, "block_hidden")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of what the model returns, in order."""
        filters = ("harmonic_log_magnitude", "harmonic_phase", "noise_log_magnitude")
        return (*filters, "target") if self.corrects else filters

    @property
    def context_frames(self) -> int:
        """Receptive field on each side, in frames."""
        return (self.blocks + 1) * (self.kernel // 2)

    @property
    def n_bins(self) -> int:
        """Bins of the synthesis STFT."""
        return self.fft_size // 2 + 1


@lru_cache(maxsize=8)
def envelope_matrix(features: FeatureConfig, fft_size: int) -> Tensor:
    """Linear interpolation from mel bands to FFT bins, [n_mels, bins]."""
    bins = np.fft.rfftfreq(fft_size, 1.0 / features.sample_rate_hz)
    centres = mel_centres_hz(features)
    matrix = np.stack([np.interp(bins, centres, row) for row in np.eye(features.n_mels)])
    return torch.tensor(matrix, dtype=torch.float32)


@lru_cache(maxsize=8)
def band_matrices(features: FeatureConfig, fft_size: int) -> tuple[Tensor, Tensor, Tensor]:
    """What a correction computes (`voicelet.synth.source_filter.correction.Bands`), as products.

    Returns:
        from magnitudes of STFT bins to bands, [bins, n_mels]; from those of a mel to the same,
        [n_mels, n_mels];
        from bands to bins, [n_mels, bins].
    """
    bands = Bands(features, fft_size)
    of_bins, of_mels = torch.tensor(bands.of_bins), torch.tensor(bands.of_mels)
    return of_bins, of_mels, torch.tensor(bands.to_bins)


class Vocoder(nn.Module):
    """Mel, f0 and voicing → the filters of the harmonic and the noise source."""

    envelope: Tensor
    mel_mean: Tensor
    mel_std: Tensor

    def __init__(
        self, config: VocoderConfig = VocoderConfig(), features: FeatureConfig = FeatureConfig()
    ) -> None:
        super().__init__()
        self.config = c = config
        # A mel band of unit area sums about n_fft / sample_rate of magnitude per unit.
        offset = -float(np.log(features.n_fft / features.sample_rate_hz))
        self.register_buffer("envelope", envelope_matrix(features, c.fft_size).clone())
        self.register_buffer("mel_mean", torch.full((c.n_mels,), offset))
        self.register_buffer("mel_std", torch.ones(c.n_mels))
        self._offset = offset
        self.entry = nn.Conv1d(c.n_mels + 2, c.channels, c.kernel, padding=c.kernel // 2)
        self.entry_norm = ChannelNorm(c.channels)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(c.channels, hidden, c.kernel, False, 1.0 / c.blocks)
            for hidden in c.block_hidden or (c.hidden,) * c.blocks
        )
        self.out_norm = ChannelNorm(c.channels)
        self.head = nn.Linear(c.channels, 3 * c.n_bins)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():  # a little noise to begin with; training finds the balance
            self.head.bias[2 * c.n_bins :] = -1.5

    def set_statistics(self, mel_mean: Tensor, mel_std: Tensor) -> None:
        """Take the statistics by which mels are normalized, both [n_mels]."""
        self.mel_mean.copy_(mel_mean + self._offset)
        self.mel_std.copy_(mel_std)

    def sounding(self, voicing: Tensor) -> Tensor:
        """Where pulses sound, of a given voicing [B, T]: there, or everywhere."""
        return torch.ones_like(voicing) if self.config.continuous_source else voicing

    def forward(self, mel: Tensor, log_f0: Tensor, voicing: Tensor) -> tuple[Tensor, ...]:
        """Predict the filters.

        Args:
            mel: [B, T, n_mels], normalized.
            log_f0: [B, T]; voicing: [B, T] in 0..1.

        Returns:
            harmonic_log_magnitude, harmonic_phase (radians), noise_log_magnitude: [B, T, bins].
            Of a model that corrects also the log magnitudes of the mel's bands, [B, T, n_mels].
        """
        heard = self.sounding(voicing)
        pitch = torch.stack([(log_f0 - 5.0) * 2.0 * heard, heard], dim=-1)
        x = self.entry(torch.cat([mel, pitch], dim=-1).transpose(1, 2)).transpose(1, 2)
        x = self.entry_norm(x)
        for block in self.blocks:
            x = block(x)
        harmonic, phase, noise = self.head(self.out_norm(x)).chunk(3, dim=-1)
        bands = mel * self.mel_std + self.mel_mean
        base = bands @ self.envelope
        filters = base + harmonic, phase, base + noise
        return (*filters, bands) if self.config.corrects else filters


def harmonic_source(log_f0: Tensor, voicing: Tensor, hop: int, rate: int, phase: Tensor) -> Tensor:
    """Band-limited pulse train, the sum of cos(k·φ) below 11.5 kHz in closed form.

    Args:
        log_f0, voicing: [B, T] on frame centres.
        phase: [B, 1] starting phase in cycles.

    Returns:
        [B, T * hop], scaled so that a harmonic's STFT peak has magnitude 1 for a 4-hop Hann window.
    """
    f0 = _to_samples(log_f0, hop).exp()
    loud = _to_samples(voicing, hop)
    cycles = phase + torch.cumsum(f0.double() / rate, dim=1)
    half = (cycles % 1.0).float() * torch.pi
    count = torch.floor(MAX_HARMONIC_HZ / f0)
    below = torch.sin(half)
    small = below.abs() < 1e-3
    pulse = torch.sin((2.0 * count + 1.0) * half) / (2.0 * torch.where(small, 1.0, below))
    pulse = torch.where(small, count + 0.5, pulse) - 0.5
    return pulse * loud / hop


def _to_samples(x: Tensor, hop: int) -> Tensor:
    """Linear interpolation from frame centres to samples, [B, T] → [B, T * hop]."""
    return nn.functional.interpolate(
        x.unsqueeze(1), scale_factor=float(hop), mode="linear", align_corners=False
    ).squeeze(1)


def synthesize(
    filters: tuple[Tensor, ...],
    harmonic: Tensor,
    noise: Tensor,
    config: VocoderConfig,
    features: FeatureConfig,
) -> Tensor:
    """Filter the sources in the STFT domain and overlap-add.

    Args:
        filters: what :class:`Vocoder` returns.
        harmonic, noise: source waveforms [B, T * hop].

    Returns:
        waveform [B, T * hop].
    """
    hop = features.hop_length
    window = torch.tensor(hann_window(config.fft_size), device=harmonic.device)
    h = frame_stft(harmonic, window, hop)
    n = frame_stft(noise, window, hop)
    log_h, phase, log_n = filters[:3]
    wave = to_wave(torch.polar(_gain(log_h), phase) * h + _gain(log_n) * n, window, hop)
    if not config.corrects:
        return wave
    return to_wave(corrected(frame_stft(wave, window, hop), filters[3], features), window, hop)


def corrected(spectrum: Tensor, target: Tensor, features: FeatureConfig) -> Tensor:
    """A spectrum [B, T, bins] with its bands' magnitudes brought to those of a mel.

    Args:
        target: log magnitudes of the mel's bands, [B, T, n_mels].

    See `voicelet.synth.source_filter.correction`, which does the same on the device.
    """
    size = 2 * (spectrum.shape[-1] - 1)
    matrices = band_matrices(features, size)
    of_bins, of_mels, to_bins = (m.to(spectrum.device) for m in matrices)
    magnitude = (spectrum.real**2 + spectrum.imag**2 + 1e-12).sqrt()
    wanted = (target.exp() @ of_mels).clamp_min(float(BAND_FLOOR)).log()
    missing = wanted - (magnitude @ of_bins).clamp_min(float(BAND_FLOOR)).log()
    return spectrum * (missing.clamp(-MOST_CORRECTED, MOST_CORRECTED) @ to_bins).exp()


def _gain(log_magnitude: Tensor) -> Tensor:
    return log_magnitude.clamp(-14.0, 6.0).exp()


def to_wave(spectrum: Tensor, window: Tensor, hop: int) -> Tensor:
    """The waveform [B, T * hop] whose STFT is nearest to `spectrum` [B, T, bins]."""
    size = len(window)
    frames = torch.fft.irfft(spectrum, size, dim=-1) * window
    return overlap_add(frames, hop, size) / (1.5 * size / (4 * hop))


def frame_stft(wave: Tensor, window: Tensor, hop: int) -> Tensor:
    """STFT on frames centred on (i + 0.5) · hop, zero-padded: [B, T * hop] → [B, T, bins]."""
    side = (len(window) - hop) // 2
    frames = nn.functional.pad(wave, (side, side)).unfold(-1, len(window), hop)
    return torch.fft.rfft(frames * window, dim=-1)


def overlap_add(frames: Tensor, hop: int, size: int) -> Tensor:
    """Inverse of the framing above, without normalization: [B, T, size] → [B, T * hop]."""
    n_frames = frames.shape[1]
    side = (size - hop) // 2
    total = (n_frames - 1) * hop + size
    out = nn.functional.fold(
        frames.transpose(1, 2), output_size=(1, total), kernel_size=(1, size), stride=(1, hop)
    )
    return out.reshape(len(frames), total)[:, side : side + n_frames * hop]
