"""Means of many renderings of one sentence: what is equal stays, and what differs goes.

If the mark stood elsewhere in each rendering, it would be what goes.  Each of these ways asks the
public API for renderings that differ in something else than the sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from voicelet.audio.features import FloatArray
from voicelet.synth import Voice

_SIZE, _HOP = 1200, 300
_LEAD_S = 0.05
_LARGEST_LAG = 1200
_COMPARED = slice(12_000, 84_000)

SENTENCES = """\
Well then.
One.
He came in.
Not today, no.
It is late.
The sun rose at six.
Ask her again.
Yes.
No, never.
Somebody knocked on it twice.
Go.
Wait here.
A lot of it.
What was that?
Who is it now?
They left early in May.
Come.
I know.
It was red and blue.
Stop it.
""".splitlines()
WORDS = tuple(f"{sentence.split()[0].strip('.,').lower()} now" for sentence in SENTENCES)

Render = Callable[[Voice, str, int], list[FloatArray]]


def after_breaks(voice: Voice, text: str, count: int) -> list[FloatArray]:
    """A pause before the sentence, of another length each time."""
    takes = []
    for k in range(count):
        pause_ms = 2000 * k // count
        spoken = f'<speak><break time="{pause_ms}ms"/>{text}</speak>'
        wave = voice.synthesize(spoken, ssml=True).samples
        takes.append(wave[pause_ms * voice.sample_rate_hz // 1000 :])
    return takes


def after_sentences(voice: Voice, text: str, count: int) -> list[FloatArray]:
    """Another sentence before it."""
    return _after(voice, text, [f"{s} " for s in SENTENCES[:count]])


def after_words(voice: Voice, text: str, count: int) -> list[FloatArray]:
    """Another word before it, in the same clause."""
    return _after(voice, text, [f"{w} " for w in WORDS[:count]])


def before_words(voice: Voice, text: str, count: int) -> list[FloatArray]:
    """Another word behind it, in the same clause."""
    takes = []
    for word in WORDS[:count]:
        spoken = voice.synthesize(f"{text.rstrip('.')} {word}.")
        takes.append(spoken.samples[: int(spoken.words[-2].start_s * spoken.sample_rate_hz)])
    return takes


def seeds(voice: Voice, text: str, count: int) -> list[FloatArray]:
    """Other noise."""
    return [voice.synthesize(text, seed=k).samples for k in range(count)]


RENDERINGS: dict[str, Render] = {
    "pauses before it": after_breaks,
    "sentences before it": after_sentences,
    "words before it": after_words,
    "words behind it": before_words,
    "seeds": seeds,
}


def _after(voice: Voice, text: str, openings: Sequence[str]) -> list[FloatArray]:
    takes = []
    for opening in openings:
        spoken = voice.synthesize(opening + text)
        first = next(word for word in spoken.words if word.span[0] >= len(opening))
        begin = int((first.start_s - _LEAD_S) * spoken.sample_rate_hz)
        takes.append(spoken.samples[max(0, begin) :])
    return takes


def aligned(takes: Sequence[FloatArray]) -> list[FloatArray]:
    """Renderings moved to where they are most like the first one, and cut to one length."""
    first = takes[0]
    moved = [first]
    for take in takes[1:]:
        stop = min(len(first), len(take)) - _LARGEST_LAG
        compared = slice(min(_COMPARED.start, stop // 2), min(_COMPARED.stop, stop))
        lags = range(-_LARGEST_LAG, _LARGEST_LAG, 2)
        likeness = [
            float(first[compared] @ take[compared.start + lag : compared.stop + lag])
            if compared.start + lag >= 0
            else -np.inf
            for lag in lags
        ]
        lag = lags[int(np.argmax(likeness))]
        moved.append(take[lag:] if lag >= 0 else np.pad(take, (-lag, 0)))
    length = min(map(len, moved))
    return [take[:length] for take in moved]


def mean_wave(takes: Sequence[FloatArray]) -> FloatArray:
    """The mean of samples."""
    total = np.stack(aligned(takes)).mean(axis=0, dtype=np.float64)
    mean: FloatArray = np.asarray(total, np.float32)
    return mean


def mean_spectra(takes: Sequence[FloatArray]) -> FloatArray:
    """The mean of log magnitudes, with the phases of the first rendering."""
    equal = aligned(takes)
    window = np.hanning(_SIZE)
    spectra = [
        np.fft.rfft(sliding_window_view(np.pad(take, _SIZE), _SIZE)[::_HOP] * window)
        for take in equal
    ]
    level = np.mean([np.log(np.abs(s) + 1e-6) for s in spectra], axis=0)
    frames = np.fft.irfft(np.exp(level + 1j * np.angle(spectra[0]))) * window
    wave = np.zeros(_HOP * len(frames) + _SIZE)
    weight = np.zeros_like(wave)
    for i, frame in enumerate(frames):
        wave[i * _HOP : i * _HOP + _SIZE] += frame
        weight[i * _HOP : i * _HOP + _SIZE] += window**2
    out: FloatArray = (wave / np.maximum(weight, 1e-3))[_SIZE : _SIZE + len(equal[0])].astype(
        np.float32
    )
    return out


MEANS: dict[str, Callable[[Sequence[FloatArray]], FloatArray]] = {
    "samples": mean_wave,
    "spectra": mean_spectra,
}


def likeness(takes: Sequence[FloatArray]) -> float:
    """Median correlation of aligned renderings with the first: 1 where they are one wave."""
    first, *others = aligned(takes)
    values = [float(first @ o) / float(np.linalg.norm(first) * np.linalg.norm(o)) for o in others]
    return float(np.median(values))
