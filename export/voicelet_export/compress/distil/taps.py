"""Watching a model's layers as it runs, and losses between what two models show there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet_export.train.loop import Task


@dataclass(frozen=True)
class LayerPair:
    """Two layers whose outputs are to agree, by their names in the models ("blocks.3")."""

    teacher: str
    student: str


class Taps:
    """Keeps the outputs of named modules, and their inputs as "<name>/in", while watching."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        """Watch the modules `names` of `model` ("" is the model itself).

        Raises:
            ConfigError: there is no such module.
        """
        known = dict(model.named_modules())
        for name in names:
            if name not in known:
                raise ConfigError(f"no layer {name!r} in the model{did_you_mean(name, known)}")
        self._modules = {name: known[name] for name in names}

    @contextmanager
    def watching(self) -> Iterator[dict[str, Any]]:
        """Yields a dict that fills as the model runs: name → output."""
        seen: dict[str, Any] = {}

        def keep(name: str) -> Any:
            return lambda _module, inputs, output: seen.update({name: output, f"{name}/in": inputs})

        handles = [m.register_forward_hook(keep(n)) for n, m in self._modules.items()]
        try:
            yield seen
        finally:
            for handle in handles:
                handle.remove()


class MapMatcher:
    """Compares pairs of layers; where their widths differ, through a learned 1x1 convolution.

    The student needn't copy the teacher's basis then, only hold what it holds (FitNets, Romero et
    al. 2015).

    Attributes:
        projections: the convolutions, one a pair; nothing of them goes into the student.
    """

    def __init__(self, pairs: Sequence[LayerPair], student: nn.Module, teacher: nn.Module) -> None:
        """Prepare the comparison of `pairs`.

        Raises:
            ConfigError: a layer isn't there, or puts out no single map.
        """
        self.pairs = tuple(pairs)
        widths = [(layer_width(student, p.student), layer_width(teacher, p.teacher)) for p in pairs]
        self.projections = nn.ModuleList(
            nn.Identity() if ours == theirs else nn.Linear(ours, theirs) for ours, theirs in widths
        )

    def loss(
        self,
        seen: Mapping[str, Tensor],
        taught: Mapping[str, Tensor],
        keep: Callable[[str], Tensor | None],
    ) -> Tensor:
        """Mean of :func:`map_loss` over the pairs.

        Args:
            seen: student's layer → its output.
            taught: "map.<teacher's layer>" → its output.
            keep: student's layer → mask of its rows, or `None`.
        """
        losses = [
            map_loss(projection(seen[p.student]), taught[f"map.{p.teacher}"], keep(p.student))
            for p, projection in zip(self.pairs, self.projections)
        ]
        return torch.stack(losses).mean()

    def join(self, task: Task) -> None:
        """Have a task save the projections, and its student's optimizer train them, too."""
        weights = list(self.projections.parameters())
        if weights:
            task.modules["projections"] = self.projections
            task.optimizers[task.averaged].add_param_group({"params": weights})


def layer_width(model: nn.Module, name: str) -> int:
    """Channels that come out of a module of one of our models.

    Raises:
        ConfigError: there is no such module, or its width can't be told.
    """
    module = dict(model.named_modules()).get(name)
    if module is None:
        Taps(model, [name])  # says what is near
    for layer in (module, *(getattr(module, k, None) for k in ("contract", "out", "norm"))):
        if isinstance(layer, nn.Linear):
            return int(layer.out_features)
        if isinstance(layer, nn.LayerNorm):
            return int(layer.normalized_shape[0])
    raise ConfigError(f"layer {name!r} has no single map; name a block, attention or linear layer")


def map_loss(student: Tensor, teacher: Tensor, keep: Tensor | None = None) -> Tensor:
    """Squared error between maps [B, rows, C] over the teacher's variance, where `keep` is one."""
    weight = torch.ones_like(teacher[..., :1]) if keep is None else keep
    total = weight.sum().clamp_min(1.0)
    mean = (teacher * weight).sum(dim=(0, 1), keepdim=True) / total
    spread = ((teacher - mean).square() * weight).sum()
    return ((student - teacher).square() * weight).sum() / spread.clamp_min(1e-4)


def attention_loss(student: Tensor, teacher: Tensor, keep: Tensor) -> Tensor:
    """Kullback-Leibler divergence of attention, teacher to student, a mean over queries (nats).

    Args:
        student, teacher: probabilities [B, heads, N, N]; heads are averaged where their numbers
            differ.
        keep: [B, N, 1] mask of phones.
    """
    if student.shape[1] != teacher.shape[1]:
        student, teacher = student.mean(1, keepdim=True), teacher.mean(1, keepdim=True)
    kept = teacher.clamp_min(1e-6)
    divergence = (teacher * (kept.log() - student.clamp_min(1e-6).log())).sum(-1)
    weight = keep.squeeze(-1)[:, None].expand_as(divergence)
    return (divergence * weight).sum() / weight.sum().clamp_min(1.0)
