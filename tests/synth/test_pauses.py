"""Pauses are those that the text asks for: measured in the speech of the embedded voice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from voicelet import Audio, Voice
from voicelet.synth.source_filter.edges import ClauseEdges
from voicelet.synth.source_filter.synthesizer import FastSpeechSynthesizer
from voicelet.synth.stream import ENDING_S
from voicelet.synth.types import Controls

QUIET_DB = -50.0
"""Stretches of 5 ms below this (dBFS) are silent; active speech lies at -23."""


@pytest.fixture(scope="module")
def real() -> Voice:
    return Voice.load()


def silences_s(audio: Audio, at_least_s: float = 0.05) -> list[tuple[float, float]]:
    """Begin and length of every silence, in seconds."""
    size = audio.sample_rate_hz // 200
    blocks = audio.samples[: len(audio.samples) // size * size].reshape(-1, size)
    quiet = 10.0 * np.log10(np.square(blocks).mean(axis=1) + 1e-12) < QUIET_DB
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet, [0]]).astype(int)))
    runs = edges.reshape(-1, 2) / 200.0
    return [(a, b - a) for a, b in runs.tolist() if b - a >= at_least_s]


def pause_s(audio: Audio, before: str) -> float:
    """The longest silence about the last time that a word begins, in seconds."""
    word = [w for w in audio.words if w.text == before][-1]
    near = [
        length
        for begin, length in silences_s(audio, 0.0)
        if begin < word.start_s + 0.08 and begin + length > word.start_s - 0.08
    ]
    return max(near, default=0.0)


def test_commas_are_alike_wherever_a_clause_ends(real: Voice) -> None:
    text = "When the rain had finally stopped, the children went out, and they played, all day."
    assert len(list(real.front_end.clauses(text))) == 2
    audio = real.synthesize(text)
    first, *others = (pause_s(audio, word) for word in ("the", "and", "all"))
    assert 0.08 < first < 0.18
    assert abs(first - max(others)) < 0.08


def test_a_clause_cut_for_its_length_makes_no_pause(real: Voice) -> None:
    text = (
        "The committee which had met every week since the early spring decided that the old bridge"
        " had to be closed to all traffic because the new one which nobody had yet seen would be"
        " opened by the mayor and the oldest inhabitant in September."
    )
    first, second = real.front_end.clauses(text)
    assert first.pause_after_ms == 0 and second.words[0].text == "because"
    assert pause_s(real.synthesize(text), "because") < 0.12


@pytest.mark.parametrize(
    ("text", "word", "low", "high"),
    [
        ("One sentence is here. Another follows it.", "Another", 0.55, 0.75),
        ("One paragraph is here.\n\nAnother follows it.", "Another", 0.9, 1.15),
        ("I thought… perhaps not.", "perhaps", 0.38, 0.55),
        ("I thought so… Perhaps not.", "Perhaps", 0.75, 1.0),
        ("He came — late as ever.", "late", 0.22, 0.4),
        ("He came -- late as ever.", "late", 0.22, 0.4),
        ("The old man (who was tired) slept.", "who", 0.15, 0.35),
        ("The old man (who was tired) slept.", "slept", 0.15, 0.35),
    ],
)
def test_what_stands_between_is_heard(
    real: Voice, text: str, word: str, low: float, high: float
) -> None:
    for preset in ("af_heart", "am_michael"):
        assert low < pause_s(real.synthesize(text, preset=preset), word) < high


def test_faster_speech_pauses_less_but_a_break_is_a_break(real: Voice) -> None:
    text = "One sentence is here. Another follows it."
    plain, fast = (pause_s(real.synthesize(text, speed=s), "Another") for s in (1.0, 2.0))
    assert fast == pytest.approx(plain / 2.0, abs=0.06)
    ssml = "<speak>One is here. <break time='800ms'/> Another follows.</speak>"
    plain, fast = (pause_s(real.synthesize(ssml, speed=s), "Another") for s in (1.0, 2.0))
    assert plain == pytest.approx(0.85, abs=0.08) and fast == pytest.approx(plain, abs=0.06)


def test_parentheses_are_said_lower_and_softer(real: Voice) -> None:
    plain = real.synthesize("The man, who was very tired, slept.")
    aside = real.synthesize("The man (who was very tired) slept.")

    def level(audio: Audio) -> float:
        words = {w.text: w for w in audio.words}
        cut = slice(
            int(words["who"].start_s * audio.sample_rate_hz),
            int(words["tired"].end_s * audio.sample_rate_hz),
        )
        return float(np.sqrt(np.square(audio.samples[cut]).mean()))

    assert level(aside) < 0.9 * level(plain)


def test_nothing_is_silent_for_long_at_the_ends(real: Voice) -> None:
    for text in ("Yes.", "She sells fish and chips by half past six.", "Go on, then"):
        audio = real.synthesize(text)
        found = silences_s(audio, 0.0)
        lead = found[0][1] if found and found[0][0] == 0.0 else 0.0
        tail = sum(length for begin, length in found if begin + length > audio.seconds - 0.01)
        assert lead < 0.09 and ENDING_S <= tail + 0.01 < ENDING_S + 0.12


WEAK = "stop half both less dash garage bag lab bed cat back love breathe buzz sing path texts act"
ONSETS = "Foot Thanks His Paul Ten Chips Free Vote Zoo Kate Shoes That Who Eat"


def test_no_sound_is_cut(real: Voice) -> None:
    """All that is cut lies 40 dB or more below the loud frames of its clause."""
    synthesizer = real._synthesizer
    assert isinstance(synthesizer, FastSpeechSynthesizer)
    s, acoustic = synthesizer, synthesizer.acoustic
    texts = [f"I said {word}{end}" for word in WEAK.split() for end in ".,?"]
    texts += [f"{word} it is." for word in ONSETS.split()]
    ends: list[int] = []
    for preset in ("af_heart", "am_michael", "bf_emma"):
        speaker = s.speakers.vector(None, preset)
        for text in texts:
            for clause in real.front_end.clauses(text):
                tokens = s.inventory.encode(clause.phones)
                encoded = acoustic.encode(tokens, speaker, Controls(), clause.tones, clause.phones)
                mel = acoustic.decode(encoded, 0, len(encoded))[0]
                edges = ClauseEdges(clause.phones, encoded.ends, s.mel_mean, s.mel_deviation)
                first, last = edges.first(mel[: edges.head]), edges.last(mel[edges.tail :])
                level = 20.0 * np.log10(np.exp(mel * s.mel_deviation + s.mel_mean).sum(axis=1))
                cut = np.concatenate([level[:first], level[last:]])
                assert cut.max(initial=-100.0) < np.percentile(level, 95) - 40.0, text
                ends.append(len(mel) - last)
    assert np.median(ends) > 20  # there was something to cut


def test_a_stream_is_the_whole_to_the_sample(real: Voice) -> None:
    text = (
        "When the rain had finally stopped (it was late), the children went out — at last… and"
        " played. Did they?"
    )
    whole = real.synthesize(text)
    chunks = list(real.stream(text))
    streamed = np.concatenate([c.samples for c in chunks])
    assert len(streamed) == len(whole.samples)
    np.testing.assert_allclose(streamed, whole.samples, atol=1e-3)
    assert tuple(w for c in chunks for w in c.words) == whole.words
    for chunk in chunks[:-1]:
        end_s = chunk.start_s + len(chunk.samples) / chunk.sample_rate_hz
        assert all(word.start_s <= end_s + 0.05 for word in chunk.words)


def test_words_end_where_they_are_heard_to(real: Voice) -> None:
    audio = real.synthesize("I went home. You stayed. They left it there.")
    for word, following in pairwise(audio.words):
        assert word.start_s < word.end_s <= following.start_s + 0.02
    for word in (w for w in audio.words if w.text in ("home", "stayed")):
        begins = [begin for begin, _ in silences_s(audio, 0.3)]
        assert min(abs(word.end_s - begin) for begin in begins) < 0.1
