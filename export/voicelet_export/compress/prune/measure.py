"""What pruning bought and what it cost: size, speed after export, and held-out losses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from torch import nn

from voicelet_export.compress.quantize.calibrate import (
    TEST_UTTERANCES,
    VoiceData,
    pick_utterances,
)
from voicelet_export.compress.quantize.static_qdq import (
    measure_products,
    products,
    quantize_products,
)
from voicelet_export.compress.quantize.weights import store_weights
from voicelet_export.convert.onnx import decoder_graph, encoder_graph, vocoder_graph
from voicelet_export.convert.parity import Feed, check_acoustic, check_vocoder, run, session
from voicelet_export.models.fastspeech2 import AcousticModel
from voicelet_export.models.vocos import Vocoder
from voicelet_export.train.checkpoint import RunInfo
from voicelet_export.train.data import Item

Graphs = dict[str, onnx.ModelProto]

TIMED_S = 3.0
"""Speech in one timed run, in seconds."""
_TIMED_SIZES = {"frames_count": 240, "phones_count": 42}


def export_graphs(model: nn.Module) -> Graphs:
    """Role → float32 graph of an acoustic model or a vocoder, checked against the model.

    Raises:
        BundleError: a graph doesn't compute what the model does.
    """
    if isinstance(model, AcousticModel):
        graphs = {
            "acoustic_encoder": encoder_graph(model.encoder),
            "acoustic_decoder": decoder_graph(model.decoder),
        }
        check_acoustic(model, graphs["acoustic_encoder"], graphs["acoustic_decoder"])
        return graphs
    assert isinstance(model, Vocoder)
    graphs = {"vocoder": vocoder_graph(model)}
    check_vocoder(model, graphs["vocoder"])
    return graphs


def held_out_losses(graphs: Graphs, valid: Sequence[Item], info: RunInfo) -> dict[str, float]:
    """Losses of exported graphs on speakers that were never trained on.

    Args:
        graphs: of :func:`export_graphs`.
        valid: aligned utterances.

    Returns:
        "mel", "f0", "voicing", "duration", "pitch", "energy" of an acoustic model, teacher-forced,
        in the units of `compress.quantize.calibrate`; "mel" of a vocoder's copies, in nats.
    """
    tested = pick_utterances(valid, info, TEST_UTTERANCES)
    data = VoiceData({}, tested, graphs, info.mel_mean, info.mel_std)
    if "vocoder" in graphs:
        losses = data.vocoder_losses(graphs["vocoder"])
    else:
        losses = data.encoder_losses(graphs["acoustic_encoder"])
        losses |= data.decoder_losses(graphs["acoustic_decoder"])
    return {name: round(value, 5) for name, value in losses.items()}


def in_int8(graphs: Graphs) -> Graphs:
    """All large products in int8, for size and speed alone: the scales are of random inputs."""
    out = {}
    for role, graph in graphs.items():
        scales = measure_products(graph, [random_feed(graph)])
        quantized = quantize_products(graph, scales, [p.name for p in products(graph)])
        out[role] = store_weights(quantized, "float16")
    return out


def random_feed(graph: onnx.ModelProto) -> Feed:
    """Inputs of :data:`TIMED_S` seconds of speech; their values mean nothing."""
    rng = np.random.default_rng(0)
    feed: dict[str, Any] = {}
    for value in graph.graph.input:
        axes = value.type.tensor_type.shape.dim
        shape = [a.dim_value or _TIMED_SIZES[a.dim_param] for a in axes]
        if value.type.tensor_type.elem_type == onnx.TensorProto.INT64:
            feed[value.name] = rng.integers(0, 40, shape)
        else:
            feed[value.name] = rng.standard_normal(shape).astype(np.float32)
    return feed


def time_in_turns(voices: Mapping[str, Graphs], rounds: int = 40) -> dict[str, list[float]]:
    """Milliseconds for :data:`TIMED_S` seconds of speech in each round, on one thread.

    Every round runs each of the voices once, so that what else the machine does meets them alike;
    only the time that the thread itself was running counts.

    Args:
        voices: name → its graphs, which run one after the other.
        rounds: at least 1; two more are run first, to warm up.
    """
    opened = {
        name: [(session(graph), random_feed(graph)) for graph in graphs.values()]
        for name, graphs in voices.items()
    }
    times: dict[str, list[float]] = {name: [] for name in voices}
    for _ in range(rounds + 2):
        for name, parts in opened.items():
            start = time.thread_time()
            for graph, feed in parts:
                run(graph, feed)
            times[name].append(1e3 * (time.thread_time() - start))
    return {name: took[2:] for name, took in times.items()}


def compare_speed(before: Graphs, after: Graphs) -> dict[str, dict[str, float]]:
    """Precision → "before_ms", "after_ms" and "ratio" (after over before), medians over rounds."""
    voices = {
        "fp32 before": before,
        "fp32 after": after,
        "int8 before": in_int8(before),
        "int8 after": in_int8(after),
    }
    took = {name: np.array(times) for name, times in time_in_turns(voices).items()}
    out = {}
    for precision in ("fp32", "int8"):
        old, new = took[f"{precision} before"], took[f"{precision} after"]
        out[precision] = {
            "before_ms": round(float(np.median(old)), 3),
            "after_ms": round(float(np.median(new)), 3),
            "ratio": round(float(np.median(new / old)), 3),
        }
    return out


def graph_bytes(graphs: Graphs) -> dict[str, int]:
    """Bytes of the graphs of a model together, in float32 and in int8."""
    quantized = in_int8(graphs)
    return {
        "fp32": sum(g.ByteSize() for g in graphs.values()),
        "int8": sum(g.ByteSize() for g in quantized.values()),
    }
