"""Clauses to chunks: the pipeline that starts speaking before it has read to the end.

A clause is encoded once.  Its frames are then made into samples in stretches, the first short so
that sound leaves early, the later ones long so that little is computed twice.  Each stretch is
given as many neighbours as the graphs see, and noise runs on from one to the next, so that where
the cuts lie can't be heard or measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import CancelledError
from voicelet.synth.base import Rendering, Synthesizer
from voicelet.synth.capital_tone import CapitalTones
from voicelet.synth.source_filter.intonation import of_clause
from voicelet.synth.types import Chunk, Controls, MarkTiming, WordTiming
from voicelet.text.phones import PUNCTUATION, STRESS
from voicelet.text.words import PhoneClause
from voicelet.trust.watermark.base import SpeechWatermark

# Cutting clauses that are longer than those of the training corpus.


MAX_PHONES = 200
"""Longer clauses are cut; the training corpus holds up to about 140 phones."""


def split_clause(clause: PhoneClause, limit: int = MAX_PHONES) -> Iterator[PhoneClause]:
    """Cut a clause at spaces into parts of at most `limit` phones (in mid-word only if need be).

    The marks go with the first part, pause and sentence end with the last; a word that is cut
    belongs to the part it begins in.
    """
    phones = clause.phones
    if len(phones) <= limit:
        yield clause
        return
    start, words = 0, list(clause.words)
    while start < len(phones):
        end = min(len(phones), start + limit)
        if end < len(phones):
            space = phones.rfind(" ", start + 1, end)
            end = space + 1 if space > start else end
        count = 0
        while count < len(words) and words[count].start < end:
            count += 1
        part_words, words = words[:count], words[count:]
        is_last = end == len(phones)
        yield replace(
            clause,
            phones=phones[start:end],
            words=tuple(
                replace(w, start=w.start - start, end=min(w.end, end) - start) for w in part_words
            ),
            pause_after_ms=clause.pause_after_ms if is_last else 0,
            marks=clause.marks if start == 0 else (),
            sentence_end=clause.sentence_end and is_last,
            tones=tuple(
                replace(t, start=t.start - start, end=t.end - start)
                for t in clause.tones
                if start <= t.start and t.end <= end
            ),
            accents=tuple(
                replace(a, start=max(a.start, start) - start, end=min(a.end, end) - start)
                for a in clause.accents
                if a.start < end and a.end > start
            ),
            inner_marks=tuple(
                replace(m, at=m.at - start)
                for m in clause.inner_marks
                if start <= m.at < end or (is_last and m.at >= end)
            ),
        )
        start = end


# Output stage: level, limiter, fades.


GAIN_DB = 0.0
"""Voices are trained at an active level of -23 dBFS, the level of EBU R 128, and keep it."""
KNEE = 0.8
"""Samples above this are limited, so that none passes 1."""
FADE_S = 0.005
FADE_OUT_S = 0.02
"""Longer, so that what is left of a voice's noise doesn't stop short before a pause."""


def to_output_level(samples: FloatArray, gain: float = 1.0) -> FloatArray:
    """Apply the gain and a limiter without memory: straight to 0.8, a tanh from there to 1.

    Args:
        samples: [n], as the vocoder makes them.
        gain: the caller's, times :data:`GAIN_DB`.
    """
    scaled = samples * np.float32(gain * 10.0 ** (GAIN_DB / 20.0))
    loud = np.abs(scaled) > KNEE
    if loud.any():
        excess = (np.abs(scaled[loud]) - KNEE) / (1.0 - KNEE)
        scaled[loud] = np.sign(scaled[loud]) * (KNEE + (1.0 - KNEE) * np.tanh(excess))
    return scaled


class Fader:
    """Fades the first 5 ms and the last 20 ms of a clause that comes in pieces.

    Args:
        rate: in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._place = 0
        self._rise, self._fall = max(1, int(FADE_S * rate)), max(1, int(FADE_OUT_S * rate))

    def __call__(self, samples: FloatArray, total: int) -> FloatArray:
        """Fade the next samples, in place; returns them.

        Args:
            total: samples of the clause, as far as is known.
        """
        first, n, half = self._place, len(samples), max(1, total // 2)
        self._place += n
        if first < (length := min(self._rise, half)):
            rise = np.arange(first, min(first + n, length), dtype=np.float32)
            samples[: len(rise)] *= (rise + 0.5) / length
        length = min(self._fall, half)
        start = max(first, total - length)
        if start < first + n:
            fall = np.arange(total - start, total - first - n, -1, dtype=np.float32)
            samples[start - first :] *= (fall - 0.5) / length
        return samples


MAX_PAUSE_MS = 60_000
ENDING_S = 0.2
"""Silence behind the last word of a text."""

_PAUSE_CHUNK_S = 1.0


def pause_samples(clause: PhoneClause, speed: float, rate: int) -> int:
    """Samples of silence after a clause: faster speech pauses less, but for breaks of SSML.

    Args:
        speed: factor of the speaking rate.
        rate: in Hz.
    """
    pause_ms = min(max(clause.pause_after_ms, 0), MAX_PAUSE_MS)
    return round(pause_ms / (1.0 if clause.pause_is_fixed else speed)) * rate // 1000


@dataclass(frozen=True)
class Pipeline:
    """What all streams of a voice share: graphs and settings, no state.

    Attributes:
        first_frames, stretch_frames: output frames of the first and of all further stretches.
        watermark: in every clause.
    """

    synthesizer: Synthesizer
    first_frames: Sequence[int]
    stretch_frames: int
    watermark: SpeechWatermark

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""
        return self.synthesizer.rate


def _plain(clause: PhoneClause) -> PhoneClause:
    """A copy that says the same whenever it is asked: what is spoken is also what is marked."""
    values = {field.name: getattr(clause, field.name) for field in fields(PhoneClause)}
    return PhoneClause(**{**values, "phones": str.__str__(values["phones"])})


def _first_word(phones: str) -> str:
    """The sounds of a clause's first word, without its stress and the marks before it."""
    sounds = phones.lstrip(STRESS + PUNCTUATION)
    end = next((i for i, sound in enumerate(sounds) if sound in PUNCTUATION), len(sounds))
    return "".join(sound for sound in sounds[:end] if sound not in STRESS)


class SpeechStream:
    """One utterance on its way out; every call of `Voice.stream` has its own.

    Args:
        pipeline: shared.
        speaker: as `Speakers.vector` gives it.
        controls: of the caller.
        cancel: when set, the stream raises `CancelledError` before its next stretch.
        capital_tones: a tone is heard at words with a capital.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        speaker: npt.NDArray[Any],
        controls: Controls,
        cancel: Event | None = None,
        *,
        capital_tones: bool = False,
    ) -> None:
        self._capital_tones = capital_tones
        self._p, self._speaker, self._controls = pipeline, speaker, controls
        self._cancel = cancel
        self._position = 0  # samples given so far
        self._clauses = 0
        self._stretches = iter(pipeline.first_frames)
        self._place = 0  # in the caller's text
        self._started = False
        self._paused = False  # at the end of the last clause, by the text

    def chunks(self, clauses: Iterator[PhoneClause]) -> Iterator[Chunk]:
        """Speak clauses; the next one is read when the one before is nearly out.

        Raises:
            CancelledError: `cancel` was set.
        """
        # The end of a clause, until it is known whether it is the last.
        pending: Chunk | None = None
        for clause in map(_plain, clauses):
            for part in split_clause(clause):
                for chunk, is_end in self._clause(part):
                    if pending is not None:
                        yield pending
                    pending = chunk if is_end else None
                    if not is_end:
                        yield chunk
        if pending is not None:
            samples = pending.samples
            if not self._paused:  # players cut what comes last
                silence = np.zeros(round(ENDING_S * self._p.rate), np.float32)
                samples = np.concatenate([samples, silence])
            yield replace(pending, samples=samples, last=True)

    def _clause(self, clause: PhoneClause) -> Iterator[tuple[Chunk, bool]]:
        """Chunks of a clause, each with whether the clause ends with it."""
        self._check()
        marks = [MarkTiming(m, self._position / self._p.rate) for m in clause.marks]
        controls = of_clause(self._controls, clause, self._p.synthesizer.shifts_pitch)
        pause = pause_samples(clause, controls.speed, self._p.rate)
        self._paused = pause > 0 or (self._paused and not clause.phones)
        if clause.phones:
            # A clause draws from a generator of its own, whatever was said before it.
            key = np.array([self._controls.seed, self._clauses], np.uint64)
            self._clauses += 1
            rng = np.random.Generator(np.random.Philox(key=key))
            mark = self._p.watermark.clause(_first_word(clause.phones))
            rendering = self._p.synthesizer.begin(
                clause.phones, self._speaker, controls, rng, mark, clause.tones, clause.accents
            )
            words = self._timings(clause, rendering)
            marks += self._inner_marks(clause, rendering)
            capitals = [w.start for w in clause.words if w.capital and self._capital_tones]
            tones = CapitalTones([float(rendering.ends_s[at]) for at in capitals], self._p.rate)
            gain = controls.energy if clause.prosody.energy else 0.0
            for samples, is_end in self._render(rendering, gain):
                yield self._chunk(tones(samples), words, marks, is_end), is_end and not pause
        while pause or marks:
            self._check()
            count = min(pause, int(_PAUSE_CHUNK_S * self._p.rate))
            pause -= count
            yield self._chunk(np.zeros(count, np.float32), [], marks, True), not pause

    def _render(self, clause: Rendering, gain: float) -> Iterator[tuple[FloatArray, bool]]:
        """Samples of a clause, at output level, edges faded; each with whether it is the last."""
        p, fader, rendered = self._p, Fader(self._p.rate), 0
        while rendered < clause.frames:
            rendered += next(self._stretches, p.stretch_frames)
            if clause.frames - rendered < p.stretch_frames // 8:
                rendered = clause.frames  # a short remainder isn't worth a run of its own
            self._check()
            samples = clause.advance(rendered, self._check)
            total = clause.frames * p.synthesizer.hop
            yield fader(to_output_level(samples, gain), total), rendered >= clause.frames

    def _timings(self, clause: PhoneClause, rendering: Rendering) -> list[WordTiming]:
        """When each word is heard; token 0 is the pad before the first phone."""
        ends = rendering.ends_s + self._position / self._p.rate
        return [
            WordTiming(
                word.text,
                word.span,
                float(ends[word.start]),
                float(ends[max(word.end, word.start + 1)]),
            )
            for word in clause.words
        ]

    def _inner_marks(self, clause: PhoneClause, rendering: Rendering) -> list[MarkTiming]:
        """When the marks within a clause are reached."""
        start_s, ends = self._position / self._p.rate, rendering.ends_s
        return [
            MarkTiming(m.name, start_s + float(ends[min(m.at, len(ends) - 1)]))
            for m in clause.inner_marks
        ]

    def _chunk(
        self,
        samples: FloatArray,
        words: list[WordTiming],
        marks: list[MarkTiming],
        is_end: bool,
    ) -> Chunk:
        """Take what begins before the end of these samples, or all that is left at `is_end`."""
        start_s = self._position / self._p.rate
        self._position += len(samples)
        end_s = self._position / self._p.rate
        count = len(words) if is_end else sum(word.start_s < end_s for word in words)
        chunk_words = tuple(words[:count])
        del words[:count]
        count = len(marks) if is_end else sum(mark.time_s < end_s for mark in marks)
        chunk_marks = tuple(marks[:count])
        del marks[:count]
        span = (self._place, self._place)
        if chunk_words:
            span = (chunk_words[0].span[0], max(w.span[1] for w in chunk_words))
            self._place = chunk_words[-1].span[1]
        first, self._started = not self._started, True
        return Chunk(samples, self._p.rate, start_s, span, chunk_words, chunk_marks, first=first)

    def _check(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledError("speech was cancelled")
