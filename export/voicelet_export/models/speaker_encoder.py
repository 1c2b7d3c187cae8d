"""The GE2E d-vector encoder (Wan et al. 2018): three LSTMs, a projection, an L2 norm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class SpeakerEncoderConfig:
    """Sizes of the encoder; the defaults are those of the public weights it starts from."""

    n_mels: int = 40
    hidden_size: int = 256
    layers: int = 3
    embedding_size: int = 256


class SpeakerEncoder(nn.Module):
    """Mel windows in, unit d-vectors out."""

    def __init__(self, config: SpeakerEncoderConfig = SpeakerEncoderConfig()) -> None:
        super().__init__()
        self.config = config
        self.lstm = nn.LSTM(config.n_mels, config.hidden_size, config.layers, batch_first=True)
        self.linear = nn.Linear(config.hidden_size, config.embedding_size)

    def forward(self, mel: Tensor) -> Tensor:
        """Embed windows.

        Args:
            mel: [windows, frames, n_mels] powers as `voicelet.speaker.ge2e_mel` makes them.

        Returns:
            [windows, embedding_size], L2 norm 1.
        """
        _, (hidden, _) = self.lstm(mel)
        raw = torch.relu(self.linear(hidden[-1]))
        return raw / raw.norm(dim=1, keepdim=True).clamp_min(1e-9)

    def load_ge2e_state(self, state: Mapping[str, Tensor]) -> None:
        """Take the LSTM and projection of a GE2E checkpoint; its similarity scale is left out."""
        wanted = {k: v for k, v in state.items() if k.startswith(("lstm.", "linear."))}
        self.load_state_dict(wanted)
