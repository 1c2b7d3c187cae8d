"""Did voicelet say this?  The public detector of the mark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.resample import resample
from voicelet.errors import WatermarkError
from voicelet.trust.watermark.pattern import (
    BANDS,
    CODED_BITS,
    FRAMES_PER_S,
    PERIOD_FRAMES,
    PUBLIC_KEY,
    TILE_FRAMES,
    TILES,
    Payload,
    decode,
    layout,
)
from voicelet.trust.watermark.search import (
    RATE_HZ,
    STRIDE_FRAMES,
    WINDOW_FRAMES,
    Hit,
    band_energies,
    power_spectra,
    residuals,
    search,
)
from voicelet.trust.watermark.thorough import PiecewiseMark, ThoroughSearch, thorough_search

FOUND = 0.99
"""Probability from which a recording counts as marked."""
_PRIOR = 0.01
"""Assumed share of marked recordings among those that are tested."""
_BLOCK_FRAMES = 60 * FRAMES_PER_S
_SEGMENT_LOG_P = math.log(1e-4)
_SAME_PLACE_FRAMES = 3.0
_THOROUGH_FRAMES = 30 * FRAMES_PER_S
_NEIGHBOUR_FRAMES = FRAMES_PER_S
_HOP = RATE_HZ // FRAMES_PER_S
MIN_SECONDS = 0.5


@dataclass(frozen=True)
class Segment:
    """A marked stretch of a recording.

    Attributes:
        start_s, end_s: where it lies, to about two seconds.
        score: of its best window, in standard deviations of unmarked speech.
        tempo, pitch: factors by which it was sped up and its frequencies were raised; 1 if not.
        payload: what its mark says, None where that can't be read.
    """

    start_s: float
    end_s: float
    score: float
    tempo: float
    pitch: float
    payload: Payload | None


@dataclass(frozen=True)
class Detection:
    """What the detector found.

    Attributes:
        probability: that the recording holds speech of voicelet, 0 to 1.
        payload: of the recording's best segment, None where none can be read.
        segments: in order of time; empty where nothing was found.
        score: of the best window, in standard deviations of unmarked speech.
        soft_bits: float64 [132], the coded bits as heard, of the segment that `payload` is of.
    """

    probability: float
    payload: Payload | None
    segments: tuple[Segment, ...]
    score: float
    soft_bits: npt.NDArray[np.float64]

    @property
    def found(self) -> bool:
        """Whether the probability passes the published threshold, :data:`FOUND`."""
        return self.probability >= FOUND


def detect_watermark(
    samples: npt.ArrayLike,
    sample_rate_hz: int,
    *,
    keys: Sequence[bytes] = (),
    scales: bool = True,
    thorough: ThoroughSearch | None = None,
    progress: Callable[[float], None] | None = None,
) -> Detection:
    """Look for voicelet's mark.

        detect_watermark(samples, 44100).probability

    Args:
        samples: float [n], mono, of any level; from half a second on.
        sample_rate_hz: 4000 to 768000.
        keys: operators' keys that payloads may be written with, besides the public one.
        scales: also search changes of speed and pitch, up to 6 % (ten times the work).
        thorough: where nothing is found, also search larger changes of speed and pitch, together
            or apart, and speech that was cut to pieces: 0.1 s of one core for a second of audio.
        progress: called with the share of the thorough search that is done, 0 to 1.

    Raises:
        WatermarkError: it isn't mono audio, or it is too short.
        AudioError: the rate can't be converted.
    """
    wave = np.asarray(samples, np.float32)
    if wave.ndim != 1:
        raise WatermarkError("a mark is looked for in one channel; give samples of shape [n]")
    if len(wave) < MIN_SECONDS * sample_rate_hz:
        raise WatermarkError(f"{MIN_SECONDS} s at least are needed to look for a mark")
    wave = np.nan_to_num(wave, nan=0.0, posinf=0.0, neginf=0.0)
    wave = resample(wave / max(float(np.abs(wave).max()), 1e-30), sample_rate_hz, RATE_HZ)
    all_keys = (PUBLIC_KEY, *keys)
    detection = _usual(wave, scales, all_keys)
    if thorough is None or detection.found:
        return detection
    changed = _thorough(wave, thorough, all_keys, progress)
    return changed if changed.found or changed.probability > detection.probability else detection


def _usual(wave: FloatArray, scales: bool, keys: Sequence[bytes]) -> Detection:
    hits: list[tuple[int, Hit]] = []
    blocks: dict[int, FloatArray] = {}
    frames = len(wave) // _HOP
    starts = range(0, max(1, frames - WINDOW_FRAMES), _BLOCK_FRAMES)
    for start in starts:
        stop = frames if start == starts[-1] else start + _BLOCK_FRAMES + WINDOW_FRAMES
        sums = power_spectra(wave[start * _HOP : stop * _HOP])
        block_hits = search(sums, scales=scales)
        hits += [(start, hit) for hit in block_hits]
        if any(hit.log_p < _SEGMENT_LOG_P for hit in block_hits):
            blocks[start] = sums
    if not hits:
        return _nothing(0.0, 0.0)
    best = min((hit for _, hit in hits), key=lambda hit: hit.log_p)
    probability = posterior(best.log_p + math.log(len(hits)))
    if probability < FOUND:
        return _nothing(probability, best.score)
    segments = [_segment(group, blocks, keys) for group in _groups(hits)]
    return _conclude(probability, best.score, segments)


def _thorough(
    wave: FloatArray,
    config: ThoroughSearch,
    keys: Sequence[bytes],
    progress: Callable[[float], None] | None,
) -> Detection:
    marks: list[PiecewiseMark] = []
    segments: list[tuple[Segment, npt.NDArray[np.float64]]] = []
    frames = len(wave) // _HOP
    starts = range(0, max(1, frames - _THOROUGH_FRAMES // 2), _THOROUGH_FRAMES)
    for i, start in enumerate(starts):
        if progress is not None:
            progress(i / len(starts))
        stop = frames if start == starts[-1] else start + _THOROUGH_FRAMES
        sums = power_spectra(wave[start * _HOP : stop * _HOP])
        mark = thorough_search(sums, config)
        marks.append(mark)
        if mark.log_p < _SEGMENT_LOG_P:
            groups = _neighbours([(start, piece) for piece in mark.pieces])
            segments += [_segment(group, {start: sums}, keys) for group in groups]
    best = min(marks, key=lambda mark: mark.log_p)
    # Both searches, and each block, had its chance.
    probability = posterior(best.log_p + math.log(2 * len(marks)))
    if probability < FOUND:
        return _nothing(probability, best.score)
    return _conclude(probability, best.score, segments)


def _nothing(probability: float, score: float) -> Detection:
    return Detection(probability, None, (), score, np.zeros(CODED_BITS))


def _conclude(
    probability: float, score: float, found: Sequence[tuple[Segment, npt.NDArray[np.float64]]]
) -> Detection:
    """All that was found; what no stretch says by itself, all of them may say together."""
    segments = tuple(segment for segment, _ in found)
    order = sorted(range(len(segments)), key=lambda i: -segments[i].score)
    best = next((i for i in order if segments[i].payload is not None), order[0])
    payload, soft = _read(found[best][1])
    if payload is None and len(found) > 1:
        together = np.sum([bits for _, bits in found], axis=0)
        read, bits = _read(together)
        payload, soft = (read, bits) if read is not None else (payload, soft)
    return Detection(probability, payload, segments, score, soft)


def _read(
    soft: npt.NDArray[np.float64],
) -> tuple[Payload | None, npt.NDArray[np.float64]]:
    """The payload of [keys, CODED_BITS], if one of the keys gives any, and the bits it is of."""
    payloads = [decode(row) for row in soft]
    chosen = next((i for i, payload in enumerate(payloads) if payload is not None), 0)
    return payloads[chosen], soft[chosen]


def _segment(
    group: Sequence[tuple[int, Hit]], blocks: dict[int, FloatArray], keys: Sequence[bytes]
) -> tuple[Segment, npt.NDArray[np.float64]]:
    """A stretch and its coded bits with each key, summed over hits in order of time."""
    soft = sum((_soft_bits(h, s, blocks, keys) for s, h in _without_overlap(group)), np.zeros(()))
    start, first = group[0]
    top = max((hit for _, hit in group), key=lambda hit: hit.score)
    end_s = max(s + hit.last for s, hit in group) / FRAMES_PER_S
    start_s = (start + first.first) / FRAMES_PER_S
    segment = Segment(start_s, end_s, top.score, top.tempo, top.pitch, _read(soft)[0])
    return segment, soft


def posterior(log_p: float) -> float:
    """Chance of a mark, given how unlikely the best score is without one.

    The Bayes factor is the bound of Sellke, Bayarri and Berger (2001), `-1 / (e · p · ln p)`.
    """
    if log_p >= -1.0:
        return _PRIOR
    odds = _PRIOR / (1.0 - _PRIOR) * math.exp(min(700.0, -1.0 - log_p)) / -log_p
    return odds / (1.0 + odds)


def _groups(hits: Sequence[tuple[int, Hit]]) -> Iterable[list[tuple[int, Hit]]]:
    """Runs of neighbouring windows in which the pattern runs on."""
    marked = [(s, h) for s, h in hits if h.log_p < _SEGMENT_LOG_P]
    # Long windows find what short ones can't, but not where it begins.
    short = [(s, h) for s, h in marked if h.last - h.first <= WINDOW_FRAMES + STRIDE_FRAMES]
    marked = sorted(short or marked, key=lambda pair: (pair[0] + pair[1].first, pair[1].last))
    groups: list[list[tuple[int, Hit]]] = []
    for start, hit in marked:
        for group in groups:
            before, last = group[-1]
            gap = start + hit.first - before - last.first
            drift = (last.place + last.tempo * gap - hit.place) % PERIOD_FRAMES
            drift = min(drift, PERIOD_FRAMES - drift)
            near = start + hit.first <= before + last.last + STRIDE_FRAMES
            allowed = _SAME_PLACE_FRAMES + 0.02 * gap * (last.tempo != 1.0)
            if near and last.pitch == hit.pitch and drift <= allowed:
                group.append((start, hit))
                break
        else:
            groups.append([(start, hit)])
    return groups


def _neighbours(pieces: Sequence[tuple[int, Hit]]) -> Iterable[list[tuple[int, Hit]]]:
    """Runs of pieces with little between them, wherever the pattern stands in each."""
    groups: list[list[tuple[int, Hit]]] = []
    end = 0
    for start, piece in pieces:
        if groups and start + piece.first <= end + _NEIGHBOUR_FRAMES:
            groups[-1].append((start, piece))
        else:
            groups.append([(start, piece)])
        end = start + piece.last
    return groups


def _without_overlap(group: Sequence[tuple[int, Hit]]) -> Iterable[tuple[int, Hit]]:
    """Cut a group's windows so that each frame counts once."""
    done = 0
    for start, hit in group:
        first = max(hit.first, done - start)
        if first < hit.last:
            place = (hit.place + round(hit.tempo * (first - hit.first))) % PERIOD_FRAMES
            yield start, replace(hit, first=first, place=place)
            done = start + hit.last


def _soft_bits(
    hit: Hit, start: int, blocks: dict[int, FloatArray], keys: Sequence[bytes]
) -> npt.NDArray[np.float64]:
    """What a window says of each coded bit, with each key: [keys, CODED_BITS]."""
    rows = residuals(band_energies(blocks[start], hit.pitch))[hit.first : hit.last]
    place = (np.rint(hit.tempo * np.arange(len(rows))).astype(np.int64) + int(hit.place)) % (
        PERIOD_FRAMES
    )
    folded = np.zeros((PERIOD_FRAMES, BANDS))
    np.add.at(folded, place, rows)
    step = np.repeat([1.0, -1.0], TILE_FRAMES // 2)
    tiles = np.einsum("tfb,f->tb", folded.reshape(TILES, TILE_FRAMES, BANDS), step)
    soft = np.zeros((len(keys), CODED_BITS))
    for i, key in enumerate(keys):
        tiles_layout = layout(key)
        has_bit = tiles_layout.bit >= 0
        soft[i] = np.bincount(
            tiles_layout.bit[has_bit], (tiles * tiles_layout.signs)[has_bit], minlength=CODED_BITS
        )
    return soft
