"""How fast graphs are beside one another, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
import onnx

from voicelet_export.compress.quantize import Feed
from voicelet_export.convert.parity import run, session


def speed_ratios(
    models: Mapping[str, onnx.ModelProto], reference: str, feed: Feed, rounds: int
) -> dict[str, float]:
    """Time of each graph over the time of the reference: the median over rounds.

    In each round every graph runs once, on one thread, so that what else the machine is doing
    meets them all alike.

    Args:
        models: name → graph; all take the same feed.
        reference: one of the names.
        rounds: at least 1; one more is run first, to warm up.
    """
    opened = {name: session(model) for name, model in models.items()}
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds + 1):
        for name, graph in opened.items():
            start = time.perf_counter()
            run(graph, feed)
            times[name].append(time.perf_counter() - start)
    base = np.array(times[reference][1:])
    return {
        name: round(float(np.median(np.array(took[1:]) / base)), 3) for name, took in times.items()
    }
