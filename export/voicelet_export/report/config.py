"""What a measurement is told; apart from the rest, for reading a recipe shouldn't load engines."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class MeasureConfig:
    """Bundles beside their teacher: what they weigh, how they sound, how fast they are, in one run.

    Attributes:
        bundles: name → bundle.
        teacher: a Piper `.onnx`, a model folder or a bundle; speed and similarity are relative to
            it.  Piper's own program is timed too where it is installed, with the teacher if that
            is a voice of Piper's, else with the voice of the benchmarks.
        sentences: a file, a sentence a line; those of the benchmarks by default.
        count: of sentences.
        timed: of these, how many are said `repeats` times over for the clock.
        repeats: rounds of timing; 0 leaves speed out.
        judge: measure words, opinions and similarity.
        claim: the bundle whose figures go into `claims.json`, for a manifest; the first by default.
    """

    bundles: dict[str, Path] = field(default_factory=dict)
    teacher: Path | None = None
    sentences: Path | None = None
    count: int = 20
    timed: int = 6
    repeats: int = 3
    judge: bool = True
    claim: str = ""
