"""The part of the acoustic model that a federation trains: a shift of its speaker conditioning.

A few hundred to a few thousand numbers decide how the model's adaptive layer norms are set for
every speaker alike.  The first 192 move the speaker embedding itself, the direction that the model
has learnt to be told voices by; the others move the norms' scales and shifts and the duration,
pitch and energy predicted, inside a fixed random subspace (Li et al. 2018, "Measuring the Intrinsic
Dimension of Objective Landscapes"), spread over all of them by a Walsh-Hadamard transform (as in
Fastfood, Le et al. 2013).  All of it is added to biases, so a trained adapter folds into an
ordinary model.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel
from voicelet_federated.app.config import AdapterSpec
from voicelet_federated.errors import UpdateError

_EMBEDDING = "speaker"
_SHIFTED = ("film", "condition", "variance_head")
_LAYOUT = 1
_DEFAULT = AdapterSpec()


def schema_hash(spec: AdapterSpec, config: AcousticConfig) -> str:
    """A name for the adapter's layout on a model: equal hashes, interchangeable adapters."""
    layout: dict[str, Any] = {"layout": _LAYOUT, "spec": asdict(spec), "model": asdict(config)}
    return hashlib.sha256(json.dumps(layout, sort_keys=True).encode("utf-8")).hexdigest()


class Adapted(nn.Module):
    """An acoustic model, frozen, with an adapter of zeros that can be trained.

    The adapter is a linear layer on a one per utterance, so that Opacus gives the gradient of each
    utterance by itself.

    Args:
        model: isn't changed; its weights are shared.
        spec: of the adapter.
    """

    signs: Tensor
    places: Tensor

    def __init__(self, model: AcousticModel, spec: AdapterSpec = _DEFAULT) -> None:
        super().__init__()
        self.spec = spec
        self.base = copy.copy(model)
        encoder = model.encoder
        self._layers = [encoder.speaker, *(getattr(encoder, name) for name in _SHIFTED)]
        self._widths = [
            model.config.channels,
            *(_bias(layer).numel() for layer in self._layers[1:]),
        ]
        n_biases = sum(self._widths[1:])
        self._power = 1 << max(0, n_biases - 1).bit_length()
        rng = np.random.default_rng(spec.seed)
        signs = rng.choice(np.array([-1.0, 1.0], np.float32), self._power)
        places = np.sort(rng.permutation(self._power)[: spec.size - self._widths[0]])
        self.register_buffer("signs", torch.from_numpy(signs))
        self.register_buffer("places", torch.from_numpy(places))
        if spec.size <= self._widths[0]:
            raise ConfigError(f"a model of {self._widths[0]} channels needs a larger adapter")
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.adapter = nn.Linear(1, spec.size, bias=False)
        nn.init.zeros_(self.adapter.weight)

    def get_flat(self) -> FloatArray:
        """The adapter as one vector, float32 [size]."""
        flat: FloatArray = self.adapter.weight.detach().cpu().numpy().reshape(-1).copy()
        return flat

    def set_flat(self, flat: npt.ArrayLike) -> None:
        """Take the adapter from a vector.

        Raises:
            UpdateError: it has another length or isn't finite.
        """
        with torch.no_grad():
            self.adapter.weight.copy_(torch.from_numpy(checked(flat, self.spec))[:, None])

    def shifts(self, values: Tensor) -> list[Tensor]:
        """What is added to the outputs of the conditioning layers.

        Args:
            values: [B, size].

        Returns:
            [B, channels] for the speaker embedding, then [B, width] for each further layer.
        """
        values = values * self.spec.scale
        channels = self._widths[0]
        spread = values.new_zeros(len(values), self._power)
        spread = spread.index_copy(1, self.places, values[:, channels:])
        # Orthonormal: a unit of the adapter moves all biases together by one unit of length.
        bias_shifts = self.signs * walsh_hadamard(spread) / math.sqrt(self._power)
        widths = self._widths[1:]
        return [values[:, :channels], *bias_shifts[:, : sum(widths)].split(widths, dim=1)]

    def encode(
        self, phones: Tensor, speaker: Tensor, keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The adapted encoder; arguments and results are those of `AcousticEncoder.forward`."""
        ones = speaker.new_ones(len(speaker), 1)
        shifts = self.shifts(self.adapter(ones))
        handles = [
            layer.register_forward_hook(_adder(shift)) for layer, shift in zip(self._layers, shifts)
        ]
        try:
            outputs: tuple[Tensor, Tensor, Tensor, Tensor, Tensor] = self.base.encoder(
                phones, speaker, keep
            )
        finally:
            for handle in handles:
                handle.remove()
        return outputs

    def forward(self, phones: Tensor, speaker: Tensor, keep: Tensor | None = None) -> Any:
        """As :meth:`encode`, for wrappers that call a module."""
        return self.encode(phones, speaker, keep)


def merge(model: AcousticModel, spec: AdapterSpec, flat: npt.ArrayLike) -> AcousticModel:
    """Fold an adapter into a copy of a model, which then needs no adapter.

    Raises:
        UpdateError: the adapter has another length or isn't finite.
    """
    merged = copy.deepcopy(model)
    adapted = Adapted(merged, spec)
    values = torch.from_numpy(checked(flat, spec))[None]
    with torch.no_grad():
        for layer, shift in zip(adapted._layers, adapted.shifts(values)):
            _bias(layer).add_(shift[0])
    return merged


def checked(flat: npt.ArrayLike, spec: AdapterSpec) -> FloatArray:
    """An adapter's numbers as float32 [size].

    Raises:
        UpdateError: there are more or fewer, or one isn't finite.
    """
    values = np.asarray(flat)
    if values.shape != (spec.size,) or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise UpdateError(
            f"an adapter is {spec.size} finite numbers, not {values.dtype} {list(values.shape)}"
        )
    adapter: FloatArray = np.ascontiguousarray(values, np.float32)
    return adapter


def walsh_hadamard(x: Tensor) -> Tensor:
    """Walsh-Hadamard transform of the last axis, whose length is a power of two, unscaled."""
    size = x.shape[-1]
    step = 1
    while step < size:
        pairs = x.reshape(*x.shape[:-1], size // (2 * step), 2, step)
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        x = torch.stack([first + second, first - second], dim=-2).reshape(*x.shape[:-1], size)
        step *= 2
    return x


def _bias(layer: nn.Module) -> Tensor:
    last = layer[-1] if isinstance(layer, nn.Sequential) else layer
    bias = last.bias
    assert isinstance(bias, Tensor)
    return bias


def _adder(shift: Tensor) -> Any:
    def add(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        return output + (shift if output.dim() == 2 else shift.unsqueeze(1))

    return add
