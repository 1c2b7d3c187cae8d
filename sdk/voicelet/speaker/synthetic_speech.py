"""Is this speech likely synthetic?  Statistics of fine spectra, weighed by a small network.

A vocoder leaves traces in how the bins of a spectrum move: in time, between neighbours, in the
tails of their distribution.  The weights come from recordings of people against the same recordings
copied by vocoders, their voices cloned by voicelet, and other engines, every clip also at another
speed or pitch, in a room, in noise and after lossy coding, so that no edit alone counts.  For
engines that aren't in the training data the error rates differ; `docs/reference/verification.md`
has both.
`voicelet-export synthetic-speech` makes the weights.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray, hann_window
from voicelet.audio.quality import bandwidth_hz
from voicelet.errors import EngineError
from voicelet.files import NPZ_ERRORS

WEIGHTS_FILE = "synthetic_speech.npz"
SAMPLE_RATE_HZ = 16000
WINDOW = 400
HOP = 160
FFT = 512
BINS = FFT // 2 + 1
STATISTICS = 6 * BINS
HEARD_BINS = 218
"""Up to 6.8 kHz: the edge above tells how a recording was resampled, not who spoke."""


MIN_BANDWIDTH_HZ = 6500.0
"""Nothing is said of duller recordings: their upper bins hold no speech to judge."""

PIECE_SAMPLES = 48000
_STEP_SAMPLES = 32000
_LEAST_SAMPLES = 24000
_RMS = 0.08
_FLOOR = 1e-7
_RANGE_NATS = 5.0
_ACTIVE_NATS = 2.0
_CLIP = 5.0
_LEAST_POWER = 0.03  # 15 dB below the loudest
_BLOCK = 4000
_SOFT = 3e-3  # 25 dB below what is loud
_VORBIS_LEVEL = 0.7
"""Of libsndfile's scale: about 45 kbit/s, as much as most voice messages have."""


def in_one_codec(samples_16k: npt.ArrayLike) -> FloatArray:
    """A recording at one level and after one lossy codec (Vorbis), whatever it came through before.

    What a codec leaves is heard by the statistics as well; so all recordings get the same.

    Args:
        samples_16k: mono float [n] at 16 kHz.

    Returns:
        float32 [n].
    """
    import soundfile

    wave = np.asarray(samples_16k, dtype=np.float32)
    rms = max(float(np.sqrt(np.mean(wave.astype(np.float64) ** 2))), 1e-6)
    level = wave * np.float32(_RMS / rms)
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", SAMPLE_RATE_HZ, 1, "VORBIS", format="OGG", compression_level=_VORBIS_LEVEL
    ) as ogg:
        # In blocks: libsndfile runs out of its stack over minutes at once.
        for start in range(0, len(level), SAMPLE_RATE_HZ):
            ogg.write(np.clip(level[start : start + SAMPLE_RATE_HZ], -1.0, 1.0))
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    out = np.zeros(len(wave), dtype=np.float32)
    out[: min(len(wave), len(decoded))] = decoded[: len(wave)]
    return out


def fine_spectra(samples_16k: npt.ArrayLike) -> FloatArray:
    """Log power spectra of a recording, brought to mean 0 over its active frames.

    Taking the mean out of every bin takes out the microphone, the room's colour and the line.

    Args:
        samples_16k: mono float [n] at 16 kHz, at least one window.

    Returns:
        float32 [frames, 257], clipped to [-5, 5].
    """
    wave = np.asarray(samples_16k, dtype=np.float32)
    wave = wave / np.float32(np.sqrt(np.mean(wave.astype(np.float64) ** 2)) + 1e-6) * _RMS
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * hann_window(WINDOW), FFT, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    log_power = np.log(power + _FLOOR).astype(np.float32)
    loudness = log_power.mean(axis=1)
    active = log_power[loudness > np.percentile(loudness, 95) - _RANGE_NATS]
    centred = (log_power - active.mean(axis=0)) / max(float(active.std()), 1e-3)
    spectra: FloatArray = np.clip(centred, -_CLIP, _CLIP).astype(np.float32)
    return spectra


def spectral_statistics(samples_16k: npt.ArrayLike) -> FloatArray:
    """How the bins of a piece of speech move, over its active frames.

    Args:
        samples_16k: mono float [n] at 16 kHz, about 3 s.

    Returns:
        float32 [6 * 257]: deviation; mean absolute first difference in time and in frequency;
        mean absolute second difference in frequency and in time; skewness.  All are 0 for bins
        that aren't heard.
    """
    spectra = fine_spectra(samples_16k)
    loudness = spectra.mean(axis=1)
    active = loudness > np.percentile(loudness, 95) - _ACTIVE_NATS
    two = active[1:] & active[:-1]
    three = two[1:] & two[:-1]
    loud = spectra[active]
    deviation = loud.std(axis=0)
    skewness = ((loud - loud.mean(axis=0)) ** 3).mean(axis=0) / (deviation**3 + 1e-3)
    parts = [
        deviation,
        _mean(np.abs(np.diff(spectra, axis=0))[two]),
        _mean(np.abs(np.diff(loud, axis=1))),
        _mean(np.abs(np.diff(loud, 2, axis=1))),
        _mean(np.abs(np.diff(spectra, 2, axis=0))[three]),
        skewness,
    ]
    heard = [part[:HEARD_BINS] for part in parts]
    padded = [np.pad(part, (0, BINS - len(part))) for part in heard]
    return np.concatenate(padded).astype(np.float32)


def _mean(rows: FloatArray) -> npt.NDArray[np.float32]:
    if not len(rows):
        return np.zeros(rows.shape[1], dtype=np.float32)
    mean: npt.NDArray[np.float32] = rows.mean(axis=0)
    return mean


@dataclass(frozen=True)
class SyntheticWeights:
    """A network of one hidden layer over :func:`spectral_statistics`.

    Attributes:
        mean, deviation: of each statistic in training, [6 * 257].
        inner: weights of the hidden units, [6 * 257, units].
        inner_offset, outer: of each hidden unit, [units].
        offset: of the log odds.
        scale: of the log odds, from calibration on other people than the weights were trained on.
    """

    mean: FloatArray = field(repr=False)
    deviation: FloatArray = field(repr=False)
    inner: FloatArray = field(repr=False)
    inner_offset: FloatArray = field(repr=False)
    outer: FloatArray = field(repr=False)
    offset: float
    scale: float

    def log_odds(self, statistics: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Log odds of being synthetic of statistics [..., 6 * 257]."""
        standard = (np.asarray(statistics, dtype=np.float32) - self.mean) / self.deviation
        clipped = np.clip(standard, -_CLIP, _CLIP)
        units = np.tanh(clipped @ self.inner + self.inner_offset)
        odds: npt.NDArray[np.float64] = (units @ self.outer).astype(np.float64)
        return odds * self.scale + self.offset


_ROWS = ("mean", "deviation", "inner", "inner_offset", "outer")


def encode_weights(weights: SyntheticWeights) -> bytes:
    """Weights as the contents of `synthetic_speech.npz`."""
    file = io.BytesIO()
    np.savez_compressed(
        file,
        mean=weights.mean.astype(np.float16),
        deviation=weights.deviation.astype(np.float16),
        inner=weights.inner.astype(np.float16),
        inner_offset=weights.inner_offset.astype(np.float16),
        outer=weights.outer.astype(np.float16),
        line=np.array([weights.offset, weights.scale]),
    )
    return file.getvalue()


def decode_weights(data: bytes) -> SyntheticWeights:
    """Inverse of :func:`encode_weights`.

    Raises:
        EngineError: they aren't such weights.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            rows = [np.asarray(file[name], np.float32) for name in _ROWS]
            offset, scale = (float(v) for v in file["line"])
        units = len(rows[4])
        shapes = [(STATISTICS,), (STATISTICS,), (STATISTICS, units), (units,), (units,)]
        if [row.shape for row in rows] != shapes or not all(np.isfinite(r).all() for r in rows):
            raise ValueError("its arrays don't fit")
    except NPZ_ERRORS as error:
        raise EngineError(
            f"the detector of synthetic speech is damaged ({error}); install voicelet again"
        ) from error
    mean, deviation, inner, inner_offset, outer = rows
    deviation = np.maximum(deviation, 1e-4)
    return SyntheticWeights(mean, deviation, inner, inner_offset, outer, offset, scale)


@lru_cache(maxsize=1)
def synthetic_weights() -> SyntheticWeights:
    """The weights inside the package.

    Raises:
        EngineError: they are missing or damaged.
    """
    try:
        data = resources.files(__package__).joinpath(WEIGHTS_FILE).read_bytes()
    except OSError as error:
        raise EngineError(
            f"the detector of synthetic speech is missing from this installation ({error});"
            " install voicelet again"
        ) from error
    return decode_weights(data)


def pieces(samples_16k: FloatArray) -> list[FloatArray]:
    """Pieces of 3 s, a third overlapping; none of a recording of less than 1.5 s.

    Those that are far softer than the loudest are left out: silence before or after speech would
    only dilute what is heard in it.
    """
    if len(samples_16k) < _LEAST_SAMPLES:
        return []
    starts = range(0, max(1, len(samples_16k) - _LEAST_SAMPLES), _STEP_SAMPLES)
    cut = [samples_16k[s : s + PIECE_SAMPLES] for s in starts]
    powers = [float(np.mean(piece.astype(np.float64) ** 2)) for piece in cut]
    return [piece for piece, power in zip(cut, powers) if power >= max(powers) * _LEAST_POWER]


def _without_edges(samples_16k: FloatArray) -> FloatArray:
    """The recording from its first to its last loud quarter of a second: silence dilutes."""
    count = len(samples_16k) // _BLOCK
    blocks = samples_16k[: count * _BLOCK].reshape(count, _BLOCK).astype(np.float64)
    power = (blocks**2).mean(axis=1)
    loud = np.flatnonzero(power > np.percentile(power, 95) * _SOFT)
    return samples_16k[loud[0] * _BLOCK : (loud[-1] + 1) * _BLOCK]


def synthetic_log_odds(samples_16k: FloatArray) -> float | None:
    """Logarithm of the odds that a recording is synthetic, both being as likely beforehand.

    Args:
        samples_16k: mono float [n] at 16 kHz, pauses left in, any level.

    Returns:
        Positive speaks for synthetic; the mean over pieces of 3 s.  None where nothing can be
        said: less than 1.5 s, silence, or nothing above 6.5 kHz as over a telephone.

    Raises:
        EngineError: the weights are missing or damaged.
    """
    if len(samples_16k) < _LEAST_SAMPLES or float(np.abs(samples_16k).max()) < 1e-4:
        return None
    if bandwidth_hz(samples_16k, SAMPLE_RATE_HZ) < MIN_BANDWIDTH_HZ:
        return None
    cut = pieces(in_one_codec(_without_edges(samples_16k)))
    if not cut:
        return None
    statistics = np.stack([spectral_statistics(piece) for piece in cut])
    return float(synthetic_weights().log_odds(statistics).mean())
