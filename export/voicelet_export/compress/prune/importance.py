"""How much each part of a model matters: first-order Taylor importance, or magnitude.

A part (a hidden unit, an attention head, a block) is thought of as multiplied by a gate of 1.  To
first order, removing it changes the loss by the derivative by that gate, the sum over places of
activation times gradient, and its importance is the square of that, a mean over calibration batches
(Molchanov et al. 2019, equation 8, with gates).  As each part meets the rest of the model in the
columns of one matrix, the sum over places equals the sum of weight times gradient over those
columns, which needs no activations to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from voicelet_export.models.blocks import ConvNeXtBlock, SelfAttention

Criterion = Literal["taylor", "magnitude"]
DoubleArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """Importance of the parts of a model, in squared units of the loss (or of weights).

    Attributes:
        units: block → of each hidden unit.
        heads: attention layer → of each head.
        blocks: block → of the whole of it.
    """

    units: dict[str, DoubleArray]
    heads: dict[str, DoubleArray]
    blocks: dict[str, float]


def named_blocks(model: nn.Module) -> dict[str, ConvNeXtBlock]:
    """All ConvNeXt blocks, by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, ConvNeXtBlock)}


def named_attention(model: nn.Module) -> dict[str, SelfAttention]:
    """All attention layers, by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, SelfAttention)}


def taylor_importance(model: nn.Module, losses: Iterable[Callable[[], Tensor]]) -> Importance:
    """Importance by the gates' gradients.

    Args:
        model: trainable; its gradients are cleared.
        losses: each computes the loss of one calibration batch with `model`.
    """
    blocks, attention = named_blocks(model), named_attention(model)
    units = {n: np.zeros(b.expand.out_features) for n, b in blocks.items()}
    heads = {n: np.zeros(a.heads) for n, a in attention.items()}
    wholes = dict.fromkeys(blocks, 0.0)
    count = 0
    for loss in losses:
        model.zero_grad(set_to_none=True)
        loss().backward()  # type: ignore[no-untyped-call]
        for name, block in blocks.items():
            gates = _by_gradient(block.contract.weight).sum(dim=0)
            units[name] += gates.square().numpy()
            wholes[name] += float(_by_gradient(block.layer_scale).sum().square())
        for name, layer in attention.items():
            gates = _by_gradient(layer.out.weight).sum(dim=0).view(layer.heads, layer.width)
            heads[name] += gates.sum(dim=1).square().numpy()
        count += 1
    model.zero_grad(set_to_none=True)
    many = max(1, count)
    return Importance(
        {n: v / many for n, v in units.items()},
        {n: v / many for n, v in heads.items()},
        {n: v / many for n, v in wholes.items()},
    )


def magnitude_importance(model: nn.Module) -> Importance:
    """Importance by weights alone: the squared norm of what goes in times that of what comes out.

    For comparison; it knows nothing of how much a part is used, nor of what its output does.
    """
    units, heads, wholes = {}, {}, {}
    for name, block in named_blocks(model).items():
        scaled = block.contract.weight * block.layer_scale[:, None]
        both = block.expand.weight.square().sum(dim=1) * scaled.square().sum(dim=0)
        units[name] = both.detach().double().numpy()
        wholes[name] = float(units[name].sum())
    for name, layer in named_attention(model).items():
        out = layer.out.weight.square().sum(dim=0).view(layer.heads, layer.width)
        values = layer.qkv.weight.chunk(3)[2].square().sum(dim=1).view(layer.heads, layer.width)
        heads[name] = (out * values).sum(dim=1).detach().double().numpy()
    return Importance(units, heads, wholes)


def _by_gradient(weight: nn.Parameter) -> Tensor:
    """Weight times gradient, float64; nothing where no gradient came."""
    if weight.grad is None:
        return torch.zeros_like(weight, dtype=torch.float64, requires_grad=False).detach()
    return weight.detach().double() * weight.grad.double()
