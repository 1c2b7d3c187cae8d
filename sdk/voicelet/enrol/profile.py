"""A profile: what enrolment keeps of a person's voice, and its file format.

A profile file is

    "VCLP" · version uint16 · flags uint16 · header length uint32 · body length uint32
    header (UTF-8 JSON) · body · SHA-256 of everything before it

in little-endian order.  The header says what is in the body; readers skip header keys they don't
know, so that consent records and the like can join without a new version.  `flags` is 0 for a plain
body; a bit of it is how a later version marks a sealed one.  The recording itself is not kept.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.gate_report import GateReport
from voicelet.config import from_mapping
from voicelet.enrol.names import check_name
from voicelet.enrol.speaker import D_VECTOR_SIZE, SpeakerStatistics, build_speaker_vector
from voicelet.errors import ConfigError, ProfileError

MAGIC = b"VCLP"
VERSION = 1
MAX_BYTES = 1 << 20
_PREFIX = struct.Struct("<4sHHII")
_DIGEST_SIZE = 32
_MAX_BANDS = 512
_REMEDY = "enrol the voice again, or restore the file from a backup"


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


@dataclass(frozen=True, eq=False)
class Profile:
    """A voice, ready to speak with.

    Attributes:
        name: what the user calls it.
        created: time of enrolment, ISO 8601 in UTC.
        d_vector: float32 [256] of unit length.
        statistics: pitch and long-term spectrum.
        encoder_id: which speaker encoder made the d-vector; profiles of different encoders can't
            be mixed.
        speech_s: seconds of speech it was made from.
        quality: figures of the recording.
        app_version: voicelet that made it.
        report: the gate's full report, for a profile that was just enrolled; it isn't stored.
    """

    name: str
    created: str
    d_vector: FloatArray = field(repr=False)  # a voiceprint has no place in logs
    statistics: SpeakerStatistics = field(repr=False)
    encoder_id: str
    speech_s: float
    quality: QualitySummary
    app_version: str
    report: GateReport | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if not math.isfinite(self.speech_s) or self.speech_s < 0.0:
            raise ProfileError("the seconds of speech of a profile must be a positive number")
        d = np.array(self.d_vector, dtype=np.float32)
        ltas = np.array(self.statistics.ltas, dtype=np.float32)
        if d.shape != (D_VECTOR_SIZE,) or not np.isfinite(d).all():
            raise ProfileError(f"the d-vector of a profile must be {D_VECTOR_SIZE} finite numbers")
        if abs(float(np.linalg.norm(d)) - 1.0) > 1e-2:
            raise ProfileError("the d-vector of a profile must have unit length")
        f0 = (self.statistics.log_f0_mean, self.statistics.log_f0_std)
        if ltas.ndim != 1 or not 0 < len(ltas) <= _MAX_BANDS or not np.isfinite(ltas).all():
            raise ProfileError("the long-term spectrum of a profile must be finite numbers")
        if not np.isfinite(f0).all() or not 3.0 < f0[0] < 7.5 or not 0.0 <= f0[1] < 2.0:
            raise ProfileError("the pitch of a profile is out of range; " + _REMEDY)
        d.setflags(write=False)
        ltas.setflags(write=False)
        object.__setattr__(self, "d_vector", d)
        object.__setattr__(self, "statistics", SpeakerStatistics(*f0, ltas))

    def __eq__(self, other: object) -> bool:
        """Equal when all that is stored is equal."""
        return isinstance(other, Profile) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def speaker_vector(self, mel_mean: npt.ArrayLike, mel_std: npt.ArrayLike) -> FloatArray:
        """The acoustic model's `speaker` input, float32 [size].

        Args:
            mel_mean, mel_std: [n_mels], the bundle's mel statistics.
        """
        return build_speaker_vector(self.d_vector, self.statistics, mel_mean, mel_std)

    def to_bytes(self) -> bytes:
        """The profile as the contents of a file."""
        header = {
            "name": self.name,
            "created": self.created,
            "encoder_id": self.encoder_id,
            "speech_s": self.speech_s,
            "app_version": self.app_version,
            "quality": asdict(self.quality),
            "body": {"d_vector": D_VECTOR_SIZE, "log_f0": 2, "ltas": len(self.statistics.ltas)},
        }
        text = json.dumps(header, ensure_ascii=True, sort_keys=True, allow_nan=False).encode()
        log_f0 = np.array([self.statistics.log_f0_mean, self.statistics.log_f0_std], "<f4")
        body = b"".join(
            part.astype("<f4").tobytes() for part in (self.d_vector, log_f0, self.statistics.ltas)
        )
        data = _PREFIX.pack(MAGIC, VERSION, 0, len(text), len(body)) + text + body
        return data + hashlib.sha256(data).digest()

    @classmethod
    def from_bytes(cls, data: bytes) -> Profile:
        """Inverse of :meth:`to_bytes`.

        Raises:
            ProfileError: not a profile, cut short, changed, or from a newer voicelet.
        """
        header, body = _unpack(data)
        try:
            sizes = header["body"]
            values = np.frombuffer(body, "<f4").astype(np.float32)
            bands = int(sizes["ltas"])
            if sizes["d_vector"] != D_VECTOR_SIZE or len(values) != D_VECTOR_SIZE + 2 + bands:
                raise ProfileError(f"the profile's parts don't fit together; {_REMEDY}")
            f0 = values[D_VECTOR_SIZE : D_VECTOR_SIZE + 2]
            return cls(
                name=_text(header, "name"),
                created=_text(header, "created"),
                d_vector=values[:D_VECTOR_SIZE],
                statistics=SpeakerStatistics(
                    float(f0[0]), float(f0[1]), values[D_VECTOR_SIZE + 2 :]
                ),
                encoder_id=_text(header, "encoder_id"),
                speech_s=float(header["speech_s"]),
                quality=_quality(header["quality"]),
                app_version=_text(header, "app_version"),
            )
        except (KeyError, TypeError, ValueError, OverflowError, ConfigError) as error:
            raise ProfileError(f"the profile's header is damaged ({error}); {_REMEDY}") from error


def now_iso() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _quality(data: Mapping[str, Any]) -> QualitySummary:
    known = {k: v for k, v in dict(data).items() if k in QualitySummary.__dataclass_fields__}
    return from_mapping(QualitySummary, known, "quality")


def _text(header: Mapping[str, Any], key: str) -> str:
    value = header[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Check the frame of a profile file; return its header and body."""
    if len(data) < 6 or data[:4] != MAGIC:
        raise ProfileError(f"this is not a voicelet profile; {_REMEDY}")
    version = int.from_bytes(data[4:6], "little")
    if version > VERSION:
        raise ProfileError(
            f"the profile has version {version} and this voicelet reads up to {VERSION};"
            " update voicelet"
        )
    if len(data) < _PREFIX.size + _DIGEST_SIZE:
        raise ProfileError(f"the profile is cut short; {_REMEDY}")
    _, version, flags, header_size, body_size = _PREFIX.unpack_from(data)
    if version == 0 or flags != 0:
        raise ProfileError(
            f"the profile uses features (version {version}, flags {flags:#x}) that this voicelet"
            " doesn't know; update voicelet"
        )
    expected = _PREFIX.size + header_size + body_size + _DIGEST_SIZE
    if len(data) != expected:
        raise ProfileError(f"the profile has {len(data)} bytes instead of {expected}; {_REMEDY}")
    if hashlib.sha256(data[:-_DIGEST_SIZE]).digest() != data[-_DIGEST_SIZE:]:
        raise ProfileError(f"the profile was changed or damaged (its checksum differs); {_REMEDY}")
    try:
        header = json.loads(data[_PREFIX.size : _PREFIX.size + header_size])
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"the profile's header is damaged; {_REMEDY}") from error
    if not isinstance(header, dict) or body_size % 4:
        raise ProfileError(f"the profile's header is damaged; {_REMEDY}")
    return header, data[_PREFIX.size + header_size : -_DIGEST_SIZE]
