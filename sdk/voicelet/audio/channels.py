"""Which channel of a recording to take, and whether it is clipped."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray

_FRAME_S = 0.02
_RANGE_CAP_DB = 40.0  # beyond this, a quieter background says nothing about the voice
_SILENT_DB = -75.0
_FLAT_RUN = 3  # consecutive samples at the same height


class ClipCounter:
    """Counts samples in flattened peaks: runs of three or more within 0.1 % of the extreme.

    Relative to the channel's own highest and lowest value, so that a recording that was clipped
    and then turned down, or that sits on a DC offset, is found too.
    """

    def __init__(self, highest: float, lowest: float, floor: float = 0.01) -> None:
        self._high = 0.999 * highest if highest > floor else math.inf
        self._low = 0.999 * lowest if lowest < -floor else -math.inf
        self._clipped = 0
        self._total = 0
        self._tail = np.zeros(0, dtype=np.int8)  # the unfinished run of the last block

    def add(self, wave: FloatArray) -> None:
        """Take the next block [n] of the channel."""
        self._total += len(wave)
        sign = (wave >= self._high).astype(np.int8) - (wave <= self._low)
        state = np.concatenate([self._tail, sign.astype(np.int8)])
        edges = np.flatnonzero(np.diff(state)) + 1
        starts = np.concatenate([[0], edges])
        ends = np.concatenate([edges, [len(state)]])
        if len(state) == 0:
            return
        lengths = ends - starts
        at_peak = state[starts] != 0
        open_run = lengths[-1] if at_peak[-1] else 0
        self._tail = state[len(state) - open_run :]
        closed = at_peak.copy()
        closed[-1] = False
        runs = lengths[closed]
        self._clipped += int(runs[runs >= _FLAT_RUN].sum())

    @property
    def fraction(self) -> float:
        """Part of the samples so far that are clipped, 0..1."""
        last = len(self._tail) if len(self._tail) >= _FLAT_RUN else 0
        return (self._clipped + last) / self._total if self._total else 0.0


class ChannelScan:
    """Collects what is needed to choose a channel, in one pass over the file."""

    def __init__(self, n_channels: int, sample_rate_hz: int) -> None:
        self._frame = max(1, int(sample_rate_hz * _FRAME_S))
        self._highest = np.zeros(n_channels)
        self._lowest = np.zeros(n_channels)
        self._remainder = np.zeros((0, n_channels), dtype=np.float32)
        self._levels: list[npt.NDArray[np.float32]] = []

    def add(self, block: FloatArray) -> None:
        """Take the next block, [n, channels]."""
        if len(block):
            self._highest = np.maximum(self._highest, block.max(axis=0))
            self._lowest = np.minimum(self._lowest, block.min(axis=0))
        joined = np.concatenate([self._remainder, block]) if len(self._remainder) else block
        count = len(joined) // self._frame
        whole = joined[: count * self._frame].reshape(count, self._frame, block.shape[1])
        # Without each frame's mean, for an offset would hide how the voice comes and goes.
        self._levels.append(np.var(whole, axis=1))
        self._remainder = joined[count * self._frame :].copy()

    def choose(self) -> int:
        """Return the index of the channel that most looks like close speech.

        The score is the range between loud and quiet frames (speech comes and goes, hum and hiss
        don't), up to 40 dB, plus half the level of the loud frames (crosstalk has the same range
        as the voice it leaks from, but is quieter).  Ties go to the first channel.
        """
        if len(self._highest) == 1:
            return 0
        power = np.concatenate(self._levels)
        if len(power) == 0:
            return int(np.argmax(self._highest - self._lowest))
        db = 10.0 * np.log10(power.astype(np.float64) + 1e-12)
        loud, quiet = np.percentile(db, 95, axis=0), np.percentile(db, 10, axis=0)
        score = np.minimum(loud - quiet, _RANGE_CAP_DB) + 0.5 * loud
        score = np.where(loud < _SILENT_DB, -np.inf, score)
        return int(np.argmax(np.round(score, 3))) if np.isfinite(score).any() else 0

    def peak(self, channel: int) -> float:
        """Largest magnitude in `channel`."""
        return float(max(self._highest[channel], -self._lowest[channel]))

    def clip_counter(self, channel: int, ceiling: float, floor: float) -> ClipCounter:
        """A counter for a second pass over `channel`.

        Args:
            ceiling: what lies beyond was clipped even if it isn't flat: 1 for lossy codecs, whose
                decoders round the flats off and overshoot.
            floor: extremes below it aren't judged, for there equal neighbours come from the
                coarse steps of the format.
        """
        return ClipCounter(
            min(float(self._highest[channel]), ceiling),
            max(float(self._lowest[channel]), -ceiling),
            floor,
        )
