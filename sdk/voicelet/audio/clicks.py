"""Clicks in a recording: of a loose plug, a mouse, a lost packet.

A click lasts a millisecond and stands alone.  In the second difference, which hears what is
sudden, it towers over the 25 ms on either side; the pulses of a voice come again within those, and
the burst of a consonant is wider.
"""

from __future__ import annotations

import numpy as np

from voicelet.audio.features import FloatArray

_BLOCK_S = 0.005
_AROUND = (2, 5)  # blocks on either side that a click towers over
_TOWERS = 8.0  # times
_NARROW = 0.5  # share of the energy of 15 ms that lies within a millisecond
_WIDTH_S = 0.001
_LEAST = 0.01  # of full scale


def count_clicks(samples: FloatArray, sample_rate_hz: int) -> int:
    """Count the clicks of a recording.

    Args:
        samples: mono float [n], full scale at 1.
    """
    size = max(2, int(_BLOCK_S * sample_rate_hz))
    sudden = np.abs(np.diff(samples, 2))
    count = len(sudden) // size
    near, far = _AROUND
    if count <= 2 * far:
        return 0
    peaks = sudden[: count * size].reshape(count, size).max(axis=1)
    around = np.zeros(count)
    for distance in range(near, far + 1):
        around[distance:] = np.maximum(around[distance:], peaks[:-distance])
        around[:-distance] = np.maximum(around[:-distance], peaks[distance:])
    found, last = 0, -size
    for block in np.flatnonzero((peaks > _TOWERS * around) & (peaks > _LEAST)):
        at = int(block) * size + int(np.argmax(sudden[block * size : (block + 1) * size]))
        if at - last >= size and _is_narrow(sudden, at, size, sample_rate_hz):
            found, last = found + 1, at
    return found


def _is_narrow(sudden: FloatArray, at: int, size: int, sample_rate_hz: int) -> bool:
    power = sudden[max(0, at - 3 * size // 2) : at + 3 * size // 2].astype(np.float64) ** 2
    half = max(1, int(_WIDTH_S * sample_rate_hz / 2))
    inside = sudden[max(0, at - half) : at + half + 1].astype(np.float64) ** 2
    return bool(inside.sum() > _NARROW * power.sum())
