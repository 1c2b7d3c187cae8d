"""What quantization did to a graph, for people and for the steps that come after."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import onnx

from voicelet.config import from_mapping


def source_hash(model: onnx.ModelProto) -> str:
    """By which a report names the graph it is about."""
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


@dataclass(frozen=True)
class OpRow:
    """One product of a graph.

    Attributes:
        name, type: of the node.
        weights: how many it has.
        error_db: error of the outputs when it alone is in static int8; None if it wasn't scanned.
        precision: what its weights ended as: "int8", "fp16" or "fp32".
        mel_db: difference of log mels when it alone is in static int8, where the output is audio.
    """

    name: str
    type: str
    weights: int
    error_db: float | None
    precision: str
    mel_db: float | None = None


@dataclass(frozen=True)
class SchemeRow:
    """One scheme that was tried.

    Attributes:
        scheme: its name.
        passed: the gate.
        bytes: of the graph.
        speed_ratio: its time over that of the float32 graph; None if it wasn't timed.
        figures: of quality, as gated.
        kept: products that went back to float.
    """

    scheme: str
    passed: bool
    bytes: int
    speed_ratio: float | None
    figures: dict[str, float]
    kept: tuple[str, ...] = ()

    def timed(self, ratio: float | None) -> SchemeRow:
        """With a measured speed."""
        return replace(self, speed_ratio=ratio)


@dataclass(frozen=True)
class GraphReport:
    """One graph.

    Attributes:
        graph: its name.
        source_bytes, source_sha256: of the float32 graph.
        chosen: the scheme.
        ops, schemes: rows.
    """

    graph: str
    source_bytes: int
    source_sha256: str
    chosen: str
    ops: tuple[OpRow, ...]
    schemes: tuple[SchemeRow, ...]

    @property
    def best(self) -> SchemeRow:
        """The row of the chosen scheme."""
        return next(row for row in self.schemes if row.scheme == self.chosen)

    def losses_percent(self) -> dict[str, float]:
        """By how much each held-out loss grew: figure → percent."""
        changes = {k: v for k, v in self.best.figures.items() if k.endswith("_change")}
        return {k.removesuffix("_change"): round(100 * v, 2) for k, v in changes.items()}

    def to_mapping(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], where: str) -> GraphReport:
        """Read back; raises ConfigError as `voicelet.config.from_mapping` does."""
        return from_mapping(cls, data, where)
