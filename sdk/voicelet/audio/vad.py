"""Where in a recording somebody speaks.

Silero VAD v6 (MIT, https://github.com/snakers4/silero-vad) at 16 kHz: a probability of speech for
every 32 ms from a small convolutional and recurrent network, made into segments with hysteresis.
The graph ships in this folder with its weights stored in int8 (396 kB);
`docs/research/enrolment.md` has the measurements behind the choice.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.errors import AudioError

SAMPLE_RATE_HZ = 16000
FRAME_SAMPLES = 512
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
_CONTEXT_SAMPLES = 64  # of the frame before, which the network sees again
_STATE_SIZE = 128
_BLOCK_FRAMES = 1024
_LOCK = threading.Lock()


@dataclass(frozen=True)
class VadConfig:
    """How probabilities become segments.

    Attributes:
        on, off: a segment starts where the probability reaches `on` and ends where it falls
            below `off`.
        min_speech_s: shorter segments are dropped (clicks, breaths).
        min_pause_s: shorter gaps between segments are kept as part of the speech.
        pad_s: added on both sides, for soft onsets and final consonants.
    """

    on: float = 0.5
    off: float = 0.35
    min_speech_s: float = 0.2
    min_pause_s: float = 0.3
    pad_s: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 < self.off <= self.on < 1.0:
            raise ValueError("need 0 < off <= on < 1")


@lru_cache(maxsize=1)
def _session() -> Any:
    import onnxruntime

    getattr(onnxruntime, "disable_telemetry_events", lambda: None)()  # builds for Windows have some
    try:
        graph = resources.files(__package__).joinpath("silero_vad.onnx").read_bytes()
    except OSError as error:
        raise AudioError(
            f"the voice activity model is missing from this installation ({error});"
            " install voicelet again"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def speech_probability(samples_16k: npt.ArrayLike) -> FloatArray:
    """Probability of speech in each frame of 512 samples.

    Args:
        samples_16k: mono float [n] at 16 kHz, in [-1, 1].

    Returns:
        float32 [ceil(n / 512)], 0..1.
    """
    wave = np.asarray(samples_16k, dtype=np.float32)
    n_frames = -(-len(wave) // FRAME_SAMPLES)
    if n_frames == 0:
        return np.zeros(0, dtype=np.float32)
    padded = np.zeros(_CONTEXT_SAMPLES + n_frames * FRAME_SAMPLES, dtype=np.float32)
    padded[_CONTEXT_SAMPLES : _CONTEXT_SAMPLES + len(wave)] = wave
    frames = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT_SAMPLES + FRAME_SAMPLES)
    with _LOCK:  # only so that two threads don't load it twice
        session = _session()
    h = c = np.zeros((1, 1, _STATE_SIZE), dtype=np.float32)
    out = np.empty(n_frames, dtype=np.float32)
    for start in range(0, n_frames, _BLOCK_FRAMES):
        stop = min(n_frames, start + _BLOCK_FRAMES)
        block = np.ascontiguousarray(frames[start * FRAME_SAMPLES : stop * FRAME_SAMPLES : 512])
        out[start:stop], h, c = session.run(
            ["speech_probs", "hn", "cn"], {"input": block, "h": h, "c": c}
        )
    return out


def speech_segments(
    samples_16k: npt.ArrayLike, config: VadConfig = VadConfig()
) -> list[tuple[float, float]]:
    """Find speech.

    Args:
        samples_16k: mono float [n] at 16 kHz.

    Returns:
        (start_s, end_s) of every segment, in order, without overlap; empty where nobody speaks.
    """
    wave = np.asarray(samples_16k, dtype=np.float32)
    return segments_of(speech_probability(wave), len(wave) / SAMPLE_RATE_HZ, config)


def segments_of(
    probability: FloatArray, total_s: float, config: VadConfig = VadConfig()
) -> list[tuple[float, float]]:
    """Turn frame probabilities [frames] of a recording of `total_s` seconds into segments."""
    spans: list[tuple[float, float]] = []
    start: float | None = None
    for i, p in enumerate(probability.tolist()):
        if start is None and p >= config.on:
            start = i * FRAME_S
        elif start is not None and p < config.off:
            spans.append((start, i * FRAME_S))
            start = None
    if start is not None:
        spans.append((start, total_s))
    joined: list[tuple[float, float]] = []
    for begin, end in spans:
        if joined and begin - joined[-1][1] < config.min_pause_s:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    padded: list[tuple[float, float]] = []
    for begin, end in joined:
        if end - begin < config.min_speech_s:
            continue
        first, last = max(0.0, begin - config.pad_s), min(total_s, end + config.pad_s)
        if padded and first <= padded[-1][1]:
            padded[-1] = (padded[-1][0], last)
        else:
            padded.append((first, last))
    return padded
