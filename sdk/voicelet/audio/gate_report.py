"""What the recording gate is told, and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from voicelet.audio.quality import PitchRange
from voicelet.audio.vad import VadConfig
from voicelet.errors import ConfigError

MAX_REFERENCE_S = 180.0
"""No more of anybody's speech is ever used for a profile, whatever a caller asks for: a voice
needs less than a minute, and who has hours of somebody's speech isn't their speaker."""


@dataclass(frozen=True)
class GateConfig:
    """Where the gate refuses and where it warns; `docs/research/enrolment.md` has the reasons.

    Attributes:
        min_speech_s: less speech is refused.
        warn_speech_s: less speech is warned about.
        max_speech_s: only so much speech counts; at most 180.
        max_recording_s: of each file only so much is read.
        max_clipped_fraction, warn_clipped_fraction: clipped samples per sample of speech.
        min_snr_db, warn_snr_db: speech over background noise.
        silence_dbfs: recordings whose loud frames stay below hold nothing.
        warn_level_dbfs: active level below which a recording is called quiet.
        warn_bandwidth_hz: bandwidth below which a recording is called dull.
        min_consistency: cosine between the two most different parts of the speech below which
            they are taken for two people; from 12 s of speech on.
        min_consistency_short: the same for recordings of up to 6 s; in between, in proportion.
        vad: how speech is found.
    """

    min_speech_s: float = 3.0
    warn_speech_s: float = 15.0
    max_speech_s: float = MAX_REFERENCE_S
    max_recording_s: float = 900.0
    max_clipped_fraction: float = 0.005
    warn_clipped_fraction: float = 0.0005
    min_snr_db: float = 10.0
    warn_snr_db: float = 18.0
    silence_dbfs: float = -65.0
    warn_level_dbfs: float = -42.0
    warn_bandwidth_hz: float = 6500.0
    min_consistency: float = 0.74
    min_consistency_short: float = 0.73
    vad: VadConfig = field(default_factory=VadConfig)

    def __post_init__(self) -> None:
        if not 0.0 < self.min_speech_s <= self.max_speech_s:
            raise ConfigError("GateConfig: need 0 < min_speech_s <= max_speech_s")
        if not self.max_speech_s <= MAX_REFERENCE_S:
            raise ConfigError(
                f"GateConfig: max_speech_s may be {MAX_REFERENCE_S:g} at most; no more of a"
                " person's speech is used"
            )
        if not self.max_recording_s > 0.0:
            raise ConfigError("GateConfig: max_recording_s must be positive")

    def consistency_threshold(self, speech_s: float) -> float:
        """Cosine below which `speech_s` seconds of speech are taken for two people's."""
        weight = float(np.clip((speech_s - 6.0) / 6.0, 0.0, 1.0))
        return self.min_consistency_short + weight * (
            self.min_consistency - self.min_consistency_short
        )


DEFAULT_GATE = GateConfig()


@dataclass(frozen=True)
class GateReport:
    """What the gate measured.

    Attributes:
        recordings: how many were given.
        total_s: seconds of audio that were read.
        speech_s: seconds of speech kept.
        snr_db: speech over noise, 0..60.
        clipped_fraction: clipped samples per sample of speech.
        level_dbfs: active level before it is normalised.
        pitch: range of the voice, None if nothing is voiced.
        bandwidth_hz: highest frequency that the speech reaches.
        speaker_consistency: cosine between the most different parts, None if not measured.
        phonetic_coverage: part of the language's phones that the text holds, None without a text.
        warnings: what would make the voice better, for the user to read.
        reasons: why it was refused; empty if it was accepted.
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

    @property
    def accepted(self) -> bool:
        """Whether a profile may be made."""
        return not self.reasons
