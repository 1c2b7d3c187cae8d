"""Consent of a profile: checking a spoken one, giving or renewing it, withdrawing it.

A record covers everything that shapes the voice.  So an adaptation enters a profile here, too, with
a renewed record, once it was heard that the voice is still its owner's.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle, open_bundle
from voicelet.enrolment.liveness.issued import issued_sentences
from voicelet.errors import ConfigError, ConsentError, ProfileError, VoiceProtectedError
from voicelet.profiles.adaptation import Adaptation
from voicelet.profiles.as_spoken import SpeakingVoice, guard_spoken, is_adapted_for
from voicelet.profiles.profile import Profile, stored_copy
from voicelet.speaker.encoder import RunnableGraph, mean_d_vector, open_encoder
from voicelet.speaker.voice_match import voice_scale
from voicelet.trust.audit.device_log import note
from voicelet.trust.audit.record import Field
from voicelet.trust.consent.linked import linked_consents, same_person, whose
from voicelet.trust.consent.record import ConsentRecord
from voicelet.trust.consent.revocations import Revocation, device_revocations
from voicelet.trust.consent.signers import is_own
from voicelet.trust.consent.statement import Consent, make_record, require_consent
from voicelet.trust.keys.device_key import device_key

_WINDOW_STEP_S = 0.77
_log = logging.getLogger(__name__)


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


def heard_with(consent: Consent, bundle: Bundle) -> Bundle:
    """The bundle whose speaker encoder hears a consent; a spoken one needs one beyond doubt.

    It says whose voice it is, so it is opened anew: by the package or by a key that is pinned on
    this device, not by one that the caller names.

    Raises:
        ConsentError: nobody but the caller vouches for the bundle, or it isn't what is in its
            folder.
        BundleError: it can't be opened any more.
    """
    if consent.spoken is None:
        return bundle
    fresh = open_bundle(Path(os.fspath(bundle.root)))
    if fresh.trusted_by not in ("package", "key") or fresh.manifest != bundle.manifest:
        raise ConsentError(
            f"who reads the sentence can't be heard with the speaker encoder of"
            f" {fresh.manifest.name!r}, which no key that is trusted here signed; enrol with the"
            " packaged voice, pin its key (voicelet voices --trust-key), or give a scripted consent"
        )
    return fresh


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
    profile: Profile,
    consent: Consent,
    *,
    bundle: Bundle | str | Path | None = None,
    voice: SpeakingVoice | None = None,
    others: Iterable[Profile] = (),
) -> Profile:
    """The profile with a new consent record in place of the old one, or of none.

    Args:
        consent: a spoken one is checked to be by the profile's speaker.
        bundle: whose speaker encoder made the profile; None is the one inside the package.
        voice: in place of `bundle`; an adapted profile needs it, to be heard before a consent
            covers what was learnt.  What was learnt for another voice is left out, with a warning.
        others: profiles on the device, whose voices an adapted one must not have.

    Raises:
        LivenessRejectedError: the sentence wasn't read by the profile's speaker; with every reason.
        VoiceProtectedError: it was adapted to be somebody else's voice.
        ConfigError: the profile is adapted, and no voice is given.
        ConsentError: it is no consent, or its sentence wasn't drawn here in the last minutes.
        BundleError: the bundle can't be opened or has no speaker encoder.
        SealError: this device's key can't be had.
    """
    consent = require_consent(consent)
    check_sentence(consent)
    profile = replace(stored_copy(profile), report=profile.report)
    if profile.adaptation is not None and voice is None:
        raise ConfigError(
            f"the profile {profile.name!r} was adapted; give the voice that it speaks with"
            " (voice=Voice.load()), so that it can be heard"
        )
    if consent.spoken is not None:
        source = voice.bundle if voice is not None else bundle
        voice_bundle = source if isinstance(source, Bundle) else open_bundle(source)
        voice_bundle = heard_with(consent, voice_bundle)
        # The mean of its windows is all that a profile keeps; their number says how sure it is.
        count = max(1, round(profile.speech_s / _WINDOW_STEP_S))
        windows = np.tile(np.asarray(profile.d_vector, np.float32), (count, 1))
        check_spoken(consent, windows, open_encoder(voice_bundle))
    bare = replace(profile, consent=None)
    if bare.adaptation is not None and voice is not None and not is_adapted_for(bare, voice.bundle):
        _log.warning(
            "what the profile %r had learnt was for another voice, and is left out; adapt it again"
            " (voicelet adapt)",
            profile.name,
        )
        bare = replace(bare, adaptation=None)
    renewed = replace(bare, consent=make_record(consent, bare.voice_sha256))
    before = profile.consent
    if before is not None:
        renewed = _following(renewed, before)
    if voice is not None and renewed.adaptation is not None:
        guard_spoken(renewed, voice, others)
    replaced: dict[str, Field] = {} if before is None else {"replaces": before.id}
    note_consent("consent", renewed, **replaced)
    return renewed


def follow_consent(profile: Profile, previous: Profile) -> Profile:
    """A profile that was just enrolled here, as the one that takes the place of another.

    Its record then names the other's, so that withdrawing one withdraws both.  Where the two are
    different people's, or another device signed, nothing changes.

    Args:
        previous: of the same name; with no consent record, nothing changes.

    Raises:
        ConsentError: the record isn't genuine.
        SealError: this device's key can't be had.
    """
    record, before = profile.check_record(), previous.consent
    if before is None or same_person(before.speaker) != same_person(record.speaker):
        return profile
    if before.id == record.id or not is_own(record):  # only its signer can add to a record
        return profile
    followed = _following(profile, before)
    note_consent("consent", followed, replaces=before.id)
    return followed


def _following(profile: Profile, before: ConsentRecord) -> Profile:
    """The profile, its record naming those of `before`; what it has no room for ends now."""
    record = profile.check_record()
    # What a stranger's record says it took the place of is their word about others' records.
    replaced = (*(before.replaces if is_own(before) else ()), before.id)
    record = record.following(replaced, device_key())
    for record_id in replaced:
        if record_id not in record.replaces:
            device_revocations().add(record_id, "renewed too often since")
    return replace(profile, consent=record)


def adapt_profile(
    profile: Profile,
    adaptation: Adaptation | None,
    learnt_from: npt.ArrayLike,
    *,
    speech_s: float,
    voice: SpeakingVoice,
    others: Iterable[Profile] = (),
) -> Profile:
    """The profile with what was learnt of its person, and a consent record that covers it.

    The record is the old one, with its id, signed by this device for the voice as it is now: what
    revokes one revokes the other.  Purposes that it may not be used for here don't pass into it.

    Args:
        adaptation: for the bundle of `voice`; None takes off what was learnt before.
        learnt_from: d-vectors [n, 256] of the speech that it was learnt from.
        speech_s: seconds of that speech.
        voice: the profile is heard with it.
        others: profiles on the device, whose voices it must not have.

    Raises:
        VoiceProtectedError: it was learnt from another person, or the profile would speak with
            somebody else's voice.
        ProfileError: its d-vector is by another speaker encoder, or the adaptation is for another
            voice.
        ConsentError, ConsentEndedError: its consent allows nothing here.
        SealError: this device's key can't be had.
    """
    profile = stored_copy(profile)
    purposes = profile.allowed_purposes()
    if adaptation is not None:
        _check_learnt_from(profile, np.asarray(learnt_from, np.float32), speech_s)
    bare = replace(profile, adaptation=adaptation, consent=None)
    record = profile.check_record().renewed(bare.voice_sha256, purposes, device_key())
    adapted = replace(bare, consent=record)
    if adaptation is not None:
        guard_spoken(adapted, voice, others)
    note_consent("consent", adapted, adapted=adaptation is not None)
    return adapted


def _check_learnt_from(profile: Profile, vectors: FloatArray, speech_s: float) -> None:
    scale = voice_scale()
    if profile.encoder_id != scale.encoder_id:
        raise ProfileError(
            f"the profile {profile.name!r} was made by another speaker encoder; enrol it again"
        )
    if vectors.ndim != 2 or vectors.shape[1:] != profile.d_vector.shape or not len(vectors):
        raise ConfigError(
            f"d-vectors of what was learnt from are [n, 256], not {list(vectors.shape)}"
        )
    shorter_s = min(speech_s, profile.speech_s)
    match = scale.match(profile.d_vector, mean_d_vector(vectors), shorter_s)
    if not match.log_likelihood_ratio >= 0.0:
        raise VoiceProtectedError(
            f"these recordings aren't of the person whose voice {profile.name!r} is; a profile"
            " learns from its owner alone"
        )


def revoke_consent(profile: Profile, reason: str = "") -> Revocation:
    """Withdraw a profile's consent on this device, at once and for good.

    Whatever holds the profile, in this process or another, refuses to speak from now on.  So does
    what holds an earlier record of the same consent, in a backup from before a renewal, say: those
    that the record replaced, those that the audit log knows for this name and speaker, and (as soon
    as the vault is opened again) those that its index knows.

    Returns:
        The entry of the present record.

    Raises:
        ConsentError: the profile has no consent record, or the list can't be written.
        SealError: this device's key can't be had.
    """
    if profile.consent is None:
        raise ConsentError(f"the profile {profile.name!r} has no consent to withdraw")
    others = linked_consents(profile.consent, [profile.name])
    revocation = device_revocations().add(profile.consent.id, reason)
    for record_id in others:
        device_revocations().add(record_id, reason)
    note_consent("revoke", profile)
    return revocation


def note_consent(event: str, profile: Profile, **facts: Field) -> None:
    """Note an event of a profile with a consent record in this device's audit log."""
    record = profile.consent
    assert record is not None
    purposes = ",".join(record.purposes)
    details = {"consent": record.id, "method": record.method, "purposes": purposes, **facts}
    note(event, profile=profile.name, **whose(record), **details)
