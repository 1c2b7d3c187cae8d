"""How fast graphs are beside one another, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from voicelet_export.compress.quantize.codes import Feed
from voicelet_export.convert.parity import run, session

LEAST_S = 0.03
"""What is shorter is run several times in a turn."""


def speed_ratios(
    models: Mapping[str, onnx.ModelProto], reference: str, feed: Feed, rounds: int
) -> dict[str, float]:
    """Time of each graph over the time of the reference: the median over rounds.

    In each round every graph has its turn, on one thread, so that what else the machine is doing
    meets them all alike; and what is counted is the thread's own time, so that it hardly matters.

    Args:
        models: name → graph; all take the same feed.
        reference: one of the names.
        rounds: at least 1.
    """
    opened = {name: session(model) for name, model in models.items()}
    first = [_turn(graph, feed, 1) for _ in range(2) for graph in opened.values()]
    repeats = int(np.clip(np.ceil(LEAST_S / np.median(first)), 1, 200))
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, graph in opened.items():
            times[name].append(_turn(graph, feed, repeats))
    base = np.array(times[reference])
    return {name: round(float(np.median(np.array(t) / base)), 3) for name, t in times.items()}


def _turn(graph: Any, feed: Feed, repeats: int) -> float:
    start = time.thread_time()
    for _ in range(repeats):
        run(graph, feed)
    return time.thread_time() - start
