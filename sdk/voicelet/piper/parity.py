"""Whether a split voice gives the same samples as the original: checked once, on import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.engine import WORK_LIMIT_S, Graph, get_engine
from voicelet.errors import BundleError
from voicelet.piper.split import SplitVoice

Feed = dict[str, npt.NDArray[Any]]

TOLERANCE = 1e-4
"""Largest difference of two samples; the sums of float32 in graphs of two shapes differ by 1e-6."""
MAX_FRAMES = 20_000
_STRETCH = 7


def check_parts(
    whole: Path, graphs: tuple[Graph, Graph, Graph], parts: SplitVoice, ids: list[int]
) -> None:
    """Compare the parts with the whole graph, without noise, and stretches with a single run.

    Args:
        whole: the original graph.
        graphs: encoder, flow and decoder of `parts`, opened.
        ids: phoneme ids to speak.

    Raises:
        BundleError: samples differ, or a graph can't be run (`EngineError`).
    """
    encoder, flow, decoder = graphs
    speaker: Feed = {"sid": np.zeros(1, np.int64)} if parts.takes_speaker else {}
    text_inputs: Feed = {
        "input": np.array([ids], np.int64),
        "input_lengths": np.array([len(ids)], np.int64),
        "scales": np.array([0.0, 1.0, 0.0], np.float32),
    }
    (expected,) = (
        get_engine("onnx")
        .open(whole, limit_s=WORK_LIMIT_S)
        .run({**text_inputs, **speaker})
        .values()
    )
    expected = expected.reshape(-1)
    noise: Feed = {"duration_noise": np.zeros((1, 2, len(ids)), np.float32)}
    values = {**text_inputs, **noise, **speaker}
    encoded = encoder.run({t.name: values[t.name] for t in encoder.inputs})
    durations = encoded["durations"].reshape(-1)
    if durations.shape != (len(ids),) or encoded["mean"].shape != (1, len(ids), parts.channels):
        raise BundleError("its encoder's outputs have other shapes than VITS has")
    if not np.isfinite(durations).all() or not 0.0 < durations.sum() < MAX_FRAMES:
        raise BundleError("its durations can't be used: they aren't finite, or far too long")
    repeated = np.repeat(encoded["mean"][0], durations.clip(0.0).astype(np.int64), axis=0)
    _compare(expected, _decode(flow, decoder, repeated, parts, speaker, len(repeated)), "the whole")
    shorter = repeated[: 2 * _STRETCH + 2 * (parts.flow_context + parts.decoder_context)]
    at_once = _decode(flow, decoder, shorter, parts, speaker, len(shorter))
    _compare(at_once, _decode(flow, decoder, shorter, parts, speaker, _STRETCH), "one piece")


def _decode(
    flow: Graph,
    decoder: Graph,
    prior: FloatArray,
    parts: SplitVoice,
    speaker: Feed,
    stretch: int,
) -> FloatArray:
    """Latents [T, C] to samples, so many frames at a time."""
    sequence = np.ascontiguousarray(prior.T[None])
    for graph, name, context, width in (
        (flow, "prior", parts.flow_context, 1),
        (decoder, "latent", parts.decoder_context, parts.hop),
    ):
        input_names = {t.name for t in graph.inputs}
        pieces = []
        for first in range(0, sequence.shape[2], stretch):
            low, last = max(0, first - context), min(sequence.shape[2], first + stretch)
            high = min(sequence.shape[2], last + context)
            feed: Feed = {name: np.ascontiguousarray(sequence[:, :, low:high]), **speaker}
            (out,) = graph.run({k: v for k, v in feed.items() if k in input_names}).values()
            if out.shape[2] != (high - low) * width:
                raise BundleError("its frames and samples don't go together")
            pieces.append(out[:, :, (first - low) * width : (last - low) * width])
        sequence = np.concatenate(pieces, axis=2)
    samples: FloatArray = sequence.reshape(-1)
    return samples


def _compare(expected: FloatArray, actual: FloatArray, against: str) -> None:
    if expected.shape != actual.shape or not np.allclose(
        expected, actual, rtol=0.0, atol=TOLERANCE
    ):
        raise BundleError(
            f"taken apart it doesn't sound as {against} does; export it anew with Piper's exporter"
        )
