"""Speaker-consistency loss: does a predicted mel sound like its person to the frozen encoder?

The encoder's own features (40 mel powers at 16 kHz, 100 frames a second) are rebuilt from the
model's log mel by interpolating its bands to FFT bins, so that the loss is differentiable and needs
no vocoder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.audio.features import FeatureConfig, FloatArray, mel_centres_hz, mel_filterbank
from voicelet.speaker.ge2e_mel import GE2E_FEATURES, TARGET_RMS_DBFS, WINDOW_FRAMES
from voicelet_export.models.speaker_encoder import SpeakerEncoder


class SpeakerConsistency(nn.Module):
    """1 - cosine between the d-vectors of mels and those of their speakers."""

    mel_mean: Tensor
    mel_std: Tensor
    to_bins: Tensor
    to_bands: Tensor

    def __init__(
        self,
        encoder: SpeakerEncoder,
        mel_mean: FloatArray,
        mel_std: FloatArray,
        features: FeatureConfig = FeatureConfig(),
    ) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.features = features
        bins = np.fft.rfftfreq(GE2E_FEATURES.n_fft, 1.0 / GE2E_FEATURES.sample_rate_hz)
        centres = mel_centres_hz(features)
        rows = [np.interp(bins, centres, row) for row in np.eye(features.n_mels)]
        self.register_buffer("to_bins", torch.tensor(np.stack(rows), dtype=torch.float32))
        self.register_buffer("to_bands", torch.tensor(mel_filterbank(GE2E_FEATURES).T.copy()))
        self.register_buffer("mel_mean", torch.tensor(mel_mean))
        self.register_buffer("mel_std", torch.tensor(mel_std))
        # Parseval: a frame of a signal of that RMS has this one-sided power in its bins.
        size = GE2E_FEATURES.n_fft
        rms = 10.0 ** (TARGET_RMS_DBFS / 20.0)
        self.power = size / 2.0 * (0.375 * size) * rms**2

    @property
    def window_frames(self) -> int:
        """Frames of the model's mel in one window of the encoder."""
        rate = GE2E_FEATURES.frames_per_second
        return round(WINDOW_FRAMES * self.features.frames_per_second / rate)

    def embed(self, mel: Tensor) -> Tensor:
        """d-vectors [B, 256] of normalized mels [B, window_frames, n_mels]."""
        log_mel = mel * self.mel_std + self.mel_mean
        power = (2.0 * (log_mel @ self.to_bins).clamp(-11.0, 6.0)).exp()
        level = power.sum(dim=-1).mean(dim=1)[:, None, None].clamp_min(1e-6)
        bands = (power * (self.power / level)) @ self.to_bands
        resampled = nn.functional.interpolate(
            bands.transpose(1, 2), size=WINDOW_FRAMES, mode="linear", align_corners=False
        )
        out: Tensor = self.encoder(resampled.transpose(1, 2))
        return out

    def forward(self, mel: Tensor, d_vector: Tensor) -> Tensor:
        """Mean of 1 - cosine over a batch; `d_vector` [B, 256] has norm 1."""
        return 1.0 - (self.embed(mel) * d_vector).sum(dim=-1).mean()


def load_encoder(checkpoint: Path) -> SpeakerEncoder:
    """The speaker encoder from a GE2E checkpoint file or our own safetensors."""
    encoder = SpeakerEncoder()
    if checkpoint.suffix == ".safetensors":
        from safetensors.torch import load_file

        encoder.load_state_dict({k: v.float() for k, v in load_file(checkpoint).items()})
    else:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        encoder.load_ge2e_state(state.get("model_state", state))
    return encoder.eval()
