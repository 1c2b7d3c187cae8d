"""Pictures of training: the curves of a run's log."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path


def read_log(run: Path) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Points of a run's `log.jsonl`: kind ("train", "valid") → term → [(step, value)].

    A run that was cut off may have logged steps twice; the later value counts.
    """
    points: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    with open(run / "log.jsonl", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            kind, step = row.pop("kind"), int(row.pop("step"))
            for name, value in row.items():
                points[kind][name][step] = float(value)
    return {
        kind: {name: sorted(values.items()) for name, values in terms.items()}
        for kind, terms in points.items()
    }


def plot_runs(runs: Sequence[Path], terms: Sequence[str], out: Path) -> None:
    """Draw `terms` of several stages of one model, laid end to end, into a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(terms), 3.2), layout="constrained")
    for place, term in enumerate(terms):
        axes = figure.add_subplot(1, len(terms), place + 1)
        offset = 0
        for run in runs:
            log = read_log(run)
            for kind, style in (("train", {"lw": 0.8}), ("valid", {"marker": "o", "ms": 3.0})):
                values = log.get(kind, {}).get(term, [])
                if values:
                    steps = [offset + step for step, _ in values]
                    label = f"{run.name} {kind}"
                    axes.plot(steps, [v for _, v in values], label=label, **style)
            offset += max(step for values in log["train"].values() for step, _ in values)
        axes.set_title(term)
        axes.set_xlabel("step")
        columns = 1 + len(axes.lines) // 8
        axes.legend(fontsize=7 if columns == 1 else 5, ncols=columns, loc="upper right")
    figure.savefig(out, dpi=80)
