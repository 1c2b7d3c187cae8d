"""Figures of a bundle: what it weighs, what it computes, how fast it is, whether it is steady."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import numpy as np

from voicelet.bundle import Bundle
from voicelet.errors import BundleError
from voicelet.synth import Voice
from voicelet_export.report.systems import SEED, Speech, System

GRAPHS_OF_SPEECH = ("acoustic_encoder", "acoustic_decoder", "vocoder")
CLAUSE_S = 4.0


def weights_and_work(bundle: Bundle) -> dict[str, float]:
    """Size, parameters and multiply-adds.

    Returns:
        `size_mb` of all files; `parameters_m`, millions of weights of all graphs in ONNX;
        `madds_m_per_s`, millions of multiply-adds for a second of speech by the graphs that speak
        (clauses of four seconds).  A figure is absent where it can't be counted.
    """
    import onnx

    from voicelet_export.compress.cost import SpeechRate, graph_cost

    rate = SpeechRate(clause_s=CLAUSE_S)
    out = {"size_mb": round(bundle.manifest.total_bytes / 1e6, 3)}
    parameters, madds, counted = 0, 0.0, True
    for role in bundle.manifest.graphs:
        if bundle.graph(role).for_engine("onnx") is None:
            continue
        model = onnx.load(str(bundle.graph_path(role)[0]))
        stored = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8}
        parameters += sum(
            int(np.prod(t.dims)) for t in model.graph.initializer if t.data_type in stored
        )
        if role not in GRAPHS_OF_SPEECH:
            continue
        per_s = rate.phones_per_s if role == "acoustic_encoder" else rate.frames_per_s
        length = round(per_s * CLAUSE_S)
        axes = {d.dim_param for v in model.graph.input for d in v.type.tensor_type.shape.dim}
        try:
            madds += graph_cost(model, dict.fromkeys(axes, length)).madds / CLAUSE_S
        except BundleError:
            counted = False  # a graph of another make, with shapes that can't be followed
    if parameters:
        out["parameters_m"] = round(parameters / 1e6, 3)
    if madds and counted:
        out["madds_m_per_s"] = round(madds / 1e6, 2)
    return out


def unsteadiness(voice: Voice, text: str) -> dict[str, float]:
    """How far a voice is from giving the same samples again.

    Returns:
        `repeat_difference`: largest difference between two syntheses with one seed;
        `stream_difference`: between streamed and offline speech;
        `peak`: largest sample.
    """
    one, two = (voice.synthesize(text, seed=SEED).samples for _ in range(2))
    streamed = np.concatenate([c.samples for c in voice.stream(text, seed=SEED)])
    if not len(one) == len(two) == len(streamed) or not np.isfinite(one).all():
        return {"repeat_difference": 2.0, "stream_difference": 2.0, "peak": 0.0}
    return {
        "repeat_difference": float(np.abs(one - two).max()),
        "stream_difference": float(np.abs(one - streamed).max()),
        "peak": float(np.abs(one).max()),
    }


def time_in_turn(
    systems: Sequence[System],
    texts: Sequence[str],
    repeats: int,
    on_progress: Callable[[float, float], None] | None = None,
) -> tuple[dict[str, float], dict[str, list[Speech]]]:
    """Real-time factors on one thread, each sentence said by one system after the other.

    Machines are noisy: what is near in time is compared, and medians are taken.  The first round
    isn't timed.

    Returns:
        system → median RTF; system → what it said in the first round.
    """
    spoken: dict[str, list[Speech]] = {s.name: [] for s in systems}
    factors: dict[str, list[float]] = {s.name: [] for s in systems}
    for turn in range(repeats + 1):
        for number, text in enumerate(texts):
            for system in systems:
                speech = system.say(text)
                if turn == 0:
                    spoken[system.name].append(speech)
                else:
                    factors[system.name].append(speech.rtf)
            if on_progress is not None:
                on_progress(turn * len(texts) + number + 1, (repeats + 1) * len(texts))
    return {n: statistics.median(f) for n, f in factors.items() if f}, spoken
