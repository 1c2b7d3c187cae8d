"""Products that round as int8 will, for quantization-aware training.

Weights and inputs are rounded in the forward pass and gradients go straight through (Jacob et al.
2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference"; Bengio et al. 2013 for the straight-through estimator).  The codes are those of
:mod:`~voicelet_export.models.int8_codes`: 7-bit weights with a scale for each output channel, uint8
inputs with one scale, whose range follows the inputs as a moving average.

Nothing is wrapped: a product keeps its name and its parameters, so optimizers, averages and exports
don't notice, and only gains the buffer `int8_range`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from voicelet_export.models.int8_codes import (
    MIN_WEIGHTS,
    WEIGHT_MAX,
    Scale,
    best_scale,
    range_scale,
)

RANGE = "int8_range"
RANGE_DECAY = 0.98
_OBSERVED = 8192


class Quantized:
    """What a product gains: an observed range of its input, and roundings."""

    fake = True
    """Does it round?  Its float twin is exported where not."""
    int8_range: Tensor
    weight: Tensor
    training: bool

    def input_codes(self, x: Tensor) -> Tensor:
        """The input as eight bits hold it; in training, the range follows the input."""
        if self.training:
            self._observe(x.detach())
        scale = self.scale
        if scale is None:
            return x
        low, high = -scale.zero * scale.step, (255 - scale.zero) * scale.step
        inside = x.clamp(low, high)
        coded = (torch.round(inside / scale.step) + scale.zero).clamp(0, 255)
        return inside + ((coded - scale.zero) * scale.step - inside).detach()

    def weight_codes(self) -> Tensor:
        """The weight as seven bits an output channel hold it."""
        others = tuple(range(1, self.weight.dim()))
        most = self.weight.detach().abs().amax(dim=others, keepdim=True)
        steps = most.clamp_min(1e-8) / WEIGHT_MAX
        coded = torch.round(self.weight.detach() / steps).clamp(-WEIGHT_MAX - 1, WEIGHT_MAX)
        return self.weight + (coded * steps - self.weight).detach()

    @property
    def scale(self) -> Scale | None:
        """The input's scale; None before any input was seen."""
        low, high = self.int8_range.tolist()
        return range_scale(low, high) if high > low else None

    def _observe(self, x: Tensor) -> None:
        flat = x.reshape(-1)
        picked = flat[:: max(1, flat.numel() // _OBSERVED)]
        values = torch.cat([picked, flat.amin()[None], flat.amax()[None]])
        scale = best_scale(values.float().cpu().numpy())
        now = [-scale.zero * scale.step, (255 - scale.zero) * scale.step]
        moved = self.int8_range.new_tensor(now)
        decay = RANGE_DECAY if self.scale is not None else 0.0
        self.int8_range.mul_(decay).add_(moved, alpha=1.0 - decay)


class QuantizedLinear(Quantized, nn.Linear):
    """A linear layer as it will be in int8."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] → [..., out]."""
        if not self.fake:
            return functional.linear(x, self.weight, self.bias)
        return functional.linear(self.input_codes(x), self.weight_codes(), self.bias)


class QuantizedConv1d(Quantized, nn.Conv1d):
    """A dense convolution as it will be in int8."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, in, T] → [B, out, T]."""
        if not self.fake:
            return self._conv_forward(x, self.weight, self.bias)
        return self._conv_forward(self.input_codes(x), self.weight_codes(), self.bias)


_KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: QuantizedLinear,
    nn.Conv1d: QuantizedConv1d,
}


def insert_fake_quant(model: nn.Module) -> list[str]:
    """Turn the products that will be in int8 into ones that round; returns their names."""
    names = []
    for name, module in model.named_modules():
        kind = _KINDS.get(type(module))
        if kind is None or module.weight.numel() < MIN_WEIGHTS:
            continue
        if kind is QuantizedConv1d and module.groups > 1:
            continue
        module.__class__ = kind
        module.register_buffer(RANGE, torch.zeros(2, device=module.weight.device))
        names.append(name)
    return names


def is_quantized(state: Mapping[str, Any]) -> bool:
    """Are these the weights of a model with roundings?"""
    return any(name.endswith(f".{RANGE}") for name in state)


def quantized(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Names and modules of the products with roundings."""
    for name, module in model.named_modules():
        if isinstance(module, Quantized):
            yield name, module


def set_fake(model: nn.Module, fake: bool) -> None:
    """Turn the roundings of a model on or off."""
    for _, module in quantized(model):
        module.fake = fake
