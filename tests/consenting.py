"""Profiles whose owners agreed, for tests."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from voicelet.enrolment.consent import give_consent
from voicelet.profiles.profile import Profile, QualitySummary
from voicelet.speaker.vector import KNOWN_ENCODERS, SpeakerStatistics
from voicelet.trust.consent.record import ConsentRecord
from voicelet.trust.consent.statement import Consent
from voicelet.trust.keys.device_key import device_key
from voicelet.trust.keys.seal import new_signing_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

QUALITY = QualitySummary(40.0, 31.5, 35.0, 0.0, -24.0, 11000.0)
REASON = "made up for a test"


def scripted(speaker: str = "Ana Silva", **options: Any) -> Consent:
    """A scripted consent; options are those of `Consent.scripted`."""
    return Consent.scripted(speaker, REASON, **options)


def agreed(profile: Profile, voice: Any = None, **options: Any) -> Profile:
    """The profile with a consent record of this (the test's own) device."""
    return give_consent(profile, scripted(**options), voice=voice)


def draft(
    name: str = "ana",
    d_vector: npt.ArrayLike | None = None,
    f0_hz: float = 210.0,
    bands: int = 70,
    encoder_id: str = KNOWN_ENCODERS[0],
) -> Profile:
    """A profile without consent, as of file version 1; other names are other people."""
    if d_vector is None:
        d_vector = np.eye(256, dtype=np.float32)[0 if name == "ana" else crc32(name.encode()) % 256]
    return Profile(
        name=name,
        created="2026-01-02T03:04:05Z",
        d_vector=np.asarray(d_vector, np.float32),
        statistics=SpeakerStatistics(
            float(np.log(f0_hz)), 0.2, np.full(bands, -5.0, dtype=np.float32)
        ),
        encoder_id=encoder_id,
        speech_s=31.5,
        quality=QUALITY,
        app_version="0.1.0",
    )


def someone(name: str = "ana", f0_hz: float = 210.0, bands: int = 70, **options: Any) -> Profile:
    """A profile of a made-up voice with its owner's consent."""
    return agreed(draft(name, f0_hz=f0_hz, bands=bands), **options)


def without_consent(profile: Profile) -> Profile:
    """As a file of version 1 would give it."""
    return replace(profile, consent=None)


def foreign(
    profile: Profile, key: Ed25519PrivateKey | None = None, **options: Any
) -> tuple[Profile, str]:
    """The profile with a record that another device signed, and that device's public key.

    Args:
        options: fields of the record that are to be others, and those of `Consent.scripted`.
    """
    names = {f.name for f in fields(ConsentRecord)}
    stated = {k: v for k, v in options.items() if k in ("purposes", "given_by", "scope")}
    record = agreed(replace(profile, consent=None), **stated).check_record()
    changes = {k: v for k, v in options.items() if k in names and k not in stated}
    signed = replace(record, **changes).signed_by(key or new_signing_key())
    return replace(profile, consent=signed), signed.device


def read_aloud(profile: Profile, *purposes: str, **changes: Any) -> Profile:
    """The profile with the record that a sentence read aloud leaves, signed by this device."""
    record = agreed(replace(profile, consent=None), purposes=purposes or "own-use").check_record()
    values: dict[str, Any] = {
        "method": "spoken",
        "reason": "",
        "sentence": random_text(),
        "audio_sha256": "ab" * 32,
    }
    signed = replace(record, **{**values, **changes}).signed_by(device_key())
    return replace(profile, consent=signed)


def random_text() -> str:
    """A sentence that names today."""
    now = datetime.now(timezone.utc)
    ordinal = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
    day = f"{now:%B} {now.day}{ordinal.get(now.day, 'th')}, {now.year}"
    return f"Today is {day}, and I let Voicelet learn my voice: onion, velvet, lantern and copper."
