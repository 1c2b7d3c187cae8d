"""From a loss to a step of its optimizer: precision, accumulation, and what rests.

Mixed precision after Micikevicius et al. 2018: the forward pass in half precision, the weights and
their updates in float32; float16 needs its losses scaled, bfloat16 doesn't.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

Precision = Literal["fp32", "bf16", "fp16"]

_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Updates:
    """How the losses of a task become steps.

    Args:
        device: of the training, such as "cpu" or "cuda:0".
        precision: of the forward passes.
        accumulate: batches whose gradients one step averages.
    """

    def __init__(
        self, device: str = "cpu", precision: Precision = "fp32", accumulate: int = 1
    ) -> None:
        self._kind = torch.device(device).type
        self.precision, self.accumulate = precision, accumulate
        self.scaler = torch.amp.GradScaler(self._kind) if precision == "fp16" else None
        self.resting: Sequence[nn.Parameter] = ()
        """Parameters that take no step now."""
        self._pending: dict[str, float] = {}

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context of a forward pass."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self._kind, _TYPES[self.precision])

    def begin(self, optimizers: Mapping[str, torch.optim.Optimizer]) -> None:
        """Forget gradients before the first batch of a step."""
        if self.accumulate > 1:
            self._pending.clear()
            for optimizer in optimizers.values():
                optimizer.zero_grad(set_to_none=True)

    def descend(
        self, name: str, loss: Tensor, clip: float, module: nn.Module, optimizer: Any
    ) -> None:
        """Send `loss` back; step at once, or in :meth:`finish` where gradients are accumulated."""
        if self.resting and not loss.requires_grad:
            return  # all that the loss depends on rests
        if self.accumulate == 1:
            optimizer.zero_grad(set_to_none=True)
        share = loss if self.accumulate == 1 else loss / self.accumulate
        if self.scaler is not None:
            share = self.scaler.scale(share)
        with torch.autocast(self._kind, enabled=False):
            if self.accumulate == 1:
                share.backward()
            else:
                # Only its own weights: a discriminator must not gather the generator's loss.
                own = [p for g in optimizer.param_groups for p in g["params"] if p.requires_grad]
                if own:
                    torch.autograd.backward(share, inputs=own)
        if self.precision != "fp32":
            torch.clear_autocast_cache()  # it holds half copies of weights that now change
        if self.accumulate > 1:
            self._pending[name] = clip
            return
        self._step(module, optimizer, clip)
        if self.scaler is not None:
            self.scaler.update()

    def finish(
        self, modules: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Optimizer]
    ) -> None:
        """After the last batch of a step: take the steps that accumulation put off."""
        stepped = [
            self._step(modules[name], optimizers[name], clip)
            for name, clip in self._pending.items()
        ]
        self._pending.clear()
        if self.scaler is not None and any(stepped):
            self.scaler.update()

    def _step(self, module: nn.Module, optimizer: Any, clip: float) -> bool:
        """Clip and step; a gradient that isn't finite changes nothing.  False: no gradient."""
        for parameter in self.resting:
            parameter.grad = None
        if all(p.grad is None for g in optimizer.param_groups for p in g["params"]):
            return False
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(module.parameters(), clip)
        if self.scaler is not None:
            self.scaler.step(optimizer)  # passes over gradients that overflowed
        elif torch.isfinite(norm):
            optimizer.step()
        return True
