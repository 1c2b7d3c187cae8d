"""Whose voice is it that a profile speaks with?  The guard for voices that were adapted.

An adaptation (`voicelet adapt`) changes how a profile sounds while its d-vector stays what it was,
so comparing stored d-vectors doesn't show whose voice comes out.  Here the profile says three fixed
sentences, and what is heard is compared with the profile's own d-vector, with the other profiles
and with the protected voices.  Asked wherever an adaptation enters: when it is learnt, when a
consent comes to cover it, and when an adapted profile arrives from another device.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from voicelet.audio.features import FloatArray
from voicelet.audio.source import load_recording
from voicelet.bundle import Bundle
from voicelet.errors import ProfileError, VoiceProtectedError
from voicelet.profiles.guard import guard_voice, same_owner
from voicelet.profiles.profile import Profile
from voicelet.profiles.protected import ProtectedVoices
from voicelet.speaker.encoder import embed_windows, mean_d_vector, open_encoder
from voicelet.speaker.origin import LOW_RATE_HZ, MAX_LISTENED_S, RATE_HZ, speech_16k
from voicelet.speaker.voice_match import voice_scale

PROBE = (
    "The boat left the harbour early, and nobody on the pier saw it go. "
    "We bought fresh bread, yellow cheese and a jar of honey at the market. "
    "Please think about this: which of these four questions should I answer first?"
)
"""What a profile says to be heard: some twelve seconds."""


class Spoken(Protocol):
    """Audio that a voice made; `voicelet.Audio` is one."""

    @property
    def samples(self) -> FloatArray:
        """Mono, [n]."""

    @property
    def sample_rate_hz(self) -> int:
        """Of the samples."""


class SpeakingVoice(Protocol):
    """An open voice; `voicelet.Voice`, which profiles needn't import, is one."""

    @property
    def bundle(self) -> Bundle:
        """What it was opened from."""

    def synthesize(self, text: str, *, profile: Profile, purpose: str) -> Spoken:
        """Speak all of a text, if the profile's owner agreed to that purpose."""


@dataclass(frozen=True)
class SpokenGuardConfig:
    """Where a voice as spoken is refused; `docs/reference/verification.md` has the measurement.

    Attributes:
        min_own: log-likelihood ratio that what is heard is the profile's own person, below which
            an adaptation is another person's.
        min_other: of another person's profile, from which on it is theirs, if it is also more
            like them than like the profile's own person.
    """

    min_own: float = 2.0
    min_other: float = 4.0


DEFAULT_SPOKEN_GUARD = SpokenGuardConfig()
_VOICE = ("voicelet.synth.voice", "Voice")
"""The one class that is believed; profiles can't import it."""


def is_adapted_for(profile: Profile, bundle: Bundle) -> bool:
    """Whether a voice of that bundle speaks with the profile's adaptation."""
    decoder = bundle.manifest.graphs.get("acoustic_decoder")
    if profile.adaptation is None or decoder is None:
        return False
    return profile.adaptation.decoder_sha256 in {form.sha256 for form in decoder.alternatives}


def guard_spoken(
    profile: Profile,
    voice: SpeakingVoice,
    others: Iterable[Profile],
    *,
    lists: Iterable[ProtectedVoices] | None = None,
    config: SpokenGuardConfig = DEFAULT_SPOKEN_GUARD,
) -> None:
    """Refuse an adapted profile that speaks with somebody else's voice.

        guard_spoken(adapted, Voice.load(), Vault().list())

    Takes a second or two: the profile has to speak, by the one way there is, so with its consent,
    the watermark and a line in the audit log.

    Args:
        profile: adapted, for the bundle of `voice`; its record has to allow some use here.
        others: profiles on the device.
        lists: of protected voices; None for all that were loaded on this device.

    Raises:
        VoiceProtectedError: what is heard isn't the profile's person, or is another profile's or a
            protected one.
        ProfileError: the profile isn't adapted for this voice, its d-vector is by another speaker
            encoder, so that nothing can be told, or `voice` is no `voicelet.Voice`.
        BundleError: the bundle has no speaker encoder.
        ConsentError: it may not speak here.
    """
    scale = voice_scale()
    if profile.encoder_id != scale.encoder_id:
        raise ProfileError(
            f"the profile {profile.name!r} was made by another speaker encoder"
            f" ({profile.encoder_id}), so nobody can tell with whose voice it speaks; enrol again"
        )
    if not is_adapted_for(profile, voice.bundle):
        raise ProfileError(
            f"the profile {profile.name!r} was adapted for another voice than this one, so it can't"
            " be heard; name the voice that it was adapted for (--bundle)"
        )
    heard, speech_s = _heard(profile, voice)
    own = scale.match(profile.d_vector, heard, min(speech_s, profile.speech_s))
    if own.log_likelihood_ratio < config.min_own:
        raise VoiceProtectedError(
            f"the profile {profile.name!r} was adapted into another voice than its owner's; adapt"
            " it with the owner's recordings, or enrol it again"
        )
    for other in others:
        if other.encoder_id != scale.encoder_id or same_owner(profile, other):
            continue
        shorter_s = min(speech_s, other.speech_s)
        ratio = scale.match(other.d_vector, heard, shorter_s).log_likelihood_ratio
        if ratio >= config.min_other and ratio > own.log_likelihood_ratio:
            raise VoiceProtectedError(
                f"as it was adapted, the profile {profile.name!r} speaks with the voice of"
                f" {other.name!r}; adapt it with its owner's recordings"
            )
    guard_voice(profile, (), lists=lists, d_vector=heard)


def _heard(profile: Profile, voice: SpeakingVoice) -> tuple[FloatArray, float]:
    """The d-vector [256] of what the profile says, and seconds of speech in it."""
    kind = type(voice)
    if (kind.__module__, kind.__qualname__) != _VOICE:
        raise ProfileError(
            "an adapted profile is heard through a voicelet.Voice itself, not through an object of"
            " another class that says what was heard"
        )
    purpose = profile.allowed_purposes()[0]
    audio = kind.synthesize(voice, PROBE, profile=profile, purpose=purpose)
    recording = (audio.samples, audio.sample_rate_hz)
    speech = speech_16k(load_recording(recording, RATE_HZ, MAX_LISTENED_S).samples)
    vector = mean_d_vector(embed_windows(open_encoder(voice.bundle), speech))
    return vector, len(speech) / LOW_RATE_HZ
