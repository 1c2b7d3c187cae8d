"""Spoken consent: a fresh sentence, read aloud by the person whose voice is enrolled, just now.

    sentence = consent_sentence()
    ...  # show sentence.text, record it
    report = check_spoken_consent(recording, sentence, gated.windows, encoder=graph)

What each check catches, how well and what it can't is measured in `docs/reference/verification.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.source import Recording, load_recording
from voicelet.bundle import Bundle, open_bundle
from voicelet.enrolment.liveness.sentence import (
    NAMED_DAY,
    ConsentSentence,
    SentenceReader,
    consent_sentence,
    parse_sentence,
)
from voicelet.enrolment.liveness.transcript import NO_FIT, TextFit, text_fit, text_probability
from voicelet.errors import LivenessRejectedError
from voicelet.speaker.encoder import RunnableGraph, embed_windows, mean_d_vector
from voicelet.speaker.origin import (
    LOW_RATE_HZ,
    RATE_HZ,
    RecordingOrigin,
    origin_of,
    speech_16k,
    spoken_refusal,
)
from voicelet.speaker.phone_posteriors import phone_posteriors
from voicelet.speaker.voice_match import VoiceMatch, voice_scale

__all__ = [
    "LivenessConfig",
    "LivenessReport",
    "ConsentSentence",
    "assess_spoken_consent",
    "check_spoken_consent",
    "consent_sentence",
    "parse_sentence",
]

_WINDOW_STEP_S = 0.77


class SentenceText(Protocol):
    """What holds the text of a sentence."""

    @property
    def text(self) -> str:
        """As it was shown to the reader."""


@dataclass(frozen=True)
class LivenessConfig:
    """Where spoken consent is refused; `docs/reference/verification.md` says how each was chosen.

    Attributes:
        min_text_probability: probability below which the sentence counts as not read.
        min_voice_probability: probability (of `voice_match`) below which the reader is another
            person than the one in the recordings.
        min_speech_s: less speech can't hold the sentence.
        max_recording_s: more isn't listened to.
        max_age: of the day that the sentence names; `issued` limits the minutes.
    """

    min_text_probability: float = 0.5
    min_voice_probability: float = 0.5
    min_speech_s: float = 3.0
    max_recording_s: float = 60.0
    max_age: timedelta = NAMED_DAY


DEFAULT_LIVENESS = LivenessConfig()


@dataclass(frozen=True)
class LivenessReport:
    """What the check of a spoken consent found.

    Attributes:
        speech_s: seconds of speech in it.
        text: how well the recording fits the sentence.
        text_probability: that the sentence was read, 0..1.
        voice: how alike its voice and that of the recordings are; None if not measured.
        origin: voicelet's own mark, and signs of synthesis; None if not looked for.
        reasons: why it is refused; empty if it is accepted.
    """

    speech_s: float
    text: TextFit
    text_probability: float
    voice: VoiceMatch | None
    origin: RecordingOrigin | None = None
    reasons: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether a profile may be made."""
        return not self.reasons


def check_spoken_consent(
    recording: Recording,
    sentence: SentenceText,
    enrolment_windows: npt.ArrayLike,
    *,
    encoder: RunnableGraph,
    bundle: Bundle | None = None,
    config: LivenessConfig = DEFAULT_LIVENESS,
    now: datetime | None = None,
) -> LivenessReport:
    """Refuse a consent that wasn't spoken, just now, by the person who is enrolled.

    Args:
        recording: of the sentence, a file or (samples, rate).
        sentence: from :func:`consent_sentence`, or anything that holds its `text`.
        enrolment_windows: d-vectors of the enrolment's speech, [windows, 256]
            (`GatedSpeech.windows`), or a profile's one [1, 256].
        encoder: the bundle's `speaker_encoder` graph.
        bundle: whose lexicon pronounces the sentence; None is the one inside the package.
        now: with a time zone; the present without it.

    Raises:
        LivenessRejectedError: with every reason and its remedy.
        AudioError: the recording isn't audio.
        ConsentError: the sentence isn't one of :func:`consent_sentence`.
    """
    report = assess_spoken_consent(
        recording,
        sentence,
        enrolment_windows,
        bundle=bundle,
        encoder=encoder,
        config=config,
        now=now,
    )
    if not report.accepted:
        raise LivenessRejectedError(list(report.reasons))
    return report


def assess_spoken_consent(
    recording: Recording,
    sentence: SentenceText,
    enrolment_windows: npt.ArrayLike,
    *,
    encoder: RunnableGraph,
    bundle: Bundle | None = None,
    config: LivenessConfig = DEFAULT_LIVENESS,
    now: datetime | None = None,
) -> LivenessReport:
    """As :func:`check_spoken_consent`, but refuse nothing: the report holds the reasons."""
    expected = sentence if isinstance(sentence, ConsentSentence) else parse_sentence(sentence.text)
    audio = load_recording(recording, RATE_HZ, config.max_recording_s)
    wave = audio.samples
    speech = speech_16k(wave)
    speech_s = len(speech) / LOW_RATE_HZ
    report = LivenessReport(speech_s, NO_FIT, 0.0, None)
    if speech_s < config.min_speech_s:
        return replace(
            report,
            reasons=(
                f"it holds {speech_s:.1f} s of speech, too little for the sentence; read all of it"
                " aloud",
            ),
        )
    fit = _fit(wave, expected, bundle or open_bundle(None))
    own = mean_d_vector(embed_windows(encoder, speech))
    windows = np.asarray(enrolment_windows)
    # A single d-vector is a profile's, the mean of many.
    shorter_s = min(speech_s, len(windows) * _WINDOW_STEP_S) if len(windows) > 1 else speech_s
    voice = voice_scale().match(own, mean_d_vector(windows), shorter_s)
    report = replace(report, text=fit, text_probability=text_probability(fit), voice=voice)
    report = replace(report, origin=origin_of(audio.as_recorded))
    return replace(report, reasons=tuple(_reasons(report, expected.age(now), config)))


def _fit(wave: FloatArray, sentence: ConsentSentence, bundle: Bundle) -> TextFit:
    reader = SentenceReader(bundle)
    phones = reader.phones(sentence)
    log_posterior, log_prior = phone_posteriors(wave)
    return text_fit(log_posterior, log_prior, phones, reader.word_phones())


def _reasons(report: LivenessReport, age: timedelta, config: LivenessConfig) -> list[str]:
    reasons = []
    if not timedelta(minutes=-5) <= age <= config.max_age:
        reasons.append("the sentence isn't of today; draw a new one and read that")
    if report.text_probability < config.min_text_probability:
        reasons.append(
            "it isn't the sentence that was asked for; read the words as they are shown, clearly"
            " and with nothing else in the recording"
        )
    if report.voice is not None and report.voice.probability < config.min_voice_probability:
        reasons.append(
            "the sentence was read by another person than the one in the recordings; the person"
            " whose voice it is has to read it"
        )
    origin_reason = spoken_refusal(report.origin) if report.origin is not None else None
    if origin_reason is not None:
        reasons.append(origin_reason)
    return reasons
