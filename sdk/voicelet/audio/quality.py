"""Figures of a recording's quality: noise, bandwidth, pitch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import FloatArray, hann_window

Segments = Sequence[tuple[float, float]]
MAX_SNR_DB = 60.0
_FRAME_S = 0.02
_LEAST_PAUSE_S = 0.3
_DIGITAL_SILENCE_DB = -85.0


@dataclass(frozen=True)
class PitchRange:
    """Where the voice lies, in Hz: 5th, 50th and 95th percentile of voiced frames."""

    low_hz: float
    median_hz: float
    high_hz: float


def frame_powers(samples: FloatArray, sample_rate_hz: int) -> npt.NDArray[np.float64]:
    """Mean square of every 20 ms frame, after the mean is taken out; [n]."""
    size = max(1, int(sample_rate_hz * _FRAME_S))
    count = len(samples) // size
    frames = samples[: count * size].reshape(count, size).astype(np.float64)
    out: npt.NDArray[np.float64] = np.var(frames, axis=1) if count else np.zeros(0)
    return out


def speech_and_noise_power(
    samples: FloatArray, sample_rate_hz: int, segments: Segments
) -> tuple[float, float, float]:
    """Mean power of speech (noise included), power of the noise, and seconds of speech.

    The noise is the median of the pauses, but never more than the quietest moments inside the
    speech (3rd percentile), to which the noise was added too.  Where the pauses are too short, or
    were emptied by a noise gate, those moments alone are the noise: an upper bound.
    """
    power = frame_powers(samples, sample_rate_hz)
    inside = np.zeros(len(power), dtype=bool)
    for start_s, end_s in segments:
        inside[int(start_s / _FRAME_S) : int(np.ceil(end_s / _FRAME_S))] = True
    if not inside.any():
        return 0.0, float(np.median(power)) if len(power) else 0.0, 0.0
    quietest = float(np.percentile(power[inside], 3))
    pauses = power[~inside]
    audible = pauses[pauses > 10.0 ** (_DIGITAL_SILENCE_DB / 10.0)]
    noise = quietest
    if len(audible) * _FRAME_S >= _LEAST_PAUSE_S and len(audible) >= 0.5 * len(pauses):
        noise = min(noise, float(np.median(audible)))
    return float(power[inside].mean()), noise, float(inside.sum() * _FRAME_S)


def snr_db(speech_power: float, noise_power: float) -> float:
    """Ratio of speech to noise in dB, at most 60; `speech_power` includes the noise."""
    clean = speech_power - noise_power
    if clean <= 0.0:
        return 0.0
    return float(min(MAX_SNR_DB, 10.0 * np.log10(clean / max(noise_power, 1e-12))))


def bandwidth_hz(speech: FloatArray, sample_rate_hz: int) -> float:
    """Highest frequency that speech reaches: there the mean spectrum falls 65 dB below its peak.

    What a telephone, a low sample rate or a lossy codec cuts off lies far deeper than that.

    Args:
        speech: float32 [n], silences removed.
    """
    size = 1024
    count = len(speech) // size
    if count == 0:
        return 0.0
    window = hann_window(size)
    total = np.zeros(size // 2 + 1)
    for start in range(0, count, 512):
        block = speech[start * size : min(count, start + 512) * size].reshape(-1, size)
        total += (np.abs(np.fft.rfft(block * window, axis=1)) ** 2).sum(axis=0)
    smooth = np.convolve(total, np.ones(7) / 7, "same")
    if smooth.max() <= 0.0:
        return 0.0
    reached = np.flatnonzero(smooth > smooth.max() * 10.0**-6.5)
    return float(reached[-1] * sample_rate_hz / size)


def pitch_range(speech: FloatArray, sample_rate_hz: int) -> PitchRange | None:
    """Pitch of speech [n]; None where nothing is voiced."""
    f0 = estimate_f0(speech, sample_rate_hz, sample_rate_hz // 80)
    voiced = f0[f0 > 0.0]
    if len(voiced) < 10:
        return None
    # more than 0.6 (in natural log) from the middle are octave errors, as in `enrol.speaker`
    near = voiced[np.abs(np.log(voiced / np.median(voiced))) < 0.6]
    low, median, high = np.percentile(near, [5, 50, 95])
    return PitchRange(float(low), float(median), float(high))


def rounded_down(measured: float) -> str:
    """A figure that is too small, for a message: with a tenth, and never rounded up to the one
    that is needed."""
    return f"{np.floor(measured * 10.0 + 1e-9) / 10.0:.1f}"
