"""Clauses to chunks: the pipeline that starts speaking before it has read to the end.

A clause is encoded once.  Its frames are then decoded and vocoded in stretches, the first short so
that sound leaves early, the later ones long so that little is computed twice.  Each stretch is
given as many neighbours as the graphs see, and the sources run on, so that where the cuts lie can't
be heard or measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
import numpy.typing as npt

from voicelet.errors import Cancelled
from voicelet.synth.acoustic import AcousticModel, EncodedClause
from voicelet.synth.level import Fader, to_output_level
from voicelet.synth.split import split_clause
from voicelet.synth.types import Chunk, Controls, MarkTiming, WordTiming
from voicelet.synth.vocoder import ClauseVocoder, Vocoder
from voicelet.text.phones import PhoneInventory
from voicelet.text.words import PhoneClause

FloatArray = npt.NDArray[np.float32]

FIRST_FRAMES = (16, 64, 192)
"""Output frames of a stream's first stretches: 0.2 s are heard while 0.8 s are made, and so on."""
STRETCH_FRAMES = 320
MAX_PAUSE_MS = 60_000
LABEL_DELAY_FRAMES = 4.5
"""The teacher's durations, which the model has learnt, lie this much behind what is heard (measured
on sibilants; see `export/TRAINING.md`); word timings are brought forward by it."""
_PAUSE_CHUNK_S = 1.0


@dataclass(frozen=True)
class Pipeline:
    """What all streams of a voice share: graphs and settings, no state.

    Attributes:
        bands: of a mel.
        first_frames, stretch_frames: output frames of the first and of all further stretches.
    """

    acoustic: AcousticModel
    vocoder: Vocoder
    inventory: PhoneInventory
    bands: int
    first_frames: Sequence[int] = FIRST_FRAMES
    stretch_frames: int = STRETCH_FRAMES

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""
        return self.vocoder.rate


class SpeechStream:
    """One utterance on its way out; every call of `Voice.stream` has its own.

    Args:
        pipeline: shared.
        speaker: speaker vector.
        controls: of the caller.
        cancel: when set, the stream raises `Cancelled` before its next stretch.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        speaker: FloatArray,
        controls: Controls,
        cancel: Event | None = None,
    ) -> None:
        self._p, self._speaker, self._controls = pipeline, speaker, controls
        self._cancel = cancel
        self._position = 0  # samples given so far
        self._clauses = 0
        self._stretches = iter(pipeline.first_frames)
        self._place = 0  # in the caller's text
        self._started = False

    def chunks(self, clauses: Iterator[PhoneClause]) -> Iterator[Chunk]:
        """Speak clauses; the next one is read when the one before is nearly out.

        Raises:
            Cancelled: `cancel` was set.
        """
        held: Chunk | None = None  # the end of a clause, until it is known whether it is the last
        for clause in clauses:
            for part in split_clause(clause):
                for chunk, is_end in self._clause(part):
                    if held is not None:
                        yield held
                    held = chunk if is_end else None
                    if not is_end:
                        yield chunk
        if held is not None:
            yield replace(held, last=True)

    def _clause(self, clause: PhoneClause) -> Iterator[tuple[Chunk, bool]]:
        """Chunks of a clause, each with whether the clause ends with it."""
        self._check()
        marks = tuple(MarkTiming(m, self._position / self._p.rate) for m in clause.marks)
        pause = min(max(clause.pause_after_ms, 0), MAX_PAUSE_MS) * self._p.rate // 1000
        if clause.phones:
            prosody = clause.prosody
            controls = self._controls.times(prosody.speed, prosody.pitch_semitones, prosody.energy)
            phones = self._p.inventory.encode(clause.phones)
            encoded = self._p.acoustic.encode(phones, self._speaker, controls)
            words = self._timings(clause, encoded)
            for samples, is_end in self._render(encoded, controls.energy):
                yield self._chunk(samples, words, marks), is_end and not pause
                marks = ()
        while pause or marks:
            self._check()
            count = min(pause, int(_PAUSE_CHUNK_S * self._p.rate))
            pause -= count
            yield self._chunk(np.zeros(count, np.float32), [], marks), not pause
            marks = ()

    def _render(self, encoded: EncodedClause, gain: float) -> Iterator[tuple[FloatArray, bool]]:
        """Samples of a clause, at output level, edges faded; each with whether it is the last."""
        p, total = self._p, len(encoded)
        bands = np.zeros((total, p.bands), np.float32)
        log_f0, voicing = np.zeros(total, np.float32), np.zeros(total, np.float32)
        # A clause draws from a generator of its own, whatever was said before it.
        key = np.array([self._controls.seed, self._clauses], np.uint64)
        self._clauses += 1
        rng = np.random.Generator(np.random.Philox(key=key))
        vocoder = ClauseVocoder(p.vocoder, bands, log_f0, voicing, rng)
        fader = Fader(total * p.vocoder.hop, p.rate)
        decoded = spoken = 0
        while spoken < total:
            spoken = min(total, spoken + next(self._stretches, p.stretch_frames))
            if total - spoken < p.stretch_frames // 8:
                spoken = total  # a short rest isn't worth a run of its own
            vocoded = min(total, spoken + vocoder.delay_frames)
            wanted = min(total, vocoded + vocoder.lookahead_frames)
            self._check()
            if wanted > decoded:
                cut = slice(decoded, wanted)
                bands[cut], log_f0[cut], voicing[cut] = p.acoustic.decode(encoded, decoded, wanted)
                decoded = wanted
            self._check()
            yield fader(to_output_level(vocoder.advance(vocoded), gain)), spoken == total

    def _timings(self, clause: PhoneClause, encoded: EncodedClause) -> list[WordTiming]:
        """When each word is heard; token 0 is the pad before the first phone."""
        starts = self._position / self._p.rate
        per_frame = self._p.vocoder.hop / self._p.rate
        ends = np.maximum(encoded.ends - LABEL_DELAY_FRAMES, 0.0) * per_frame + starts
        return [
            WordTiming(
                word.text,
                word.span,
                float(ends[word.start]),
                float(ends[max(word.end, word.start + 1)]),
            )
            for word in clause.words
        ]

    def _chunk(
        self, samples: FloatArray, words: list[WordTiming], marks: tuple[MarkTiming, ...]
    ) -> Chunk:
        """Take from `words` those that begin before the end of these samples."""
        start_s = self._position / self._p.rate
        self._position += len(samples)
        end_s = self._position / self._p.rate
        count = sum(1 for word in words if word.start_s < end_s)
        heard = tuple(words[:count])
        del words[:count]
        span = (self._place, self._place)
        if heard:
            span = (heard[0].span[0], max(w.span[1] for w in heard))
            self._place = heard[-1].span[1]
        first, self._started = not self._started, True
        return Chunk(samples, self._p.rate, start_s, span, heard, marks, first=first)

    def _check(self) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise Cancelled("speech was cancelled")
