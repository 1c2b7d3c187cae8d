"""Cut long utterances at their pauses, so that people of one recording have several utterances.

A model that learns a voice from one stretch of speech and speaks another needs two of everybody.
Only labels change; mels, f0 and audio are linked from the first cache.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voicelet.audio.features import FloatArray, frame_energy_db
from voicelet.errors import ConfigError
from voicelet.text.phones import MULTILINGUAL_SYMBOLS, PUNCTUATION
from voicelet_export.corpus.align_cache import SPEECH_BANDS
from voicelet_export.corpus.cache import COPY_MARK
from voicelet_export.corpus.relabel import IntArray, RelabelledCache
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

_MARKS = np.array([MULTILINGUAL_SYMBOLS.index(mark) for mark in ".,?!;:—…"])
_SPACE = PUNCTUATION.index(" ") + 1


@dataclass(frozen=True)
class CutConfig:
    """Where utterances are cut.

    Attributes:
        pause_frames: least frames of a mark and the space behind it.
        least_frames: of a piece.
        label_delay_frames: by how much labels lie behind what is heard; the next word begins so
            long before its label.
        pad_frames: of a piece's closing pad.
        least_range_db: by how much an utterance's loud frames must stand above its quiet ones;
            noisier ones are left out, for what is learnt to be said should be clean.  0 keeps all.
    """

    pause_frames: int = 16
    least_frames: int = 120
    label_delay_frames: int = 4
    pad_frames: int = 2
    least_range_db: float = 0.0

    def __post_init__(self) -> None:
        if self.pause_frames < self.label_delay_frames + self.pad_frames + 2:
            raise ConfigError(
                "pause_frames must be at least 2 more than label_delay_frames and pad_frames"
            )
        if self.least_frames < 1:
            raise ConfigError("least_frames must be at least 1")


@dataclass(frozen=True)
class Piece:
    """A part of an utterance.

    Attributes:
        first_frame: in the utterance.
        phones, durations_frames: int64 [n], pads at both ends.
    """

    first_frame: int
    phones: IntArray
    durations_frames: IntArray


def pieces(phones: IntArray, durations: IntArray, config: CutConfig) -> list[Piece]:
    """Cut one utterance; what has no pause comes back whole.

    Args:
        phones, durations: int64 [n], pads at both ends.
    """
    ends = np.cumsum(durations)
    found: list[Piece] = []
    first, first_frame = 1, 0
    for mark in np.flatnonzero(np.isin(phones, _MARKS)):
        space = int(mark) + 1
        if phones[space] != _SPACE:
            continue
        start, end = int(ends[mark] - durations[mark]), int(ends[space])
        if end - start < config.pause_frames:
            continue
        cut = (start + end - config.label_delay_frames) // 2
        if cut - first_frame < config.least_frames or ends[-1] - cut < config.least_frames:
            continue
        found.append(_piece(phones, ends, first, int(mark), first_frame, cut, config))
        first, first_frame = space + 1, cut
    last = len(phones) - 2
    if not found:
        return [Piece(0, phones, durations)]
    tail = int(durations[-1])
    whole = _piece(phones, ends, first, last, first_frame, int(ends[-1]), config)
    whole.durations_frames[-2] += whole.durations_frames[-1] - tail
    whole.durations_frames[-1] = tail
    return [*found, whole]


def _piece(
    phones: IntArray,
    ends: IntArray,
    first: int,
    last: int,
    first_frame: int,
    end_frame: int,
    config: CutConfig,
) -> Piece:
    """Phones `first` to `last` and a pad on either side, from `first_frame` to `end_frame`."""
    edges = np.concatenate([ends[first - 1 : last], [end_frame - config.pad_frames, end_frame]])
    inner = phones[first : last + 1]
    return Piece(
        first_frame,
        np.concatenate([[0], inner, [0]]),
        np.diff(edges, prepend=first_frame).astype(np.int64),
    )


def range_db(mel: FloatArray) -> float:
    """By how much the loud frames [frames, n_mels] of log mels stand above the quiet ones.

    Between the 5th and the 95th percentile, in the bands that a recording at 16 kHz holds.
    """
    low, high = np.percentile(frame_energy_db(mel[:, :SPEECH_BANDS]), [5, 95])
    return float(high - low)


def cut_cache(source: Path, out: Path, config: CutConfig = CutConfig()) -> tuple[int, int]:
    """Write `out`, a cache of the pieces of the aligned utterances of `source`.

    Returns:
        (utterances, pieces).

    Raises:
        CorpusError: `source` holds no aligned utterance, or only noisy ones.
    """
    out_cache = RelabelledCache(source)
    cache, aligned = out_cache.cache, out_cache.aligned
    if config.least_range_db > 0.0:
        aligned = [e for e in aligned if range_db(cache.mel(e)) >= config.least_range_db]
        if not aligned:
            raise CorpusError(f"{source}: every utterance is too noisy; lower least_range_db")
    for entry in aligned:
        cut = pieces(cache.phones(entry), cache.durations(entry), config)
        for number, piece in enumerate(cut):
            name = f"{entry.id}{COPY_MARK}p{number}" if len(cut) > 1 else entry.id
            out_cache.add(entry, piece.first_frame, piece.phones, piece.durations_frames, name)
    out_cache.write(out)
    log.info("%s: %d utterances became %d", out, len(aligned), len(out_cache.entries))
    return len(aligned), len(out_cache.entries)
