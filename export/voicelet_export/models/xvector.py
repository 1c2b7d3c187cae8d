"""A second opinion on who speaks: x-vectors (Snyder et al. 2018), small.

It measures clones in benchmarks and is in no loss of any other model: what pleases the encoder that
voices are trained with has to please it as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class XVectorConfig:
    """Sizes of the network.

    Attributes:
        n_bands: mel bands it sees, from the lowest; 70 end below 7.6 kHz, so that recordings at
            16 kHz look like those at 24 kHz.
        channels: width of the frame layers; `wide` of the last of them.
        kernels, dilations: of the frame layers.
        size: of the x-vector.
    """

    n_bands: int = 70
    channels: int = 192
    wide: int = 512
    kernels: tuple[int, ...] = (5, 3, 3, 1)
    dilations: tuple[int, ...] = (1, 2, 3, 1)
    size: int = 128


class XVector(nn.Module):
    """Normalized log mel bands of active frames → a vector that tells speakers apart."""

    def __init__(self, config: XVectorConfig = XVectorConfig()) -> None:
        super().__init__()
        self.config = c = config
        widths = [c.n_bands, *[c.channels] * (len(c.kernels) - 1), c.wide]
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, k, dilation=d)
            for a, b, k, d in zip(widths, widths[1:], c.kernels, c.dilations)
        )
        self.norms = nn.ModuleList(nn.BatchNorm1d(b) for b in widths[1:])
        self.out = nn.Linear(2 * c.wide, c.size)

    @property
    def least_frames(self) -> int:
        """Frames that make one frame after all layers."""
        c = self.config
        return 1 + sum((k - 1) * d for k, d in zip(c.kernels, c.dilations))

    def forward(self, bands: Tensor) -> Tensor:
        """[B, T, n_bands] → [B, size], of length one."""
        x = bands.transpose(1, 2)
        for layer, norm in zip(self.layers, self.norms):
            x = norm(torch.relu(layer(x)))
        deviation = (x.var(dim=-1, unbiased=False) + 1e-5).sqrt()
        pooled = torch.cat([x.mean(dim=-1), deviation], dim=-1)
        return nn.functional.normalize(self.out(pooled), dim=-1)


def save_xvector(model: XVector, path: Path) -> None:
    """Write what `metrics.second_encoder` reads, in float16; norms as scale and shift."""
    arrays: dict[str, Tensor] = {"out.weight": model.out.weight, "out.bias": model.out.bias}
    for i, (layer, norm) in enumerate(zip(model.layers, model.norms)):
        assert isinstance(norm, nn.BatchNorm1d) and norm.running_var is not None
        assert norm.running_mean is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        arrays[f"{i}.weight"], arrays[f"{i}.bias"] = layer.weight, layer.bias
        arrays[f"{i}.scale"], arrays[f"{i}.shift"] = scale, norm.bias - norm.running_mean * scale
    kept = {k: v.detach().cpu().numpy().astype(np.float16) for k, v in arrays.items()}
    dilations = np.array(model.config.dilations)
    np.savez_compressed(path, dilations=dilations, **kept)  # type: ignore[arg-type]
