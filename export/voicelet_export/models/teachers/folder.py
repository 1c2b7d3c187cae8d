"""Folders of teacher models: `config.json` beside `weights.safetensors`.

`config.json` names the `kind` of the model, its sizes (`model`) and what else its users need.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from voicelet.errors import BundleError, OutputError
from voicelet.files import atomic_file

CONFIG, WEIGHTS = "config.json", "weights.safetensors"

M = TypeVar("M", bound=nn.Module)

_RANDOM = {"normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_"}


class _NoInitialization(TorchFunctionMode):  # type: ignore[misc]
    """Leaves out random initialization, which on the meta device imports torch's compiler."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if getattr(func, "__name__", "") in _RANDOM:
            return args[0] if args else given["tensor"]
        return func(*args, **given)


def save_folder(folder: Path, config: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """Write a model; equal content gives equal bytes.

    The configuration is written last, so that a folder that was cut off is never opened.

    Raises:
        OutputError: the folder can't be written.
    """
    from safetensors.torch import save

    tensors = {name: state[name].detach().cpu().contiguous() for name in sorted(state)}
    text = json.dumps(config, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CONFIG).unlink(missing_ok=True)
        for name, data in ((WEIGHTS, save(tensors)), (CONFIG, text.encode())):
            with atomic_file(folder / name) as file:
                file.write(data)
    except OSError as error:
        raise OutputError(f"{folder}: can't be written ({error.strerror})") from None


def read_config(folder: Path, kind: str) -> dict[str, Any]:
    """The configuration of a model of this kind.

    Raises:
        BundleError: the folder holds none.
    """
    try:
        data = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{folder}: not the folder of a model ({error}); make one with `voicelet-export import`"
        ) from None
    found = data.get("kind") if isinstance(data, dict) else None
    if found != kind:
        raise BundleError(f"{folder}: a model of kind {found!r}, where {kind!r} is needed")
    return data


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors of a model folder, name → tensor.

    Raises:
        BundleError: they can't be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(folder / WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{folder / WEIGHTS}: can't be read ({error})") from None
    return tensors


def build(make: Callable[[], M], state: Mapping[str, Tensor], where: str) -> M:
    """Make a model of exactly these weights, in evaluation mode.

    The model is made without memory first, so that a configuration of absurd sizes is found out
    before anything is allocated.

    Args:
        make: the model's constructor.
        state: its weights, weight norm folded; floats of any width become float32.
        where: the place named in errors.

    Raises:
        BundleError: a tensor is missing, superfluous, of another shape or not finite.
    """
    with torch.device("meta"), _NoInitialization():
        model = make()
    wanted = model.state_dict()
    missing = sorted(wanted.keys() - state.keys())
    extra = sorted(state.keys() - wanted.keys())
    if missing or extra:
        what = f"lacks {missing[0]}" if missing else f"has {extra[0]}, which the model hasn't"
        more = len(missing) + len(extra) - 1
        raise BundleError(
            f"{where}: {what}" + (f" ({more} more don't fit)" if more else "")
            + "; the weights and the configuration are of different models"
        )  # fmt: skip
    for name, value in wanted.items():
        if value.shape != state[name].shape:
            raise BundleError(
                f"{where}: {name} is {list(state[name].shape)}, the configuration says "
                f"{list(value.shape)}; they are of different models"
            )
        if not torch.isfinite(state[name]).all():
            raise BundleError(f"{where}: {name} holds values that aren't finite")
    weights = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)
