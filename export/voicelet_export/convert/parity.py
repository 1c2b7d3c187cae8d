"""Do the exported graphs compute what the models compute?  Checked at every export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch

from voicelet.errors import BundleError
from voicelet_export.models.fastspeech2 import FRAME_FEATURES, AcousticModel
from voicelet_export.models.vocos import Vocoder

LENGTHS = (3, 17, 64, 131)
TOLERANCE = 1e-4

Arrays = dict[str, npt.NDArray[Any]]
Feed = Mapping[str, npt.NDArray[Any]]


def session(model: onnx.ModelProto | bytes, threads: int = 1) -> Any:
    """An ONNX Runtime session, as the device would open it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    raw = model if isinstance(model, bytes) else model.SerializeToString()
    return onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])


def run(opened: Any, inputs: Mapping[str, npt.NDArray[Any]]) -> Arrays:
    """Run a session; output name → array."""
    names = [o.name for o in opened.get_outputs()]
    return dict(zip(names, opened.run(names, dict(inputs))))


def check_acoustic(
    model: AcousticModel, encoder: onnx.ModelProto, decoder: onnx.ModelProto, seed: int = 0
) -> float:
    """Compare on random clauses; returns the largest absolute difference.

    Raises:
        BundleError: it is above :data:`TOLERANCE`.
    """
    rng, c = np.random.default_rng(seed), model.config
    sessions = session(encoder), session(decoder)
    worst = 0.0
    for length in LENGTHS:
        mean, std = model.encoder.speaker_mean.numpy(), model.encoder.speaker_std.numpy()
        speaker = (mean + std * rng.standard_normal(len(mean))).astype(np.float32)[None]
        phones = rng.integers(0, c.n_symbols, (1, length))
        names: tuple[str, ...] = ("hidden", "log_duration", "pitch", "energy", "condition")
        with torch.no_grad():
            expected = model.encoder(torch.from_numpy(phones), torch.from_numpy(speaker))
        found = run(sessions[0], {"phones": phones, "speaker": speaker})
        worst = max(worst, _compare("acoustic_encoder", names, expected, found))
        frames = rng.standard_normal((1, length, c.channels + FRAME_FEATURES)).astype(np.float32)
        f0_mean = np.array([[5.1]], np.float32)
        with torch.no_grad():
            mel, log_f0, logit = model.decoder(
                torch.from_numpy(frames), expected[-1], torch.from_numpy(f0_mean)
            )
        inputs = {"frames": frames, "condition": found["condition"], "log_f0_mean": f0_mean}
        names = ("mel", "log_f0", "voicing")
        expected = (mel, log_f0, logit.sigmoid())
        found = run(sessions[1], inputs)
        worst = max(worst, _compare("acoustic_decoder", names, expected, found))
    return worst


def check_vocoder(model: Vocoder, graph: onnx.ModelProto, seed: int = 0) -> float:
    """Compare on random mels; returns the largest absolute difference.

    Raises:
        BundleError: it is above :data:`TOLERANCE`.
    """
    rng, opened = np.random.default_rng(seed), session(graph)
    worst = 0.0
    for length in LENGTHS:
        inputs = {
            "mel": rng.standard_normal((1, length, model.config.n_mels)).astype(np.float32),
            "log_f0": rng.uniform(4.2, 6.0, (1, length)).astype(np.float32),
            "voicing": rng.integers(0, 2, (1, length)).astype(np.float32),
        }
        with torch.no_grad():
            expected = model(*(torch.from_numpy(v) for v in inputs.values()))
        if model.config.continuous_source:
            del inputs["voicing"]
        outputs = model.config.outputs
        worst = max(worst, _compare("vocoder", outputs, expected, run(opened, inputs)))
    return worst


def _compare(graph: str, names: tuple[str, ...], expected: Any, found: Arrays) -> float:
    worst = 0.0
    for name, tensor in zip(names, expected):
        difference = float(np.abs(tensor.numpy() - found[name]).max())
        if not difference < TOLERANCE:
            raise BundleError(
                f"{graph}: {name} differs by {difference:.2g} from the model; the graph of "
                "convert/onnx.py no longer follows the model"
            )
        worst = max(worst, difference)
    return worst
