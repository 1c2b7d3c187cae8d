"""The speaker encoder as an ONNX graph, written node by node."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import nn

from voicelet.errors import BundleError
from voicelet.speaker.ge2e_mel import WINDOW_FRAMES
from voicelet_export.convert.graph import GraphBuilder
from voicelet_export.convert.parity import run, session
from voicelet_export.models.speaker_encoder import SpeakerEncoder

log = logging.getLogger(__name__)

TOLERANCE = 1e-4
_LEAST_NORM = 1e-9


def speaker_encoder_graph(model: SpeakerEncoder) -> onnx.ModelProto:
    """`mel` [P, 160, n_mels] (GE2E powers at 16 kHz) → `embedding` [P, size], L2 norm 1."""
    g, c = GraphBuilder("speaker_encoder"), model.config
    x = g.op("Transpose", g.input("mel", "float32", ("P", WINDOW_FRAMES, c.n_mels)), perm=[1, 0, 2])
    direction = g.constant(np.array([1], np.int64))
    for layer in range(c.layers):
        parts = [g.constant(w, f"lstm.{layer}.{n}") for n, w in _lstm(model.lstm, layer).items()]
        x = g.op("LSTM", x, *parts, name=f"lstm.{layer}", hidden_size=c.hidden_size)
        x = g.op("Squeeze", x, direction)  # [frames, P, hidden]
    last = g.op("Gather", x, g.constant(np.array([-1], np.int64)), axis=0)
    last = g.op("Squeeze", last, g.constant(np.array([0], np.int64)))
    weight, bias = (p.detach().numpy() for p in (model.linear.weight, model.linear.bias))
    raw = g.op("Relu", g.linear(last, weight, bias, "linear"))
    norm = g.op("ReduceL2", raw, axes=[1], keepdims=1)
    floor = g.constant(np.array([_LEAST_NORM], np.float32))
    g.output(g.op("Div", raw, g.op("Max", norm, floor)), "embedding", ("P", c.embedding_size))
    return g.model()


def _lstm(lstm: nn.LSTM, layer: int) -> dict[str, npt.NDArray[np.float32]]:
    """Weights of a layer with torch's gates (in, forget, cell, out) in ONNX's order."""

    def ordered(name: str) -> npt.NDArray[np.float32]:
        given = getattr(lstm, f"{name}_l{layer}").detach().numpy().astype(np.float32)
        entry, forget, cell, out = np.split(given, 4)
        return np.concatenate([entry, out, forget, cell])[None]

    bias = np.concatenate([ordered("bias_ih"), ordered("bias_hh")], axis=1)
    return {"W": ordered("weight_ih"), "R": ordered("weight_hh"), "B": bias}


def write_speaker_encoder(weights: Path, out: Path) -> int:
    """Write `speaker_encoder.onnx` and `speaker_encoder.safetensors` (float16) to a folder.

    Args:
        weights: a GE2E checkpoint (Resemblyzer's `pretrained.pt`) or safetensors of this project.
        out: folder.

    Returns:
        Parameters of the encoder.

    Raises:
        BundleError: the weights can't be read, or the graph doesn't compute what the model does.
    """
    import pickle

    from safetensors import SafetensorError
    from safetensors.torch import save_file

    from voicelet_export.train.speaker_loss import load_encoder

    try:
        model = load_encoder(weights)
    except (OSError, RuntimeError, KeyError, pickle.UnpicklingError, SafetensorError) as error:
        raise BundleError(
            f"{weights}: no weights of a GE2E encoder ({error}); Resemblyzer's are pretrained.pt "
            "in its package"
        ) from None
    graph = speaker_encoder_graph(model)
    rng = np.random.default_rng(0)
    mel = (10.0 ** rng.uniform(-6, -2, (3, WINDOW_FRAMES, model.config.n_mels))).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(mel)).numpy()
    difference = float(np.abs(expected - run(session(graph), {"mel": mel})["embedding"]).max())
    if not difference < TOLERANCE:
        raise BundleError(f"speaker_encoder: differs by {difference:.2g} from the model")
    onnx.save(graph, out / "speaker_encoder.onnx")
    half = {k: v.to(torch.float16).contiguous() for k, v in model.state_dict().items()}
    save_file(half, out / "speaker_encoder.safetensors")
    log.info("%s: follows the model to %.1e", out / "speaker_encoder.onnx", difference)
    return sum(p.numel() for p in model.parameters())
