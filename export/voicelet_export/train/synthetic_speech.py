"""Weights of the detector of synthetic speech, from a folder of clips.

A folder holds `train/KIND/SPEAKER-NUMBER.flac`; the kind `real` is people, every other kind is
synthetic (`python -m benchmarks.verification.clips` makes one).  Every clip counts as it is, after
lossy coding, and with noise, so that neither a codec nor a quiet room is taken for a person.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from voicelet.audio.features import FloatArray
from voicelet.speaker.synthetic_speech import (
    SAMPLE_RATE_HZ,
    SyntheticWeights,
    pieces,
    spectral_statistics,
)
from voicelet_export.errors import CorpusError
from voicelet_export.train.voice_match import calibrate_linear

REAL = "real"
_CODECS = (("OGG", "OPUS", 0.5), ("OGG", "OPUS", 0.9), ("MP3", "MPEG_LAYER_III", 0.6))
_CLIP = 5.0


@dataclass(frozen=True)
class SyntheticTraining:
    """How the weights are trained.

    Attributes:
        ridge: of the weights, which are many for so few people.
        steps: of gradient descent with momentum.
        noise_db: range of the signal to noise ratio.
        calibration_share: one in so many people calibrates and doesn't train.
    """

    ridge: float = 3e-3
    steps: int = 400
    noise_db: tuple[float, float] = (12.0, 35.0)
    calibration_share: int = 5


@dataclass(frozen=True)
class Clip:
    """One clip: mono float32 [n] at 16 kHz, its kind and its speaker."""

    kind: str
    speaker: str
    samples: FloatArray


@dataclass(frozen=True)
class Examples:
    """Statistics [pieces, 6 * 257], and for each piece whether it is synthetic, kind, speaker."""

    statistics: FloatArray
    synthetic: npt.NDArray[np.bool_]
    kinds: tuple[str, ...]
    speakers: tuple[str, ...]


def read_clips(folder: Path) -> Iterator[Clip]:
    """The clips below a folder `train` or `test`, in alphabetical order.

    Raises:
        CorpusError: there are none, or one isn't audio at 16 kHz.
    """
    files = sorted(folder.glob("*/*.flac"))
    if not files:
        raise CorpusError(f"{folder} holds no KIND/SPEAKER-NUMBER.flac")
    for file in files:
        samples, rate = soundfile.read(str(file), dtype="float32", always_2d=True)
        if rate != SAMPLE_RATE_HZ:
            raise CorpusError(f"{file} has {rate} Hz; clips have {SAMPLE_RATE_HZ}")
        yield Clip(file.parent.name, file.stem.rpartition("-")[0], samples.mean(axis=1))


def coded(samples: FloatArray, choice: int) -> FloatArray:
    """A clip after lossy coding; `choice` picks the codec and its rate."""
    container, codec, level = _CODECS[choice % len(_CODECS)]
    file = io.BytesIO()
    soundfile.write(
        file, samples, SAMPLE_RATE_HZ, format=container, subtype=codec, compression_level=level
    )
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.asarray(decoded[: len(samples)], dtype=np.float32)


def noisy(samples: FloatArray, snr_db: float, rng: np.random.Generator) -> FloatArray:
    """A clip with white noise, `snr_db` below its mean power."""
    level = float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) * 10.0 ** (-snr_db / 20.0)
    return (samples + rng.standard_normal(len(samples)) * level).astype(np.float32)


def examples(
    clips: Iterator[Clip], config: SyntheticTraining = SyntheticTraining(), seed: int = 0
) -> Examples:
    """Measure clips as they are, coded, and each of these with noise."""
    rng = np.random.default_rng(seed)
    rows: list[FloatArray] = []
    labels: list[tuple[str, str]] = []
    for number, clip in enumerate(clips):
        forms = [clip.samples, coded(clip.samples, number)]
        forms += [noisy(form, rng.uniform(*config.noise_db), rng) for form in forms]
        for form in forms:
            for piece in pieces(form):
                rows.append(spectral_statistics(piece))
                labels.append((clip.kind, clip.speaker))
    kinds, speakers = zip(*labels) if labels else ((), ())
    synthetic = np.array([kind != REAL for kind in kinds], dtype=bool)
    return Examples(np.stack(rows), synthetic, tuple(kinds), tuple(speakers))


def train_weights(
    found: Examples, config: SyntheticTraining = SyntheticTraining()
) -> SyntheticWeights:
    """Train on most people, calibrate on the others.

    Raises:
        CorpusError: real or synthetic speech is missing on either side.
    """
    kept = np.array([_calibrates(s, config.calibration_share) for s in found.speakers])
    for part in (kept, ~kept):
        if len(set(found.synthetic[part])) < 2:
            raise CorpusError("training and calibration both need real and synthetic speech")
    train = found.statistics[~kept].astype(np.float64)
    mean, deviation = train.mean(axis=0), train.std(axis=0) + 1e-6
    inputs = np.clip((train - mean) / deviation, -_CLIP, _CLIP)
    weights = _descend(inputs, found.synthetic[~kept], _balance(found, ~kept), config)
    plain = SyntheticWeights(
        mean.astype(np.float32),
        deviation.astype(np.float32),
        weights.astype(np.float32),
        0.0,
        1.0,
    )
    raw = plain.log_odds(found.statistics[kept])
    line = calibrate_linear(np.stack([raw, np.ones_like(raw)], axis=1), found.synthetic[kept])
    return SyntheticWeights(
        plain.mean, plain.deviation, plain.weights, float(line[1]), float(line[0])
    )


def _balance(found: Examples, part: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Weights of the pieces: real half of all, every synthetic kind the same share of the rest."""
    kinds = np.array(found.kinds)[part]
    names, index, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    share = np.where(names == REAL, 0.5, 0.5 / max(1, len(names) - 1)) / counts
    return np.asarray(share[index], dtype=np.float64)


def _descend(
    inputs: npt.NDArray[np.float64],
    synthetic: Sequence[bool] | npt.NDArray[np.bool_],
    balance: npt.NDArray[np.float64],
    config: SyntheticTraining,
) -> npt.NDArray[np.float64]:
    """Ridge logistic regression by gradient descent with Nesterov's momentum."""
    target = np.asarray(synthetic, dtype=np.float64)
    weights = np.zeros(inputs.shape[1])
    ahead, offset, offset_ahead = weights.copy(), 0.0, 0.0
    # The largest curvature bounds the step.
    bound = 0.25 * float(np.linalg.norm(inputs * np.sqrt(balance)[:, None], 2)) ** 2 + config.ridge
    for step in range(config.steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(inputs @ ahead + offset_ahead, -30.0, 30.0)))
        error = balance * (p - target)
        new = ahead - (inputs.T @ error + config.ridge * ahead) / bound
        new_offset = offset_ahead - float(error.sum())
        momentum = step / (step + 3.0)
        ahead = new + momentum * (new - weights)
        offset_ahead = new_offset + momentum * (new_offset - offset)
        weights, offset = new, new_offset
    return weights


def _calibrates(speaker: str, share: int) -> bool:
    return hashlib.sha256(b"calibrates " + speaker.encode()).digest()[0] % share == 0
