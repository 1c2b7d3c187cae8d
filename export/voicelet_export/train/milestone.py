"""Milestones: the averaged weights and the judges of a run in float16, small enough to be kept.

A checkpoint also holds two optimisers and the raw weights, and is seven times as large; a new run
that starts from a milestone warms its optimisers up again.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch


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
    for name, value in state["modules"].get("judge", {}).items():
        tensors[f"judge.{name}"] = value
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
    judge = {k[6:]: v for k, v in tensors.items() if k.startswith("judge.")}
    return {"average": average, "modules": {"judge": judge} if judge else {}}


def _small(value: torch.Tensor) -> torch.Tensor:
    return (value.half() if value.is_floating_point() else value).contiguous()
