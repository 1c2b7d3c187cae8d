"""A profile: what enrolment keeps of a person's voice, and its file format.

A profile file is

    "VCLP" · version uint16 · flags uint16 · header length uint32 · body length uint32
    header (UTF-8 JSON) · body · SHA-256 of everything before it

in little-endian order.  The header says what is in the body; readers skip header keys they don't
know.  From version 2 on it holds the consent record.  Files of version 1 have none: they are read,
so that no voice is lost, but can't speak until they are given one.  `flags` is 0 for a plain body.
The recording itself is not kept.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import shlex
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.config import from_mapping, unique_keys
from voicelet.errors import ConfigError, ConsentEndedError, ConsentError, ProfileError
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.names import check_name
from voicelet.profiles.quality import GateReport, QualitySummary
from voicelet.profiles.shape import shaping_sha256
from voicelet.speaker.vector import (
    D_VECTOR_SIZE,
    KNOWN_ENCODERS,
    SpeakerStatistics,
    build_speaker_vector,
)
from voicelet.trust.consent.record import VOICEPRINT_ONLY, ConsentRecord
from voicelet.trust.consent.revocations import device_revocations
from voicelet.trust.consent.signers import check_authority

__all__ = ["MAX_BYTES", "Profile", "QualitySummary", "check_encoder", "now_iso", "stored_copy"]

MAGIC = b"VCLP"
VERSION = 2
_WITHOUT_CONSENT = 1
_WARN_DAYS = 30.0
MAX_BYTES = 1 << 20
_PREFIX = struct.Struct("<4sHHII")
_DIGEST_SIZE = 32
_MAX_BANDS = 512
_REMEDY = "enrol the voice again, or restore the file from a backup"
_log = logging.getLogger(__name__)


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
        app_version: the version of voicelet that made it.
        consent: its owner's; None only for files of version 1, which can't speak.
        adaptation: what `voicelet adapt` learnt of the person, if it did.
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
    consent: ConsentRecord | None = field(default=None, repr=False)
    adaptation: Adaptation | None = field(default=None, repr=False)
    report: GateReport | None = field(default=None, repr=False)
    _warned: bool = field(default=False, init=False, repr=False)
    _warned_unadapted: bool = field(default=False, init=False, repr=False)

    def __init_subclass__(cls, **options: Any) -> None:
        raise TypeError("a Profile can't be subclassed; keep what you add beside it")

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Profiles aren't pickled: whoever writes a pickle decides what comes out of it.

        Raises:
            ProfileError: always.
        """
        raise ProfileError(
            "a profile can't be pickled or sent to another process so; keep it in a vault, or send"
            " to_bytes() and call Profile.from_bytes() there"
        )

    def __copy__(self) -> Profile:
        return self  # it doesn't change

    def __deepcopy__(self, memo: Any) -> Profile:
        return self

    def __post_init__(self) -> None:
        if not (
            _is_text(self.created) and _is_text(self.encoder_id) and _is_text(self.app_version)
        ):
            raise ProfileError(f"the texts of a profile must be Unicode; {_REMEDY}")
        if not (self.consent is None or type(self.consent) is ConsentRecord):
            raise ConsentError("the consent of a profile must be a ConsentRecord")
        if not (self.adaptation is None or type(self.adaptation) is Adaptation):
            raise ProfileError("the adaptation of a profile must be an Adaptation")
        object.__setattr__(self, "name", check_name(self.name))  # composed, once and for all
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
        # Arrays of bytes can't be made writable again.
        d, ltas = (np.frombuffer(values.tobytes(), np.float32) for values in (d, ltas))
        object.__setattr__(self, "d_vector", d)
        object.__setattr__(self, "statistics", SpeakerStatistics(*f0, ltas))
        if self.consent is not None and self.consent.voice_sha256 != self._bound(self.consent):
            of_voiceprint = self.consent.version == VOICEPRINT_ONLY or self.adaptation is None
            raise ConsentError(
                f"the consent record in the profile {self.name!r} is another voice's;"
                " ask for consent to this one"
                if of_voiceprint
                else f"the consent record in the profile {self.name!r} doesn't cover how the voice"
                " was adapted; adapt it again (voicelet adapt), which renews the record"
            )

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

    @property
    def voice_sha256(self) -> str:
        """Hash of all that shapes the voice, which binds a consent record; 64 hexadecimal digits.

        See :func:`voicelet.profiles.shape.shaping_sha256`.  Computed anew each time, for a
        hash that is remembered may be of what the object was before.
        """
        return shaping_sha256(self)

    @property
    def voiceprint_sha256(self) -> str:
        """Hash of the voiceprint alone, to which records of version 1 are bound."""
        digest = hashlib.sha256(b"voicelet-voice-1\n" + self.encoder_id.encode("utf-8") + b"\n")
        digest.update(_body(self.d_vector, self.statistics))
        return digest.hexdigest()

    @property
    def agreed_adaptation(self) -> Adaptation | None:
        """The adaptation, if the consent record covers it.

        Records of version 1 cover none: the voice then speaks without it, and a warning says how
        to have it back.
        """
        if self.adaptation is None or self.consent is None:
            return None
        if self.consent.version != VOICEPRINT_ONLY:
            return self.adaptation
        if not self._warned_unadapted:
            object.__setattr__(self, "_warned_unadapted", True)
            _log.warning(
                "the consent to the profile %r doesn't cover what was learnt of the voice later, so"
                " it speaks unadapted; voicelet consent renew %s",
                self.name,
                shlex.quote(self.name),
            )
        return None

    def check_record(self) -> ConsentRecord:
        """Return the consent record if there is one and it is genuine; it may have ended.

        The signature is checked every time (0.2 ms): what an object remembers can be changed.

        Raises:
            ConsentError: there is none, it was changed, or it is another voice's.
        """
        record = self.consent
        if record is None:
            raise ConsentError(
                f"the profile {self.name!r} has no consent record (it was made before there were"
                f" any); its owner can give one: voicelet consent add {shlex.quote(self.name)}"
            )
        record.verify(self._bound(record))
        return record

    def check_consent(self, purpose: str = "own-use", now: datetime | None = None) -> None:
        """Raise unless its owner agreed to this use, and still does.

        Purpose, expiry and revocation are checked each time, in about 0.2 ms.  A warning is
        logged when the consent is about to expire.

        Args:
            purpose: see `voicelet.trust.consent.statement.PURPOSES`.

        Raises:
            ConsentEndedError: the consent has expired or was revoked.
            ConsentError: see :meth:`check_record`; it doesn't cover the purpose, or whoever signed
                it isn't trusted with it here (`voicelet.trust.consent.signers`).
            ProfileError: see :func:`check_encoder`.
        """
        check_encoder(self)
        record, label = self.check_record(), f"the profile {self.name!r}"
        try:
            device_revocations().check(record)
            record.check(purpose, now)
        except ConsentEndedError as error:
            raise ConsentEndedError(
                f"{label} may not speak: {error} {shlex.quote(self.name)}"
            ) from None
        try:
            check_authority(record, purpose, now=now, name=self.name)
        except ConsentError as error:
            raise ConsentError(f"{label} may not speak: {error}") from None
        days_left = record.days_left(now)
        if days_left is not None and days_left < _WARN_DAYS and not self._warned:
            object.__setattr__(self, "_warned", True)
            _log.warning(
                "the consent for %s ends in %.0f days, and then it stops speaking;"
                " voicelet consent renew %s",
                label,
                days_left,
                shlex.quote(self.name),
            )

    def allowed_purposes(self, now: datetime | None = None) -> tuple[str, ...]:
        """What it may speak for here and now: those of its record's purposes that pass all checks.

        Raises:
            ConsentError, ConsentEndedError: none; as :meth:`check_consent` for the first of them.
        """
        allowed: list[str] = []
        refusals: list[ConsentError] = []
        for purpose in self.check_record().purposes:
            try:
                self.check_consent(purpose, now)
                allowed.append(purpose)
            except ConsentError as error:
                refusals.append(error)
        if not allowed:
            raise refusals[0]
        return tuple(allowed)

    def _bound(self, record: ConsentRecord) -> str:
        """What a record has to be bound to, to be this profile's."""
        of_old = record.version == VOICEPRINT_ONLY
        return self.voiceprint_sha256 if of_old else self.voice_sha256

    def to_bytes(self) -> bytes:
        """The profile as the contents of a file; of version 1 if it has no consent record."""
        header: dict[str, Any] = {
            "name": self.name,
            "created": self.created,
            "encoder_id": self.encoder_id,
            "speech_s": self.speech_s,
            "app_version": self.app_version,
            "quality": asdict(self.quality),
            "body": {"d_vector": D_VECTOR_SIZE, "log_f0": 2, "ltas": len(self.statistics.ltas)},
        }
        body = _body(self.d_vector, self.statistics)
        if self.adaptation is not None:
            header["adaptation"] = self.adaptation.to_header()
            header["body"]["adaptation"] = len(self.adaptation.condition_shift)
            body += self.adaptation.to_body()
        version = _WITHOUT_CONSENT
        if self.consent is not None:
            header["consent"] = self.consent.to_dict()
            version = VERSION
        text = json.dumps(header, ensure_ascii=True, sort_keys=True, allow_nan=False).encode()
        data = _PREFIX.pack(MAGIC, version, 0, len(text), len(body)) + text + body
        return data + hashlib.sha256(data).digest()

    @classmethod
    def from_bytes(cls, data: bytes) -> Profile:
        """Inverse of :meth:`to_bytes`.

        Raises:
            ProfileError: not a profile, cut short, changed, or from a newer voicelet; or its
                consent record is missing, damaged or another voice's.  (Its signature is
                :meth:`check_consent`'s matter.)
        """
        version, header, body = _unpack(data)
        try:
            sizes = header["body"]
            bands = int(sizes["ltas"])
            voice_size = 4 * (D_VECTOR_SIZE + 2 + bands)
            adaptation_body, size = body[voice_size:], int(sizes.get("adaptation", 0))
            values = np.frombuffer(body[:voice_size], "<f4").astype(np.float32)
            if bool(adaptation_body) != bool(size):
                raise ProfileError(f"the profile's parts don't fit together; {_REMEDY}")
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
                adaptation=Adaptation.read(header["adaptation"], size, adaptation_body)
                if size
                else None,
                consent=None if version == _WITHOUT_CONSENT else _consent(header),
            )
        except ConsentError as error:
            raise ProfileError(f"{error}; {_REMEDY}") from error
        except (KeyError, TypeError, ValueError, OverflowError, ConfigError) as error:
            raise ProfileError(f"the profile's header is damaged ({error}); {_REMEDY}") from error


def check_encoder(profile: Profile) -> None:
    """Raise unless a profile's d-vector is one that can be compared with others'.

    With any other encoder's, nobody could tell whose voice it is, and no guard would hold.

    Raises:
        ProfileError: an unknown speaker encoder made it.
    """
    if profile.encoder_id not in KNOWN_ENCODERS:
        raise ProfileError(
            f"the profile {profile.name!r} was made by a speaker encoder that this voicelet doesn't"
            f" know ({profile.encoder_id[:60]!r}), so nobody can tell whose voice it is; enrol the"
            " voice again, or update voicelet"
        )


def stored_copy(profile: Profile) -> Profile:
    """The profile, written and read again as if it came from its file; what is checked and used.

    Whatever was done to the object (attributes that were set past its being frozen, hashes that it
    remembers of another voice, strings that claim to equal all others) is either in the copy, whose
    record is then checked against it, or gone.  Takes half a millisecond.

    Raises:
        ProfileError: it isn't a profile, or a file couldn't hold it.
        ConsentError: its record is another voice's.
    """
    if type(profile) is not Profile:
        raise ProfileError(
            f"a profile is needed, not {type(profile).__name__}; make one with enrol()"
        )
    return Profile.from_bytes(Profile.to_bytes(profile))


def now_iso() -> str:
    """The time in UTC, ISO 8601 to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(d_vector: FloatArray, statistics: SpeakerStatistics) -> bytes:
    """float32, little-endian: d-vector [256], mean and deviation of log f0, spectrum [bands]."""
    log_f0 = np.array([statistics.log_f0_mean, statistics.log_f0_std], "<f4")
    parts = (d_vector, log_f0, np.asarray(statistics.ltas))
    return b"".join(part.astype("<f4").tobytes() for part in parts)


def _consent(header: Mapping[str, Any]) -> ConsentRecord:
    if "consent" not in header:
        raise ConsentError("the profile's consent record was taken out")
    return ConsentRecord.from_dict(header["consent"])


def _quality(data: Mapping[str, Any]) -> QualitySummary:
    fields = {k: v for k, v in dict(data).items() if k in QualitySummary.__dataclass_fields__}
    return from_mapping(QualitySummary, fields, "quality")


def _text(header: Mapping[str, Any], key: str) -> str:
    value = header[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value


def _is_text(value: object) -> bool:
    """Whether it is a string that can be written as UTF-8: JSON may hold lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _unpack(data: bytes) -> tuple[int, dict[str, Any], bytes]:
    """Check the frame of a profile file; return its version, header and body."""
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
        text = data[_PREFIX.size : _PREFIX.size + header_size]
        header = json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"the profile's header is damaged; {_REMEDY}") from error
    if not isinstance(header, dict) or body_size % 4:
        raise ProfileError(f"the profile's header is damaged; {_REMEDY}")
    return version, header, data[_PREFIX.size + header_size : -_DIGEST_SIZE]
