"""From recordings to a profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from voicelet import __version__
from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import FeatureConfig, FloatArray, log_mel
from voicelet.audio.level import normalize_level
from voicelet.audio.source import Recording
from voicelet.bundle import Bundle, open_bundle
from voicelet.bundle.store import read_data
from voicelet.enrolment.consent import check_sentence, check_spoken, heard_with, note_consent
from voicelet.enrolment.gate import (
    DEFAULT_GATE,
    GateConfig,
    GatedSpeech,
    Listen,
    Progress,
    check_recordings,
    require_accepted,
)
from voicelet.errors import ConfigError
from voicelet.profiles.guard import guard_voice
from voicelet.profiles.names import check_name
from voicelet.profiles.profile import Profile, QualitySummary, now_iso
from voicelet.speaker.encoder import RunnableGraph, embed_windows, mean_d_vector, open_encoder
from voicelet.speaker.origin import check_origin
from voicelet.speaker.vector import SpeakerStatistics, speaker_statistics
from voicelet.text.front_end import TextFrontEnd
from voicelet.text.lexicon import Lexicon
from voicelet.text.phonemize import Phonemizer
from voicelet.text.phones import CONSONANTS, ENGLISH_SYMBOLS, VOWELS, PhoneInventory
from voicelet.trust.consent.statement import Consent, make_record, require_consent

# How many of the language's sounds a text holds.


RARE = frozenset("aɑʔᵊᵻɐ")
"""Reduced or foreign sounds and variants that many speakers never make."""


def phonetic_coverage(phones: str, inventory: str) -> float:
    """Part of the common vowels and consonants of `inventory` that occur in `phones`, 0..1."""
    sounds = (set(VOWELS + CONSONANTS) & set(inventory)) - RARE
    return len(sounds & set(phones)) / len(sounds) if sounds else 0.0


def phones_of_text(text: str, bundle: Bundle) -> str:
    """All phones of a text by the bundle's lexicon, unknown words spelled out.

    Raises:
        BundleError: the bundle has no lexicon.
        TextError: the text can't be read.
    """
    phonemizer = Phonemizer(
        Lexicon(read_data(bundle, "lexicon")), None, PhoneInventory(bundle.manifest.phones)
    )
    return " ".join(clause.phones for clause in TextFrontEnd(phonemizer, ssml=False).clauses(text))


GE2E_ENCODER_ID = "ge2e-resemblyzer-1"
"""The encoder whose d-vectors these are; every quantization of it counts as the same."""


class HasBundle(Protocol):
    """An open voice: `voicelet.Voice`, which enrolment needn't import."""

    @property
    def bundle(self) -> Bundle:
        """What it was opened from."""


def measure_speaker(
    speech_24k: FloatArray, features: FeatureConfig = FeatureConfig()
) -> SpeakerStatistics:
    """Pitch and long-term spectrum of speech, by the code that training uses.

    Args:
        speech_24k: float32 [n] at 24 kHz, pauses removed, any level.
    """
    wave = normalize_level(speech_24k, features.sample_rate_hz)
    f0 = estimate_f0(wave, features.sample_rate_hz, features.hop_length)
    return speaker_statistics(log_mel(wave, features), f0, features)


def assess(
    recordings: Sequence[Recording],
    encoder: RunnableGraph,
    *,
    config: GateConfig = DEFAULT_GATE,
    phones: str | None = None,
    inventory: str = ENGLISH_SYMBOLS,
    progress: Progress | None = None,
    listen: Listen | None = None,
) -> GatedSpeech:
    """Run the gate with the speaker encoder, and refuse nothing; see `check_recordings`.

    Args:
        encoder: the bundle's `speaker_encoder` graph.
        phones: what was read, as phones, for the phonetic coverage.
        inventory: all symbols of the voice.
        listen: as in `check_recordings`.
    """

    def embed(speech: FloatArray) -> FloatArray:
        """The slowest step of all reports its own progress."""
        report = None if progress is None else (lambda done: progress(0.6 + 0.3 * done))
        return embed_windows(encoder, speech, report)

    gated = check_recordings(recordings, config, embed, progress, listen)
    if phones is None:
        return gated
    coverage = phonetic_coverage(phones, inventory)
    return replace(gated, report=replace(gated.report, phonetic_coverage=coverage))


def make_profile(
    gated: GatedSpeech,
    name: str,
    consent: Consent,
    encoder: RunnableGraph,
    encoder_id: str = GE2E_ENCODER_ID,
) -> Profile:
    """Make a profile of speech that the gate accepted, if the speaker agrees.

    Args:
        consent: a spoken one is checked against the speech, and its sentence used up.
        encoder: the one that `gated` was made with.

    Raises:
        RecordingRejectedError: the gate refused it; with every reason.
        LivenessRejectedError: the consent wasn't spoken by this speaker; with every reason.
        ConsentError: there is no consent.
        ProfileError: the name can't be a profile's.
    """
    require_accepted(gated.report)
    if gated.windows is None:
        raise ConfigError("a profile needs a speaker encoder; run the gate through `assess`")
    consent = require_consent(consent)
    check_spoken(consent, gated.windows, encoder)
    bare = Profile(
        name=check_name(name),
        created=now_iso(),
        d_vector=mean_d_vector(gated.windows),
        statistics=measure_speaker(gated.speech_24k),
        encoder_id=encoder_id,
        consent=None,  # until it is known what it is given to
        speech_s=gated.report.speech_s,
        quality=QualitySummary.of(gated.report),
        app_version=__version__,
        report=gated.report,
    )
    return replace(bare, consent=make_record(consent, bare.voice_sha256))


def enrol(
    recordings: Sequence[Recording],
    *,
    consent: Consent | None = None,
    name: str | None = None,
    voice: HasBundle | None = None,
    bundle: Bundle | str | Path | None = None,
    text: str | None = None,
    config: GateConfig = DEFAULT_GATE,
    progress: Progress | None = None,
) -> Profile:
    """Make a profile of one person's voice; nothing is stored (see `Vault.save`) or sent anywhere.

        sentence = voicelet.consent_sentence()      # to be read aloud by the speaker
        consent = voicelet.Consent("Ana", voicelet.SpokenConsent("consent.wav", sentence))
        profile = voicelet.enrol(["monday.wav", "tuesday.flac"], consent=consent, name="ana")

    At most 180 s of speech are used, and none is kept.

    Args:
        recordings: files, or (samples, sample_rate_hz) pairs; 30 to 60 s of speech in all is best.
        consent: the speaker's; a spoken one is checked to be by the speaker of the recordings.
        name: of the profile; "unnamed" without one.
        voice: an open `Voice`, whose bundle is used.
        bundle: a bundle or where it is; None is the one inside the package.
        text: what was read, to report how much of the language's sounds it covers.
        config: where the gate refuses and warns.
        progress: called with the fraction done, 0..1.

    Returns:
        The profile; `profile.report` holds the gate's figures and warnings.

    Raises:
        RecordingRejectedError: with every reason and its remedy.
        ProfileError: the name can't be a profile's.
        BundleError: the bundle can't be opened or has no speaker encoder.
        ConfigError: both a voice and a bundle are given.
        ConsentError: nobody has agreed, or the sentence that was read wasn't drawn on this device
            in the last minutes.
        LivenessRejectedError: the consent wasn't spoken by the recordings' speaker, or a recording
            was synthesized.
        VoiceProtectedError: the voice is on a list of protected voices.
        SealError: this device's key, which signs the consent, can't be had.
    """
    given_consent = require_consent(consent)
    check_sentence(given_consent)  # its minutes are counted now, not after the work below
    if voice is not None and bundle is not None:
        raise ConfigError("give either voice or bundle, not both")
    if text is not None and not isinstance(text, str):
        raise ConfigError("text must be a string: what was read in the recordings")
    label = check_name("unnamed" if name is None else name)  # fails before the work, not after it
    source = voice.bundle if voice is not None else bundle
    opened_bundle = source if isinstance(source, Bundle) else open_bundle(source)
    opened_bundle = heard_with(given_consent, opened_bundle)
    encoder = open_encoder(opened_bundle)
    waves: list[tuple[str, FloatArray]] = []
    gated = assess(
        recordings,
        encoder,
        config=config,
        phones=phones_of_text(text, opened_bundle) if text else None,
        inventory=opened_bundle.manifest.phones,
        progress=progress,
        listen=lambda name, wave: waves.append((name, wave)),
    )
    require_accepted(gated.report)
    check_origin(waves)
    profile = make_profile(gated, label, given_consent, encoder)
    guard_voice(profile, ())
    note_consent("enrol", profile, speech_s=round(profile.speech_s, 1))
    return profile
