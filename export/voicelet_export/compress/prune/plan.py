"""What to cut away: the parts of least importance for each multiply-add they cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import nn

from voicelet.errors import ConfigError
from voicelet_export.compress.cost import RATE, SpeechRate, model_cost, row_madds
from voicelet_export.compress.prune.importance import Importance, named_attention, named_blocks

Part = Literal["hidden", "heads", "blocks"]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Keep:
    """What stays.

    Attributes:
        units: block → hidden units that stay, ascending; a block without any goes entirely.
        heads: attention layer → heads that stay, ascending; at least one.
    """

    units: dict[str, Indices]
    heads: dict[str, Indices]


@dataclass(frozen=True)
class Limits:
    """What may be cut.

    Attributes:
        parts: kinds of parts that may go.
        group: hidden units go so many at a time, since kernels run on whole vectors of them.
        smallest: hidden units that a block keeps at least, while it stays.
    """

    parts: tuple[Part, ...] = ("hidden", "heads")
    group: int = 16
    smallest: int = 32


@dataclass(frozen=True)
class _Cut:
    """One thing that could go now: its importance for each multiply-add, and its savings."""

    ratio: float
    madds: float
    kind: Part
    name: str


def plan_cuts(
    model: nn.Module,
    importance: Importance,
    target_madds: float,
    limits: Limits,
    rate: SpeechRate = RATE,
) -> Keep:
    """Take parts away, the least important for their cost first, until `target_madds` is met.

    Args:
        model: an acoustic model or a vocoder.
        importance: of its parts.
        target_madds: a second of speech.

    Raises:
        ConfigError: the target can't be met within the limits.
    """
    planner = _Planner(model, importance, rate, limits)
    madds = model_cost(model, rate).madds
    while madds > target_madds:
        cuts = list(planner.possible())
        if not cuts:
            raise ConfigError(
                f"only {madds / 1e6:.1f} of {target_madds / 1e6:.1f} million multiply-adds a "
                "second can be reached; let blocks go, too, or keep fewer hidden units at least"
            )
        cut = min(cuts, key=lambda c: (c.ratio, c.kind, c.name))
        planner.take(cut)
        madds -= cut.madds
    return planner.keep()


class _Planner:
    def __init__(
        self, model: nn.Module, importance: Importance, rate: SpeechRate, limits: Limits
    ) -> None:
        self._limits, self._importance = limits, importance
        self._blocks, self._attention = named_blocks(model), named_attention(model)
        # Least important first; what stays is always a tail of these.
        self._order = {n: np.argsort(v, kind="stable") for n, v in importance.units.items()}
        self._gone = dict.fromkeys(self._blocks, 0)
        self._head_order = {n: np.argsort(v, kind="stable") for n, v in importance.heads.items()}
        self._heads_gone = dict.fromkeys(self._attention, 0)
        self._rows = {
            n: rate.phones_per_s if n.startswith("encoder.") else rate.frames_per_s
            for n in (*self._blocks, *self._attention)
        }
        self._clause = rate.phones_per_s * rate.clause_s

    def possible(self) -> Iterator[_Cut]:
        """Everything that could go next."""
        parts, limits = self._limits.parts, self._limits
        for name, block in self._blocks.items():
            order, gone = self._order[name], self._gone[name]
            left = len(order) - gone
            unit = 2.0 * block.expand.in_features * self._rows[name]
            if "hidden" in parts and left - limits.group >= limits.smallest:
                lost = self._importance.units[name][order[gone : gone + limits.group]].sum()
                madds = unit * limits.group
                yield _Cut(lost / madds, madds, "hidden", name)
            if "blocks" in parts and left > 0 and self._siblings(name) > 1:
                others = row_madds([block.depthwise]) * self._rows[name]
                madds = unit * left + others
                yield _Cut(self._importance.blocks[name] / madds, madds, "blocks", name)
        for name, layer in self._attention.items():
            gone = self._heads_gone[name]
            if "heads" in parts and layer.heads - gone > 1:
                channels = layer.qkv.in_features
                row = 4.0 * layer.width * channels + 2.0 * self._clause * layer.width
                lost = self._importance.heads[name][self._head_order[name][gone]]
                yield _Cut(lost / (row * self._rows[name]), row * self._rows[name], "heads", name)

    def take(self, cut: _Cut) -> None:
        """Let it go."""
        if cut.kind == "heads":
            self._heads_gone[cut.name] += 1
        elif cut.kind == "blocks":
            self._gone[cut.name] = len(self._order[cut.name])
        else:
            self._gone[cut.name] += self._limits.group

    def keep(self) -> Keep:
        """What is left."""
        return Keep(
            {n: np.sort(order[self._gone[n] :]) for n, order in self._order.items()},
            {n: np.sort(order[self._heads_gone[n] :]) for n, order in self._head_order.items()},
        )

    def _siblings(self, name: str) -> int:
        """Blocks of the same stack that still stand."""
        stack = name.rpartition(".")[0]
        return sum(
            n.rpartition(".")[0] == stack and self._gone[n] < len(self._order[n])
            for n in self._blocks
        )
