"""Consent: what a caller states before a voice is enrolled, and the record it becomes.

    Consent("Ana Silva", spoken=SpokenConsent("consent.wav", sentence))
    Consent.scripted("Ana Silva", "Ana agreed in writing before surgery", purposes="assistive")

Prefer the first: the speaker reads a random sentence that nobody can have recorded before.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from voicelet.audio.source import Recording
from voicelet.errors import AudioError, ConsentError
from voicelet.trust.consent.clock import remember_time
from voicelet.trust.consent.expiry import check_expiry
from voicelet.trust.consent.record import (
    PURPOSES,
    ConsentRecord,
    check_purposes,
    check_text,
    from_iso,
    to_iso,
    unsigned_record,
    utc_now,
)
from voicelet.trust.consent.revocations import Revocation, Revocations
from voicelet.trust.consent.sentence import check_read_on
from voicelet.trust.keys.device_key import device_key

__all__ = [
    "PURPOSES",
    "REMEDY",
    "Consent",
    "ConsentRecord",
    "Revocation",
    "Revocations",
    "SpokenConsent",
    "make_record",
]

REMEDY = (
    "say who agreed: consent=Consent(speaker, spoken=SpokenConsent(recording, sentence)) with a"
    " sentence of voicelet.consent_sentence(), or Consent.scripted(speaker, why)"
)
MAX_SPOKEN_BYTES = 64 << 20
_log = logging.getLogger(__name__)


class SentenceToRead(Protocol):
    """What the speaker was asked to read; `voicelet.enrolment.liveness.check` makes them."""

    @property
    def text(self) -> str:
        """The words."""


@dataclass(frozen=True)
class _ReadText:
    """The words of a sentence, and nothing that could change."""

    text: str


@dataclass(frozen=True)
class SpokenConsent:
    """The speaker, reading the sentence.

    Attributes:
        recording: of the sentence and nothing else; it is checked, hashed and forgotten.
        sentence: the sentence that the speaker was asked to read.
    """

    recording: Recording = field(repr=False)
    sentence: SentenceToRead

    def __post_init__(self) -> None:
        if not isinstance(getattr(self.sentence, "text", None), str):
            raise ConsentError("a spoken consent needs the sentence that was asked for")
        read = getattr(self.recording, "read", None)
        if read is not None:  # an open file can be read once, and we need it twice
            object.__setattr__(self, "recording", read(MAX_SPOKEN_BYTES + 1))

    def sha256(self) -> str:
        """Hash of the recording: of a file's bytes, or of samples as float32 with their rate.

        Raises:
            AudioError: it can't be read.
        """
        recording = self.recording
        if isinstance(recording, tuple):
            samples, rate_hz = recording
            data = np.ascontiguousarray(samples, "<f4").tobytes() + str(int(rate_hz)).encode()
            if len(data) > MAX_SPOKEN_BYTES:
                raise AudioError("the recording of the consent is far too long; read one sentence")
        else:
            data = _bytes_of(recording)
        return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Consent:
    """What a caller states about the speaker's consent.

    Attributes:
        speaker: whose voice it is.
        spoken: the speaker reading the consent sentence; without it, see :meth:`scripted`.
        given_by: who agreed, if not the speaker: somebody who may agree for them.
        purposes: one or more of `PURPOSES`.
        scope: further limits, in words.
        expires: a day or a moment; None (the default) for a consent that stands until revoked.
        reason: of a scripted consent; see :meth:`scripted`.

    Raises:
        ConsentError: a value is impossible.
    """

    speaker: str
    spoken: SpokenConsent | None = None
    given_by: str = ""
    purposes: str | Iterable[str] = ("own-use",)
    scope: str = ""
    expires: str | date | datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        values = {
            "speaker": check_text("the speaker", self.speaker),
            "given_by": check_text("who gave it", self.given_by or self.speaker),
            "purposes": check_purposes(self.purposes),
            "scope": check_text("the scope", self.scope, empty=True),
            "expires": check_expiry(self.expires),
            "reason": check_text("the reason", self.reason, empty=True),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if self.spoken is not None and not isinstance(self.spoken, SpokenConsent):
            raise ConsentError("spoken must be a SpokenConsent(recording, sentence)")
        if self.spoken is None and not self.reason.strip():
            raise ConsentError("nobody has agreed yet; " + REMEDY)
        if self.spoken is not None and self.reason:
            raise ConsentError("a spoken consent needs no reason; leave it out")

    @classmethod
    def scripted(
        cls,
        speaker: str,
        reason: str,
        *,
        given_by: str = "",
        purposes: str | Iterable[str] = ("own-use",),
        scope: str = "",
        expires: str | date | datetime | None = None,
    ) -> Consent:
        """A consent that was given in another way than by reading a sentence; its record says so.

        For voices banked by a clinic, recordings of people who can no longer speak, and tests.

        Args:
            reason: who agreed, how, and why the sentence wasn't read; it stays in the record.
        """
        return cls(speaker, None, given_by, purposes, scope, expires, reason)


def make_record(consent: Consent, voice_sha256: str, now: datetime | None = None) -> ConsentRecord:
    """Sign a consent for a voice, with this device's key.

    What was spoken must have been checked before (`voicelet.enrol` does).

    Args:
        voice_sha256: of all that shapes the voice, hexadecimal (`Profile.voice_sha256`).

    Raises:
        ConsentError: it isn't a consent, or what was read isn't a sentence of this day.
        AudioError: the recording of the sentence can't be read.
        SealError: the device's key can't be had.
    """
    consent = require_consent(consent)
    spoken = consent.spoken
    record = unsigned_record(
        speaker=consent.speaker,
        given_by=consent.given_by,
        purposes=consent.purposes,
        scope=consent.scope,
        created=to_iso(now or utc_now()),
        expires=consent.expires,
        method="scripted" if spoken is None else "spoken",
        reason=consent.reason,
        sentence="" if spoken is None else check_text("the sentence", spoken.sentence.text),
        audio_sha256="" if spoken is None else spoken.sha256(),
        voice_sha256=voice_sha256,
    )
    if spoken is not None:
        check_read_on(record.sentence, from_iso("the date", record.created))
    signed = record.signed_by(device_key())
    remember_time()
    beyond = [purpose for purpose in record.purposes if record.needs_countersigner(purpose)]
    if beyond:
        _log.warning(
            "a consent that was only written down doesn't serve for %s until somebody who is"
            " trusted here countersigns it (voicelet consent countersign)",
            ", ".join(beyond),
        )
    return signed


def require_consent(consent: object) -> Consent:
    """A plain copy of a consent, which nothing can change while it is checked and signed.

    Every value is read once.  A recording that is a file is read into memory, so that what is
    listened to is what the record's hash is of.

    Raises:
        ConsentError: it isn't a consent; the message says how to make one.
        AudioError: the recording can't be read.
    """
    if not isinstance(consent, Consent):
        missing = "" if consent is None else f" (this is a {type(consent).__name__})"
        raise ConsentError(f"a voice can't be used without its owner's consent{missing}; {REMEDY}")
    spoken = consent.spoken
    if spoken is not None:
        if not isinstance(spoken, SpokenConsent):
            raise ConsentError("spoken must be a SpokenConsent(recording, sentence)")
        spoken = _plain(spoken)
    return Consent(
        consent.speaker,
        spoken,
        consent.given_by,
        consent.purposes,
        consent.scope,
        consent.expires,
        consent.reason,
    )


def _plain(spoken: SpokenConsent) -> SpokenConsent:
    text, recording = spoken.sentence.text, spoken.recording
    if not isinstance(text, str):
        raise ConsentError("a spoken consent needs the sentence that was asked for")
    plain: Recording
    if isinstance(recording, tuple):
        try:
            samples, rate_hz = recording
            plain = (np.array(samples), rate_hz + 0)
        except (ValueError, TypeError) as error:
            raise AudioError(f"the recording isn't (samples, sample rate in Hz): {error}") from None
    else:
        plain = _bytes_of(recording)
    return SpokenConsent(plain, _ReadText("".join(text)))


def _bytes_of(recording: object) -> bytes:
    if isinstance(recording, (bytes, bytearray, memoryview)):
        data = bytes(recording)
    else:
        path = Path(cast("str | Path", recording))
        try:
            with path.open("rb") as file:
                data = file.read(MAX_SPOKEN_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise AudioError(f"{path.name!r}: {reason}; name the recording") from None
    if len(data) > MAX_SPOKEN_BYTES:
        raise AudioError("the recording of the consent is far too long; read one sentence")
    return data
