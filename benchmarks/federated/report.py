"""Tables and curves of what `python -m benchmarks.federated` measured.

python -m benchmarks.federated.report --out OUT --plots docs/img
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

NONE_AT = 30.0  # where a plot has "no noise", on a logarithmic axis of epsilon


def read(out: Path) -> dict[str, Any]:
    """What there is of the parts' results; {} for a part that didn't run."""
    found = {}
    for part in ("judge", "attack", "speech"):
        file = out / f"{part}.json"
        found[part] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def quality(measured: Mapping[str, Any]) -> str:
    """Every model: held-out loss, words and similarity."""
    spoken = measured["speech"].get("models", {})
    rows = []
    for name, losses in measured["judge"].get("held_out", {}).items():
        row = [
            name,
            f"{losses['mel']:.3f}",
            f"{losses['gain_low']:.3f} to {losses['gain_high']:.3f}",
        ]
        row += [f"{losses[k]:.3f}" for k in ("duration", "pitch", "f0")]
        clip = spoken.get(name)
        if clip:
            row.append(f"{clip['wer']:.1f} ({clip['wer_low']:+.1f} to {clip['wer_high']:+.1f})")
            row.append(
                f"{clip['similarity']:.3f} "
                f"({clip['similarity_low']:+.3f} to {clip['similarity_high']:+.3f})"
            )
        else:
            row += ["–", "–"]
        rows.append(row)
    head = ["model", "mel", "gain, 95 %", "duration", "pitch", "f0", "WER %", "similarity"]
    return table(head, rows)


def curve(measured: Mapping[str, Any]) -> str:
    """Held-out mel loss of one round against epsilon, small cohort and large."""
    rows = [
        [
            f"{row['devices']}",
            _epsilon(row["epsilon"]),
            f"{row['noise_multiplier']:.3f}",
            f"{np.mean(row['mel']):.3f}",
            f"{min(row['mel']):.3f} to {max(row['mel']):.3f}",
        ]
        for row in measured["judge"].get("curve", [])
    ]
    return table(["devices", "epsilon", "z", "mel, mean of draws", "range"], rows)


def sound(measured: Mapping[str, Any]) -> str:
    """What the losses are made of."""
    rows = []
    for name, groups in measured["judge"].get("sound", {}).items():
        for group, losses in groups.items():
            cells = (
                f"{losses.get(k, float('nan')):.3f}" for k in ("mel", "speech", "pause", "shape")
            )
            rows.append([name, group, *cells])
    return table(["model", "people", "mel", "in speech", "in pauses", "shape"], rows)


def attacks(measured: Mapping[str, Any]) -> str:
    """Every attack: area and members found at 1 % false alarms."""
    rows = []
    for row in measured["attack"].get("sums", []):
        for kind in ("shadow", "strongest"):
            allowed = f"{100 * row['allowed']:.1f}"
            label = f"sum of {row['devices']}, epsilon {_epsilon(row['epsilon'])}"
            rows.append([label, kind, *_attack(row[kind]), allowed])
    for name, found in measured["attack"].get("losses", {}).items():
        rows.append([name, "loss", *_attack(found), "–"])
    for kind, found in measured["attack"].get("personal", {}).items():
        rows.append(["personal adapter", kind, *_attack(found), "–"])
    head = ["model", "attack", "AUC", "found at 1 % false alarms, %", "in / out", "allowed, %"]
    return table(head, rows)


def _attack(a: Mapping[str, float]) -> list[str]:
    return [
        f"{a['auc']:.3f} ({a['auc_low']:.3f} to {a['auc_high']:.3f})",
        f"{100 * a['tpr']:.1f} ({100 * a['tpr_low']:.1f} to {100 * a['tpr_high']:.1f})",
        f"{a['members']:.0f} / {a['others']:.0f}",
    ]


def _epsilon(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def series(
    measured: Mapping[str, Any],
) -> dict[str, list[tuple[float, float]]]:
    """Curves of held-out mel loss: label → (epsilon, loss), without noise last."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in measured["judge"].get("curve", []):
        label = f"{row['devices']} devices, one round"
        at = NONE_AT if row["epsilon"] is None else float(row["epsilon"])
        found.setdefault(label, []).append((at, float(np.mean(row["mel"]))))
    for name, losses in measured["judge"].get("held_out", {}).items():
        if "-r3-e" in name:
            at = min(NONE_AT, float(name.rpartition("-e")[2]))
            found.setdefault("100 devices, three rounds", []).append((at, losses["mel"]))
    return {label: sorted(points) for label, points in found.items()}


def spoken_series(measured: Mapping[str, Any], what: str) -> dict[str, list[tuple[float, float]]]:
    """Curves of "wer" or "similarity", as :func:`series`."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, clip in measured["speech"].get("models", {}).items():
        if "-e" in name:
            at = min(NONE_AT, float(name.rpartition("-e")[2]))
            devices, rounds = name.split("-")[:2]
            label = f"{devices[1:]} devices, {'three rounds' if rounds == 'r3' else 'one round'}"
            found.setdefault(label, []).append((at, clip[what]))
    return {label: sorted(points) for label, points in found.items()}


def plot(measured: Mapping[str, Any], folder: Path) -> list[Path]:
    """Epsilon against loss, and against words and similarity, as images."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    start = measured["judge"].get("held_out", {}).get("start", {}).get("mel")
    pooled = measured["judge"].get("held_out", {}).get("pooled", {}).get("mel")
    spoken = measured["speech"].get("models", {}).get("start", {})
    panels = {
        "federated-epsilon.png": [("held-out mel loss", series(measured), start, pooled)],
        "federated-speech.png": [
            ("WER, %", spoken_series(measured, "wer"), spoken.get("wer"), None),
            ("similarity", spoken_series(measured, "similarity"), spoken.get("similarity"), None),
        ],
    }
    written = []
    for name, parts in panels.items():
        figure, axes = pyplot.subplots(
            1, len(parts), figsize=(6.4 * len(parts), 4.0), layout="constrained", squeeze=False
        )
        for axis, (label, lines, before, ideal) in zip(axes[0], parts):
            for title, points in lines.items():
                axis.semilogx(*zip(*points), "-o", label=title)
            if label == "similarity":
                axis.set_ylim(0.55, 0.75)  # two clips of two people to, nearly, of one
            if before is not None:
                axis.axhline(before, color="k", ls=":", label="before")
            if ideal is not None:
                axis.axhline(ideal, color="k", ls="--", label="pooled in one place")
            axis.set_xticks([1, 3, 8, NONE_AT], ["1", "3", "8", "no noise"])
            axis.minorticks_off()
            axis.set(xlabel="epsilon (delta 1e-5)", ylabel=label)
            axis.grid(alpha=0.3)
            axis.legend()
        figure.savefig(folder / name, dpi=110)
        pyplot.close(figure)
        written.append(folder / name)
    return written


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; draw the curves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.federated.report")
    parser.add_argument("--out", type=Path, required=True, help="folder of the benchmark")
    parser.add_argument("--plots", type=Path, help="folder of the images")
    args = parser.parse_args(argv)
    measured = read(args.out)
    sys.stdout.write("\n".join(f(measured) for f in (quality, curve, sound, attacks)))
    if args.plots:
        plot(measured, args.plots)
    return 0


if __name__ == "__main__":
    sys.exit(main())
