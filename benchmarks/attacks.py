"""What may happen to marked speech on its way: codecs, networks, rooms, and those who want it out.

Each attack takes and gives mono float32 samples at 24 kHz.  AAC isn't among them: libsndfile writes
none, and no encoder comes with a Python package of a free licence.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np

from benchmarks import copies
from voicelet.audio.features import FloatArray
from voicelet.trust.watermark.detect import detect_watermark
from voicelet.trust.watermark.pattern import SLOT_FRAMES, gain_table, layout, tile_signs
from voicelet.trust.watermark.search import power_spectra, search
from voicelet_export.corpus.denoise import Denoiser
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import need

RATE_HZ = 24_000
Attack = Callable[[FloatArray, np.random.Generator], FloatArray]


def mp3(kbits: int) -> Attack:
    """MP3 at a constant rate (libsndfile's quality scale runs from 320 to 32 kbit/s here)."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        # For 24 kHz, MPEG-2 layer III, rates run from 160 down to 8 kbit/s.
        level = (160 - kbits) / (160 - 8)
        return _coded(wave, "MP3", "MPEG_LAYER_III", level, "CONSTANT")

    return apply


def opus(kbits: int) -> Attack:
    """Opus, variable rate, at about so many kbit/s (libsndfile's scale: 256 to 6 a channel)."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        return _coded(wave, "OGG", "OPUS", (256 - kbits) / (256 - 6), None)

    return apply


def _coded(
    wave: FloatArray, container: str, codec: str, level: float, mode: str | None
) -> FloatArray:
    soundfile = need("soundfile")
    buffer = io.BytesIO()
    extra = {"bitrate_mode": mode} if mode else {}
    with soundfile.SoundFile(
        buffer,
        "w",
        RATE_HZ,
        1,
        format=container,
        subtype=codec,
        compression_level=min(max(level, 0.0), 1.0),
        **extra,
    ) as file:
        file.write(np.clip(wave, -1.0, 1.0))
    buffer.seek(0)
    decoded, rate = soundfile.read(buffer, dtype="float32")
    return resample(decoded, rate, RATE_HZ)


def through(rate_hz: int) -> Attack:
    """To another rate and back."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        return resample(resample(wave, RATE_HZ, rate_hz), rate_hz, RATE_HZ)

    return apply


def telephone(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """300 to 3400 Hz at 8 kHz, eight bits of mu-law."""
    signal = need("scipy.signal")
    narrow = resample(wave, RATE_HZ, 8000)
    band = signal.butter(6, (300, 3400), "bandpass", fs=8000, output="sos")
    narrow = np.clip(signal.sosfilt(band, narrow), -1.0, 1.0)
    bent = np.sign(narrow) * np.log1p(255.0 * np.abs(narrow)) / np.log(256.0)
    bent = np.rint(bent * 127.0) / 127.0
    narrow = np.sign(bent) * (256.0 ** np.abs(bent) - 1.0) / 255.0
    return resample(narrow.astype(np.float32), 8000, RATE_HZ)


def noise(snr_db: float) -> Attack:
    """White noise, at so many dB below the mean power of the clip."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        scale = np.sqrt(np.mean(wave**2) * 10.0 ** (-snr_db / 10.0))
        return (wave + scale * rng.standard_normal(len(wave))).astype(np.float32)

    return apply


def room(rt60_s: float, direct_db: float) -> Attack:
    """Exponentially decaying noise behind the direct sound, which is so much louder."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        signal = need("scipy.signal")
        time = np.arange(int(rt60_s * RATE_HZ)) / RATE_HZ
        tail = rng.standard_normal(len(time)) * 10.0 ** (-3.0 * time / rt60_s)
        tail[: int(0.002 * RATE_HZ)] = 0.0
        tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(tail**2))
        tail[0] = 1.0
        return signal.fftconvolve(wave, tail)[: len(wave)].astype(np.float32)

    return apply


def rerecorded(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A small loudspeaker in a room, a telephone's microphone, a clock 0.05 % off, Opus."""
    signal = need("scipy.signal")
    band = signal.butter(2, (250, 7000), "bandpass", fs=RATE_HZ, output="sos")
    played = np.tanh(1.5 * signal.sosfilt(band, wave)) / 1.5
    heard = room(0.4, 3.0)(played.astype(np.float32), rng)
    heard = speed(1.0005)(noise(25.0)(heard, rng), rng)
    return opus(32)(heard, rng)


def speed(factor: float) -> Attack:
    """Played faster: tempo and pitch both change."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        ratio = Fraction(1.0 / factor).limit_denominator(2000)
        signal = need("scipy.signal")
        return np.asarray(
            signal.resample_poly(wave, ratio.numerator, ratio.denominator), np.float32
        )

    return apply


def tempo(factor: float) -> Attack:
    """Faster at the same pitch, by WSOLA (Verhelst and Roelands, 1993)."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        size, search = 960, 240
        hop = size // 2
        window = np.hanning(size + 1)[:-1]
        count = int((len(wave) - 2 * size - search) / (hop * factor))
        out = np.zeros((count + 1) * hop + size)
        padded = np.pad(wave, (search, size)).astype(np.float64)
        place = 0
        for i in range(count):
            ideal = int(i * hop * factor)
            if i:
                natural = padded[search + place + hop : search + place + hop + size]
                region = padded[ideal : ideal + size + 2 * search]
                place = ideal - search + int(np.correlate(region, natural, "valid").argmax())
            out[i * hop : i * hop + size] += window * padded[search + place : search + place + size]
        return out.astype(np.float32)

    return apply


def pitch(semitones: float) -> Attack:
    """Higher or lower at the same tempo: stretched by WSOLA, then resampled."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        factor = 2.0 ** (semitones / 12.0)
        return speed(factor)(tempo(1.0 / factor)(wave, rng), rng)

    return apply


def thinned(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """12 ms dropped of every 120, with a hard cut."""
    length, kept = int(0.12 * RATE_HZ), int(0.108 * RATE_HZ)
    blocks = wave[: len(wave) // length * length].reshape(-1, length)
    return np.ascontiguousarray(blocks[:, :kept]).reshape(-1)


def shuffled(piece_s: float) -> Attack:
    """Cut into pieces, which are joined in another order."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        length = int(piece_s * RATE_HZ)
        pieces = wave[: len(wave) // length * length].reshape(-1, length)
        return np.asarray(pieces[rng.permutation(len(pieces))].reshape(-1), np.float32)

    return apply


def denoised(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Speech enhancement by DeepFilterNet 3, without a limit."""
    return _denoiser()(wave, RATE_HZ)


@lru_cache(maxsize=1)
def _denoiser() -> Denoiser:
    return Denoiser()


def chained(*attacks: Attack) -> Attack:
    """One after the other."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        for attack in attacks:
            wave = attack(wave, rng)
        return wave

    return apply


def gain(db: float) -> Attack:
    """Louder or softer, 16 bits."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        scaled = np.clip(wave * 10.0 ** (db / 20.0), -1.0, 1.0)
        return (np.rint(scaled * 32767.0) / 32767.0).astype(np.float32)

    return apply


def low_pass(hz: float) -> Attack:
    """Butterworth, eighth order."""

    def apply(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
        signal = need("scipy.signal")
        return signal.sosfilt(signal.butter(8, hz, fs=RATE_HZ, output="sos"), wave).astype(
            np.float32
        )

    return apply


def smoothed(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Removal without the key: magnitudes averaged over 150 ms, phases kept."""
    spectrum = _stft(wave)
    magnitude = np.log(np.abs(spectrum) + 1e-6)
    kernel = np.ones(13) / 13.0
    mean = np.apply_along_axis(lambda row: np.convolve(row, kernel, "same"), 1, magnitude)
    return _istft(spectrum * np.exp(mean - magnitude), len(wave))


def resynthesized(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Removal by a vocoder: mels and f0 are taken, and the packaged vocoder speaks them again."""
    return _vocoder()(*copies.vocoder_features(wave))


@lru_cache(maxsize=1)
def _vocoder() -> copies.Vocode:
    return copies.bundle_vocoder(None)


def world(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Removal by a vocoder of another make: WORLD (Morise et al., 2016)."""
    pyworld = need("pyworld")
    f0, time = pyworld.harvest(wave.astype(np.float64), RATE_HZ, frame_period=5.0)
    envelope = pyworld.cheaptrick(wave.astype(np.float64), f0, time, RATE_HZ)
    aperiodicity = pyworld.d4c(wave.astype(np.float64), f0, time, RATE_HZ)
    out = pyworld.synthesize(f0, envelope, aperiodicity, RATE_HZ, frame_period=5.0)
    return np.asarray(out, np.float32)


def countered(wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Removal with the public key: what the detector finds is divided out of the spectra."""
    hit = max(search(power_spectra(wave), scales=False), key=lambda h: h.score)
    payload = detect_watermark(wave, RATE_HZ, scales=False).payload
    laid = layout()
    pilots = (laid.signs * (laid.bit < 0)).astype(np.int8)
    signs = pilots if payload is None else tile_signs(payload)
    spectrum = _stft(wave)
    table = gain_table(signs, np.linspace(0.0, RATE_HZ / 2, len(spectrum)))
    frames = np.arange(spectrum.shape[1]) - hit.first + int(hit.place)
    rows = table[frames // SLOT_FRAMES % len(table)]
    return _istft(spectrum / rows.T, len(wave))


def _stft(wave: FloatArray) -> np.ndarray:
    signal = need("scipy.signal")
    return np.asarray(signal.stft(wave, nperseg=1200, noverlap=900)[2])


def _istft(spectrum: np.ndarray, length: int) -> FloatArray:
    signal = need("scipy.signal")
    out = signal.istft(spectrum, nperseg=1200, noverlap=900)[1]
    return np.asarray(np.pad(out, (0, max(0, length - len(out))))[:length], np.float32)


ATTACKS: dict[str, Attack] = {
    "none": lambda wave, rng: wave,
    "MP3 128 kbit/s": mp3(128),
    "MP3 64 kbit/s": mp3(64),
    "Opus 32 kbit/s": opus(32),
    "Opus 16 kbit/s": opus(16),
    "resampled to 16 kHz": through(16_000),
    "resampled to 8 kHz": through(8_000),
    "telephone, 300-3400 Hz, mu-law": telephone,
    "noise 20 dB": noise(20.0),
    "noise 10 dB": noise(10.0),
    "room, RT60 0.3 s": room(0.3, 0.0),
    "room, RT60 0.6 s": room(0.6, 0.0),
    "speed +5 %": speed(1.05),
    "speed -5 %": speed(0.95),
    "tempo +5 %": tempo(1.05),
    "tempo -5 %": tempo(0.95),
    "pitch +1 semitone": pitch(1.0),
    "pitch -1 semitone": pitch(-1.0),
    "gain -20 dB, 16 bits": gain(-20.0),
    "gain +12 dB, clipped": gain(12.0),
    "low-pass 4 kHz": low_pass(4000.0),
    "re-recorded": rerecorded,
    "spectra averaged over 150 ms": smoothed,
    "resynthesized, voicelet's vocoder": resynthesized,
    "resynthesized, WORLD": world,
    "counter-pattern, public key": countered,
    "speed +10 %": speed(1.1),
    "speed -10 %": speed(0.9),
    "speed +25 %": speed(1.25),
    "speed -25 %": speed(0.75),
    "speed +33 %": speed(4.0 / 3.0),
    "tempo +15 %": tempo(1.15),
    "tempo -15 %": tempo(0.85),
    "tempo +25 %": tempo(1.25),
    "tempo -25 %": tempo(0.75),
    "pitch +4 semitones": pitch(4.0),
    "pitch -4 semitones": pitch(-4.0),
    "pitch -3 semitones, speed +10 %": chained(pitch(-3.0), speed(1.1)),
    "12 ms dropped of every 120": thinned,
    "12 ms dropped of every 120, speed -10 %": chained(thinned, speed(0.9)),
    "pieces of 0.7 s shuffled": shuffled(0.7),
    "speech enhancement": denoised,
    "speech enhancement, speed +10 %": chained(denoised, speed(1.1)),
    "MP3 16 kbit/s": mp3(16),
    "Opus 8 kbit/s": opus(8),
    "Opus 16 kbit/s, speed +10 %": chained(opus(16), speed(1.1)),
    "re-recorded, speed +10 %": chained(rerecorded, speed(1.1)),
}
"""Name → what is done."""
