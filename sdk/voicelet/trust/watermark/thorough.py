"""The thorough search: the mark at other speeds and pitches, together or apart, and in pieces.

Each pitch and tempo of a grid is given an e-value (`paths.py`), and so has their weighted mean,
which says whether there is a mark.  First the grid is searched coarsely, with marks of one
strength; then finely round its best places, with several.  What isn't computed counts as nothing,
which keeps the mean honest.

That the tiles of a path are independent isn't true of a recording that repeats itself with the
pattern, every two seconds, as music may: then the same sign is tossed once and counted often.  So,
where something was found, the variance is computed again with the visits of each tile summed, and
the evidence is lowered by the ratio.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet.trust.watermark.paths import (
    Piece,
    PilotMatcher,
    likelihoods,
    likely_pieces,
    log_evidence,
    running_sums,
    tile_steps,
)
from voicelet.trust.watermark.pattern import TILE_FRAMES, TILES, layout
from voicelet.trust.watermark.search import Hit, band_energies, residuals

MAX_SPEED_CHANGE, MAX_PITCH_SEMITONES = 0.4, 7.0
_STEP = 0.03  # of the coarse grid, in natural logs of the factors
_FINE = (-0.01, 0.0, 0.01)
_COARSE_STRENGTHS = (0.6,)
_FINE_STRENGTHS = (0.3, 0.6, 1.2)
_REFINED_CELLS = 2
_PROMISING = 1.0  # log evidence from which a cell is refined
_BATCH = 4  # pitches that are searched at once
_PAUSE = 0.02  # of the mean variance; less is a pause
_DOUBTFUL = 6.0  # log evidence from which the path is looked at


_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ThoroughSearch:
    """How far the thorough search of `detect_watermark` goes.

    Attributes:
        max_speed_change: 0.25 searches speeds from 0.75 (25 % slower) to 1 / 0.75 (a quarter of the
            time cut away), with or without the pitch; 0 to 0.4.
        max_pitch_semitones: up and down, with or without a change of speed; 0 to 7.

    Pitches cover those that come with the changes of speed.

    Raises:
        ConfigError: a value lies outside its range.
    """

    max_speed_change: float = 0.25
    max_pitch_semitones: float = 4.0

    def __post_init__(self) -> None:
        for name, limit in (
            ("max_speed_change", MAX_SPEED_CHANGE),
            ("max_pitch_semitones", MAX_PITCH_SEMITONES),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ConfigError(f"{name} must be a number, not {value!r}")
            if not 0.0 <= value <= limit:
                raise ConfigError(f"{name} must lie between 0 and {limit:g}, not {value!r}")


def _grid(config: ThoroughSearch) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Factors of frequency and of speed of the coarse grid, 1 among each."""
    shift = config.max_pitch_semitones * math.log(2.0) / 12.0
    change = -math.log(1.0 - config.max_speed_change)
    return _factors(max(shift, change)), _factors(change)


def _factors(largest: float) -> npt.NDArray[np.float64]:
    # The outermost may lie half a step inside: what is between two points is found from either.
    count = math.ceil(largest / _STEP - 0.5)
    factors: npt.NDArray[np.float64] = np.exp(_STEP * np.arange(-count, count + 1))
    return factors


@dataclass(frozen=True)
class PiecewiseMark:
    """What the thorough search knows of a recording.

    Attributes:
        log_p: natural log of the chance that it looks so marked without a mark, at most 0.
        score: of its best piece, or of all pieces together if that is more, in standard deviations.
        pieces: in order of time; empty where `log_p` isn't small.
    """

    log_p: float
    score: float
    pieces: tuple[Hit, ...]


def thorough_search(sums: FloatArray, config: ThoroughSearch) -> PiecewiseMark:
    """Search a stretch of up to a minute or so.

    Args:
        sums: of `power_spectra`, [n, bins + 1].
    """
    if len(sums) < 2 * TILE_FRAMES:
        return PiecewiseMark(0.0, 0.0, ())
    pitches, tempi = _grid(config)
    batches = np.array_split(pitches, -(-len(pitches) // _BATCH))
    coarse = np.concatenate(
        [_evidence(sums, b, tempi, _COARSE_STRENGTHS)[:, :, 0] for b in batches]
    )
    weights = _weights(pitches, tempi)
    # Half of each cell's weight is the coarse point's, half that of the fine points in it.
    logs = [coarse + np.log(0.5 * weights)]
    best = _Place(1.0, 1.0, _COARSE_STRENGTHS[0], -math.inf)
    for index in np.argsort(-coarse, axis=None)[:_REFINED_CELLS]:
        row, column = divmod(int(index), len(tempi))
        if coarse[row, column] < _PROMISING:
            break
        share = math.log(0.5 * weights[row, column] / (len(_FINE) ** 2 * len(_FINE_STRENGTHS)))
        for place in _around(sums, pitches[row], tempi[column]):
            logs.append(np.array([[place.log_evidence + share]]))
            best = max(best, place, key=lambda p: p.log_evidence)
    evidence = float(np.logaddexp.reduce(np.concatenate([part.ravel() for part in logs])))
    if evidence < _DOUBTFUL:
        return PiecewiseMark(min(0.0, -evidence), 0.0, ())
    return _described(sums, best, evidence)


@dataclass(frozen=True)
class _Place:
    pitch: float
    tempo: float
    strength: float
    log_evidence: float


def _weights(
    pitches: npt.NDArray[np.float64], tempi: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Shares of the cells, which sum to 1: a third unchanged, a third resampled, the rest even."""
    weights = np.full((len(pitches), len(tempi)), 1.0 / (3.0 * len(pitches) * len(tempi)))
    distance = np.abs(np.log(tempi)[None, :] - np.log(pitches)[:, None])
    weights[np.arange(len(pitches)), distance.argmin(axis=1)] += 1.0 / (3.0 * len(pitches))
    weights[np.abs(np.log(pitches)).argmin(), np.abs(np.log(tempi)).argmin()] += 1.0 / 3.0
    return weights


def _evidence(
    sums: FloatArray,
    pitches: npt.NDArray[np.float64],
    tempi: npt.NDArray[np.float64],
    strengths: tuple[float, ...],
) -> npt.NDArray[np.float64]:
    """Log evidence at every pitch, tempo and strength: [pitches, tempi, strengths]."""
    shape = len(pitches), len(tempi), len(strengths)
    ratios = np.ones((int(len(sums) * tempi.max()), *shape, TILES), np.float32)
    for i, pitch in enumerate(pitches):
        rows = running_sums(residuals(band_energies(sums, float(pitch))))
        for k, tempo in enumerate(tempi):
            part = likelihoods(*_pilots()(tile_steps(rows, float(tempo))), strengths)
            ratios[: len(part), i, k] = part
    return log_evidence(ratios.reshape(len(ratios), -1, TILES)).reshape(shape)


def _around(sums: FloatArray, pitch: float, tempo: float) -> Iterator[_Place]:
    """The fine points of a cell."""
    changes = np.exp(np.array(_FINE))
    values = _evidence(sums, pitch * changes, tempo * changes, _FINE_STRENGTHS)
    for (i, k, strength), value in np.ndenumerate(values):
        yield _Place(
            float(pitch * changes[i]),
            float(tempo * changes[k]),
            _FINE_STRENGTHS[strength],
            float(value),
        )


def _described(sums: FloatArray, place: _Place, evidence: float) -> PiecewiseMark:
    """The pieces at the place found, in frames of the recording, and what they are worth."""
    rows = residuals(band_energies(sums, place.pitch))
    steps = tile_steps(running_sums(rows), place.tempo)
    matches, variances = _pilots()(steps)
    ratios = likelihoods(matches, variances, (place.strength,))[:, 0]
    pieces = likely_pieces(ratios)
    if not pieces:  # a sum of many paths, none of which is likely
        return PiecewiseMark(-_DOUBTFUL, 0.0, ())
    spans = [_loud_part(piece, variances) for piece in pieces]
    frames = np.concatenate([frames for frames, _ in spans])
    tiles = np.concatenate([tiles for _, tiles in spans])
    match, variance = matches[frames, tiles], variances[frames, tiles]
    # What the path cost is what its tiles are worth beyond the evidence.
    worth = float(np.log(ratios[frames, tiles]).sum())
    cost = max(0.0, worth - evidence)
    evidence = (evidence + cost) / _repetition(steps[frames], tiles) - cost
    log_p = min(0.0, -evidence)
    hits = []
    for run, numbers in spans:
        if not len(run):
            continue
        power = float(variances[run, numbers].sum())
        score = float(matches[run, numbers].sum()) / math.sqrt(power + 1e-12)
        ends = int(run[0]), int(run[-1]) + TILE_FRAMES
        first, last = (min(len(rows), round(frame / place.tempo)) for frame in ends)
        start = float(numbers[0] * TILE_FRAMES)
        hits.append(Hit(first, last, score, start, place.tempo, place.pitch, log_p))
    if not hits:
        return PiecewiseMark(-_DOUBTFUL, 0.0, ())
    score = float(match.sum() / np.sqrt(variance.sum() + 1e-12))
    return PiecewiseMark(log_p, max(score, *(hit.score for hit in hits)), tuple(hits))


def _loud_part(piece: Piece, variances: FloatArray) -> tuple[_Numbers, _Numbers]:
    """Frames and numbers of a piece's tiles, without the pauses at its ends."""
    frames = np.arange(piece.first, min(piece.last, len(variances)), TILE_FRAMES)
    tiles = (piece.tile + np.arange(len(frames))) % TILES
    loud = np.flatnonzero(variances[frames, tiles] > _PAUSE * float(variances.mean()))
    part = slice(int(loud[0]), int(loud[-1]) + 1) if len(loud) else slice(0, 0)
    return frames[part], tiles[part]


def _repetition(steps: FloatArray, tiles: npt.NDArray[np.int64]) -> float:
    """By how much repetition raises the variance of a path, at least 1.

    Args:
        steps: of the path's tiles, [n, BANDS].
        tiles: their numbers.
    """
    laid = layout()
    signs = np.where(laid.bit < 0, laid.signs, 0)[tiles].astype(np.float64)
    along = steps * signs
    # The mark itself repeats: its mean in each band is taken out.
    count = np.maximum(np.abs(signs).sum(axis=0), 1.0)
    rest = (along - along.sum(axis=0) / count) * np.abs(signs)
    folded = np.zeros((TILES, rest.shape[1]))
    np.add.at(folded, tiles, rest)
    return max(1.0, float(np.sum(folded**2) / (np.sum(rest**2) + 1e-12)))


@lru_cache(maxsize=1)
def _pilots() -> PilotMatcher:
    return PilotMatcher(layout())
