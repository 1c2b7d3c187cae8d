"""Milestones: averaged weights and discriminators of a run in float16, small enough to be kept.

A checkpoint also holds two optimisers and the raw weights, and is seven times as large; a new run
that starts from a milestone warms its optimisers up again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

SAVED_NAMES = {"discriminator": "judge"}
"""Names of modules in files, where they are others than in memory: checkpoints and milestones keep
those of the first ones, so that old files and new ones are of one format."""


def saved_name(name: str) -> str:
    """What a module or an optimiser is called in files."""
    return SAVED_NAMES.get(name, name)


def of_module(saved: Mapping[str, Any], name: str) -> Any:
    """What files have of the module (or optimiser) `name`; `None` if nothing."""
    return saved.get(saved_name(name), saved.get(name))


def save_milestone(run: Path, out: Path, half: bool = True) -> int:
    """Write the weights, configuration, statistics and step of a run to the folder `out`.

    Args:
        half: float16; otherwise as they were trained.

    Returns:
        Bytes of the weights.
    """
    from safetensors.torch import save_file

    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    tensors = {f"average.{name}": value for name, value in state["average"].items()}
    for name, value in (of_module(state["modules"], "discriminator") or {}).items():
        tensors[f"{saved_name('discriminator')}.{name}"] = value
    out.mkdir(parents=True, exist_ok=True)
    kept = {k: _small(v) if half else v.contiguous() for k, v in tensors.items()}
    save_file(kept, out / "weights.safetensors")
    for name in ("config.json", "statistics.json"):
        if (run / name).exists():
            shutil.copyfile(run / name, out / name)
    (out / "step.json").write_text(json.dumps({"step": int(state["step"])}) + "\n")
    return (out / "weights.safetensors").stat().st_size


def load_milestone(file: Path) -> dict[str, Any]:
    """Read a milestone as the part of a checkpoint that a new run starts from."""
    from safetensors.torch import load_file

    tensors = {k: v.float() if v.is_floating_point() else v for k, v in load_file(file).items()}
    average = {k[8:]: v for k, v in tensors.items() if k.startswith("average.")}
    modules: dict[str, dict[str, torch.Tensor]] = {}
    for name in ("discriminator", saved_name("discriminator")):
        weights = {k[len(name) + 1 :]: v for k, v in tensors.items() if k.startswith(f"{name}.")}
        if weights:
            modules[saved_name("discriminator")] = weights
    return {"average": average, "modules": modules}


def _small(value: torch.Tensor) -> torch.Tensor:
    return (value.half() if value.is_floating_point() else value).contiguous()
