"""Milestones: averaged weights and discriminators of a run in float16, small enough to be kept.

A checkpoint also holds two optimizers and the raw weights, and is seven times as large; a new run
that starts from a milestone warms its optimizers up again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from voicelet.config import from_mapping, to_mapping
from voicelet.errors import ConfigError
from voicelet.text.phones import MODEL_LANGUAGES

SAVED_NAMES = {"discriminator": "judge"}
"""Names of modules in files, where they are others than in memory: checkpoints and milestones keep
those of the first ones, so that old files and new ones are of one format."""


def saved_name(name: str) -> str:
    """What a module or an optimizer is called in files."""
    return SAVED_NAMES.get(name, name)


def of_module(saved: Mapping[str, Any], name: str) -> Any:
    """What files have of the module (or optimizer) `name`; `None` if nothing."""
    return saved.get(saved_name(name), saved.get(name))


def save_milestone(run: Path, out: Path, half: bool = True, language: str | None = None) -> int:
    """Write the weights, configuration, statistics and step of a run to the folder `out`.

    Args:
        half: float16; otherwise as they were trained.
        language: of an acoustic model with languages or timbre tokens, the one that is kept; the
            tokens are left out.  Such a milestone has no judge and can be made a bundle of.

    Returns:
        Bytes of the weights.

    Raises:
        ConfigError: the language isn't one of the model's.
    """
    from safetensors.torch import save_file

    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    average = state["average"]
    discriminator = of_module(state["modules"], "discriminator") or {}
    out.mkdir(parents=True, exist_ok=True)
    written = ["config.json", "statistics.json"]
    if language is not None:
        average, config = _plain(average, run / "config.json", language)
        discriminator, written = {}, written[1:]
        (out / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    tensors = {f"average.{name}": value for name, value in average.items()}
    tensors |= {
        f"{saved_name('discriminator')}.{name}": value for name, value in discriminator.items()
    }
    kept = {k: _small(v) if half else v.contiguous() for k, v in tensors.items()}
    save_file(kept, out / "weights.safetensors")
    for name in written:
        if (run / name).exists():
            shutil.copyfile(run / name, out / name)
    (out / "step.json").write_text(json.dumps({"step": int(state["step"])}) + "\n")
    return (out / "weights.safetensors").stat().st_size


def _plain(
    average: dict[str, torch.Tensor], path: Path, language: str
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    from voicelet_export.models.fastspeech2 import AcousticConfig, plain_state

    config = json.loads(path.read_text(encoding="utf-8"))
    model = from_mapping(AcousticConfig, config["model"], str(path))
    if language not in MODEL_LANGUAGES[: max(1, model.languages)]:
        known = ", ".join(MODEL_LANGUAGES[: max(1, model.languages)])
        raise ConfigError(f"{path}: the model doesn't speak {language!r}; it speaks {known}")
    weights, plain = plain_state(average, model, MODEL_LANGUAGES.index(language))
    # Read back by the runtime's exporter alone, so the recipe's other keys may go.
    return weights, {"model": to_mapping(plain)}


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
