"""The figures of a recording that stay with the profile made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from voicelet.audio.gate_report import GateReport
from voicelet.errors import ProfileError


@dataclass(frozen=True)
class QualitySummary:
    """The figures of the gate that stay with a profile; see `GateReport` for the units."""

    total_s: float
    speech_s: float
    snr_db: float
    clipped_fraction: float
    level_dbfs: float
    bandwidth_hz: float
    speaker_consistency: float | None = None
    phonetic_coverage: float | None = None
    pitch_low_hz: float | None = None
    pitch_median_hz: float | None = None
    pitch_high_hz: float | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ProfileError(f"the quality figure {name} of a profile must be finite")

    @classmethod
    def of(cls, report: GateReport) -> QualitySummary:
        """Take the figures of a gate's report."""
        pitch = report.pitch
        return cls(
            total_s=report.total_s,
            speech_s=report.speech_s,
            snr_db=report.snr_db,
            clipped_fraction=report.clipped_fraction,
            level_dbfs=report.level_dbfs,
            bandwidth_hz=report.bandwidth_hz,
            speaker_consistency=report.speaker_consistency,
            phonetic_coverage=report.phonetic_coverage,
            pitch_low_hz=pitch.low_hz if pitch else None,
            pitch_median_hz=pitch.median_hz if pitch else None,
            pitch_high_hz=pitch.high_hz if pitch else None,
            warnings=report.warnings,
        )
