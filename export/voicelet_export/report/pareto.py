"""Quality against cost, and which systems no other beats in both."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A system in the plane.

    Attributes:
        name: of the system.
        cost: less is better.
        quality: more is better.
    """

    name: str
    cost: float
    quality: float


def front(points: Sequence[Point]) -> list[Point]:
    """The points that no other beats, from the cheapest to the best.

    One point beats another if it is no worse in both and better in one.
    """
    kept = [p for p in points if not any(_beats(q, p) for q in points)]
    return sorted(kept, key=lambda p: (p.cost, p.quality, p.name))


def _beats(a: Point, b: Point) -> bool:
    differs = (a.cost, a.quality) != (b.cost, b.quality)
    return differs and a.cost <= b.cost and a.quality >= b.quality


def pareto_svg(panels: Mapping[tuple[str, str], Sequence[Point]]) -> str | None:
    """Draw a panel for each pair of cost and quality; equal points give equal bytes.

    Args:
        panels: (label of the cost, label of the quality) → points.

    Returns:
        the picture, `None` if no panel has a point or there is no matplotlib.
    """
    panels = {labels: points for labels, points in panels.items() if points}
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError:
        return None
    if not panels:
        return None
    with rc_context({"svg.hashsalt": "voicelet", "svg.fonttype": "none"}):
        columns = min(2, len(panels))
        lines = -(-len(panels) // columns)
        figure = Figure(figsize=(5.2 * columns, 3.6 * lines), layout="tight")
        for index, ((cost, quality), points) in enumerate(panels.items()):
            axes = figure.add_subplot(lines, columns, index + 1)
            best = front(points)
            names = {p.name for p in best}
            for p in points:
                colour = "#4477aa" if p.name in names else "#999999"
                axes.plot([p.cost], [p.quality], "o", color=colour)
                axes.annotate(
                    p.name, (p.cost, p.quality), (5, 4), textcoords="offset points", fontsize=8
                )
            axes.step([p.cost for p in best], [p.quality for p in best], where="post", alpha=0.5)
            axes.margins(0.2)
            axes.set_xlim(left=0.0)
            axes.grid(alpha=0.25)
            axes.set_xlabel(cost)
            axes.set_ylabel(quality)
        out = io.StringIO()
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None, "Creator": "voicelet"})
    return out.getvalue()
