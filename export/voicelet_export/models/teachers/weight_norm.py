"""Weight normalization (Salimans & Kingma 2016): put on for training, folded for everything else.

Checkpoints hold it in one of two layouts: `x.weight_g`, `x.weight_v` (torch's old hook) or
`x.parametrizations.weight.original0`, `…original1` (torch's parametrizations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from voicelet.errors import BundleError

_OLD = (".weight_g", ".weight_v")
_NEW = (".parametrizations.weight.original0", ".parametrizations.weight.original1")


def fold_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace every pair of length and direction by the weight that it stands for.

    `w = g · v / |v|`, where the norm is taken over all axes but the first (also for transposed
    convolutions, as torch does by default).

    Raises:
        BundleError: one of a pair is missing or their shapes don't fit.
    """
    folded: dict[str, Tensor] = {}
    for name, value in state.items():
        for length, direction in (_OLD, _NEW):
            if name.endswith(length):
                base = name[: -len(length)]
                folded[f"{base}.weight"] = _fold(base, value, state.get(base + direction))
                break
            if name.endswith(direction):
                base = name[: -len(direction)]
                if base + length not in state:
                    raise BundleError(f"{name} has no length beside it; the checkpoint is cut off")
                break
        else:
            folded[name] = value
    return folded


def _fold(base: str, length: Tensor, direction: Tensor | None) -> Tensor:
    if direction is None:
        raise BundleError(f"{base} has no direction beside its length; the checkpoint is cut off")
    if length.numel() != direction.shape[0]:
        raise BundleError(f"{base}: a length of {length.numel()} for {direction.shape[0]} rows")
    v = direction.float()
    norm = v.flatten(1).norm(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    scale = length.float().flatten() / norm
    return v * scale.view(-1, *(1,) * (v.dim() - 1))


def add_weight_norm(modules: Iterable[nn.Module]) -> None:
    """Normalize every dense convolution inside the given modules, in place."""
    for module in modules:
        for layer in list(module.modules()):
            if isinstance(layer, (nn.Conv1d, nn.ConvTranspose1d)) and "weight" in dict(
                layer.named_parameters(recurse=False)
            ):
                weight_norm(layer)
