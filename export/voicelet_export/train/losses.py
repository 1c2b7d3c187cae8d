"""Losses, each with its source."""

from __future__ import annotations

import torch
from torch import Tensor

from voicelet.audio.features import LOG_FLOOR, FeatureConfig, mel_filterbank
from voicelet_export.models.discriminators import DiscriminatorOutput
from voicelet_export.models.vocos import frame_stft


class SpectralLoss:
    """Multi-resolution STFT loss (Yamamoto et al. 2020) plus L1 of the project's own log mel."""

    def __init__(
        self,
        features: FeatureConfig,
        resolutions: tuple[tuple[int, int], ...] = ((300, 60), (800, 160), (2000, 400)),
    ) -> None:
        self.features = features
        self.resolutions = resolutions
        self.bank = torch.tensor(mel_filterbank(features)).T.contiguous()
        self.mel_window = torch.hann_window(features.win_length)

    def log_mel(self, wave: Tensor) -> Tensor:
        """[B, samples] → [B, T, n_mels]; frames as in `voicelet.audio.features`, zero-padded."""
        c = self.features
        side = (c.win_length - c.hop_length) // 2
        frames = torch.nn.functional.pad(wave, (side, side)).unfold(-1, c.win_length, c.hop_length)
        window = self.mel_window.to(wave.device)
        magnitude = torch.fft.rfft(frames * window, c.n_fft, dim=-1).abs()
        return torch.log((magnitude @ self.bank.to(wave.device)).clamp_min(LOG_FLOOR))

    def __call__(self, output: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Compare waveforms [B, samples]; returns the terms `mel`, `stft` (unweighted)."""
        mel = (self.log_mel(output) - self.log_mel(target)).abs().mean()
        stft = output.new_zeros(())
        for size, hop in self.resolutions:
            window = torch.hann_window(size, device=output.device)
            a = frame_stft(output, window, hop).abs().clamp_min(1e-5)
            b = frame_stft(target, window, hop).abs().clamp_min(1e-5)
            log = (a.log() - b.log()).abs().mean()
            convergence = torch.linalg.norm(b - a) / torch.linalg.norm(b).clamp_min(1e-3)
            stft = stft + log + convergence
        return {"mel": mel, "stft": stft / len(self.resolutions)}


def discriminator_loss(real: list[DiscriminatorOutput], fake: list[DiscriminatorOutput]) -> Tensor:
    """Least-squares GAN loss of the discriminators (Mao et al. 2017), mean over them."""
    terms = [((1 - r[0]) ** 2).mean() + (f[0] ** 2).mean() for r, f in zip(real, fake)]
    return torch.stack(terms).mean()


def generator_loss(fake: list[DiscriminatorOutput]) -> Tensor:
    """Least-squares GAN loss of the generator, mean over the discriminators."""
    return torch.stack([((1 - f[0]) ** 2).mean() for f in fake]).mean()


def feature_matching_loss(
    real: list[DiscriminatorOutput], fake: list[DiscriminatorOutput]
) -> Tensor:
    """L1 between feature maps (Kumar et al. 2019), each relative to the real map's size."""
    terms = []
    for (_, real_maps), (_, fake_maps) in zip(real, fake):
        for r, f in zip(real_maps, fake_maps):
            r = r.detach()
            terms.append((r - f).abs().mean() / r.abs().mean().clamp_min(1e-3))
    return torch.stack(terms).mean()


def masked_l1(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error where `mask` is one; all broadcast to one shape."""
    weight = mask.expand_as(target)
    return ((output - target).abs() * weight).sum() / weight.sum().clamp_min(1.0)
