"""Consent of a profile: checking a spoken one, giving or renewing it, withdrawing it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle, open_bundle
from voicelet.enrolment.liveness.issued import issued_sentences
from voicelet.errors import ConsentError
from voicelet.profiles.profile import Profile
from voicelet.speaker.encoder import RunnableGraph, open_encoder
from voicelet.trust.audit.device_log import note
from voicelet.trust.audit.record import Field
from voicelet.trust.consent.revocations import Revocation, device_revocations
from voicelet.trust.consent.statement import Consent, make_record, require_consent

_WINDOW_STEP_S = 0.77


def check_sentence(consent: Consent) -> None:
    """Refuse a spoken consent whose sentence this device didn't ask for in the last minutes.

    To be called as soon as the recording is handed over: the minutes of work that may follow don't
    count against the speaker.

    Args:
        consent: a scripted one has no sentence and passes.

    Raises:
        ConsentError: the sentence is unknown, used already or too old; with the remedy.
    """
    if consent.spoken is not None:
        issued_sentences().check(consent.spoken.sentence.text)


def check_spoken(consent: Consent, windows: FloatArray, encoder: RunnableGraph) -> None:
    """Check a spoken consent: the right words, by the enrolling person, not synthesized.

    Its sentence is used up if the consent is accepted; :func:`check_sentence` is called before.

    Args:
        consent: a scripted one has no recording and passes.
        windows: d-vectors of the enrolment [n, 256].
        encoder: the one that made them.

    Raises:
        LivenessRejectedError: with every reason.
        ConsentError: the sentence isn't one that was drawn, was used already, meanwhile or too
            often, or can't be used up because the disk is full.
        AudioError: the recording can't be read.
    """
    if consent.spoken is None:
        return
    from voicelet.enrolment.liveness.check import check_spoken_consent

    spoken, issued = consent.spoken, issued_sentences()
    issued.take_try(spoken.sentence.text)
    check_spoken_consent(spoken.recording, spoken.sentence, windows, encoder=encoder)
    issued.use(spoken.sentence.text)


def give_consent(
    profile: Profile, consent: Consent, *, bundle: Bundle | str | Path | None = None
) -> Profile:
    """The profile with a new consent record in place of the old one, or of none.

    Args:
        consent: a spoken one is checked to be by the profile's speaker.
        bundle: whose speaker encoder made the profile; None is the one inside the package.

    Raises:
        LivenessRejectedError: the sentence wasn't read by the profile's speaker; with every reason.
        ConsentError: it is no consent, or its sentence wasn't drawn here in the last minutes.
        BundleError: the bundle can't be opened or has no speaker encoder.
        SealError: this device's key can't be had.
    """
    check_sentence(require_consent(consent))
    if consent.spoken is not None:
        voice_bundle = bundle if isinstance(bundle, Bundle) else open_bundle(bundle)
        # The mean of its windows is all that a profile keeps; their number says how sure it is.
        count = max(1, round(profile.speech_s / _WINDOW_STEP_S))
        windows = np.tile(np.asarray(profile.d_vector, np.float32), (count, 1))
        check_spoken(consent, windows, open_encoder(voice_bundle))
    renewed = replace(profile, consent=make_record(consent, profile.voice_sha256))
    note_consent("consent", renewed)
    return renewed


def revoke_consent(profile: Profile, reason: str = "") -> Revocation:
    """Withdraw a profile's consent on this device, at once and for good.

    Whatever holds the profile, in this process or another, refuses to speak from now on.

    Raises:
        ConsentError: the profile has no consent record, or the list can't be written.
        SealError: this device's key can't be had.
    """
    if profile.consent is None:
        raise ConsentError(f"the profile {profile.name!r} has no consent to withdraw")
    revocation = device_revocations().add(profile.consent.id, reason)
    note_consent("revoke", profile)
    return revocation


def note_consent(event: str, profile: Profile, **facts: Field) -> None:
    """Note an event of a profile with a consent record in this device's audit log."""
    record = profile.consent
    assert record is not None
    purposes = ",".join(record.purposes)
    details = {"consent": record.id, "method": record.method, "purposes": purposes, **facts}
    note(event, profile=profile.name, given_by=record.given_by, **details)
