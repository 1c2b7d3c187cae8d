"""Cutting parts out of a model: a smaller model of the same kind, with the weights that were left.

The products behind the cut can be repaired at once: of the hidden units that stay, a new matrix is
solved for that gives the old output on calibration frames with the least squared error (as in the
channel pruning of He et al. 2017), which also takes over the mean of what has gone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from voicelet_export.compress.prune.importance import named_blocks
from voicelet_export.compress.prune.plan import Indices, Keep
from voicelet_export.models.fastspeech2 import AcousticModel
from voicelet_export.models.vocos import Vocoder

State = dict[str, Tensor]
_RIDGE = 1e-4
"""Of the repair, relative to the mean square of a hidden unit."""


def cut_model(model: nn.Module, keep: Keep) -> nn.Module:
    """A new model with only the parts in `keep`; the old one is left as it was.

    Raises:
        TypeError: it's neither an acoustic model nor a vocoder.
    """
    if isinstance(model, AcousticModel):
        return _cut_acoustic(model, keep)
    if isinstance(model, Vocoder):
        return _cut_vocoder(model, keep)
    raise TypeError(f"{type(model).__name__} can't be pruned")


def _cut_vocoder(model: Vocoder, keep: Keep) -> Vocoder:
    state = _cut_hidden(model.state_dict(), keep.units)
    state, sizes, _ = _drop_blocks(state, "blocks", keep.units)
    config = dataclasses.replace(model.config, blocks=len(sizes), block_hidden=sizes)
    out = Vocoder(_plain(config, "blocks", "block_hidden"))
    out.load_state_dict(state)
    return out.eval()


def _cut_acoustic(model: AcousticModel, keep: Keep) -> AcousticModel:
    config = model.config
    state = _cut_hidden(model.state_dict(), keep.units)
    layer = model.encoder.attention
    heads = keep.heads["encoder.attention"]
    state = _cut_heads(state, "encoder.attention", heads, layer.heads, layer.width)
    state, encoder, encoder_kept = _drop_blocks(state, "encoder.blocks", keep.units)
    state, pitch, pitch_kept = _drop_blocks(state, "decoder.pitch_blocks", keep.units)
    state, mel, mel_kept = _drop_blocks(state, "decoder.mel_blocks", keep.units)
    width = 2 * config.channels
    _keep_rows(state, "encoder.film", _rows(encoder_kept, width, 0))
    decoder_kept = [
        *pitch_kept,
        *(config.pitch_blocks + i for i in mel_kept),
        config.pitch_blocks + config.mel_blocks,  # the last norm's
    ]
    _keep_rows(state, "encoder.condition", _rows(decoder_kept, width, config.n_mels))
    place = sum(i < config.attention_place for i in encoder_kept)
    config = dataclasses.replace(
        config,
        encoder_blocks=len(encoder),
        encoder_hidden=encoder,
        pitch_blocks=len(pitch),
        pitch_hidden=pitch,
        mel_blocks=len(mel),
        mel_hidden=mel,
        attention_heads=len(heads),
        attention_width=layer.width,
        attention_before=place,
    )
    for part in ("encoder", "pitch", "mel"):
        config = _plain(config, f"{part}_blocks", f"{part}_hidden")
    out = AcousticModel(config)
    out.load_state_dict(state)
    return out.eval()


def _plain(config: Any, blocks: str, sizes: str) -> Any:
    """Leave sizes away that say nothing new."""
    if getattr(config, sizes) == (config.hidden,) * getattr(config, blocks):
        return dataclasses.replace(config, **{sizes: ()})
    return config


def _cut_hidden(state: Mapping[str, Tensor], units: Mapping[str, Indices]) -> State:
    out = {name: value.detach().clone() for name, value in state.items()}
    for block, kept in units.items():
        index = torch.from_numpy(kept)
        out[f"{block}.expand.weight"] = out[f"{block}.expand.weight"][index]
        out[f"{block}.expand.bias"] = out[f"{block}.expand.bias"][index]
        out[f"{block}.contract.weight"] = out[f"{block}.contract.weight"][:, index]
    return out


def _cut_heads(state: State, name: str, heads: Indices, count: int, width: int) -> State:
    columns = (heads[:, None] * width + np.arange(width)).reshape(-1)
    rows = np.concatenate([columns + part * count * width for part in range(3)])  # q, k, v
    _keep_rows(state, f"{name}.qkv", rows)
    state[f"{name}.out.weight"] = state[f"{name}.out.weight"][:, torch.from_numpy(columns)]
    return state


def _drop_blocks(
    state: State, stack: str, units: Mapping[str, Indices]
) -> tuple[State, tuple[int, ...], list[int]]:
    """Renumber the blocks that stay; returns the state, their hidden sizes and old numbers."""
    count = sum(name.rpartition(".")[0] == stack for name in units)
    kept = [i for i in range(count) if len(units[f"{stack}.{i}"])]
    out = {name: value for name, value in state.items() if not name.startswith(f"{stack}.")}
    for new, old in enumerate(kept):
        before = f"{stack}.{old}."
        for name, value in state.items():
            if name.startswith(before):
                out[f"{stack}.{new}.{name.removeprefix(before)}"] = value
    return out, tuple(len(units[f"{stack}.{i}"]) for i in kept), kept


def _rows(kept: list[int], width: int, tail: int) -> Indices:
    """Rows of a matrix of stretches of `width`, of which `kept` stay, and `tail` rows after all."""
    stretches = [np.arange(i * width, (i + 1) * width) for i in kept]
    last = (max(kept) + 1) * width
    return np.concatenate([*stretches, np.arange(last, last + tail)]).astype(np.int64)


def _keep_rows(state: State, name: str, rows: Indices) -> None:
    index = torch.from_numpy(rows)
    state[f"{name}.weight"] = state[f"{name}.weight"][index]
    state[f"{name}.bias"] = state[f"{name}.bias"][index]


def hidden_moments(model: nn.Module, passes: Iterable[Callable[[], object]]) -> dict[str, Tensor]:
    """Second moments of the hidden units of each block, with a constant 1 at the end.

    Args:
        passes: each runs `model` on one batch without padding.

    Returns:
        block → mean of h hᵀ over frames, float64 [hidden + 1, hidden + 1].
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def add(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            h = inputs[0].detach().flatten(0, 1)
            h = torch.cat([h, torch.ones_like(h[:, :1])], dim=1)
            sums[name] = sums.get(name, torch.zeros(())) + (h.T @ h).double()
            counts[name] = counts.get(name, 0) + len(h)

        return add

    handles = [
        block.contract.register_forward_pre_hook(watch(name))
        for name, block in named_blocks(model).items()
    ]
    try:
        with torch.no_grad():
            for run in passes:
                run()
    finally:
        for handle in handles:
            handle.remove()
    return {name: total / counts[name] for name, total in sums.items()}


def repair(old: nn.Module, new: nn.Module, keep: Keep, moments: Mapping[str, Tensor]) -> None:
    """Solve for the products behind the cut hidden units of `new`, in place.

    Args:
        old: the model that `new` was cut from by `keep`.
        moments: of `old`, see :func:`hidden_moments`.
    """
    blocks = named_blocks(new)
    renumbered: dict[str, str] = {}
    for name, units in keep.units.items():
        if len(units):
            stack = name.rpartition(".")[0]
            place = sum(k.startswith(f"{stack}.") for k in renumbered)
            renumbered[name] = f"{stack}.{place}"
    for name, now in renumbered.items():
        before, after = named_blocks(old)[name].contract, blocks[now].contract
        units = keep.units[name]
        if name not in moments or len(units) == before.in_features:
            continue
        moment = moments[name]
        one = before.in_features
        chosen = torch.from_numpy(np.append(units, one))
        whole = torch.cat([before.weight, before.bias[:, None]], dim=1).detach().double()
        inner = moment[chosen][:, chosen].clone()
        ridge = _RIDGE * float(moment.diagonal()[:one].mean()) + 1e-12
        inner.diagonal()[:-1] += ridge
        solved = torch.linalg.solve(inner, (whole @ moment[:, chosen]).T).T
        with torch.no_grad():
            after.weight.copy_(solved[:, :-1])
            after.bias.copy_(solved[:, -1])
