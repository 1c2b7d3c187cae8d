"""Trained models from the folder of a run: `checkpoint.pt`, `config.json`, `statistics.json`.

The folder of a milestone (or of a pruned model) has `weights.safetensors` and `step.json` instead.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voicelet.audio.features import FloatArray
from voicelet.config import from_mapping
from voicelet.errors import BundleError
from voicelet_export.models.fake_quant import insert_fake_quant, is_quantized, set_fake
from voicelet_export.models.fastspeech2 import AcousticConfig, AcousticModel
from voicelet_export.models.vocos import Vocoder, VocoderConfig
from voicelet_export.train.milestone import load_milestone


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run beside its weights.

    Attributes:
        folder: of the run.
        step: optimizer steps taken.
        mel_mean, mel_std: [n_mels].
    """

    folder: Path
    step: int
    mel_mean: FloatArray
    mel_std: FloatArray


def load_acoustic(folder: Path, plain: bool = True) -> tuple[AcousticModel, RunInfo]:
    """The averaged weights of an acoustic run.

    Args:
        plain: whether timbre tokens and languages are refused, as by all that makes graphs.

    Raises:
        BundleError: the folder isn't such a run.
    """
    model_config, state, info = _read(folder)
    config = from_mapping(AcousticConfig, model_config, str(folder))
    if plain and (config.timbre_tokens or config.languages):
        raise BundleError(
            f"{folder}: timbre tokens and languages can't be used here yet; keep one language and "
            "no tokens with `voicelet-export milestone --language en`"
        )
    model = AcousticModel(config)
    _load(model, state, folder)
    return model, info


def load_vocoder(folder: Path) -> tuple[Vocoder, RunInfo]:
    """The averaged weights of a vocoder run.

    Raises:
        BundleError: the folder isn't such a run.
    """
    model_config, state, info = _read(folder)
    model = Vocoder(from_mapping(VocoderConfig, model_config, str(folder)))
    _load(model, state, folder)
    return model, info


def _load(model: torch.nn.Module, state: Any, folder: Path) -> None:
    if is_quantized(state):  # exported as it is in float; the scales it learnt go with it
        insert_fake_quant(model)
        set_fake(model, False)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise BundleError(f"{folder}: the weights are of another model ({error})") from None
    model.eval().requires_grad_(False)


def _state(folder: Path) -> dict[str, Any]:
    """`step` and `average`, of a checkpoint or else of a milestone."""
    from safetensors import SafetensorError

    try:
        if (folder / "checkpoint.pt").exists():
            kept = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
            return {"step": kept["step"], "average": kept["average"]}
        step = json.loads((folder / "step.json").read_text(encoding="utf-8"))["step"]
        return {"step": step, "average": load_milestone(folder / "weights.safetensors")["average"]}
    except (RuntimeError, pickle.UnpicklingError, SafetensorError) as error:
        raise ValueError(f"broken weights: {error}") from None


def _read(folder: Path) -> tuple[dict[str, Any], Any, RunInfo]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        statistics = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
        state = _state(folder)
        info = RunInfo(
            folder,
            int(state["step"]),
            np.array(statistics["mel_mean"], np.float32),
            np.array(statistics["mel_std"], np.float32),
        )
        return config["model"], state["average"], info
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{folder}: not the folder of a training run ({error!r})") from None
