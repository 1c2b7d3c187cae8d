"""Checkpoints and configurations of other projects, read without running anything of theirs."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from voicelet.errors import BundleError

_SIZE_LIMIT = 4 << 30


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a `.pt`, `.pth` or `.safetensors` file holds.

    Pickles are read by torch's restricted reader: tensors and plain values, no code.

    Raises:
        BundleError: it can't be read, or holds more than that.
    """
    try:
        if path.stat().st_size > _SIZE_LIMIT:
            raise BundleError(f"{path}: larger than {_SIZE_LIMIT >> 30} GB; that is no voice")
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            tensors: dict[str, Any] = load_file(path)
            return tensors
        data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        raise BundleError(
            f"{path}: holds more than tensors and plain values, which is refused ({reason}); "
            "save its state_dict alone"
        ) from None
    except BundleError:
        raise
    except Exception as error:  # damaged files fail in dozens of ways inside torch and zip
        raise BundleError(f"{path}: can't be read as a checkpoint ({error})") from None
    if not isinstance(data, dict):
        raise BundleError(f"{path}: a {type(data).__name__}, not a checkpoint")
    return data


def tensors_of(data: Mapping[str, Any], keys: tuple[str, ...], path: Path) -> dict[str, Tensor]:
    """The state of a model inside a checkpoint: under the first of `keys` that is there, or bare.

    Raises:
        BundleError: there are no tensors.
    """
    for key in keys:
        if isinstance(data.get(key), dict):
            data = data[key]
            break
    found = {str(k): v for k, v in data.items() if isinstance(v, Tensor)}
    if not found:
        raise BundleError(f"{path}: no weights, neither bare nor under {', '.join(keys)}")
    return found


def read_json_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        BundleError: it doesn't.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f"{path}: can't be read as JSON ({error})") from None
    if not isinstance(data, dict):
        raise BundleError(f"{path}: a JSON {type(data).__name__}, where an object is needed")
    return data


def origin_of(path: Path) -> dict[str, Any]:
    """Name and hash of a file, for the record."""
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
