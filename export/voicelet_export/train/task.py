"""What the tasks of training have in common: modules with their optimizers, batches, averages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from voicelet_export.models.discriminators import DiscriminatorOutput
from voicelet_export.train.data import Item
from voicelet_export.train.loop import LoopConfig, Task
from voicelet_export.train.losses import (
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
)

DISCRIMINATOR = "discriminator"
"""Name of the discriminator among a task's modules, optimizers and losses."""
_WARMUP_STEPS = 100
_GROUP = 8


class Recipe(Protocol):
    """A training's configuration: a frozen dataclass with a `loop`."""

    @property
    def loop(self) -> LoopConfig: ...


class AdversarialRecipe(Recipe, Protocol):
    """A recipe of a training with a discriminator, which enters at a batch of this number."""

    @property
    def adversarial_from(self) -> int: ...


R = TypeVar("R", bound=Recipe)
A = TypeVar("A", bound=AdversarialRecipe)
M = TypeVar("M", bound=nn.Module)


class ModelTask(Task, Generic[R]):
    """A task whose modules learn by Adam, on one device, from numbers drawn for each step.

    A subclass seeds nothing itself: it calls this `__init__` before it makes a module.

    Args:
        config: the recipe.
    """

    def __init__(self, config: R) -> None:
        self.config = config
        self.device = torch.device(config.loop.device)
        self.modules = {}
        self.optimizers = {}
        torch.manual_seed(config.loop.seed)

    def learns(
        self, name: str, module: M, optimizer: Any = torch.optim.AdamW, **settings: Any
    ) -> M:
        """Bring a module to the device and give it an optimizer.

        Args:
            name: of both.
            optimizer: its class; `settings` go to it.

        Returns:
            The module.
        """
        module = module.to(self.device)
        weights = [p for p in module.parameters() if p.requires_grad]
        self.modules[name] = module
        self.optimizers[name] = optimizer(weights, **settings)
        return module

    def rng(self, step: int) -> np.random.Generator:
        """The random numbers of a batch: the same whenever it is drawn."""
        return np.random.default_rng((self.config.loop.seed, step))


class AdversarialTask(ModelTask[A], Generic[A]):
    """A task that trains a generator against a discriminator.

    Attributes:
        discriminator: learns under the name :data:`DISCRIMINATOR`.
        discriminator_rate: its learning rate over the generator's, after a warm-up of 100 batches
            from the recipe's `adversarial_from`; `None` is the generator's own, without one.
    """

    discriminator: nn.Module
    discriminator_rate: float | None = None

    def learning_rate_scale(self, optimizer: str, step: int) -> float:
        """The discriminator warms up when it enters, if `discriminator_rate` says so."""
        if optimizer != DISCRIMINATOR or self.discriminator_rate is None:
            return 1.0
        since = step - self.config.adversarial_from
        return self.discriminator_rate * min(1.0, max(0.0, since / _WARMUP_STEPS))

    def adversarial_terms(self, real: Tensor, fake: Tensor, clip: float) -> dict[str, Tensor]:
        """Train the discriminator on a pair, then score the generator by it.

        Args:
            real, fake: what the discriminator takes.
            clip: of the discriminator's gradient.

        Returns:
            `discriminator` (done with), `adversarial` and `matching`, each a mean over the parts of
            the discriminator.
        """
        net = self.discriminator
        loss = discriminator_loss(_outputs(net, real), _outputs(net, fake.detach()))
        self.update(DISCRIMINATOR, loss, clip)
        net.requires_grad_(False)
        of_real, of_fake = _outputs(net, real), _outputs(net, fake)
        net.requires_grad_(True)
        return {
            DISCRIMINATOR: loss,
            "adversarial": generator_loss(of_fake),
            "matching": feature_matching_loss(of_real, of_fake),
        }


def _outputs(discriminator: nn.Module, x: Tensor) -> list[DiscriminatorOutput]:
    """Scores and feature maps of every part of a discriminator, which may be one part itself."""
    out = discriminator(x)
    return out if isinstance(out, list) else [out]


def plain(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """Loss terms as numbers to log."""
    return {name: float(value.detach()) for name, value in terms.items()}


def validation_groups(items: Sequence[Item]) -> list[Sequence[Item]]:
    """About ten groups of up to eight utterances each, spread over all."""
    stride = max(_GROUP, len(items) // 10)
    return [items[i : i + _GROUP] for i in range(0, len(items), stride)]


def mean_terms(rows: Iterable[Mapping[str, Tensor]]) -> dict[str, float]:
    """The mean of each term over groups that all have it."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in columns.items()}


def write_waves(folder: Path, waves: Sequence[Any], sample_rate_hz: int) -> None:
    """Write `valid-0.wav`, … of float32 samples, for people to listen to."""
    import soundfile

    for index, wave in enumerate(waves):
        soundfile.write(folder / f"valid-{index}.wav", wave, sample_rate_hz)
