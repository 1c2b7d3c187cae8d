"""Bounds of the corpus checker, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from voicelet.errors import ConfigError

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class CheckConfig:
    """What is an error and what a warning.

    Attributes:
        least_rate_hz: sample rate below which a recording is an error.
        least_bandwidth_hz: a warning where speech reaches no higher.
        clipped_warning, clipped_error: share of samples in flattened peaks.
        snr_warning_db, snr_error_db: estimated ratio of speech to noise.
        most_dc: mean of the samples, of full scale.
        least_level_dbfs: active level.
        most_edge_s: silence before and after the speech, each.
        least_speech: share of the recording that is speech.
        min_seconds, max_seconds: what preparation leaves out.
        letters_per_second: least and most letters in a second of speech; beyond is an error, for
            nobody speaks so.
        rate_outlier: distance of the log of that from the corpus's median, in robust standard
            deviations, beyond which a text is suspected not to be what is said.
        align_error: mean log posterior of an aligned recording below which its text is wrong; a
            fit that training would drop is a warning.
    """

    least_rate_hz: int = 16000
    least_bandwidth_hz: float = 5500.0
    clipped_warning: float = 0.0005
    clipped_error: float = 0.01
    snr_warning_db: float = 20.0
    snr_error_db: float = 8.0
    most_dc: float = 0.02
    least_level_dbfs: float = -45.0
    most_edge_s: float = 1.5
    least_speech: float = 0.4
    min_seconds: float = 0.4
    max_seconds: float = 30.0
    letters_per_second: tuple[float, float] = (3.0, 35.0)
    rate_outlier: float = 4.0
    align_error: float = -3.6

    def __post_init__(self) -> None:
        if not 0.0 <= self.clipped_warning <= self.clipped_error:
            raise ConfigError("clipped_warning must not be above clipped_error")
        if self.snr_error_db > self.snr_warning_db:
            raise ConfigError("snr_error_db must not be above snr_warning_db")
        if not 0.0 < self.letters_per_second[0] < self.letters_per_second[1]:
            raise ConfigError("letters_per_second must be two rising numbers above 0")
        if not 0.0 <= self.min_seconds < self.max_seconds:
            raise ConfigError("min_seconds must be less than max_seconds")


DEFAULT_CHECK = CheckConfig()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        id: of the utterance, "" for the whole corpus.
        check: its kind, such as "clipping".
        value: the figure behind it, where there is one.
        message: what is wrong, and what to do.
    """

    id: str
    check: str
    severity: Severity
    message: str
    value: float | None = None
