"""Spoken consent: sentences that nobody can foresee, read by the right person, not by a machine."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import voicelet
from voicelet.audio.source import load_recording
from voicelet.bundle import open_bundle
from voicelet.enrolment.liveness.check import (
    assess_spoken_consent,
    check_spoken_consent,
    parse_sentence,
)
from voicelet.enrolment.liveness.sentence import (
    ConsentSentence,
    SentencePhones,
    SentenceReader,
    entropy_bits,
    random_sentence,
    word_list,
)
from voicelet.enrolment.liveness.transcript import NO_FIT, text_fit, text_probability
from voicelet.errors import ConsentError, LivenessRejectedError
from voicelet.speaker.encoder import embed_windows, open_encoder
from voicelet.speaker.origin import speech_16k
from voicelet.speaker.phone_posteriors import phone_posteriors
from voicelet.text.phones import ENGLISH_SYMBOLS, PhoneInventory

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=timezone.utc)
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(scope="module")
def reader() -> SentenceReader:
    return SentenceReader(open_bundle(None))


def test_a_sentence_is_random_and_names_product_and_day() -> None:
    first, second = random_sentence(NOW), random_sentence(NOW)
    assert first.words != second.words
    assert "November 23rd, 2026" in first.text and "Voicelet" in first.text
    assert entropy_bits() > 40
    assert len(set(first.words)) == 6 and set(first.words) <= set(word_list())
    assert random_sentence(NOW, random.Random(4)) == random_sentence(NOW, random.Random(4))


@pytest.mark.parametrize(("day", "said"), [(1, "1st"), (2, "2nd"), (13, "13th"), (31, "31st")])
def test_days_are_written_as_they_are_said(day: int, said: str) -> None:
    assert f"December {said}, " in random_sentence(NOW.replace(month=12, day=day)).text


def test_every_word_of_the_list_can_be_pronounced_and_told_from_the_others(
    reader: SentenceReader,
) -> None:
    phones = reader.word_phones()
    assert len(phones) == len(word_list()) == len(set(phones))
    for start in range(0, len(word_list()) - 6, 6):  # all of them, six at a time
        words = word_list()[start : start + 6]
        text = random_sentence(NOW).text.partition(":")[0]
        sentence = ConsentSentence(f"{text}: {', '.join(words[:5])} and {words[5]}.", words, "")
        found = reader.phones(sentence)
        said = [found.phones[a:b] for a, b in found.slots]
        for one, alone in zip(said, phones[start:], strict=False):
            assert one in (alone, alone + "ɹ")  # a final r is drawn over to a following vowel


def test_a_sentence_comes_back_from_its_text() -> None:
    sentence = random_sentence(NOW)
    again = parse_sentence(f" {sentence.text}\n")
    assert again.words == sentence.words and again.text == sentence.text
    assert abs(again.age(NOW)) < timedelta(hours=24)


@given(st.data())
def test_what_isnt_such_a_sentence_is_refused(data: st.DataObject) -> None:
    text = random_sentence(NOW, random.Random(1)).text
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters())
    changed = text[:place] + letter + text[place + 1 :]
    for wrong in (changed, text[:place], data.draw(st.text())):
        try:
            found = parse_sentence(wrong)
        except ConsentError:
            continue
        assert set(found.words) <= set(word_list()) and len(found.words) == 6


def test_a_sentence_put_together_by_hand_is_refused(reader: SentenceReader) -> None:
    with pytest.raises(ConsentError, match="hold its own words"):
        reader.phones(ConsentSentence("Say this.", ("apple",), "2026-11-23T09:30:00Z"))
    with pytest.raises(ConsentError, match="no random words"):
        reader.phones(ConsentSentence("Say this.", (), "2026-11-23T09:30:00Z"))
    with pytest.raises(ConsentError, match="no sound time"):
        ConsentSentence("Say this.", ("this",), "yesterday").age(NOW)


def test_phone_posteriors_are_probabilities() -> None:
    samples = load_recording(SAMPLES / "reader-1.opus", 24000, 60.0).samples
    log_posterior, log_prior = phone_posteriors(samples)
    assert log_posterior.shape == (len(samples) // 300, len(ENGLISH_SYMBOLS))
    np.testing.assert_allclose(np.exp(log_posterior).sum(axis=1), 1.0, atol=1e-4)
    assert np.isclose(np.exp(log_prior).sum(), 1.0, atol=1e-3)


def person() -> np.ndarray:
    """A real person, reading the sample sentences one after the other, at 24 kHz."""
    files = sorted(SAMPLES.glob("reader-*.opus"))
    return np.concatenate([load_recording(f, 24000, 60.0).samples for f in files])


def test_a_person_reading_the_right_words_is_told_from_the_wrong_ones(
    reader: SentenceReader,
) -> None:
    """A real recording: its own words, and words of the list in their places."""
    rows = [r.split("|") for r in (SAMPLES / "README.md").read_text("utf-8").splitlines()]
    said = ". ".join(r[3].strip() for r in rows if len(r) > 3 and "reader-" in r[1]) + "."
    log_posterior, log_prior = phone_posteriors(person())
    words = ("great", "certainly", "course", "reason", "allowed", "business", "please", "friends")
    sentence = reader.phones(ConsentSentence(said, words, ""))
    listed = reader.word_phones()
    right = text_fit(log_posterior, log_prior, sentence, listed)
    assert text_probability(right) > 0.9
    phones, slots, last = "", [], 0
    for (start, end), word in zip(sentence.slots, listed[17::30]):
        phones += sentence.phones[last:start]
        slots.append((len(phones), len(phones) + len(word)))
        phones, last = phones + word, end
    wrong = SentencePhones(phones + sentence.phones[last:], tuple(slots))
    assert text_probability(text_fit(log_posterior, log_prior, wrong, listed)) < 0.1


def test_a_recording_too_short_for_the_sentence_doesnt_fit(reader: SentenceReader) -> None:
    flat = np.full((20, len(ENGLISH_SYMBOLS)), -4.0, dtype=np.float32)
    sentence = reader.phones(random_sentence(NOW))
    assert text_fit(flat, flat[0], sentence, reader.word_phones()) is NO_FIT
    assert text_probability(NO_FIT) < 1e-6


def test_the_right_words_have_the_best_margin_on_clear_posteriors(reader: SentenceReader) -> None:
    sentence = reader.phones(random_sentence(NOW, random.Random(2)))
    tokens = np.repeat(PhoneInventory().encode(sentence.phones), 4)
    posterior = np.full((len(tokens), len(ENGLISH_SYMBOLS)), 0.1 / 62)
    posterior[np.arange(len(tokens)), tokens] = 0.9
    prior = np.full(len(ENGLISH_SYMBOLS), -np.log(63), dtype=np.float32)
    fit = text_fit(np.log(posterior).astype(np.float32), prior, sentence, reader.word_phones())
    assert fit.goodness > -0.1 and all(word.margin > 3.0 for word in fit.words)
    assert text_probability(fit) > 0.999


@pytest.fixture(scope="module")
def said() -> tuple[ConsentSentence, np.ndarray]:
    """A sentence, and voicelet saying it."""
    sentence = random_sentence(NOW, random.Random(5))
    audio = voicelet.Voice.load().synthesize(sentence.text)
    return sentence, np.asarray(audio.samples)


def test_voicelet_itself_cant_consent_nor_another_person(
    said: tuple[ConsentSentence, np.ndarray],
) -> None:
    sentence, samples = said
    encoder = open_encoder(open_bundle(None))
    own = embed_windows(encoder, speech_16k(samples))
    report = assess_spoken_consent((samples, 24000), sentence, own, encoder=encoder, now=NOW)
    assert report.text_probability > 0.99
    assert report.voice is not None and report.voice.probability > 0.99
    assert report.origin is not None and report.origin.made_by_voicelet
    assert len(report.reasons) == 1 and "synthesized by voicelet" in report.reasons[0]

    other = embed_windows(encoder, speech_16k(person()))
    wrong = random_sentence(NOW, random.Random(6))
    with pytest.raises(LivenessRejectedError) as caught:
        check_spoken_consent(
            (samples, 24000), wrong, other, encoder=encoder, now=NOW + timedelta(days=3)
        )
    reasons = " ".join(caught.value.reasons)
    assert "isn't of today" in reasons
    assert "isn't the sentence" in reasons
    assert "another person" in reasons


def test_too_little_speech_says_so() -> None:
    quiet = np.zeros(24000, dtype=np.float32)
    encoder = open_encoder(open_bundle(None))
    with pytest.raises(LivenessRejectedError, match="0.0 s of speech"):
        check_spoken_consent(
            (quiet, 24000), random_sentence(NOW), np.eye(4, 256), encoder=encoder, now=NOW
        )


@pytest.mark.parametrize("speed", [0.9, 1.1])
def test_voicelet_at_another_speed_cant_consent(
    said: tuple[ConsentSentence, np.ndarray], speed: float
) -> None:
    """Faster or slower by a tenth: each was a consent of somebody who never spoke."""
    sentence, samples = said
    places = np.arange(0, len(samples), speed)
    changed = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    encoder = open_encoder(open_bundle(None))
    own = embed_windows(encoder, speech_16k(changed))  # the victim's voice, as the attacker's best
    report = assess_spoken_consent((changed, 24000), sentence, own, encoder=encoder, now=NOW)
    assert not report.accepted and any("synthesized" in reason for reason in report.reasons)
