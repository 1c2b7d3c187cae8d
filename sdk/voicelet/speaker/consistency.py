"""Is it one person all the way through?  Drift of the speaker embedding within a recording.

Embeddings of short windows are smoothed over neighbours, then split into the two groups that
differ most (spherical 2-means); for one person the groups differ by what was said, for two people
by who said it.  The cosine between the groups' means is the score.  It grows with the amount of
speech on either side, so the threshold is lower for short recordings;
`docs/research/enrolment.md` has the calibration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.products import product

_ROUNDS = 20
_SUBSPACE, _ITERATIONS = 8, 40


@dataclass(frozen=True)
class Consistency:
    """How alike the two most different parts of the speech are.

    Attributes:
        cosine: between the mean embeddings of the parts, 1 for the same voice throughout.
        minor_share: part of the windows in the smaller group, 0..0.5.
    """

    cosine: float
    minor_share: float


def speaker_consistency(
    windows: npt.ArrayLike, smooth: int = 5, least_share: float = 0.15
) -> Consistency:
    """Score window embeddings of one recording, or of several in a row.

    Args:
        windows: float [windows, size], unit length, in order of time.
        smooth: neighbours averaged first (odd).
        least_share: a group smaller than this is an odd moment (laughter, a cough), no speaker;
            at least two windows in any case.
    """
    raw = np.asarray(windows, dtype=np.float32)
    if len(raw) < 4:
        return Consistency(1.0, 0.0)
    points = _unit(_moving_mean(raw, smooth))
    least = max(2, int(np.ceil(least_share * len(points))))
    best = Consistency(1.0, 0.0)
    for seeds in _seeds(points):
        groups = _two_means(points, seeds)
        minor = int(min(groups.sum(), len(groups) - groups.sum()))
        if minor < least:
            continue
        means = _unit(np.stack([raw[~groups].mean(axis=0), raw[groups].mean(axis=0)]))
        cosine = float(means[0] @ means[1])
        if cosine < best.cosine:
            best = Consistency(cosine, minor / len(groups))
    return best


def _seeds(points: FloatArray) -> list[FloatArray]:
    """Starts for 2-means: the most distant pair, first and last, and either side of the axis."""
    likeness = product(points, points.T)
    i, j = np.unravel_index(int(np.argmin(likeness)), likeness.shape)
    along = _along_main_axis(points - points.mean(axis=0))
    side = along > np.median(along)
    quarter = max(1, len(points) // 4)
    pairs = [(points[i], points[j]), (points[:quarter].mean(0), points[-quarter:].mean(0))]
    if side.any() and not side.all():
        pairs.append((points[~side].mean(0), points[side].mean(0)))
    return [_unit(np.stack(pair)) for pair in pairs]


def _along_main_axis(centred: FloatArray) -> npt.NDArray[np.float64]:
    """Where points [n, size] lie along the axis of their largest variance, [n], to scale.

    That is the first left singular vector, found by subspace iteration: LAPACK's own SVD would
    start the BLAS threads.
    """
    gram = product(centred, centred.T).astype(np.float64)
    start = np.random.default_rng(0).standard_normal((len(gram), min(len(gram), _SUBSPACE)))
    basis = np.linalg.qr(start)[0]
    for _ in range(_ITERATIONS):
        basis = np.linalg.qr(product(gram, basis))[0]
    inside = product(basis.T, product(gram, basis))
    along: npt.NDArray[np.float64] = np.einsum("ns,s->n", basis, np.linalg.eigh(inside)[1][:, -1])
    return along


def _two_means(points: FloatArray, centres: FloatArray) -> npt.NDArray[np.bool_]:
    groups = np.zeros(len(points), dtype=bool)
    for _ in range(_ROUNDS):
        scores: FloatArray = np.einsum("pd,cd->pc", points, centres)
        new: npt.NDArray[np.bool_] = scores[:, 1] > scores[:, 0]
        if (new == groups).all() or new.all() or not new.any():
            return new
        groups = new
        centres = _unit(np.stack([points[~groups].mean(0), points[groups].mean(0)]))
    return groups


def _moving_mean(rows: FloatArray, width: int) -> FloatArray:
    half = width // 2
    padded = np.pad(rows, ((half, half), (0, 0)), mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)
    return np.asarray(view.mean(axis=-1), dtype=np.float32)


def _unit(rows: npt.NDArray[np.float32]) -> FloatArray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norms, 1e-9), dtype=np.float32)
