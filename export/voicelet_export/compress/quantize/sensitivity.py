"""What quantizing does to the outputs of a graph, product by product, and how much may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from voicelet_export.compress.quantize.static_qdq import Product, products
from voicelet_export.convert.parity import Arrays, Feed, run, session

SCANNED_FEEDS = 3

Quantizer = Callable[[list[str]], onnx.ModelProto]
"""Names of products → the graph with those quantized."""


@dataclass(frozen=True)
class Sensitivity:
    """What quantizing one product alone does to the outputs of its graph.

    Attributes:
        name: of the product.
        weights: how many it has.
        error_db: power of the change over the power of the outputs, the worst output counting.
        kind: type of the node.
        rank: what products are ordered by; `error_db` unless the caller hears better.
    """

    name: str
    weights: int
    error_db: float
    kind: str = "Gemm"
    rank: float = 0.0


def error_db(expected: Sequence[Arrays], found: Sequence[Arrays]) -> float:
    """Power of the difference over the power of what was expected, in dB.

    The worst output of the worst run counts; -120 for none, and 120 for what isn't finite.
    """
    worst = -120.0
    for right, made in zip(expected, found):
        for key, value in right.items():
            if made[key].shape != value.shape:
                return 120.0
            power = float(np.square(value, dtype=np.float64).mean()) + 1e-12
            error = float(np.square(made[key] - value, dtype=np.float64).mean()) + 1e-12
            if not np.isfinite(error):
                return 120.0
            worst = max(worst, float(10.0 * np.log10(error / power)))
    return worst


def sensitivities(
    model: onnx.ModelProto,
    feeds: Sequence[Feed],
    quantize: Quantizer,
    measure: Callable[[Sequence[Arrays], Sequence[Arrays]], float] = error_db,
) -> list[Sensitivity]:
    """Quantize each product alone; the most sensitive first.

    Args:
        quantize: of the scheme that is scanned.
        measure: (expected, found) → how far apart they are, which gives the order.
    """
    opened = session(model)
    tests = list(feeds)[:SCANNED_FEEDS]
    expected = [run(opened, feed) for feed in tests]

    def scan(product: Product) -> Sensitivity:
        quantized = session(quantize([product.name]))
        found = [run(quantized, feed) for feed in tests]
        error, rank = error_db(expected, found), measure(expected, found)
        return Sensitivity(
            product.name, product.weights, round(error, 1), product.kind, round(rank, 3)
        )

    return sorted(map(scan, products(model)), key=lambda row: -row.rank)


def fewest_kept(count: int, passes: Callable[[int], bool]) -> int | None:
    """The smallest k for which `passes(k)`, if `passes` stays true once it is.

    Steps double until one passes, and halve back from there: a gate that is passed at once, or
    after a few, costs few tries.

    Args:
        count: the largest k.
        passes: does the graph pass with the k most sensitive products in float?

    Returns:
        k, or None if even `count` doesn't pass.
    """
    failed, step = -1, 0
    while not passes(min(step, count)):
        failed = min(step, count)
        if failed == count:
            return None
        step = 2 * step or 1
    passed = min(step, count)
    while passed - failed > 1:
        middle = (passed + failed) // 2
        if passes(middle):
            passed = middle
        else:
            failed = middle
    return passed
