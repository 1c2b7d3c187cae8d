"""Voicelet: private voice cloning on the device.

    voice = voicelet.Voice.load()
    sentence = voicelet.consent_sentence()  # the speaker reads it aloud
    consent = voicelet.Consent("Ana", voicelet.SpokenConsent("consent.wav", sentence))
    profile = voicelet.enrol(["ana-1.wav"], consent=consent, name="ana")
    audio = voice.synthesize("Hello.", profile=profile)
    for chunk in voice.stream("A long story…", profile=profile):
        play(chunk.samples)

Importing the package opens no file and loads no engine; the names below are found when first used.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from voicelet.errors import VoiceletError

if TYPE_CHECKING:
    from voicelet.enrolment.enrolment import enrol
    from voicelet.enrolment.liveness.check import consent_sentence
    from voicelet.profiles.profile import Profile
    from voicelet.synth import Audio, Chunk, Voice
    from voicelet.trust.consent.statement import Consent, ConsentRecord, SpokenConsent

# ONNX Runtime (1.32 on Linux) keeps a device id and reports to its makers, unless it is told not to
# before it is loaded.  Nothing leaves this device: whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "Chunk",
    "Consent",
    "ConsentRecord",
    "Profile",
    "SpokenConsent",
    "Voice",
    "VoiceletError",
    "__version__",
    "consent_sentence",
    "enrol",
]

_HOMES = {
    "Audio": "voicelet.synth",
    "Chunk": "voicelet.synth",
    "Consent": "voicelet.trust.consent.statement",
    "ConsentRecord": "voicelet.trust.consent.statement",
    "Profile": "voicelet.profiles.profile",
    "SpokenConsent": "voicelet.trust.consent.statement",
    "Voice": "voicelet.synth",
    "consent_sentence": "voicelet.enrolment.liveness.check",
    "enrol": "voicelet.enrolment.enrolment",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
