"""Speaker similarity: cosine of d-vectors of the public GE2E encoder (Wan et al., 2018).

Recordings pass the encoder's own published preparation (volume raised to -30 dBFS but never
lowered, silences cut by WebRTC's detector in its strictest mode, 1.6 s windows 0.77 s apart), not
with the preparation a profile goes through, so that voicelet doesn't grade its own homework.
Every cosine is to be read between a floor (two different people) and a ceiling (two recordings of
one person), which are measured on the same recordings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray, hann_window, mel_filterbank
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import MetricError, need
from voicelet_export.metrics.cache import file_digest

VERSION = "ge2e-1"
RATE_HZ = 16000
MODEL = Path(__file__).parents[2] / "artifacts/speaker_encoder/speaker_encoder.onnx"
_MEL = FeatureConfig(
    sample_rate_hz=RATE_HZ, n_fft=400, win_length=400, hop_length=160, n_mels=40, f_max_hz=8000.0
)
_VAD_SAMPLES = RATE_HZ * 30 // 1000
_WINDOW_FRAMES, _STEP_FRAMES = 160, 77


def voiced_mask(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Smooth a detector's flags (majority of 8) and widen what is left by 3 on both sides."""
    if len(flags) == 0:
        return flags
    padded = np.pad(flags.astype(np.float64), (3, 4))
    smooth = np.convolve(padded, np.ones(8), "valid") > 4.0
    wide = np.convolve(smooth.astype(np.float64), np.ones(7), "full")[3:-3] > 0.0
    return np.asarray(wide, dtype=np.bool_)


def prepare(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Bring a recording to 16 kHz, raise its volume and cut its silences."""
    wave = np.clip(resample(samples, rate_hz, RATE_HZ), -1.0, 1.0)
    rms = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64))))
    if 0.0 < rms < 10.0**-1.5:
        wave = np.clip(wave * np.float32(10.0**-1.5 / rms), -1.0, 1.0)
    count = len(wave) // _VAD_SAMPLES
    pcm = np.round(wave * 32767.0).astype("<i2")
    vad = need("webrtcvad").Vad(3)
    flags = np.array(
        [
            vad.is_speech(pcm[i * _VAD_SAMPLES : (i + 1) * _VAD_SAMPLES].tobytes(), RATE_HZ)
            for i in range(count)
        ],
        dtype=np.bool_,
    )
    kept = wave[: count * _VAD_SAMPLES][np.repeat(voiced_mask(flags), _VAD_SAMPLES)]
    return kept if len(kept) else wave


def encoder_windows(wave: FloatArray) -> FloatArray:
    """Mel power windows [P, 160, 40] of prepared speech; a short tail is padded or dropped."""
    starts = list(range(0, max(1, len(wave) // 160 + 1 - _WINDOW_FRAMES + 78), _STEP_FRAMES))
    if len(starts) > 1 and (len(wave) / 160 - starts[-1]) / _WINDOW_FRAMES < 0.75:
        starts.pop()
    wave = np.pad(wave, (200, max(200, (starts[-1] + _WINDOW_FRAMES) * 160 + 200 - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, 400)[::160]
    spectrum = np.fft.rfft(frames * hann_window(400), axis=1)
    mel = (np.abs(spectrum) ** 2).astype(np.float32) @ mel_filterbank(_MEL).T
    return np.stack([mel[s : s + _WINDOW_FRAMES] for s in starts]).astype(np.float32)


class Ge2eEncoder:
    """The encoder, loaded when first asked."""

    def __init__(self, model: Path | None = None) -> None:
        self.model = model or Path(os.environ.get("VOICELET_BENCH_ENCODER") or MODEL)
        if not self.model.is_file():
            raise MetricError(
                f"no speaker encoder at {self.model}; export one or set VOICELET_BENCH_ENCODER"
            )

    @cached_property
    def version(self) -> str:
        """Names the encoder and its weights in the cache."""
        return f"{VERSION}:{file_digest(self.model)}"

    @cached_property
    def _session(self) -> Any:
        ort = need("onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return ort.InferenceSession(str(self.model), options, providers=["CPUExecutionProvider"])

    def embed(self, samples: FloatArray, rate_hz: int) -> FloatArray:
        """d-vector [256] of length one of a recording."""
        windows = encoder_windows(prepare(samples, rate_hz))
        mean = np.asarray(self._session.run(None, {"mel": windows})[0]).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)


def nearest_of(n: int, rivals: int, better: int) -> float:
    """Chance that the own speaker is nearest among `n` when the others are drawn at random.

    Args:
        n: enrolled speakers in a trial, the own one included.
        rivals: all other speakers there are.
        better: how many of them are nearer to the clip than the own one.
    """
    others = min(n - 1, rivals)
    return comb(rivals - better, others) / comb(rivals, others)


@dataclass(frozen=True)
class Similarity:
    """How clips compare with the references of their own and of the other speakers.

    Attributes:
        own: cosine of each clip with its own reference.
        others: cosines of all clips with all other references.
        nearest: share of clips nearest to their own reference among all.
        nearest_of_10: expected share among ten, the other nine drawn at random.
        speakers: references there are.
    """

    own: tuple[float, ...]
    others: tuple[float, ...]
    nearest: float
    nearest_of_10: float
    speakers: int


def compare(
    clips: Sequence[tuple[str, FloatArray]], references: Mapping[str, FloatArray]
) -> Similarity:
    """Compare clips (own speaker, d-vector) with the references of all speakers."""
    names = sorted(references)
    matrix = np.stack([references[n] for n in names])
    own: list[float] = []
    others: list[float] = []
    better: list[int] = []
    for speaker, vector in clips:
        cosines = matrix @ vector
        index = names.index(speaker)
        rest = np.delete(cosines, index)
        own.append(float(cosines[index]))
        others.extend(float(c) for c in rest)
        better.append(int(np.sum(rest >= cosines[index])))
    rivals = len(names) - 1
    return Similarity(
        tuple(own),
        tuple(others),
        float(np.mean([b == 0 for b in better])) if better else float("nan"),
        float(np.mean([nearest_of(10, rivals, b) for b in better])) if better else float("nan"),
        len(names),
    )
