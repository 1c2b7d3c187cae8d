"""Where a clause is cut can't be heard: streams against the same clauses in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from threading import Event

import numpy as np
import pytest

from tests.synth.voices import LOG_FRAMES
from voicelet.errors import CancelledError
from voicelet.synth import Chunk, Controls, Voice
from voicelet.synth.source_filter.acoustic import phone_frames, repeat_phones
from voicelet.synth.source_filter.synthesizer import FastSpeechSynthesizer
from voicelet.synth.stream import ENDING_S, SpeechStream, split_clause
from voicelet.text.words import PhoneClause, Prosody, WordPhones

ENDING = round(ENDING_S * 24000)
PHONES = "həlˈO wˈɜɹld, ðə lˈɔŋ stˈɔɹi."
PLAIN = Controls()
CLAUSE = PhoneClause(
    PHONES,
    words=tuple(
        WordPhones(t, span, PHONES.index(p), PHONES.index(p) + len(p))
        for t, span, p in (
            ("hello", (0, 5), "həlˈO"),
            ("world", (6, 11), "wˈɜɹld"),
            ("the", (13, 16), "ðə"),
            ("long", (17, 21), "lˈɔŋ"),
            ("story", (22, 27), "stˈɔɹi"),
        )
    ),
)


def speak(
    voice: Voice,
    clauses: Sequence[PhoneClause],
    first: tuple[int, ...] = (),
    rest: int = 10**6,
    controls: Controls = PLAIN,
    cancel: Event | None = None,
) -> list[Chunk]:
    pipeline = replace(voice._pipeline, first_frames=first, stretch_frames=rest)
    speaker = voice._synthesizer.speakers.vector(None, None)
    return list(SpeechStream(pipeline, speaker, controls, cancel).chunks(iter(clauses)))


def synthesizer(voice: Voice) -> FastSpeechSynthesizer:
    assert isinstance(voice._synthesizer, FastSpeechSynthesizer)
    return voice._synthesizer


def wave(chunks: Sequence[Chunk]) -> np.ndarray:
    return np.concatenate([c.samples for c in chunks])


@pytest.mark.parametrize(("first", "rest"), [((16, 64), 200), ((1, 2, 3), 5), ((), 24), ((7,), 41)])
def test_cuts_leave_no_trace(voice: Voice, first: tuple[int, ...], rest: int) -> None:
    whole = wave(speak(voice, [CLAUSE, CLAUSE]))
    cut = speak(voice, [CLAUSE, CLAUSE], first, rest)
    assert len(cut) > 2
    assert len(wave(cut)) == len(whole) and np.abs(whole).max() > 0.05
    np.testing.assert_allclose(wave(cut), whole, atol=1e-5)


def test_first_chunk_is_short_and_flags_are_set_once(voice: Voice) -> None:
    chunks = speak(voice, [CLAUSE, CLAUSE], (16, 64), 200)
    assert len(chunks[0].samples) < 0.3 * voice.sample_rate_hz
    assert [c.first for c in chunks] == [True] + [False] * (len(chunks) - 1)
    assert [c.last for c in chunks] == [False] * (len(chunks) - 1) + [True]


def test_no_clause_but_the_next_is_read_ahead(voice: Voice) -> None:
    """A first chunk needs its own clause only, so a book starts speaking at once."""
    read = []

    def clauses():  # type: ignore[no-untyped-def]
        for i in range(5):
            read.append(i)
            yield CLAUSE

    pipeline = replace(voice._pipeline, first_frames=(16,), stretch_frames=50)
    stream = SpeechStream(pipeline, voice._synthesizer.speakers.vector(None, None), Controls())
    chunks = stream.chunks(clauses())
    next(chunks)
    assert read == [0]


def test_words_follow_the_durations(voice: Voice) -> None:
    chunks = speak(voice, [CLAUSE], (16, 64), 200)
    words = [w for c in chunks for w in c.words]
    assert [w.text for w in words] == ["hello", "world", "the", "long", "story"]
    starts = [w.start_s for w in words]
    assert starts == sorted(starts)
    indices = synthesizer(voice).inventory.encode(PHONES)
    frames = phone_frames(LOG_FRAMES.astype(np.float32)[indices], 1.0)
    place = PHONES.index("wˈɜɹld")
    assert words[1].start_s == pytest.approx((frames[: place + 1].sum() - 4.5) / 80.0)
    assert words[1].end_s == pytest.approx((frames[: place + 1 + 6].sum() - 4.5) / 80.0)
    for chunk in chunks:
        end_s = chunk.start_s + len(chunk.samples) / chunk.sample_rate_hz
        assert all(chunk.start_s <= w.start_s < end_s for w in chunk.words)
    assert len(wave(chunks)) == frames.sum() * 300 + ENDING


def test_text_spans_never_go_back(voice: Voice) -> None:
    spans = [c.text_span for c in speak(voice, [CLAUSE], (3,), 9)]
    assert spans[0][0] == 0 and spans[-1][1] == 27
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(spans))


def test_pauses_and_marks(voice: Voice) -> None:
    first = replace(CLAUSE, pause_after_ms=1500)
    clauses = [
        first,
        PhoneClause("", pause_after_ms=250, marks=("here",)),
        PhoneClause("", marks=("end",)),
    ]
    chunks = speak(voice, clauses)
    alone = wave(speak(voice, [CLAUSE]))[:-ENDING]
    samples = wave(chunks)
    assert len(samples) == len(alone) + 24 * 1750
    assert not samples[len(alone) :].any()
    marks = [m for c in chunks for m in c.marks]
    assert [m.name for m in marks] == ["here", "end"]
    assert marks[0].time_s == pytest.approx((len(alone) + 24 * 1500) / 24000)
    assert marks[1].time_s == pytest.approx(len(samples) / 24000)
    assert chunks[-1].last and max(len(c.samples) for c in chunks if not c.samples.any()) <= 24000


def test_edges_of_clauses_dont_click(voice: Voice) -> None:
    samples = wave(speak(voice, [replace(CLAUSE, pause_after_ms=50), CLAUSE]))
    alone = wave(speak(voice, [CLAUSE]))[:-ENDING]
    typical = np.abs(np.diff(alone)).max()
    joints = [0, len(alone), len(alone) + 1200, len(samples) - ENDING]
    padded = np.concatenate([[0.0], samples, [0.0]])
    for joint in joints:
        assert np.abs(np.diff(padded[max(0, joint - 3) : joint + 4])).max() < 0.2 * typical


def test_seed_decides_and_the_clause_counts(voice: Voice) -> None:
    a, b = (wave(speak(voice, [CLAUSE], controls=Controls(seed=5))) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    other = wave(speak(voice, [CLAUSE], controls=Controls(seed=6)))
    assert np.abs(a - other).max() > 1e-3
    twice = wave(speak(voice, [CLAUSE, CLAUSE]))
    first, second = twice[: len(a) - ENDING], twice[len(a) - ENDING : -ENDING]
    assert not a[-ENDING:].any() and np.abs(first - second).max() > 1e-3


def test_prosody_of_a_clause_multiplies(voice: Voice) -> None:
    fast = replace(CLAUSE, prosody=Prosody(speed=2.0, pitch_semitones=3.0, energy=0.5))
    by_clause = wave(speak(voice, [fast]))
    by_caller = wave(speak(voice, [CLAUSE], controls=Controls(2.0, 3.0, 0.5)))
    np.testing.assert_array_equal(by_clause, by_caller)
    assert len(by_caller) - ENDING < 0.6 * (len(wave(speak(voice, [CLAUSE]))) - ENDING)
    mad = replace(CLAUSE, prosody=Prosody(1e9, -1e9, float("nan")))
    assert np.isfinite(wave(speak(voice, [mad]))).all()


def test_pitch_moves_f0(voice: Voice) -> None:
    acoustic, inventory = synthesizer(voice).acoustic, synthesizer(voice).inventory
    speaker = voice._synthesizer.speakers.vector(None, "high")
    f0 = []
    for semitones in (0.0, 12.0):
        clause = acoustic.encode(
            inventory.encode(PHONES), speaker, Controls(pitch_semitones=semitones)
        )
        f0.append(acoustic.decode(clause, 0, len(clause))[1])
    inner = slice(5, -5)  # the decoder sees zeros, not pitch, past the edges
    np.testing.assert_allclose((f0[1] - f0[0])[inner], np.log(2.0), atol=1e-4)


def test_cancelled_before_and_between_chunks(voice: Voice) -> None:
    cancel = Event()
    cancel.set()
    with pytest.raises(CancelledError):
        speak(voice, [CLAUSE], cancel=cancel)
    cancel.clear()
    pipeline = replace(voice._pipeline, first_frames=(16,), stretch_frames=50)
    speaker = voice._synthesizer.speakers.vector(None, None)
    stream = SpeechStream(pipeline, speaker, Controls(), cancel)
    chunks = stream.chunks(iter([CLAUSE] * 100))
    next(chunks)
    cancel.set()
    with pytest.raises(CancelledError):
        list(chunks)


def test_long_clauses_are_cut_at_spaces() -> None:
    phones = " ".join(["həlˈO"] * 100)
    words = tuple(WordPhones("hello", (i, i + 1), 6 * i, 6 * i + 5) for i in range(100))
    parts = list(split_clause(PhoneClause(phones, words, pause_after_ms=90, marks=("m",)), 50))
    assert "".join(p.phones for p in parts) == phones and max(len(p.phones) for p in parts) <= 50
    assert sum(len(p.words) for p in parts) == 100
    assert all(p.phones[w.start : w.end] == "həlˈO" for p in parts for w in p.words)
    assert [p.pause_after_ms for p in parts] == [0] * (len(parts) - 1) + [90]
    assert parts[0].marks == ("m",) and not any(p.marks for p in parts[1:])
    solid = list(split_clause(PhoneClause("ə" * 120), 50))
    assert [len(p.phones) for p in solid] == [50, 50, 20]


def test_durations_survive_a_mad_model() -> None:
    frames = phone_frames(np.array([9.0, np.nan, np.inf, -np.inf, 2.0], np.float32), 0.25)
    assert frames.min() >= 1 and frames.max() <= 960


def test_repeat_phones_lays_out_positions() -> None:
    hidden = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    pitch, energy = np.array([5.0, 6.0], np.float32), np.array([7.0, 8.0], np.float32)
    out = repeat_phones(hidden, pitch, energy, np.array([1, 2]))
    expected = [
        [1, 2, 5, 7, 0.5, 0.0],
        [3, 4, 6, 8, 0.25, np.log(2)],
        [3, 4, 6, 8, 0.75, np.log(2)],
    ]
    np.testing.assert_allclose(out, expected, rtol=1e-6)
