"""Equal speech always carries the same mark, so the mean of many renderings carries it, too."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.averaging import MEANS, RENDERINGS
from voicelet import Voice, detect_watermark

TEXT = (
    "The boats came in at dusk low in the water and nobody on the pier said a word to anyone about"
    " the storm of the night before."
)


@pytest.fixture(scope="module")
def voice() -> Voice:
    return Voice.load()


@pytest.mark.parametrize("way", ["pauses before it", "sentences before it", "words behind it"])
def test_the_mean_of_many_renderings_is_marked(voice: Voice, way: str) -> None:
    takes = RENDERINGS[way](voice, TEXT, 10)
    for kind, mean in MEANS.items():
        wave = mean(takes)
        assert len(wave) > 4 * voice.sample_rate_hz
        assert detect_watermark(wave, voice.sample_rate_hz, scales=False).found, kind


def test_a_clause_is_the_same_wherever_it_stands(voice: Voice) -> None:
    """To the sample: a mark that moved against its speech could be averaged out."""
    takes = []
    for opening in ("One.", "They left early in May."):
        spoken = voice.synthesize(f"{opening} {TEXT}")
        first = next(word for word in spoken.words if word.span[0] == len(opening) + 1)
        takes.append(spoken.samples[round(first.start_s * spoken.sample_rate_hz) :])
    np.testing.assert_array_equal(*takes)


def test_many_short_sentences_say_what_one_long_one_says(voice: Voice) -> None:
    """Each holds a part of the pattern, and no two begin with the same word."""
    short = voice.synthesize(
        "The boats came in at dusk. Nobody said a word. Was it the storm? We never knew about it."
        " Somebody must have seen it. Ask her again tomorrow. They left early in May."
    )
    long = voice.synthesize(TEXT)
    seen, whole = (detect_watermark(a.samples, a.sample_rate_hz) for a in (short, long))
    assert seen.payload is not None and seen.payload == whole.payload
    assert len(seen.segments) > 1


def test_phones_that_change_when_they_are_asked_are_read_once(voice: Voice) -> None:
    """What is spoken is what is marked: a str of somebody's own making can't move the pattern."""

    class Sly(str):
        def lstrip(self, *_: object) -> str:  # type: ignore[override]
            return "bbb"

    said = "ðə bˈOts kˈAm ˈɪn."
    plain, sly = (voice.synthesize_phones(p).samples for p in (said, Sly(said)))
    np.testing.assert_array_equal(plain, sly)
