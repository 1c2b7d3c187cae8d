"""The speaker encoder of a bundle, read back from its graph so that gradients go through it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from voicelet.bundle import Bundle
from voicelet.errors import BundleError
from voicelet.speaker.ge2e_mel import WINDOW_FRAMES
from voicelet_export.convert.parity import run, session
from voicelet_export.models.speaker_encoder import SpeakerEncoder, SpeakerEncoderConfig

_MAX_DISTANCE = 0.02
"""Most that a d-vector of the graph and of what was read from it may be apart, as 1 - cosine."""


def read_speaker_encoder(bundle: Bundle) -> SpeakerEncoder:
    """The encoder, frozen.

    Raises:
        BundleError: the bundle has no ONNX speaker encoder of LSTMs and a projection.
    """
    spec = bundle.graph("speaker_encoder").for_engine("onnx")
    if spec is None:
        raise BundleError("only a voice with an ONNX speaker encoder can be adapted")
    path = bundle.root / spec.file
    model = onnx.load(str(path))
    constants = _constants(model)
    cells = [n for n in model.graph.node if n.op_type == "LSTM"]
    projection = next((n for n in model.graph.node if n.op_type == "Gemm"), None)
    try:
        if projection is None or not cells:
            raise KeyError("an LSTM and a projection")
        state: dict[str, torch.Tensor] = {}
        for i, cell in enumerate(cells):
            weights = [constants[name][0] for name in cell.input[1:4]]
            inner, outer = np.split(weights[2], 2)
            for kind, value in zip(
                ("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (*weights[:2], inner, outer)
            ):
                state[f"lstm.{kind}_l{i}"] = torch.from_numpy(_gates(value))
        state["linear.weight"] = torch.from_numpy(constants[projection.input[1]].copy())
        state["linear.bias"] = torch.from_numpy(constants[projection.input[2]].copy())
        first, linear = state["lstm.weight_ih_l0"], state["linear.weight"]
        config = SpeakerEncoderConfig(first.shape[1], len(first) // 4, len(cells), len(linear))
        encoder = SpeakerEncoder(config)
        encoder.load_state_dict(state)
    except (KeyError, ValueError, IndexError, RuntimeError) as error:
        raise BundleError(f"{path.name} isn't an encoder that can be read ({error})") from None
    encoder.eval().requires_grad_(False)
    _compare(encoder, model, path.name)
    return encoder


def _gates(value: np.ndarray) -> np.ndarray:
    """ONNX orders gates input, output, forget, cell; torch input, forget, cell, output."""
    parts = np.split(value, 4)
    return np.concatenate([parts[i] for i in (0, 2, 3, 1)]).astype(np.float32)


def _constants(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Constants as the graph's layers see them: widened and multiplied by their steps."""
    out = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    for node in model.graph.node:
        if not node.input or node.input[0] not in out:
            continue
        value = out[node.input[0]]
        if node.op_type == "Cast":
            out[node.output[0]] = value.astype(np.float32)
        elif node.op_type == "DequantizeLinear":
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            step: Any = out[node.input[1]]
            shape = [-1 if i == axis % value.ndim else 1 for i in range(value.ndim)]
            out[node.output[0]] = value.astype(np.float32) * np.reshape(step, shape)
    return out


def _compare(encoder: SpeakerEncoder, model: onnx.ModelProto, name: str) -> None:
    rng = np.random.default_rng(0)
    shape = (2, WINDOW_FRAMES, encoder.config.n_mels)
    mel = (1e-3 * rng.gamma(1.0, 1.0, shape)).astype(np.float32)
    given, found = model.graph.input[0].name, model.graph.output[0].name
    expected = run(session(model), {given: mel})[found]
    with torch.no_grad():
        made = encoder(torch.from_numpy(mel)).numpy()
    distance = 1.0 - float((made * expected).sum(axis=1).min())
    if not distance < _MAX_DISTANCE:
        raise BundleError(f"{name} computes something else than what was read from it")
