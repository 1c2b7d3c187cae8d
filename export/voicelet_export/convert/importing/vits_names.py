"""Names of VITS weights in Coqui's checkpoints, in the words of the authors'."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

_PARTS = (
    ("text_encoder.", "enc_p."), ("duration_predictor.", "dp."), ("posterior_encoder.", "enc_q."),
    ("waveform_decoder.", "dec."),
)  # fmt: skip
_AFFINE = {"translation": "m", "log_scale": "logs"}
_LEFT_OUT = ("disc.", "net_d.", "speaker_encoder.", "audio_transform.")


def is_coqui(state: Mapping[str, Tensor]) -> bool:
    """Whether the names are Coqui's."""
    return any(name.startswith("text_encoder.") for name in state)


def coqui_to_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename; the discriminator is left out.

    Coqui flips channels in code, where the authors count the flips as layers: its `flows.2` is
    their `flows.3` among the duration flows (which begin with an affine layer), and its `flows.2`
    their `flows.4` in the prior.
    """
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.startswith(_LEFT_OUT):
            continue
        for theirs, ours in _PARTS:
            if name.startswith(theirs):
                name = ours + name[len(theirs) :]
        name = re.sub(r"^dec\.cond_layer\.", "dec.cond.", name)
        name = re.sub(r"^dp\.((?:post_)?flows)\.(\d+)\.", _duration_flow, name)
        name = re.sub(r"^flow\.flows\.(\d+)\.", lambda m: f"flow.flows.{2 * int(m[1])}.", name)
        stem, _, last = name.rpartition(".")
        if stem in ("dp.flows.0", "dp.post_flows.0"):
            name = f"{stem}.{_AFFINE.get(last, last)}"
        if last in ("gamma", "beta"):
            value = value.reshape(-1)
        renamed[name] = value
    return renamed


def _duration_flow(match: re.Match[str]) -> str:
    index = int(match[2])
    return f"dp.{match[1]}.{2 * index - 1 if index else 0}."


def official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The generator's weights of an official (or Piper training) checkpoint."""
    inner = {k[len("model_g.") :]: v for k, v in state.items() if k.startswith("model_g.")} or dict(
        state
    )
    return {k: v for k, v in inner.items() if not k.startswith(_LEFT_OUT)}
