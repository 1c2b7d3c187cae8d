"""What the recording gate measured, and the figures of it that stay with a profile."""

from __future__ import annotations

import math
from dataclasses import dataclass

from voicelet.audio.quality import PitchRange
from voicelet.errors import ProfileError


@dataclass(frozen=True)
class GateReport:
    """What the gate measured.

    Attributes:
        recordings: how many were given.
        total_s: seconds of audio that were read.
        speech_s: seconds of speech kept.
        snr_db: speech over noise, 0..60.
        clipped_fraction: clipped samples per sample of speech.
        level_dbfs: active level before it is normalized.
        pitch: range of the voice, None if nothing is voiced.
        bandwidth_hz: highest frequency that the speech reaches.
        speaker_consistency: cosine between the most different parts, None if not measured.
        phonetic_coverage: part of the language's phones that the text holds, None without a text.
        warnings: what would make the voice better, for the user to read.
        reasons: why it was refused; empty if it was accepted.
        hum_hz: 50 or 60 where the mains hummed in a recording, else None.
        hum_db: level of that hum less that of the speech.
        rumble_db: the same of what else lay below 60 Hz; None if nothing did.
        offset: largest mean of a recording; 1 is full scale.  Hum, rumble and offset are taken out.
        clicks_per_s: clicks in a second of the recordings (they are left in).
    """

    recordings: int
    total_s: float
    speech_s: float
    snr_db: float
    clipped_fraction: float
    level_dbfs: float
    pitch: PitchRange | None
    bandwidth_hz: float
    speaker_consistency: float | None
    phonetic_coverage: float | None = None
    warnings: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    hum_hz: float | None = None
    hum_db: float | None = None
    rumble_db: float | None = None
    offset: float = 0.0
    clicks_per_s: float = 0.0

    @property
    def accepted(self) -> bool:
        """Whether a profile may be made."""
        return not self.reasons


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
