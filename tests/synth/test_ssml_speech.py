"""SSML as it is heard: measured in the speech of the embedded voice."""

from __future__ import annotations

import numpy as np
import pytest

from voicelet import Audio, Voice, WordTiming
from voicelet.audio.f0 import estimate_f0
from voicelet.synth.stream import ENDING_S

TEXT = "Dr. Smith, who lives in St. Ives, paid 5 km of rope (or so) — twice. Did he? I think so…"


@pytest.fixture(scope="module")
def real() -> Voice:
    return Voice.load()


def word(audio: Audio, text: str) -> WordTiming:
    return next(w for w in audio.words if w.text == text)


def heard(audio: Audio, text: str) -> tuple[float, float, float]:
    """Mean f0 (Hz), level (RMS) and length (s) of a word."""
    timing, rate = word(audio, text), audio.sample_rate_hz
    cut = audio.samples[int(timing.start_s * rate) : int(timing.end_s * rate)]
    f0 = estimate_f0(cut, rate, rate // 100)
    voiced = f0[f0 > 0.0]
    return float(voiced.mean()), float(np.sqrt(np.square(cut).mean())), len(cut) / rate


def test_a_mark_before_every_word_changes_no_sample(real: Voice) -> None:
    names = [f"m{i}" for i in range(len(TEXT.split()))]
    marked = " ".join(f'<mark name="{n}"/>{w}' for n, w in zip(names, TEXT.split()))
    plain, audio = (real.synthesize(f"<speak>{t}</speak>") for t in (TEXT, marked))
    np.testing.assert_array_equal(audio.samples, plain.samples)
    assert [w.text for w in audio.words] == [w.text for w in plain.words]
    assert [(w.start_s, w.end_s) for w in audio.words] == [
        (w.start_s, w.end_s) for w in plain.words
    ]
    assert [m.name for m in audio.marks] == names
    times = [m.time_s for m in audio.marks]
    assert times == sorted(times)
    # The first word of a clause has its mark where the clause begins.
    for name, text in (("m1", "Smith"), ("m2", "who"), ("m11", "rope"), ("m15", "twice")):
        mark = next(m for m in audio.marks if m.name == name)
        assert mark.time_s == pytest.approx(word(audio, text).start_s, abs=0.08)


def test_marks_come_with_the_chunk_that_they_fall_in(real: Voice) -> None:
    ssml = "<speak>" + " ".join(f'<mark name="{i}"/>word' for i in range(30)) + "</speak>"
    chunks = list(real.stream(ssml))
    assert len(chunks) > 3 and sum(bool(c.marks) for c in chunks) > 2
    for chunk in chunks:
        end_s = chunk.start_s + len(chunk.samples) / chunk.sample_rate_hz
        assert all(chunk.start_s <= m.time_s <= end_s for m in chunk.marks)
    assert [m.name for c in chunks for m in c.marks] == [str(i) for i in range(30)]


def test_a_mark_after_the_last_word_of_a_break_comes_before_it(real: Voice) -> None:
    audio = real.synthesize(
        "<speak>One <mark name='a'/><break time='2s'/><mark name='b'/> two <mark name='c'/></speak>"
    )
    a, b, c = (m.time_s for m in audio.marks)
    assert a < 1.0 and b > a + 1.9 and c == pytest.approx(audio.seconds - ENDING_S)


def test_emphasis_is_audible(real: Voice) -> None:
    """Higher, louder and longer, step by step, in every voice that ships."""

    def said(level: str, preset: str) -> tuple[float, float, float]:
        element = f"<emphasis level='{level}'>yellow</emphasis>"
        audio = real.synthesize(f"<speak>She has a {element} car now.</speak>", preset=preset)
        return heard(audio, "yellow")

    for preset in ("af_heart", "am_michael"):
        levels = [said(level, preset) for level in ("reduced", "none", "moderate", "strong")]
        for kind in zip(*levels, strict=True):
            assert list(kind) == sorted(kind)
        f0, level, length = (b / a for a, b in zip(levels[1], levels[3], strict=True))
        assert f0 > 1.1 and level > 1.15 and length > 1.15


def test_silent_is_silence_that_takes_its_time(real: Voice) -> None:
    text = "Before it. {} After it."
    inner = "Nobody hears this."
    audio = real.synthesize(
        "<speak>" + text.format(f"<prosody volume='silent'>{inner}</prosody>") + "</speak>"
    )
    aloud = real.synthesize("<speak>" + text.format(f"<s>{inner}</s>") + "</speak>")
    assert audio.seconds == pytest.approx(aloud.seconds, abs=0.1)
    first, last = word(audio, "Nobody").start_s, word(audio, "After").start_s
    rate = audio.sample_rate_hz
    assert not audio.samples[int(first * rate) : int((last - 0.12) * rate)].any()
    assert np.abs(audio.samples[: int(first * rate) - rate // 2]).max() > 0.05
    louder = "<prosody volume='silent'>a <prosody volume='+6dB'>loud</prosody> word</prosody>"
    assert not real.synthesize(f"<speak>{louder}</speak>").samples.any()
