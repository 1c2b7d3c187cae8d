"""Labels where the sound is, and no more silence at the ends than is told.

The teacher's durations, and so the aligner's, lie some 60 ms behind what is heard, and half a
second of silence stands at both ends of its sentences.  A model that learns from that has pauses of
its own.  Here labels are moved, phones beside a pause begin and end with their sound, and every
utterance has the same few frames of silence before and after.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voicelet.errors import ConfigError
from voicelet.text.phones import PUNCTUATION
from voicelet_export.corpus.align_cache import silent_frames
from voicelet_export.corpus.relabel import IntArray, RelabelledCache

log = logging.getLogger(__name__)

_LAST_MARK = len(PUNCTUATION)  # indices 1 to this are the space and marks, 0 is the pad
_STRESS = (_LAST_MARK + 1, _LAST_MARK + 2)
_SPACE = PUNCTUATION.index(" ") + 1


@dataclass(frozen=True)
class RetimeConfig:
    """How labels are moved.

    Attributes:
        delay_frames: by how much they lie behind what is heard.
        lead_frames: silence before the first phone.
        trail_frames: silence behind the last phone, the closing pad included.
        pad_frames: of the closing pad, where a mark stands before it.
        search_frames: how far the edge of a sound may lie from its label.
    """

    delay_frames: int = 5
    lead_frames: int = 4
    trail_frames: int = 8
    pad_frames: int = 2
    search_frames: int = 10

    def __post_init__(self) -> None:
        if min(self.delay_frames, self.search_frames) < 0 or self.lead_frames < 1:
            raise ConfigError("delay_frames, search_frames and lead_frames can't be negative or 0")
        if not 1 <= self.pad_frames < self.trail_frames:
            raise ConfigError("pad_frames must be at least 1 and less than trail_frames")


def retimed(
    phones: IntArray,
    durations: IntArray,
    silent: npt.NDArray[np.bool_],
    config: RetimeConfig = RetimeConfig(),
) -> tuple[int, IntArray]:
    """Move the labels of one utterance.

    Args:
        phones, durations: int64 [n], pads at both ends.
        silent: bool [frames], see `voicelet_export.corpus.align_cache.silent_frames`.

    Returns:
        (first frame that is kept, durations [n]); what they don't cover at the end isn't kept.
        An utterance without enough silence keeps what there is.
    """
    edges = np.cumsum(durations) - config.delay_frames
    edges[-1] = len(silent)
    pause = phones <= _LAST_MARK  # pads, spaces and marks
    inner = np.flatnonzero(~pause)
    if not len(inner):
        return 0, durations
    first, last = int(inner[0]), int(inner[-1])
    for before, after in _pauses(phones, inner):
        if before >= first:
            end = int(edges[before])
            edges[before] = _offset(silent, int(edges[before - 1]), end, config)
        if after <= last:
            # A stress mark is said together with its vowel.
            until = min(last, after + int(phones[after] in _STRESS))
            begin = int(edges[after - 1])
            edges[after - 1] = _onset(silent, begin, int(edges[until]), config)
        if first <= before and after <= last:
            _share(edges, before, after)
    start = max(0, int(edges[first - 1]) - config.lead_frames)
    stop = min(len(silent), int(edges[last]) + config.trail_frames)
    edges = _in_order(edges, first, last, start, stop, config)
    return start, np.diff(edges, prepend=start).astype(np.int64)


def _pauses(phones: IntArray, inner: IntArray) -> list[tuple[int, int]]:
    """Phones on either side of every mark and of both ends; not those around a mere space."""
    sides = [-1, *inner.tolist(), len(phones)]
    return [
        (before, after)
        for before, after in pairwise(sides)
        if after - before > 1 and (phones[before + 1 : after] != _SPACE).any()
    ]


def _share(edges: IntArray, before: int, after: int) -> None:
    """Keep the marks and spaces between two phones in between them, a frame each at least."""
    count = after - before - 1
    edges[after - 1] = max(int(edges[after - 1]), int(edges[before]) + count)
    for place in range(before + 1, after - 1):
        low = int(edges[before]) + place - before
        high = int(edges[after - 1]) - (after - 1 - place)
        edges[place] = min(max(int(edges[place]), low), high)


def _onset(silent: npt.NDArray[np.bool_], at: int, end: int, config: RetimeConfig) -> int:
    """Where the sound whose label begins at `at` and ends at `end` begins."""
    low = max(0, at - config.search_frames)
    high = min(end - 1, at + config.search_frames)
    if high <= low:
        return at
    heard = low + np.flatnonzero(~silent[low:high])
    if not len(heard):
        return at
    # Back from the label to the nearest silence, or on to the first sound.
    if at < len(silent) and not silent[min(at, high - 1)]:
        quiet = low + np.flatnonzero(silent[low : min(at, high)])
        return int(quiet[-1]) + 1 if len(quiet) else at
    later = heard[heard >= at]
    return int(later[0]) if len(later) else at


def _offset(silent: npt.NDArray[np.bool_], begin: int, at: int, config: RetimeConfig) -> int:
    """Where the sound whose label begins at `begin` and ends at `at` ends."""
    low = max(begin + 1, at - config.search_frames)
    high = min(len(silent), at + config.search_frames)
    if high <= low:
        return at
    if silent[min(max(low, at - 1), len(silent) - 1)]:
        heard = low + np.flatnonzero(~silent[low:at])
        return int(heard[-1]) + 1 if len(heard) else max(low, begin + 1)
    quiet = at + np.flatnonzero(silent[at:high])
    return int(quiet[0]) if len(quiet) else at


def _in_order(
    edges: IntArray, first: int, last: int, start: int, stop: int, config: RetimeConfig
) -> IntArray:
    """Every token has a frame; marks at the ends share the silence that is kept there."""
    out = edges.copy()
    before = np.arange(first)
    out[:first] = np.minimum(out[first - 1], start + before + 1)
    out[first - 1] = max(int(edges[first - 1]), start + first)
    for token in range(first, last + 1):
        out[token] = max(int(out[token]), int(out[token - 1]) + 1)
    closing = len(edges) - 1 - last
    stop = max(stop, int(out[last]) + closing)
    out[-1] = stop
    if closing > 1:
        out[-2] = max(int(out[last]) + closing - 1, stop - config.pad_frames)
        for token in range(len(edges) - 3, last, -1):
            out[token] = int(out[last]) + token - last
    return out


def retime_cache(source: Path, out: Path, config: RetimeConfig = RetimeConfig()) -> float:
    """Write `out`, a cache of the aligned utterances of `source` with moved labels.

    Returns:
        Share of the frames that is kept.

    Raises:
        CorpusError: `source` holds no aligned utterance.
    """
    made = RelabelledCache(source)
    for entry in made.aligned:
        phones, durations = made.cache.phones(entry), made.cache.durations(entry)
        silent = silent_frames(made.cache.mel(entry))
        first, moved = retimed(phones, durations, silent, config)
        if first + int(moved.sum()) <= entry.n_frames:
            made.add(entry, first, phones, moved)
    made.write(out)
    kept = sum(e.n_frames for e in made.entries)
    share = kept / sum(e.n_frames for e in made.aligned)
    log.info("%s: %d utterances, %.1f %% of the frames", out, len(made.entries), 100.0 * share)
    return share
