"""Band-limited resampling by any rational ratio, in numpy.

A polyphase windowed-sinc filter (Smith, "Digital audio resampling", 1984; Kaiser window).  The
code is our own because it is a page long, and the usual choices don't fit a device: soxr is LGPL
and scipy weighs 35 MB.

The pass band reaches to 92 % of the lower Nyquist frequency and the stop band (better than 80 dB)
starts at that Nyquist frequency, so nothing audible aliases.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.products import BandMatrix
from voicelet.errors import AudioError

STOP_BAND_DB = 90.0
PASS_BAND = 0.92
MIN_RATE_HZ, MAX_RATE_HZ = 1000, 1_000_000
_MAX_MATRIX = 1 << 21  # elements of a dense block filter, 8 MB
_FINE_PHASES = 1024  # phases of the interpolated table, for awkward ratios


def _kaiser_beta(stop_band_db: float) -> float:
    return 0.1102 * (stop_band_db - 8.7)


def _kernel(offsets: npt.NDArray[np.float64], up: int, down: int) -> npt.NDArray[np.float64]:
    """The continuous filter at `offsets` (in input samples from its centre)."""
    scale = min(1.0, up / down)  # the lower Nyquist, as a fraction of the input's
    cutoff = scale * (1.0 + PASS_BAND) / 2.0
    half = _half_width(up, down)
    inside = np.maximum(0.0, 1.0 - (offsets / half) ** 2)
    beta = _kaiser_beta(STOP_BAND_DB)
    window = np.where(inside > 0.0, np.i0(beta * np.sqrt(inside)) / np.i0(beta), 0.0)
    out: npt.NDArray[np.float64] = cutoff * np.sinc(cutoff * offsets) * window
    return out


def _half_width(up: int, down: int) -> int:
    """Input samples on either side of an output sample that it depends on."""
    scale = min(1.0, up / down)
    transition = scale * (1.0 - PASS_BAND) / 2.0  # cycles a sample
    taps = (STOP_BAND_DB - 7.95) / (14.36 * transition)
    return math.ceil(taps / 2.0) + 1


@lru_cache(maxsize=8)
def _block_filter(up: int, down: int) -> tuple[int, int, BandMatrix] | None:
    """A matrix that turns `blocks * down` inputs (and their surroundings) into outputs.

    One matrix product per stretch of signal is many times faster in numpy than a gather per
    output sample.  Returns (inputs advanced, outputs made, matrix [inputs + 2 half, outputs]),
    or None where the ratio is so awkward that the matrix would be large.
    """
    half = _half_width(up, down)
    blocks = max(1, 64 // up)
    rows, columns = blocks * down + 2 * half, blocks * up
    if rows * columns > _MAX_MATRIX:
        return None
    centres = np.arange(columns) * down / up
    offsets = np.arange(-half, blocks * down + half)[:, None] - centres[None, :]
    matrix = _kernel(offsets, up, down).astype(np.float32)
    return blocks * down, columns, BandMatrix(matrix, block_elements=8192)


@lru_cache(maxsize=4)
def _fine_table(up: int, down: int) -> FloatArray:
    """The kernel at `_FINE_PHASES + 1` fractional positions, shape [phases + 1, 2 half + 1]."""
    half = _half_width(up, down)
    fractions = np.arange(_FINE_PHASES + 1) / _FINE_PHASES
    offsets = np.arange(-half, half + 1)[None, :] - fractions[:, None]
    return _kernel(offsets, up, down).astype(np.float32)


class Resampler:
    """Resamples a stream, block by block; joined, the blocks equal the result for the whole.

    Output sample `n` lies at input position `n * from / to`: there is no delay.  Beyond both ends
    the signal is taken as zero.  Memory is bounded by the size of a block and the filter.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        """Prepare for one stream.

        Raises:
            AudioError: a rate outside 1 kHz to 1 MHz.
        """
        for rate in (from_hz, to_hz):
            if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
                raise AudioError(
                    f"a sample rate of {rate} Hz is outside {MIN_RATE_HZ}-{MAX_RATE_HZ} Hz;"
                    " export the audio at 48000 Hz"
                )
        common = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        self._half = 0 if self._up == self._down else _half_width(self._up, self._down)
        self._input = np.zeros(self._half, dtype=np.float32)  # input from `_start - half` on
        self._start = 0  # input position that the next output block is computed from
        self._n_out = 0  # samples returned so far
        self._fed = 0  # inputs taken
        self._spill = np.zeros(0, dtype=np.float32)

    def push(self, block: npt.ArrayLike) -> FloatArray:
        """Take float samples [n] and return the output samples that are now certain."""
        new = np.asarray(block, dtype=np.float32)
        self._fed += len(new)
        if self._up == self._down:
            return new
        self._input = np.concatenate([self._input, new])
        return self._drain()

    def flush(self) -> FloatArray:
        """End the stream and return what is left of `ceil(n_in * to / from)` samples."""
        if self._up == self._down:
            return np.zeros(0, dtype=np.float32)
        total = -(-self._fed * self._up // self._down)
        advance = self._advance()
        pad = self._half + advance + 1
        self._input = np.concatenate([self._input, np.zeros(pad, dtype=np.float32)])
        missing = total - self._n_out
        return self._drain()[: max(0, missing)]

    def _advance(self) -> int:
        dense = _block_filter(self._up, self._down)
        return dense[0] if dense else 4096

    def _drain(self) -> FloatArray:
        dense = _block_filter(self._up, self._down)
        out = self._drain_dense(dense) if dense else self._drain_fine()
        self._n_out += len(out)
        return out

    def _drain_dense(self, dense: tuple[int, int, BandMatrix]) -> FloatArray:
        advance, _, matrix = dense
        width = matrix.shape[0]
        count = (len(self._input) - width) // advance + 1
        if count <= 0:
            return np.zeros(0, dtype=np.float32)
        view = np.lib.stride_tricks.sliding_window_view(self._input, width)[::advance][:count]
        parts = [
            (np.ascontiguousarray(view[i : i + 4096]) @ matrix).ravel()
            for i in range(0, count, 4096)
        ]
        self._input = self._input[count * advance :].copy()
        self._start += count * advance
        return np.concatenate(parts)

    def _drain_fine(self) -> FloatArray:
        """Interpolate linearly in a fine table of phases: the error stays below -100 dB."""
        table = _fine_table(self._up, self._down)
        width = table.shape[1]
        usable = len(self._input) - width + 1  # centres that have all their neighbours
        if usable <= 0:
            return np.zeros(0, dtype=np.float32)
        end = self._start + usable
        stop = -(-end * self._up // self._down)  # first output whose centre is `end` or later
        view = np.lib.stride_tricks.sliding_window_view(self._input, width)
        parts = [np.zeros(0, dtype=np.float32)]
        for first in range(self._n_out, stop, 8192):
            n = np.arange(first, min(stop, first + 8192), dtype=np.int64)
            index, remainder = np.divmod(n * self._down, self._up)
            position = remainder * (_FINE_PHASES / self._up)
            phase = position.astype(np.int64)
            blend = (position - phase).astype(np.float32)[:, None]
            weights = table[phase] * (1.0 - blend) + table[phase + 1] * blend
            parts.append(np.einsum("nk,nk->n", view[index - self._start], weights))
        done = min(stop * self._down // self._up, end) - self._start
        self._input = self._input[done:].copy()
        self._start += done
        return np.concatenate(parts)


def resample(samples: npt.ArrayLike, from_hz: int, to_hz: int) -> FloatArray:
    """Resample a mono signal.

    Args:
        samples: float [n].
        from_hz, to_hz: rates, 1 kHz to 1 MHz; any ratio.

    Returns:
        float32 [ceil(n * to_hz / from_hz)]; sample `k` lies at the time `k / to_hz`.

    Raises:
        AudioError: a rate out of range.
    """
    wave = np.asarray(samples, dtype=np.float32)
    resampler = Resampler(from_hz, to_hz)
    if from_hz == to_hz:
        same: FloatArray = wave.copy()
        return same
    parts = [resampler.push(wave[i : i + (1 << 18)]) for i in range(0, len(wave), 1 << 18)]
    out: FloatArray = np.concatenate([*parts, resampler.flush()])
    return out
