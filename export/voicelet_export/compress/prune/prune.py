"""`voicelet-export prune`: a smaller model cut out of a trained one, then trained again.

Structured: whole hidden units, attention heads and blocks go, so that the exported graph is really
smaller.  The cut is made in a few rounds, each of which measures importance anew on the model as it
is by then.  Training again is distillation from the model before the cut.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from voicelet.config import to_mapping
from voicelet.errors import BundleError, CancelledError, ConfigError
from voicelet.files import atomic_file
from voicelet_export.compress.cost import model_cost
from voicelet_export.compress.distil.distil import DistilRun, build_distillation
from voicelet_export.compress.prune.cut import cut_model, hidden_moments, repair
from voicelet_export.compress.prune.importance import (
    Criterion,
    magnitude_importance,
    taylor_importance,
)
from voicelet_export.compress.prune.measure import (
    compare_speed,
    export_graphs,
    graph_bytes,
    held_out_losses,
)
from voicelet_export.compress.prune.plan import Limits, plan_cuts
from voicelet_export.train.acoustic import AcousticTask, AcousticTraining
from voicelet_export.train.checkpoint import RunInfo, load_acoustic, load_vocoder
from voicelet_export.train.data import Item
from voicelet_export.train.milestone import (
    load_milestone,
    of_module,
    save_milestone,
    saved_name,
)
from voicelet_export.train.run import TrainingRun, training_items
from voicelet_export.train.vocoder import VocoderTask, VocoderTraining

log = logging.getLogger(__name__)

_MAX_FRAMES = 480
_STRETCHES = 4  # in a calibration batch of the vocoder


@dataclass(frozen=True)
class PruneRun:
    """What is pruned, how far, and where it goes.

    Attributes:
        model: model folder (a run or a milestone) of an acoustic model or a vocoder.
        target_flops: multiply-adds that stay, as a share of the model's; 1 cuts nothing.
        caches: feature cache folders with aligned speech.
        held_out: JSON file of the speakers that measure and never calibrate.
        out: folder of the pruned model and of `prune.json`.
        criterion: of importance.
        limits: what may go.
        rounds: in which the cut is made.
        repair: whether products behind a cut are solved for anew.
        batches: of calibration speech.
        retrain: YAML file of a distillation recipe; its sizes are replaced by the pruned ones.
        store: folder for the outputs of the model before the cut; `out`/retrain/teacher by default.
        speed: whether speed is measured; everything else is the same at every run.
        seed: of the choice of calibration speech.
    """

    model: Path
    target_flops: float
    caches: tuple[Path, ...]
    held_out: Path
    out: Path
    criterion: Criterion = "taylor"
    limits: Limits = field(default_factory=Limits)
    rounds: int = 4
    repair: bool = True
    batches: int = 24
    retrain: Path | None = None
    store: Path | None = None
    speed: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0.0 < self.target_flops <= 1.0:
            raise ConfigError(f"target_flops must lie in 0..1, not {self.target_flops}")
        if self.rounds < 1 or self.batches < 1 or self.limits.group < 1:
            raise ConfigError("rounds, batches and group must be at least 1")


def stage_of(folder: Path) -> str:
    """ "acoustic" or "vocoder", by the sizes in a model folder.

    Raises:
        BundleError: it's the folder of neither.
    """
    try:
        sizes = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{folder}: not a model folder ({error!r})") from None
    for stage, key in (("vocoder", "fft_size"), ("acoustic", "mel_blocks")):
        if key in sizes:
            return stage
    raise BundleError(f"{folder}: only acoustic models and vocoders of the device can be pruned")


def prune(run: PruneRun, on_step: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Prune a model, train it again if a recipe says so, and measure what came of it.

    Args:
        on_step: told (steps done, steps in all) of the training.

    Returns:
        What `prune.json` holds: "cost", "bytes", "losses" and "speed", before and after.

    Raises:
        ConfigError: the target can't be reached, or the recipe is wrong.
        BundleError: the folder holds no such model.
        CorpusError: the caches lack speech of training or held-out speakers.
        CancelledError: a signal stopped the training; the next call goes on with it.
    """
    stage = stage_of(run.model)
    load = load_acoustic if stage == "acoustic" else load_vocoder
    model, info = load(run.model)
    described = TrainingRun(stage, None, run.caches, run.held_out, run.out)
    train, valid = training_items(described, stage == "acoustic", True)
    aligned = [i for i in valid if i.entry.n_phones > 0]
    if not aligned:
        raise BundleError("held-out speech needs phones and durations to measure with")
    pruned = prune_model(model, Calibration(stage, model.config, train, valid, info, run), run)
    cut_folder = run.out if run.retrain is None else run.out / "pruned"
    _save(cut_folder, pruned, run, info)
    before, after = export_graphs(model), export_graphs(pruned)
    losses = {
        "before": held_out_losses(before, aligned, info),
        "pruned": held_out_losses(after, aligned, info),
    }
    if run.retrain is not None:
        trainer = build_distillation(
            DistilRun(
                stage, run.retrain, run.caches, run.held_out, run.out / "retrain", run.model,
                run.store, cut_folder / "weights.safetensors", to_mapping(pruned.config),
            )
        )  # fmt: skip
        trainer.run(on_step=on_step)
        if not trainer.finished:
            raise CancelledError(f"{run.out}: training was stopped; start again to go on")
        save_milestone(run.out / "retrain", run.out, half=False)
        final, _ = load(run.out)
        after = export_graphs(final)
        losses["retrained"] = held_out_losses(after, aligned, info)
    costs = {"before": model_cost(model), "after": model_cost(pruned)}
    sizes = {"before": graph_bytes(before), "after": graph_bytes(after)}
    result: dict[str, Any] = {
        "stage": stage,
        "criterion": run.criterion,
        "limits": asdict(run.limits),
        "target_flops": run.target_flops,
        "flops_ratio": round(costs["after"].madds / costs["before"].madds, 4),
        "cost": {k: asdict(v) for k, v in costs.items()},
        "bytes": sizes,
        "losses": losses,
        "model": to_mapping(pruned.config),
    }
    if run.speed:
        result["speed"] = compare_speed(before, after)
    text = json.dumps(result, indent=1) + "\n"
    with atomic_file(run.out / "prune.json") as out:
        out.write(text.encode("utf-8"))
    read_back: dict[str, Any] = json.loads(text)
    return read_back


def prune_model(model: nn.Module, calibration: Calibration, run: PruneRun) -> Any:
    """Cut a model down to `run.target_flops` and return the smaller one; `model` stays as it is.

    Raises:
        ConfigError: the target can't be reached within the limits.
    """
    whole, current = model_cost(model).madds, model
    for number in range(1, run.rounds + 1):
        target = whole * run.target_flops ** (number / run.rounds)
        if model_cost(current).madds <= target:
            continue
        current.requires_grad_(True)
        if run.criterion == "taylor":
            importance = taylor_importance(current, calibration.losses(current))
        else:
            importance = magnitude_importance(current)
        current.requires_grad_(False)
        keep = plan_cuts(current, importance, target, run.limits)
        smaller = cut_model(current, keep)
        if run.repair:
            moments = hidden_moments(current, calibration.losses(current))
            repair(current, smaller, keep, moments)
        current = smaller.requires_grad_(False)
        log.info("round %d: %.3f of the multiply-adds", number, model_cost(current).madds / whole)
    return current


class Calibration:
    """Batches of training speech, always the same, and the training losses on them."""

    def __init__(
        self, stage: str, config: Any, train: list[Item], valid: list[Item], info: RunInfo,
        run: PruneRun,
    ) -> None:  # fmt: skip
        """Draw `run.batches` utterances for an acoustic model, or batches for a vocoder."""
        self._task: AcousticTask | VocoderTask
        self._batches: list[Any]
        self._seed = run.seed
        if stage == "acoustic":
            task = AcousticTask(
                AcousticTraining(model=config), train, valid, info.mel_mean, info.mel_std
            )
            fit = [i for i in task.sampler.items if i.entry.n_frames <= _MAX_FRAMES]
            rng = np.random.default_rng(run.seed)
            chosen = rng.permutation(len(fit))[: run.batches]
            self._batches = [task.sampler.collate([fit[int(i)]], None) for i in chosen]
            self._task = task
        else:
            voice = VocoderTask(
                VocoderTraining(model=config), train, valid, info.mel_mean, info.mel_std
            )
            rngs = (np.random.default_rng((run.seed, i)) for i in range(run.batches))
            self._batches = [voice.sampler.draw(rng, _STRETCHES) for rng in rngs]
            self._task = voice

    def losses(self, model: Any) -> list[Callable[[], Tensor]]:
        """One function a batch, which runs `model` on it and returns its loss."""
        return [partial(self._loss, model, i) for i in range(len(self._batches))]

    def _loss(self, model: Any, index: int) -> Tensor:
        task, batch = self._task, self._batches[index]
        if isinstance(task, AcousticTask):
            return task.total(task.losses(model, batch, 0.0)[0])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed * 1_000_003 + index)
            found = task.spectral(task.generate(model, batch), batch.audio)
        return task.config.mel_weight * found["mel"] + task.config.stft_weight * found["stft"]


def _save(folder: Path, model: Any, run: PruneRun, info: RunInfo) -> None:
    """Write a model folder; discriminators of the old one go along, for training with them."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"average.{k}": v.contiguous() for k, v in model.state_dict().items()}
    for name, value in _discriminator(run.model).items():
        tensors[f"{saved_name('discriminator')}.{name}"] = value.contiguous()
    pruned = {"target_flops": run.target_flops, "criterion": run.criterion}
    config = {"model": to_mapping(model.config), "pruned": pruned}
    with atomic_file(folder / "weights.safetensors") as out:
        out.write(save(tensors))
    with atomic_file(folder / "config.json") as out:
        out.write(json.dumps(config, indent=1).encode("utf-8"))
    shutil.copyfile(run.model / "statistics.json", folder / "statistics.json")
    with atomic_file(folder / "step.json") as out:
        out.write((json.dumps({"step": info.step}) + "\n").encode("utf-8"))


def _discriminator(folder: Path) -> dict[str, Tensor]:
    if (folder / "checkpoint.pt").exists():
        state = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    else:
        state = load_milestone(folder / "weights.safetensors")
    weights: dict[str, Tensor] = of_module(state["modules"], "discriminator") or {}
    return weights
