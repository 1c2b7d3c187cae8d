"""The mark as a hidden Markov model: pieces that begin, run on, and break off anywhere.

A recording may hold the pattern in pieces: words that were said by one call each, clips that were
cut and joined, speech that a tool has thinned out.  So the pattern's clock isn't taken to run
through.  Time runs in frames of the pattern; at each frame the recording is either without a mark,
or a tile begins, one of twenty.  A tile is mostly followed by the next one, a frame early or late
now and then; or the pattern jumps, or it ends.

What is computed is an *e-value* (Vovk and Wang, "E-values: calibration, combination and
applications", 2021): the mean over all such paths of how much likelier the recording is with the
mark on that path than without.  The signs of the pilots are independent coin tosses that know
nothing of a recording without a mark.  With `m` the sum of signs times steps of a tile and `v` the
sum of the squares of the steps, `exp(λ · m - λ² · v / 2)` has a mean of at most 1 over the signs,
whatever the recording (Hoeffding's lemma), and so has the mean over all paths, all tempi and all
pitches.  By Markov's inequality the chance of a value of `E` without a mark is at most `1 / E`:
however many places are tried, the threshold needs no correction.  (This counts the tiles of a path
as independent; `thorough.py` guards against recordings that repeat themselves.)

The sum over paths is the forward algorithm of Rabiner, "A tutorial on hidden Markov models" (1989);
its section on Viterbi's algorithm has the likeliest path.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.products import BandMatrix
from voicelet.trust.watermark.pattern import (
    SLOT_FRAMES,
    TILE_FRAMES,
    TILES,
    MarkLayout,
)

# What the recording says of each tile at each frame.


class PilotMatcher:
    """Matches steps of energy with the pilots of a key.

    Args:
        mark_layout: the key's.
    """

    def __init__(self, mark_layout: MarkLayout) -> None:
        pilots = mark_layout.bit < 0
        self._signs = BandMatrix(np.where(pilots, mark_layout.signs, 0).T.astype(np.float32), 8192)
        # Which bands hold pilots repeats after three tiles.
        self._masks = BandMatrix(pilots[:3].T.astype(np.float32), 8192)

    def __call__(self, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Matches `m` and variances `v` of tiles that begin at each frame, both [n, TILES]."""
        matches: FloatArray = steps @ self._signs
        variances: FloatArray = (steps * steps) @ self._masks
        return matches, variances[:, np.arange(TILES) % 3]


def running_sums(rows: FloatArray) -> npt.NDArray[np.float64]:
    """Sums of the rows before each frame, [n + 1, BANDS]; rows are those of `residuals`."""
    sums = np.zeros((len(rows) + 1, rows.shape[1]))
    np.cumsum(rows, axis=0, out=sums[1:])
    return sums


def tile_steps(sums: npt.NDArray[np.float64], tempo: float) -> FloatArray:
    """First half minus second half of a tile that begins at each frame of the pattern.

    Args:
        sums: of `running_sums`, [n + 1, BANDS].
        tempo: frames of the pattern in a frame of the recording.

    Returns:
        float32 [int(n · tempo), BANDS]; what sticks out at the end counts as nothing.
    """
    length = len(sums) - 1
    count = int(length * tempo)
    place = np.minimum(np.arange(count + TILE_FRAMES) / tempo, length)
    below = np.minimum(place.astype(np.int64), length - 1)
    part = (place - below)[:, None]
    at = sums[below] * (tempo * (1.0 - part)) + sums[below + 1] * (tempo * part)
    half = np.subtract(at[SLOT_FRAMES:], at[:-SLOT_FRAMES], dtype=np.float32)
    steps: FloatArray = half[:-SLOT_FRAMES] - half[SLOT_FRAMES:]
    return np.pad(steps, ((0, count - len(steps)), (0, 0)))


# How a path goes on: chances of a tile's end, or of a frame without a mark.

_ENDS, _JUMPS = 0.08, 0.02
_GOES_ON = 1.0 - _ENDS - _JUMPS
_SLIPS = 0.05  # a frame early; as often a frame late
_BEGINS = 0.04
_TOLL = 0.2  # nats that a tile at the end of a run must add
_SPLIT = 16  # frames between two corrections of the scale
_MAX_EXPONENT = 14.0
_DELAYS = ((TILE_FRAMES, 1.0 - 2.0 * _SLIPS), (TILE_FRAMES - 1, _SLIPS), (TILE_FRAMES + 1, _SLIPS))
_RING = 2 * TILE_FRAMES


def _first_tile() -> FloatArray:
    # Every call of a voice begins with the pattern's first tile, perhaps with its pause cut off.
    chances = np.full(TILES, 0.5 / TILES, np.float32)
    chances[[0, 1, TILES - 1]] += np.array([0.35, 0.1, 0.05], np.float32)
    return chances


_FIRST_TILE = _first_tile()
_FIRST_TILE_LOGS = np.log(_FIRST_TILE.astype(np.float64))
_LOG_ENDS, _LOG_JUMPS, _LOG_GOES_ON = math.log(_ENDS), math.log(_JUMPS), math.log(_GOES_ON)
_LOG_BEGINS, _LOG_STAYS_OUT = math.log(_BEGINS), math.log(1.0 - _BEGINS)
_DELAY_LOGS = tuple((delay, math.log(share)) for delay, share in _DELAYS)


def likelihoods(
    matches: FloatArray, variances: FloatArray, strengths: Sequence[float]
) -> FloatArray:
    """Likelihood ratios of tiles, for marks of each strength `λ`: [n, strengths, TILES]."""
    ratios = np.empty((len(matches), len(strengths), TILES), np.float32)
    for i, strength in enumerate(strengths):
        exponent = strength * matches - (0.5 * strength**2) * variances
        ratios[:, i] = np.exp(np.clip(exponent, -_MAX_EXPONENT, _MAX_EXPONENT))
    return ratios


def log_evidence(ratios: FloatArray) -> npt.NDArray[np.float64]:
    """Natural logs of the mean over all paths, for each of several models at once: [models].

    Args:
        ratios: float32 [n, models, TILES]; 1 where a recording is over.
    """
    count, models, _ = ratios.shape
    tiles = np.zeros((_RING, models, TILES), np.float32)
    outside = np.ones(models, np.float32)
    logs = np.zeros(models)
    for i in range(count):
        begun, outside = _advance(tiles, outside, i)
        np.multiply(begun, ratios[i], out=tiles[i % _RING])
        if i % _SPLIT == _SPLIT - 1:
            scale = np.maximum(outside, tiles.max(axis=(0, 2)))
            logs += np.log(scale)
            outside /= scale
            tiles /= scale[:, None]
    total = outside.astype(np.float64)
    for i in range(count - TILE_FRAMES, count):
        total += tiles[i % _RING].sum(axis=1)
    totals: npt.NDArray[np.float64] = logs + np.log(total)
    return totals


def _advance(tiles: FloatArray, outside: FloatArray, i: int) -> tuple[FloatArray, FloatArray]:
    """Weights of tiles that begin at frame `i`, and of being outside a mark there."""
    ended = tiles[(i - TILE_FRAMES + 1) % _RING] + tiles[(i - TILE_FRAMES - 1) % _RING]
    ended *= np.float32(_SLIPS)
    ended += np.float32(1.0 - 2.0 * _SLIPS) * tiles[(i - TILE_FRAMES) % _RING]
    total = np.einsum("mt->m", ended)
    begun = np.empty_like(ended)
    begun[:, 1:] = ended[:, :-1]
    begun[:, 0] = ended[:, -1]
    begun *= np.float32(_GOES_ON)
    fresh = np.float32(_JUMPS) * total + np.float32(_BEGINS) * outside
    begun += fresh[:, None] * _FIRST_TILE
    return begun, np.float32(1.0 - _BEGINS) * outside + np.float32(_ENDS) * total


@dataclass(frozen=True)
class Piece:
    """A stretch in which the pattern runs on.

    Attributes:
        first, last: frames of the pattern's clock since the recording began.
        tile: the first of the pattern.
    """

    first: int
    last: int
    tile: int


def likely_pieces(ratios: FloatArray) -> list[Piece]:
    """The pieces of the likeliest path, by Viterbi's algorithm; none if it is outside throughout.

    Args:
        ratios: of one model, [n, TILES].
    """
    ratio_logs = np.log(ratios)
    count = len(ratio_logs)
    # Log weights of paths to a tile that begins at a frame, its own ratio included; and to outside.
    tiles = np.full((count, TILES), -np.inf)
    outside = np.zeros(count + 1)  # of the frame before
    for i in range(count):
        followed = np.full(TILES, -np.inf)
        for delay, log_share in _DELAY_LOGS:
            if i >= delay:
                np.maximum(followed, tiles[i - delay] + log_share, out=followed)
        ended = float(followed.max())
        fresh = max(ended + _LOG_JUMPS, outside[i] + _LOG_BEGINS)
        begun = np.maximum(np.roll(followed, 1) + _LOG_GOES_ON, fresh + _FIRST_TILE_LOGS)
        tiles[i] = begun + ratio_logs[i]
        outside[i + 1] = max(ended + _LOG_ENDS, outside[i] + _LOG_STAYS_OUT)
    return _pieces(_trimmed(_traced(tiles, outside), ratio_logs))


def _trimmed(
    path: Sequence[tuple[int, int]], ratio_logs: npt.NDArray[np.floating]
) -> list[tuple[int, int]]:
    """A path whose runs begin and end where the recording speaks for the mark.

    Running on costs a path less than breaking off, so that it would reach into what lies beside
    the mark.  Of each run is kept the part that adds up to most, with a toll on each tile.
    """
    kept: list[tuple[int, int]] = []
    breaks = [i for i in range(1, len(path)) if path[i][0] - path[i - 1][0] > TILE_FRAMES + 1]
    for first, last in pairwise([0, *breaks, len(path)]):
        run = path[first:last]
        worth = [float(ratio_logs[frame, tile]) - _TOLL for frame, tile in run]
        sums = np.concatenate([[0.0], np.cumsum(worth)])
        gains = sums - np.minimum.accumulate(sums)
        stop = int(gains.argmax())
        kept += run[int(sums[: stop + 1].argmin()) : stop]
    return kept


def _traced(
    tiles: npt.NDArray[np.float64], outside: npt.NDArray[np.float64]
) -> list[tuple[int, int]]:
    """Frames and numbers of the tiles of the likeliest path."""
    count = len(tiles)
    path: list[tuple[int, int]] = []
    running = tiles[max(0, count - TILE_FRAMES) :]
    at, tile = count, -1  # -1: outside, before frame `at`
    if running.max() > outside[-1]:
        frame, tile = divmod(int(running.argmax()), TILES)
        at = max(0, count - TILE_FRAMES) + frame
        path.append((at, tile))
    while at > 0:
        options = [(outside[at] + _LOG_BEGINS + _FIRST_TILE_LOGS[tile], at, -1)]
        if tile < 0:
            at -= 1
            options = [(outside[at] + _LOG_STAYS_OUT, at, -1)]
        for delay, log_share in _DELAY_LOGS:
            if at < delay:
                continue
            logs = tiles[at - delay] + log_share
            likeliest, previous = int(logs.argmax()), (tile - 1) % TILES
            change = _LOG_ENDS if tile < 0 else _LOG_JUMPS + _FIRST_TILE_LOGS[tile]
            options.append((logs[likeliest] + change, at - delay, likeliest))
            if tile >= 0:
                options.append((logs[previous] + _LOG_GOES_ON, at - delay, previous))
        _, at, tile = max(options)
        if tile >= 0:
            path.append((at, int(tile)))
    return path[::-1]


def _pieces(path: Sequence[tuple[int, int]]) -> list[Piece]:
    """Runs of tiles that follow each other to the frame."""
    starts = [
        i
        for i in range(len(path))
        if i == 0
        or path[i][0] - path[i - 1][0] != TILE_FRAMES
        or path[i][1] != (path[i - 1][1] + 1) % TILES
    ]
    return [
        Piece(path[a][0], path[b - 1][0] + TILE_FRAMES, path[a][1])
        for a, b in pairwise([*starts, len(path)])
    ]
