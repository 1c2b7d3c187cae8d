"""Weights of the detector of synthetic speech, from a folder of clips.

A folder holds `train/KIND/SPEAKER-NUMBER.flac` at 24 kHz; the kind `real` is people, every other
kind is synthetic (`python -m benchmarks.verification.clips` makes one).  Every clip counts as it is
and edited in the ways of `EDITS`, so that neither a codec, nor a quiet room, nor another speed is
taken for a person or for a machine.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from scipy.signal import butter, sosfiltfilt

from voicelet.audio.features import FloatArray
from voicelet.audio.quality import bandwidth_hz
from voicelet.audio.resample import resample
from voicelet.speaker.synthetic_speech import (
    MIN_BANDWIDTH_HZ,
    SAMPLE_RATE_HZ,
    SyntheticWeights,
    in_one_codec,
    pieces,
    spectral_statistics,
)
from voicelet_export.corpus.effects import (
    add_noise,
    change_speed,
    change_tempo,
    coloured_noise,
    put_in_room,
    room_response,
)
from voicelet_export.errors import CorpusError
from voicelet_export.train.voice_match import calibrate_linear

REAL = "real"
CLIP_RATE_HZ = 24000
"""Of the clips: edits come before the detector's own 16 kHz."""

_CLIP = 5.0
_USED = 76800
"""Samples of each clip: a piece."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyntheticTraining:
    """How the weights are trained.

    Attributes:
        units: of the hidden layer.
        decay: of the weights, which are many for so few people.
        drop: part of the statistics that is hidden at every step.
        steps: of gradient descent (Adam), on all pieces.
        calibration_share: one in so many people calibrates and doesn't train.
        edits: how many kinds of `EDITS` every clip goes through, besides being left as it is.
    """

    units: int = 12
    decay: float = 0.05
    drop: float = 0.5
    steps: int = 150
    calibration_share: int = 5
    edits: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Clip:
    """One clip: mono float32 [n] at 24 kHz, its kind and its speaker."""

    kind: str
    speaker: str
    samples: FloatArray


@dataclass(frozen=True)
class Examples:
    """Pieces of clips.

    Attributes:
        statistics: [pieces, 6 * 257].
        kinds, speakers, edits: of each piece.
    """

    statistics: FloatArray
    kinds: tuple[str, ...]
    speakers: tuple[str, ...]
    edits: tuple[str, ...]

    @property
    def synthetic(self) -> npt.NDArray[np.bool_]:
        """Of each piece."""
        return np.array([kind != REAL for kind in self.kinds], dtype=bool)


def read_clips(folder: Path) -> Iterator[Clip]:
    """The clips below a folder `train` or `test`, in alphabetical order.

    Raises:
        CorpusError: there are none, or one isn't audio at 24 kHz.
    """
    files = sorted(folder.glob("*/*.flac"))
    if not files:
        raise CorpusError(f"{folder} holds no KIND/SPEAKER-NUMBER.flac")
    for file in files:
        samples, rate = soundfile.read(str(file), dtype="float32", always_2d=True)
        if rate != CLIP_RATE_HZ:
            raise CorpusError(f"{file} has {rate} Hz; clips have {CLIP_RATE_HZ}")
        yield Clip(file.parent.name, file.stem.rpartition("-")[0], samples.mean(axis=1))


def coded(samples: FloatArray, rate_hz: int, container: str, level: float) -> FloatArray:
    """Samples after "opus" or "mp3", at `level` of libsndfile's scale (0 is best, 1 smallest)."""
    form = {"opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III")}[container]
    file = io.BytesIO()
    clipped = np.clip(samples, -1.0, 1.0)
    soundfile.write(
        file, clipped, rate_hz, format=form[0], subtype=form[1], compression_level=level
    )
    file.seek(0)
    decoded, rate = soundfile.read(file, dtype="float32")
    return np.asarray(resample(np.asarray(decoded, np.float32), rate, rate_hz)[: len(samples)])


def as_corpus(samples: FloatArray) -> FloatArray:
    """As the corpora of people are kept: 16 kHz, Opus at 40 kbit/s."""
    low = coded(resample(samples, CLIP_RATE_HZ, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ, "opus", 0.85)
    return resample(low, SAMPLE_RATE_HZ, CLIP_RATE_HZ)


Edit = Callable[[FloatArray, np.random.Generator], FloatArray]


def _speed(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    return change_speed(samples, float(rng.uniform(0.78, 1.28)))


def _pitch(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Up to four semitones at about the same tempo."""
    factor = float(2.0 ** (rng.uniform(-4.0, 4.0) / 12.0))
    return change_speed(change_tempo(samples, 1.0 / factor, CLIP_RATE_HZ), factor)


def _tempo(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    return change_tempo(samples, float(rng.uniform(0.8, 1.25)), CLIP_RATE_HZ)


def _code(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    container = ("opus", "mp3")[int(rng.integers(2))]
    return coded(samples, CLIP_RATE_HZ, container, float(rng.uniform(0.3, 0.92)))


def _noise(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    noise = coloured_noise(len(samples), rng, float(rng.uniform(0.0, 2.0)))
    return add_noise(samples, noise, float(rng.uniform(15.0, 40.0)), CLIP_RATE_HZ)


def _room(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    response = room_response(
        rng, CLIP_RATE_HZ, float(rng.uniform(0.1, 0.6)), float(rng.uniform(-3, 12))
    )
    return put_in_room(samples, response)


def _played_again(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A loudspeaker in a room, and a microphone's noise."""
    band = (float(rng.uniform(80.0, 300.0)), float(rng.uniform(6800.0, 9500.0)))
    sos = butter(2, band, "bandpass", fs=CLIP_RATE_HZ, output="sos")
    played = np.tanh(1.5 * sosfiltfilt(sos, samples)) / 1.5
    return _noise(_room(played.astype(np.float32), rng), rng)


def _dull(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Nothing above a frequency that is just high enough for the detector."""
    sos = butter(10, float(rng.uniform(6700.0, 8000.0)), fs=CLIP_RATE_HZ, output="sos")
    return np.asarray(sosfiltfilt(sos, samples), np.float32)


EDITS: dict[str, Edit] = {
    "speed": _speed,
    "pitch": _pitch,
    "tempo": _tempo,
    "coded": _code,
    "noise": _noise,
    "room": _room,
    "played again": _played_again,
    "dull": _dull,
}
"""What may happen to speech of people and machines alike."""

AS_IT_IS = "as it is"


def forms(clip: Clip, rng: np.random.Generator, edits: int) -> Iterator[tuple[str, FloatArray]]:
    """The clip as it is and edited, each with the name of the edit, float32 [n] at 16 kHz.

    Synthetic speech gets the coding first that all recordings of people have been through.
    """
    start = int(rng.integers(max(1, len(clip.samples) - _USED)))
    heard = clip.samples[start : start + _USED]
    source = heard if clip.kind == REAL else as_corpus(heard)
    yield AS_IT_IS, resample(source, CLIP_RATE_HZ, SAMPLE_RATE_HZ)
    names = list(EDITS)
    for index in rng.permutation(len(names))[:edits]:
        name = names[int(index)]
        edited = EDITS[name](source, rng)
        if name not in ("coded", "dull") and rng.random() < 0.3:
            edited = _code(edited, rng)
        yield name, resample(edited, CLIP_RATE_HZ, SAMPLE_RATE_HZ)


@dataclass(frozen=True)
class Measured:
    """One piece: its statistics [6 * 257], and how it was edited."""

    statistics: FloatArray
    edit: str


def measure(clip: Clip, rng: np.random.Generator, edits: int) -> Iterator[Measured]:
    """The pieces of a clip as it is and edited; none of a clip that is too dull."""
    for edit, form in forms(clip, rng, edits):
        if bandwidth_hz(form, SAMPLE_RATE_HZ) < MIN_BANDWIDTH_HZ:
            continue
        for piece in pieces(in_one_codec(form)):
            yield Measured(spectral_statistics(piece).astype(np.float16), edit)


def examples(clips: Iterator[Clip], config: SyntheticTraining = SyntheticTraining()) -> Examples:
    """Measure clips as they are, and edited.

    Raises:
        CorpusError: none is long and bright enough.
    """
    rows: list[tuple[Clip, Measured]] = []
    for number, clip in enumerate(clips):
        if number % 200 == 0:
            _log.info("%d clips", number)
        rng = np.random.default_rng([config.seed, number])
        rows += [(clip, row) for row in measure(clip, rng, config.edits)]
    if not rows:
        raise CorpusError("no clip is long and bright enough to be measured")
    return Examples(
        np.stack([row.statistics for _, row in rows]),
        tuple(clip.kind for clip, _ in rows),
        tuple(clip.speaker for clip, _ in rows),
        tuple(row.edit for _, row in rows),
    )


def train_weights(
    found: Examples, config: SyntheticTraining = SyntheticTraining()
) -> SyntheticWeights:
    """Train on most people, calibrate on the others.

    Raises:
        CorpusError: real or synthetic speech is missing on either side.
    """
    kept = np.array([calibrates(s, config.calibration_share) for s in found.speakers])
    for part in (~kept, kept):
        if len(set(found.synthetic[part])) < 2:
            raise CorpusError("training and calibration both need real and synthetic speech")
    rows = found.statistics[~kept].astype(np.float32)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + np.float32(1e-4)
    inputs = torch.from_numpy(np.clip((rows - mean) / deviation, -_CLIP, _CLIP))
    target = torch.from_numpy(found.synthetic[~kept].astype(np.float32))
    weight = torch.from_numpy(_balance(found, ~kept).astype(np.float32))
    inner, inner_offset, outer = _descend(inputs, target, weight, config)
    plain = SyntheticWeights(mean, deviation, inner, inner_offset, outer, 0.0, 1.0)
    raw = plain.log_odds(found.statistics[kept])
    line = calibrate_linear(np.stack([raw, np.ones_like(raw)], axis=1), found.synthetic[kept])
    return replace(plain, offset=float(line[1]), scale=float(line[0]))


def _balance(found: Examples, part: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Weights of the pieces: real half of all, every synthetic kind the same share of the rest."""
    kinds = np.array(found.kinds)[part]
    names, index, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    share = np.where(names == REAL, 0.5, 0.5 / max(1, len(names) - 1)) / counts
    return np.asarray(share[index], dtype=np.float64)


def _descend(
    inputs: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, config: SyntheticTraining
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of the hidden units, their offsets, and the weights of the output."""
    generator = torch.Generator().manual_seed(config.seed)
    size = inputs.shape[1]
    inner = torch.randn(size, config.units, generator=generator) * (1.0 / size) ** 0.5
    outer = torch.randn(config.units, generator=generator) * (1.0 / config.units) ** 0.5
    values = [inner, torch.zeros(config.units), outer, torch.zeros(1)]
    for value in values:
        value.requires_grad_(True)
    optimizer = torch.optim.AdamW(values, lr=3e-3, weight_decay=config.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    for _ in range(config.steps):
        shown = (torch.rand(inputs.shape, generator=generator) > config.drop) / (1.0 - config.drop)
        units = torch.tanh((inputs * shown) @ values[0] + values[1])
        odds = units @ values[2] + values[3]
        loss = (
            weight * torch.nn.functional.binary_cross_entropy_with_logits(
                odds, target, reduction="none"
            )
        ).sum()  # fmt: skip
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    # The output's own offset goes into the calibration.
    found = [value.detach().numpy() for value in values[:3]]
    return found[0], found[1], found[2]


def calibrates(speaker: str, share: int = SyntheticTraining.calibration_share) -> bool:
    """Whether a person's clips calibrate the weights, and train nothing."""
    return hashlib.sha256(b"calibrates " + speaker.encode()).digest()[0] % share == 0
