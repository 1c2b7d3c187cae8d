"""Scores of a folder: every metric of every clip, and the means over the folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet_export.metrics import (
    fidelity,
    intelligibility,
    naturalness,
    second_encoder,
    similarity,
)
from voicelet_export.metrics.base import read_audio
from voicelet_export.metrics.cache import Cache, digest
from voicelet_export.metrics.eer import equal_error_rate
from voicelet_export.metrics.folder import Clip

logger = logging.getLogger(__name__)


@dataclass
class Metrics:
    """The metrics, each loaded when first needed, and the cache of their results."""

    cache: Cache
    recognizer: intelligibility.Recognizer = field(default_factory=intelligibility.Recognizer)
    dnsmos: naturalness.Dnsmos = field(default_factory=naturalness.Dnsmos)

    @cached_property
    def speaker(self) -> similarity.Ge2eEncoder:
        """The speaker encoder; missing weights only matter to clips with a reference."""
        return similarity.Ge2eEncoder()

    @cached_property
    def second(self) -> second_encoder.XVectorEncoder:
        """The speaker encoder that is in no loss."""
        return second_encoder.XVectorEncoder()

    def transcript(self, path: Path) -> str:
        """Words the recognizer hears in a file."""
        key = digest("asr", intelligibility.VERSION, path.read_bytes())
        return str(self.cache.get_or(key, lambda: self.recognizer.transcribe(*read_audio(path))))

    def mos(self, path: Path) -> dict[str, float]:
        """DNSMOS of a file."""
        key = digest("mos", naturalness.VERSION, path.read_bytes())
        return dict(self.cache.get_or(key, lambda: self.dnsmos.score(*read_audio(path))))

    def vector(self, path: Path) -> FloatArray:
        """d-vector of a file."""
        key = digest("dvector", self.speaker.version, path.read_bytes())
        return self.cache.array_or(key, lambda: self.speaker.embed(*read_audio(path)))

    def second_vector(self, path: Path) -> FloatArray:
        """x-vector of a file."""
        key = digest("xvector", self.second.version, path.read_bytes())
        return self.cache.array_or(key, lambda: self.second.embed(*read_audio(path)))


@dataclass(frozen=True)
class FolderScore:
    """Everything that was measured of one folder.

    Attributes:
        name: of the folder or the system.
        summary: measure → mean (`docs/research/benchmarks.md` explains each); absent where not
            measured.
        clips: one mapping a clip, for the JSON and the listening page.
        own, others: cosines of clips with their own and with other speakers' references.
    """

    name: str
    summary: dict[str, float]
    clips: tuple[dict[str, Any], ...]
    own: tuple[float, ...] = ()
    others: tuple[float, ...] = ()

    def mapping(self) -> dict[str, Any]:
        """Name, summary and clips, as JSON keeps them."""
        return {"name": self.name, "summary": self.summary, "clips": list(self.clips)}


def _mean_of(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(np.mean([row[key] for row in rows]))


def score_clips(
    name: str,
    clips: Sequence[Clip],
    metrics: Metrics,
    progress: Callable[[int, int], None] | None = None,
    references: Mapping[str, Path] | None = None,
) -> FolderScore:
    """Measure clips.

    Args:
        name: what to call them in tables.
        clips: what to measure.
        metrics: what measures them.
        progress: called with (done, all) after every clip.
        references: further enrolled speakers that a clip could be mistaken for.
    """
    rows: list[dict[str, Any]] = []
    total = intelligibility.WordErrors()
    paths: dict[str, Path] = dict(references or {})
    vectors: list[tuple[str, FloatArray]] = []
    seconds: list[tuple[str, FloatArray]] = []
    for index, clip in enumerate(clips):
        samples, rate = read_audio(clip.path)
        row: dict[str, Any] = {"file": clip.path.name, "text": clip.text}
        row["seconds"] = len(samples) / rate
        if clip.text:
            row["heard"] = metrics.transcript(clip.path)
            errors = metrics.recognizer.errors(clip.text, row["heard"])
            total += errors
            row["wer"] = errors.rate
        row.update(metrics.mos(clip.path))
        if clip.reference is not None:
            key = digest(clip.reference.read_bytes())
            paths.setdefault(key, clip.reference)
            vectors.append((key, metrics.vector(clip.path)))
            seconds.append((key, metrics.second_vector(clip.path)))
            row["reference"] = clip.reference.name
        rows.append(row)
        if progress:
            progress(index + 1, len(clips))
    summary: dict[str, float] = {"clips": float(len(rows)), "seconds": _sum(rows, "seconds")}
    if total.words:
        summary["wer"] = total.rate
        summary["words"] = float(total.words)
    for key in ("p808", "sig", "bak", "ovrl"):
        summary[key] = _mean_of(rows, key)
    if not vectors:
        return FolderScore(name, summary, tuple(rows))
    match = similarity.compare(vectors, {k: metrics.vector(p) for k, p in paths.items()})
    again = similarity.compare(seconds, {k: metrics.second_vector(p) for k, p in paths.items()})
    cosines = iter(zip(match.own, again.own))
    for row in rows:
        if "reference" in row:
            row["similarity"], row["second"] = next(cosines)
    summary["second"] = float(np.mean(again.own))
    summary["similarity"] = float(np.mean(match.own))
    summary["speakers"] = float(match.speakers)
    if match.speakers > 1:
        summary["similarity_others"] = float(np.mean(match.others))
        summary["nearest"] = match.nearest
        summary["nearest_of_10"] = match.nearest_of_10
        error, threshold = equal_error_rate(match.own, match.others)
        summary["eer"], summary["eer_threshold"] = error, threshold
        summary["second_others"] = float(np.mean(again.others))
        summary["second_nearest_of_10"] = again.nearest_of_10
        error, threshold = equal_error_rate(again.own, again.others)
        summary["second_eer"], summary["second_eer_threshold"] = error, threshold
    return FolderScore(name, summary, tuple(rows), match.own, match.others)


def compare_copies(
    name: str,
    pairs: Sequence[tuple[Path, Path]],
    cache: Cache,
    progress: Callable[[int, int], None] | None = None,
) -> FolderScore:
    """Compare copies with their originals; means over the pairs that have a measure."""
    rows: list[dict[str, Any]] = []
    for index, (copy, original) in enumerate(pairs):

        def compared(copy: Path = copy, original: Path = original) -> dict[str, float]:
            return fidelity.compare(*read_audio(original), *read_audio(copy))

        key = digest("copy", fidelity.VERSION, original.read_bytes(), copy.read_bytes())
        rows.append({"file": copy.name, **cache.get_or(key, compared)})
        if progress:
            progress(index + 1, len(pairs))
    keys = sorted({k for row in rows for k in row} - {"file"})
    summary = {k: _mean_of([row for row in rows if k in row], k) for k in keys}
    return FolderScore(name, {"clips": float(len(rows)), **summary}, tuple(rows))


def _sum(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(sum(row[key] for row in rows))
