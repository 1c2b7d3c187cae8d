"""Changes of a waveform: speed, tempo, volume, noise, room; each draws only from its generator."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.signal import fftconvolve, resample_poly

from voicelet.audio.features import FloatArray
from voicelet.audio.level import active_level_dbfs
from voicelet.errors import AudioError

_STRETCH_S = 0.04
_SEARCH_S = 0.012


def speed_ratio(factor: float) -> Fraction:
    """The rational speed nearest to `factor` that resampling can do in few taps.

    Raises:
        ValueError: it isn't between 0.5 and 2.
    """
    if not 0.5 <= factor <= 2.0:
        raise ValueError(f"a speed must lie between 0.5 and 2, not {factor}")
    return Fraction(factor).limit_denominator(50)


def change_speed(samples: FloatArray, factor: float) -> FloatArray:
    """Play `samples` [n] `factor` times as fast, as a tape would: pitch and formants rise with it.

    Returns:
        float32 [ceil(n / ratio)] with the ratio of :func:`speed_ratio`.
    """
    ratio = speed_ratio(factor)
    if ratio == 1:
        return samples
    out: FloatArray = resample_poly(samples, ratio.denominator, ratio.numerator).astype(np.float32)
    return out


def change_tempo(samples: FloatArray, factor: float, sample_rate_hz: int) -> FloatArray:
    """Speak `factor` times as fast at the same pitch.

    WSOLA (Verhelst & Roelands 1993): stretches of 40 ms are laid over one another at a new
    distance, each moved by up to 12 ms to where it continues the last one best.

    Returns:
        float32 [round(n / factor)].
    """
    if not 0.5 <= factor <= 2.0:
        raise ValueError(f"a tempo must lie between 0.5 and 2, not {factor}")
    size = int(_STRETCH_S * sample_rate_hz) // 2 * 2
    half, reach = size // 2, int(_SEARCH_S * sample_rate_hz)
    wanted = round(len(samples) / factor)
    if factor == 1.0 or len(samples) < 2 * size:
        return resized(samples, wanted) if factor != 1.0 else samples
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    padded = np.pad(samples.astype(np.float64), (half + reach, size + half + 2 * reach))
    out = np.zeros(wanted + 2 * size)
    expected = padded[half + reach : half + reach + size]
    for place in range(0, wanted + half, half):
        centre = min(round(place * factor), len(samples)) + reach
        found = padded[centre - reach : centre + reach + size]
        if place:
            # The stretch that looks most like what would have followed the last one.
            likeness = np.correlate(found, expected, "valid")
            energy = np.convolve(found**2, np.ones(size), "valid")
            centre += int(np.argmax(likeness / np.sqrt(np.maximum(energy, 1e-9)))) - reach
        out[place : place + size] += window * padded[centre : centre + size]
        expected = padded[centre + half : centre + half + size]
        if len(expected) < size:
            break
    # The windows' centres, not their edges, stand where the signal does.
    return out[half : half + wanted].astype(np.float32)


def resized(samples: FloatArray, count: int) -> FloatArray:
    """`samples` cut or padded with zeros to `count`."""
    if len(samples) >= count:
        return samples[:count]
    return np.pad(samples, (0, count - len(samples))).astype(np.float32)


def change_volume(samples: FloatArray, gain_db: float) -> FloatArray:
    """Scale `samples` by `gain_db`; less where the peak would pass 0.98."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    gain = 10.0 ** (gain_db / 20.0)
    if peak * gain > 0.98:
        gain = max(1.0, 0.98 / peak) if gain_db >= 0.0 else gain
    return (samples * np.float32(gain)).astype(np.float32)


def coloured_noise(count: int, rng: np.random.Generator, slope: float = 1.0) -> FloatArray:
    """Gaussian noise whose power falls with frequency ** `slope`: 0 is white, 1 pink, 2 brown.

    Returns:
        float32 [count], mean 0 and RMS 1.
    """
    spectrum = np.fft.rfft(rng.standard_normal(max(2, count)))
    shape = np.arange(len(spectrum), dtype=np.float64)
    shape[0] = np.inf  # no offset
    wave = np.fft.irfft(spectrum * shape ** (-slope / 2.0), max(2, count))[:count]
    return (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)


def add_noise(
    samples: FloatArray, noise: FloatArray, snr_db: float, sample_rate_hz: int
) -> FloatArray:
    """Add noise so that the speech's active level lies `snr_db` above the noise's.

    Args:
        samples, noise: [n] each.

    Raises:
        AudioError: either is silent.
    """
    level = active_level_dbfs(samples, sample_rate_hz)
    power = float(np.mean(noise.astype(np.float64) ** 2))
    if not np.isfinite(level) or power <= 0.0:
        raise AudioError("noise can't be added to or made from silence; leave that recording out")
    gain = 10.0 ** ((level - snr_db) / 20.0) / np.sqrt(power)
    return (samples + np.float32(gain) * noise).astype(np.float32)


def room_response(
    rng: np.random.Generator, sample_rate_hz: int, rt60_s: float, direct_db: float
) -> FloatArray:
    """Impulse response of a room: the direct sound, then noise that dies away (Polack 1988).

    Args:
        rt60_s: time in which the tail falls by 60 dB.
        direct_db: energy of the direct sound over that of the tail.

    Returns:
        float32 [n]; the direct sound is its first sample and is 1, so that nothing is delayed.
    """
    if not 0.02 <= rt60_s <= 5.0:
        raise ValueError(f"rt60_s must lie between 0.02 and 5, not {rt60_s}")
    count = int(rt60_s * sample_rate_hz)
    time = np.arange(count) / sample_rate_hz
    tail = rng.standard_normal(count) * np.exp(-3.0 * np.log(10.0) * time / rt60_s)
    tail[: max(1, int(0.002 * sample_rate_hz))] = 0.0  # the first wall is some way off
    tail *= np.sqrt(10.0 ** (-direct_db / 10.0) / np.sum(tail**2))
    tail[0] = 1.0
    return tail.astype(np.float32)


def put_in_room(samples: FloatArray, response: FloatArray) -> FloatArray:
    """Convolve `samples` [n] with a room's response; returns float32 [n], the rest is cut off."""
    out: FloatArray = fftconvolve(samples, response)[: len(samples)].astype(np.float32)
    return out
