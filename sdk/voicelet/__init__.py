"""Voicelet: private voice cloning on the device.

    voice = voicelet.Voice.load()
    sentence = voicelet.consent_sentence()  # the speaker reads it aloud
    consent = voicelet.Consent("Ana", voicelet.SpokenConsent("consent.wav", sentence))
    profile = voicelet.enrol(["ana-1.wav"], consent=consent, name="ana")
    audio = voice.synthesize("Hello.", profile=profile)
    for chunk in voice.stream("A long story…", profile=profile):
        play(chunk.samples)

The public API is what `__all__` names; docs/reference/python.md describes it.  Importing the
package opens no file and loads no engine; the names below are found when first used.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from voicelet import errors
from voicelet.errors import VoiceletError

if TYPE_CHECKING:
    from voicelet.bundle.store import Bundle, open_bundle
    from voicelet.enrolment.enrolment import enrol
    from voicelet.enrolment.gate import GateConfig
    from voicelet.enrolment.liveness.sentence import consent_sentence
    from voicelet.profiles.backup import backup_profile, restore_profile
    from voicelet.profiles.profile import Profile
    from voicelet.profiles.quality import GateReport
    from voicelet.profiles.vault.vault import Vault
    from voicelet.profiles.verification import Verification, verify_recording
    from voicelet.synth.explain import Explanation, explain
    from voicelet.synth.labelling import write_labelled
    from voicelet.synth.options import SpeechOptions
    from voicelet.synth.types import Audio, Chunk, MarkTiming, WordTiming
    from voicelet.synth.voice import Voice, VoiceInfo
    from voicelet.trust.consent.record import ConsentRecord
    from voicelet.trust.consent.statement import Consent, SpokenConsent
    from voicelet.trust.credentials import FileSigner, device_signer, file_signer, read_credentials
    from voicelet.trust.labels import Label, read_label
    from voicelet.trust.watermark.detect import Detection, detect_watermark
    from voicelet.trust.watermark.thorough import ThoroughSearch

# ONNX Runtime (1.32 on Linux) keeps a device id and reports to its makers, unless it is told not to
# before it is loaded.  Nothing leaves this device: whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "Bundle",
    "Chunk",
    "Consent",
    "ConsentRecord",
    "Detection",
    "Explanation",
    "FileSigner",
    "GateConfig",
    "GateReport",
    "Label",
    "MarkTiming",
    "Profile",
    "SpeechOptions",
    "SpokenConsent",
    "ThoroughSearch",
    "Vault",
    "Verification",
    "Voice",
    "VoiceInfo",
    "VoiceletError",
    "WordTiming",
    "__version__",
    "backup_profile",
    "consent_sentence",
    "detect_watermark",
    "device_signer",
    "enrol",
    "errors",
    "explain",
    "file_signer",
    "open_bundle",
    "read_credentials",
    "read_label",
    "restore_profile",
    "verify_recording",
    "write_labelled",
]

_HOMES = {
    "Audio": "voicelet.synth.types",
    "Bundle": "voicelet.bundle.store",
    "Chunk": "voicelet.synth.types",
    "Consent": "voicelet.trust.consent.statement",
    "ConsentRecord": "voicelet.trust.consent.record",
    "Detection": "voicelet.trust.watermark.detect",
    "Explanation": "voicelet.synth.explain",
    "FileSigner": "voicelet.trust.credentials",
    "GateConfig": "voicelet.enrolment.gate",
    "GateReport": "voicelet.profiles.quality",
    "Label": "voicelet.trust.labels",
    "MarkTiming": "voicelet.synth.types",
    "Profile": "voicelet.profiles.profile",
    "SpeechOptions": "voicelet.synth.options",
    "SpokenConsent": "voicelet.trust.consent.statement",
    "ThoroughSearch": "voicelet.trust.watermark.thorough",
    "Vault": "voicelet.profiles.vault.vault",
    "Verification": "voicelet.profiles.verification",
    "Voice": "voicelet.synth.voice",
    "VoiceInfo": "voicelet.synth.voice",
    "WordTiming": "voicelet.synth.types",
    "backup_profile": "voicelet.profiles.backup",
    "consent_sentence": "voicelet.enrolment.liveness.sentence",
    "detect_watermark": "voicelet.trust.watermark.detect",
    "device_signer": "voicelet.trust.credentials",
    "enrol": "voicelet.enrolment.enrolment",
    "explain": "voicelet.synth.explain",
    "file_signer": "voicelet.trust.credentials",
    "open_bundle": "voicelet.bundle.store",
    "read_credentials": "voicelet.trust.credentials",
    "read_label": "voicelet.trust.labels",
    "restore_profile": "voicelet.profiles.backup",
    "verify_recording": "voicelet.profiles.verification",
    "write_labelled": "voicelet.synth.labelling",
}

if not TYPE_CHECKING:  # a type checker would take every misspelt name for one that this finds

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
