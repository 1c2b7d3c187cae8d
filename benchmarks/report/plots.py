"""Pictures: bars between floor and ceiling, how cosines are spread, spectrograms side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray, log_mel
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import need

_BARS = (("wer", "word error rate, %", 100.0), ("p808", "DNSMOS P.808", 1.0))
_MORE = (("ovrl", "DNSMOS P.835 overall", 1.0), ("similarity", "speaker similarity", 1.0))


def _pyplot() -> Any:
    need("matplotlib").use("Agg")
    return need("matplotlib.pyplot")


def _save(figure: Any, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    _pyplot().close(figure)
    return path


def bars(
    rows: Sequence[tuple[str, Mapping[str, float]]], bounds: Mapping[str, float], path: Path
) -> Path:
    """One panel a measure; the similarity with its floor and ceiling."""
    figure, axes = _pyplot().subplots(2, 2, figsize=(10, 2.4 + 0.7 * len(rows)))
    for axis, (key, title, factor) in zip(axes.flat, (*_BARS, *_MORE)):
        shown = [(n, s[key] * factor) for n, s in rows if key in s]
        names = [n for n, _ in shown]
        drawn = axis.barh(names, [v for _, v in shown], color="#4477aa", height=0.6)
        axis.bar_label(drawn, fmt="%.3g", padding=3, fontsize=8)
        axis.set_title(title, fontsize=10)
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
        if key == "similarity":
            for name, colour in (("floor", "#cc6677"), ("ceiling", "#228833")):
                if name in bounds:
                    axis.axvline(bounds[name], color=colour, linestyle="--", label=name)
            if bounds and shown:
                axis.legend(fontsize=8, loc="lower left")
        elif key != "wer" and shown:
            axis.set_xlim(1.0, 5.0)
    return _save(figure, path)


def cosines(groups: Mapping[str, Sequence[float]], threshold: float | None, path: Path) -> Path:
    """Histograms of cosines: different people, the same person, clones."""
    figure, axis = _pyplot().subplots(figsize=(8, 3.2))
    edges = np.linspace(0.2, 1.0, 41)
    for name, values in groups.items():
        weights = np.full(len(values), 1.0 / max(1, len(values)))
        axis.hist(values, bins=edges, weights=weights, alpha=0.5, label=f"{name} ({len(values)})")
    if threshold is not None and threshold == threshold:
        axis.axvline(threshold, color="black", linestyle=":", label=f"equal error {threshold:.3f}")
    axis.set_xlabel("d-vector cosine with the reference")
    axis.set_ylabel("share")
    axis.legend(fontsize=8)
    return _save(figure, path)


def spectrograms(title: str, sounds: Sequence[tuple[str, FloatArray, int]], path: Path) -> Path:
    """Log-mel spectrograms of several renderings of one sentence, one below the other."""
    figure, axes = _pyplot().subplots(
        len(sounds), 1, figsize=(9, 1.7 * len(sounds) + 0.5), squeeze=False
    )
    longest = max(len(s) / rate for _, s, rate in sounds)
    for axis, (name, samples, rate) in zip(axes[:, 0], sounds):
        mel = log_mel(resample(samples, rate, 24000)).T
        axis.imshow(
            mel,
            origin="lower",
            aspect="auto",
            extent=(0.0, len(samples) / rate, 0, mel.shape[0]),
            vmin=float(mel.max()) - 9.0,
            cmap="magma",
        )
        axis.set_xlim(0.0, longest)
        axis.set_ylabel(name, fontsize=8)
        axis.set_yticks([])
    axes[-1, 0].set_xlabel("seconds")
    figure.suptitle(title, fontsize=10)
    return _save(figure, path)
