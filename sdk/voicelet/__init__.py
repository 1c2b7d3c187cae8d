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
    from voicelet.enrol import Profile, enrol
    from voicelet.enrol.liveness import consent_sentence
    from voicelet.synth import Audio, Chunk, Voice
    from voicelet.trust.consent import Consent, ConsentRecord, SpokenConsent

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
    "Consent": "voicelet.trust.consent",
    "ConsentRecord": "voicelet.trust.consent",
    "Profile": "voicelet.enrol",
    "SpokenConsent": "voicelet.trust.consent",
    "Voice": "voicelet.synth",
    "consent_sentence": "voicelet.enrol.liveness",
    "enrol": "voicelet.enrol",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOMES[name])
    if home.__name__ == f"{__name__}.{name}":
        return home  # `voicelet.enrol` is a package that can be called; it must stay a package
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
