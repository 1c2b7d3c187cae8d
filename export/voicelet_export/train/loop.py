"""A training loop that can be cut off anywhere and goes on to the same bits.

All randomness of a batch is drawn from (seed, its number), so a checkpoint needs no generator
states: the weights, the optimizers, the average, the loss scale of float16 and the step number are
the whole of it.
"""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from voicelet_export.train.freeze import Freeze, Freezer, put_back
from voicelet_export.train.milestone import load_milestone, of_module, saved_name
from voicelet_export.train.update import Precision, Updates


def warmup_cosine(step: int, warmup_steps: int, steps: int, final_ratio: float) -> float:
    """Linear warm-up, then half a cosine down to `final_ratio` at `steps` (and flat after)."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, steps - warmup_steps))
    return final_ratio + (1.0 - final_ratio) * 0.5 * (1.0 + math.cos(math.pi * progress))


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoopConfig:
    """How long to train and what to write on the way.

    Attributes:
        steps: total optimizer steps; the cosine schedule ends there.
        warmup_steps: linear warm-up.
        learning_rate: at the end of the warm-up.
        final_ratio: learning rate at the end over that at the peak.
        ema: decay of the weight average; the average warms up with the step.
        checkpoint_s: seconds between checkpoints.
        log_every, validate_every: in steps.
        seed: of everything random.
        threads: torch intra-op threads.
        device: where torch computes, such as "cpu" or "cuda".
        precision: of forward passes: "bf16" or "fp16" (with a scaled loss) halve their memory.
        accumulate: batches whose gradients one optimizer step averages.  All numbers above count
            optimizer steps; those of a task (`adversarial_from`) count batches.
        freeze: weights that rest for a while, see :class:`Freeze`.
    """

    steps: int = 10_000
    warmup_steps: int = 200
    learning_rate: float = 1e-3
    final_ratio: float = 0.05
    ema: float = 0.999
    checkpoint_s: float = 180.0
    log_every: int = 20
    validate_every: int = 500
    seed: int = 1
    threads: int = 1
    device: str = "cpu"
    precision: Precision = "fp32"
    accumulate: int = 1
    freeze: tuple[Freeze, ...] = ()

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")
        if self.accumulate < 1:
            raise ValueError(f"accumulate must be at least 1, not {self.accumulate}")


class Task(ABC):
    """What is trained: modules, optimizers and one step."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    averaged: str
    """Name of the module whose weights are averaged and exported."""
    updates: Updates = Updates()
    """How losses become steps; the trainer gives every task its own."""

    @abstractmethod
    def train_step(self, step: int) -> dict[str, float]:
        """Learn from one batch (all its updates) and return the losses.

        Args:
            step: number of the batch, which all randomness is drawn from.
        """

    @abstractmethod
    def validate(self, model: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Score `model` (the average) on held-out speakers; may write pictures and audio."""

    def adopt(self, state: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        """Fit averaged weights of another run to the averaged module, where that has grown."""
        return state

    def learning_rate_scale(self, optimizer: str, step: int) -> float:
        """An extra factor on the schedule for one optimizer."""
        return 1.0

    def update(self, name: str, loss: torch.Tensor, clip: float) -> None:
        """One step of the optimizer `name` down `loss`.

        The gradient's norm is clipped to `clip`; a gradient that isn't finite changes nothing.
        """
        self.updates.descend(name, loss, clip, self.modules[name], self.optimizers[name])


class Trainer:
    """Runs a :class:`Task`; `run` resumes from `folder/checkpoint.pt` when it is there."""

    def __init__(self, task: Task, config: LoopConfig, folder: Path) -> None:
        self.task, self.config, self.folder = task, config, folder
        folder.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(config.threads)
        self.step = 0
        self.average = copy.deepcopy(task.modules[task.averaged]).eval().requires_grad_(False)
        self.updates = Updates(config.device, config.precision, config.accumulate)
        task.updates = self.updates
        self._freezer = Freezer(task.modules, task.averaged, config.freeze)
        self._stop = False
        self._writer: Any = None

    def load(self, path: Path, weights_only: bool = False) -> None:
        """Take a checkpoint, or the weights of a milestone.

        `weights_only` starts a new run from its averaged weights, with its discriminators if
        they are of the same make.
        """
        if path.suffix == ".safetensors":
            state, weights_only = load_milestone(path), True
        else:
            state = torch.load(path, map_location=self.config.device, weights_only=True)
        if weights_only:
            average = self.task.adopt(state["average"])
            self.task.modules[self.task.averaged].load_state_dict(average)
            self.average.load_state_dict(average)
            for name, module in self.task.modules.items():
                weights = of_module(state["modules"], name) or {}
                if name != self.task.averaged and _fits(module, weights):
                    module.load_state_dict(weights)
            return
        for name, module in self.task.modules.items():
            if (weights := of_module(state["modules"], name)) is not None:
                module.load_state_dict(weights)
        for name, optimizer in self.task.optimizers.items():
            if (moments := of_module(state["optimisers"], name)) is not None:
                optimizer.load_state_dict(moments)
        self.average.load_state_dict(state["average"])
        if self.updates.scaler is not None and state.get("scaler"):
            self.updates.scaler.load_state_dict(state["scaler"])
        self.step = int(state["step"])

    def save(self, path: Path | None = None) -> None:
        """Write a checkpoint atomically."""
        path = path or self.folder / "checkpoint.pt"
        state = {
            "step": self.step,
            "modules": {saved_name(k): m.state_dict() for k, m in self.task.modules.items()},
            "optimisers": {saved_name(k): o.state_dict() for k, o in self.task.optimizers.items()},
            "average": self.average.state_dict(),
        }
        if self.updates.scaler is not None:
            state["scaler"] = self.updates.scaler.state_dict()
        part = path.with_suffix(".part")
        with open(part, "wb") as handle:
            torch.save(state, handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(part, path)

    @property
    def finished(self) -> bool:
        """Whether all steps are done, and not only those before a signal or `until_step`."""
        return self.step >= self.config.steps

    def run(
        self,
        until_step: int | None = None,
        on_step: Callable[[int, int], None] | None = None,
        minutes: float | None = None,
    ) -> None:
        """Train to the end (or `until_step`), or until SIGTERM or SIGINT asks to stop.

        Args:
            on_step: called with (steps done, steps in all) after each step.
            minutes: stop after the step in which these have passed; the schedule knows nothing of
                it, and another run goes on.
        """
        config = self.config
        checkpoint = self.folder / "checkpoint.pt"
        if checkpoint.exists():
            self.load(checkpoint)
            log.info("resumed at step %d", self.step)
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: setattr(self, "_stop", True))
        began = saved = time.monotonic()
        last = min(config.steps, until_step or config.steps)
        sums: dict[str, float] = {}
        count, clock = 0, time.monotonic()
        while self.step < last and not self._stop:
            self._one_step(sums)
            count += 1
            if on_step is not None:
                on_step(self.step, last)
            if self.step % config.log_every == 0:
                seconds = (time.monotonic() - clock) / count
                self._log("train", {k: v / count for k, v in sums.items()} | {"seconds": seconds})
                sums, count, clock = {}, 0, time.monotonic()
            if self.step % config.validate_every == 0:
                with torch.no_grad():
                    self._log("valid", self.task.validate(self.average, self.step, self.folder))
                self._show()
                clock = time.monotonic()
            if time.monotonic() - saved > config.checkpoint_s:
                self.save()
                saved = time.monotonic()
            if minutes is not None and time.monotonic() - began >= 60.0 * minutes:
                break
        self.save()

    def _one_step(self, sums: dict[str, float]) -> None:
        config, task, updates = self.config, self.task, self.updates
        first = self.step * config.accumulate
        rate = config.learning_rate * warmup_cosine(
            self.step, config.warmup_steps, config.steps, config.final_ratio
        )
        for name, optimizer in task.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rate * task.learning_rate_scale(name, first)
        updates.begin(task.optimizers)
        kept = self._freezer.buffers(self.step)
        for batch in range(first, first + config.accumulate):
            updates.resting = self._freezer.at(self.step)
            torch.manual_seed(config.seed * 1_000_003 + batch)
            with updates.autocast():
                losses = task.train_step(batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value / config.accumulate
        updates.finish(task.modules, task.optimizers)
        put_back(kept)
        self.step += 1
        decay = min(config.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            source = self.task.modules[self.task.averaged]
            for mean, now in zip(self.average.parameters(), source.parameters()):
                mean.lerp_(now, 1.0 - decay)
            for mean, now in zip(self.average.buffers(), source.buffers()):
                mean.copy_(now)

    def _log(self, kind: str, values: Mapping[str, float]) -> None:
        rounded = {k: round(float(v), 5) for k, v in values.items()}
        row = {"kind": kind, "step": self.step, **rounded}
        with open(self.folder / "log.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        log.info("%s", row)
        if self._writer is None:
            self._writer = _tensorboard(self.folder)
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{kind}/{name}", value, self.step)

    def _show(self) -> None:
        """Put the pictures and the audio of a validation into TensorBoard."""
        if self._writer is None:
            return
        from matplotlib.image import imread
        from soundfile import read

        for path in sorted(self.folder.glob("valid*.png")):
            self._writer.add_image(path.stem, imread(path)[..., :3], self.step, dataformats="HWC")
        for path in sorted(self.folder.glob("valid*.wav")):
            samples, rate = read(path, dtype="float32")
            self._writer.add_audio(path.stem, torch.from_numpy(samples)[None], self.step, rate)


def _fits(module: nn.Module, state: Mapping[str, torch.Tensor]) -> bool:
    own = module.state_dict()
    return own.keys() == state.keys() and all(own[k].shape == state[k].shape for k in own)


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))  # type: ignore[no-untyped-call]
