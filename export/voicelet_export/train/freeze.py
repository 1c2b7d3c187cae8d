"""Fine-tuning by parts: which weights rest on which steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from voicelet.config import did_you_mean
from voicelet.errors import ConfigError
from voicelet_export.train.milestone import saved_name


@dataclass(frozen=True)
class Freeze:
    """Weights that rest for a while.

    Attributes:
        modules: patterns of what rests.  A pattern is a parameter's dotted name, a part of the
            model ("encoder" is all that begins with "encoder."), or a glob ("*.film.*").  Names of
            the trained model stand as they are; those of another module of the task (a
            discriminator) begin with its name ("discriminator.*"; "judge.*", its name in files, is
            the same).
        but: patterns of what goes on training though `modules` names it.
        from_step, until_step: they rest while `from_step <= step < until_step`; `None` is for good.
    """

    modules: tuple[str, ...]
    but: tuple[str, ...] = ()
    from_step: int = 0
    until_step: int | None = None

    def __post_init__(self) -> None:
        if not self.modules:
            raise ValueError("freeze needs at least one pattern in modules")
        if self.until_step is not None and self.until_step <= self.from_step:
            raise ValueError(
                f"until_step ({self.until_step}) must lie after from_step ({self.from_step})"
            )

    def rests(self, step: int) -> bool:
        """Whether this rule holds at `step`."""
        return self.from_step <= step and (self.until_step is None or step < self.until_step)


class Freezer:
    """Applies rules to the modules of a task.

    What rests keeps its weights and its buffers, whatever the task does: gradients are not computed
    where that can be helped, and dropped where a task turns them on again.

    Args:
        modules: of the task, by name.
        averaged: the one whose parameters are called by their own names.

    Raises:
        ConfigError: a pattern names nothing, or nothing is left to train at some step.
    """

    def __init__(
        self, modules: Mapping[str, nn.Module], averaged: str, rules: Sequence[Freeze]
    ) -> None:
        self._rules = tuple(rules)
        parameters = {k: p for k, p in _named(modules, averaged, False) if p.requires_grad}
        buffers = dict(_named(modules, averaged, True))
        known = [*parameters, *buffers]
        for pattern in (p for rule in rules for p in (*rule.modules, *rule.but)):
            if not any(matches(name, pattern) for name in known):
                parts = {".".join(n.split(".")[:i]) for n in known for i in (1, 2, 3)}
                hint = did_you_mean(pattern.rstrip(".*"), sorted(parts))
                raise ConfigError(f"freeze: no weight is called {pattern!r}{hint}")
        self._parameters = [[p for n, p in parameters.items() if _hit(r, n)] for r in rules]
        self._buffers = [[b for n, b in buffers.items() if _hit(r, n)] for r in rules]
        self._managed = {id(p): p for found in self._parameters for p in found}
        for step in sorted({0, *(r.from_step for r in rules), *(r.until_step or 0 for r in rules)}):
            if rules and len({id(p) for p in self._resting(step)}) == len(parameters):
                raise ConfigError(f"freeze: nothing is left to train at step {step}; use `but`")

    def at(self, step: int) -> list[nn.Parameter]:
        """Make the parameters rest that do at `step`, and wake the others; returns the resting."""
        resting = self._resting(step)
        still = {id(p) for p in resting}
        for key, parameter in self._managed.items():
            parameter.requires_grad_(key not in still)
        return resting

    def buffers(self, step: int) -> list[tuple[Tensor, Tensor]]:
        """The buffers that rest at `step`, each with a copy to put back."""
        active = [b for rule, b in zip(self._rules, self._buffers) if rule.rests(step)]
        return [(buffer, buffer.detach().clone()) for found in active for buffer in found]

    def _resting(self, step: int) -> list[nn.Parameter]:
        active = [p for rule, p in zip(self._rules, self._parameters) if rule.rests(step)]
        return [parameter for found in active for parameter in found]


def matches(name: str, pattern: str) -> bool:
    """Whether a dotted name is the pattern, a part of it, or fits it as a glob."""
    owner, _, rest = name.partition(".")
    if rest and saved_name(owner) != owner and matches(f"{saved_name(owner)}.{rest}", pattern):
        return True
    return name == pattern or name.startswith(pattern + ".") or fnmatchcase(name, pattern)


def put_back(kept: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Give buffers the values of their copies."""
    with torch.no_grad():
        for buffer, value in kept:
            buffer.copy_(value)


def _hit(rule: Freeze, name: str) -> bool:
    if any(matches(name, p) for p in rule.but):
        return False
    return any(matches(name, p) for p in rule.modules)


def _named(
    modules: Mapping[str, nn.Module], averaged: str, buffers: bool
) -> Iterator[tuple[str, nn.Parameter]]:
    for owner, module in modules.items():
        prefix = "" if owner == averaged else f"{owner}."
        for name, value in module.named_buffers() if buffers else module.named_parameters():
            yield prefix + name, value
