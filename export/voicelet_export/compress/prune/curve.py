"""Quality against size: one model pruned to several targets, in a table and a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.compress.prune.prune import PruneRun, prune

Result = dict[str, Any]


def prune_curve(
    run: PruneRun,
    targets: Sequence[float],
    on_target: Callable[[float], Callable[[int, int], None] | None] | None = None,
) -> list[Result]:
    """Prune a model to each of `targets`.

    Each goes to a folder `flops-<target>` of `run.out`, beside `curve.json` and `curve.png`.  A
    target of 1 cuts nothing; with training it tells what that alone does.

    Args:
        run: its own `target_flops` doesn't count.
        on_target: given each target before its turn; what it returns is told the steps of training.

    Raises:
        ConfigError: there is no target.
    """
    if not targets:
        raise ConfigError("give at least one share of multiply-adds to keep")
    results = []
    for target in sorted(targets, reverse=True):
        on_step = on_target(target) if on_target is not None else None
        out = run.out / f"flops-{target:g}"
        results.append(prune(replace(run, target_flops=target, out=out), on_step))
    with atomic_file(run.out / "curve.json") as handle:
        handle.write((json.dumps(results, indent=1) + "\n").encode("utf-8"))
    plot_curves([results], run.out / "curve.png")
    return results


def table(results: Sequence[Result], loss: str = "mel") -> str:
    """A Markdown table of a curve; `loss` is one of the held-out losses."""
    rows = [
        f"| multiply-adds | M/s | parameters | int8 MB | fp32 time | int8 time | {loss} at once "
        f"| {loss} retrained |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in results:
        cost, losses, speed = r["cost"]["after"], r["losses"], r.get("speed", {})
        ratio = {k: f"{v['ratio']:.2f}" for k, v in speed.items()}
        retrained = losses.get("retrained", {}).get(loss)
        rows.append(
            f"| {r['flops_ratio']:.2f} | {cost['madds'] / 1e6:.0f} "
            f"| {cost['parameters'] / 1e6:.2f} M | {r['bytes']['after']['int8'] / 1e6:.2f} "
            f"| {ratio.get('fp32', '')} | {ratio.get('int8', '')} "
            f"| {losses['pruned'][loss]:.4f} "
            f"| {'' if retrained is None else f'{retrained:.4f}'} |"
        )
    return "\n".join(rows)


def plot_curves(curves: Sequence[Sequence[Result]], out: Path, loss: str = "mel") -> None:
    """Draw curves side by side into a PNG: held-out loss over size, before and after training."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(curves), 3.2), layout="constrained")
    for place, results in enumerate(curves):
        axes = figure.add_subplot(1, len(curves), place + 1)
        sizes = [r["bytes"]["after"]["int8"] / 1e6 for r in results]
        for name, style in (("pruned", "o--"), ("retrained", "o-")):
            if all(name in r["losses"] for r in results):
                axes.plot(sizes, [r["losses"][name][loss] for r in results], style, label=name)
        axes.axhline(results[0]["losses"]["before"][loss], color="0.6", lw=0.8, label="before")
        for r, size in zip(results, sizes):
            note = f"{r['flops_ratio']:.2f}"
            axes.annotate(
                note, (size, r["losses"]["pruned"][loss]), (0, 5),
                textcoords="offset points", fontsize=7,
            )  # fmt: skip
        axes.set_title(f"{results[0]['stage']}: held-out {loss} L1", fontsize=9)
        axes.set_xlabel("MB in int8 (labels: share of multiply-adds)", fontsize=8)
        axes.legend(fontsize=7)
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(out) as handle:
        figure.savefig(handle, format="png", dpi=80, metadata={"Software": None})
