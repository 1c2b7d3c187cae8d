"""One recording, three questions: the profile's speaker?  made by voicelet?  likely synthetic?"""

from __future__ import annotations

from dataclasses import dataclass

from voicelet.audio.quality import bandwidth_hz, rounded_down
from voicelet.audio.source import Recording, load_recording
from voicelet.bundle import Bundle, open_bundle
from voicelet.errors import AudioError, ProfileError
from voicelet.profiles.profile import Profile
from voicelet.speaker.encoder import embed_windows, mean_d_vector, open_encoder
from voicelet.speaker.origin import (
    LOW_RATE_HZ,
    MAX_LISTENED_S,
    RATE_HZ,
    RecordingOrigin,
    origin_of,
    speech_16k,
)
from voicelet.speaker.voice_match import VoiceMatch, voice_scale

LEAST_SPEECH_S = 1.0
MIN_BANDWIDTH_HZ = 4500.0
"""Below lie telephones, over which the speaker encoder fails."""


@dataclass(frozen=True)
class Verification:
    """What is known of a recording; each answer stands alone.

    Attributes:
        speech_s: seconds of speech in it.
        voice: how alike it and the profile are; None without a profile.
        origin: voicelet's own mark, and signs of synthesis.
        bandwidth_hz: highest frequency that the speech reaches.
    """

    speech_s: float
    voice: VoiceMatch | None
    origin: RecordingOrigin
    bandwidth_hz: float

    @property
    def same_speaker(self) -> bool | None:
        """Whether it is the profile's speaker; None without a profile, or where it can't be said.

        Over a telephone one voice in five is taken for another, so None is the answer there.
        """
        if self.voice is None or self.bandwidth_hz < MIN_BANDWIDTH_HZ:
            return None
        return self.voice.log_likelihood_ratio >= 0.0


def verify_recording(
    recording: Recording, profile: Profile | None = None, *, bundle: Bundle | None = None
) -> Verification:
    """Ask whose voice a recording holds, and whether a machine made it.

        verification = verify_recording("call.wav", Vault().load("ana"))
        verification.same_speaker, verification.origin.made_by_voicelet

    At most three minutes are listened to.  Nothing is stored.

    Args:
        recording: a file, or (samples, rate).
        profile: whose voice it may be.
        bundle: whose speaker encoder is used; None is the one inside the package.

    Raises:
        AudioError: it isn't audio, or holds less than a second of speech.
        ProfileError: the profile was made by another speaker encoder.
        BundleError: the bundle has no speaker encoder.
    """
    audio = load_recording(recording, RATE_HZ, MAX_LISTENED_S)
    speech = speech_16k(audio.samples)
    speech_s = len(speech) / LOW_RATE_HZ
    if speech_s < LEAST_SPEECH_S:
        raise AudioError(
            f"the recording holds {rounded_down(speech_s)} s of speech; {LEAST_SPEECH_S:g} s are"
            " needed to say anything, 5 s to say it well"
        )
    voice = None
    if profile is not None:
        scale = voice_scale()
        if profile.encoder_id != scale.encoder_id:
            raise ProfileError(
                f"the profile {profile.name!r} was made by another speaker encoder"
                f" ({profile.encoder_id}); enrol the voice again"
            )
        own = mean_d_vector(embed_windows(open_encoder(bundle or open_bundle(None)), speech))
        voice = scale.match(profile.d_vector, own, min(speech_s, profile.speech_s))
    bandwidth = bandwidth_hz(speech, LOW_RATE_HZ)
    return Verification(speech_s, voice, origin_of(audio.as_recorded), bandwidth)
