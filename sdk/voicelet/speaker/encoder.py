"""Speech in, d-vector out: who is speaking, as 256 numbers.

The GE2E encoder of Wan et al. ("Generalized end-to-end loss for speaker verification", 2018) over
windows of 1.6 s that overlap by half; the d-vector of a recording is the mean of its windows',
brought to unit length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle
from voicelet.engine import Graph, choose_form, open_form, work_limit_s
from voicelet.errors import AudioError, BundleError
from voicelet.speaker.ge2e_mel import ge2e_mel, ge2e_windows
from voicelet.speaker.vector import D_VECTOR_SIZE

_BATCH = 32  # windows at once: bounds memory, and is where the speed stops growing
_LEAST_S = 0.2


class RunnableGraph(Protocol):
    """What is needed of the bundle's `speaker_encoder` graph."""

    def run(self, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Run the graph: "mel" float32 [P, 160, 40] → "embedding" float32 [P, 256]."""


def embed_windows(
    graph: RunnableGraph,
    speech_16k: npt.ArrayLike,
    progress: Callable[[float], None] | None = None,
) -> FloatArray:
    """The d-vector of every 1.6 s window of speech.

    Args:
        graph: a speaker encoder.
        speech_16k: float [n] at 16 kHz, silences removed (see `audio.vad`); any level.
        progress: called with the fraction done, 0..1.

    Returns:
        float32 [windows, 256], each of unit length; a window every 0.77 s.

    Raises:
        AudioError: less than 0.2 s of speech, or digital silence.
        BundleError: the graph is no speaker encoder.
    """
    wave = np.asarray(speech_16k, dtype=np.float32)
    if len(wave) < _LEAST_S * 16000 or not np.any(wave):
        raise AudioError("there is no speech to take a voice from; record at least 3 seconds")
    windows = ge2e_windows(ge2e_mel(wave))
    parts = []
    for start in range(0, len(windows), _BATCH):
        parts.append(graph.run({"mel": windows[start : start + _BATCH]})["embedding"])
        if progress is not None:
            progress(min(1.0, (start + _BATCH) / len(windows)))
    embeddings: FloatArray = np.concatenate(parts).astype(np.float32)
    if embeddings.shape != (len(windows), D_VECTOR_SIZE) or not np.isfinite(embeddings).all():
        raise BundleError(
            f"the speaker encoder gave {embeddings.shape} instead of"
            f" ({len(windows)}, {D_VECTOR_SIZE}) finite numbers; install the bundle again"
        )
    return embeddings


def mean_d_vector(windows: npt.ArrayLike) -> FloatArray:
    """Mean of window embeddings [windows, 256], brought to unit length: float32 [256]."""
    mean = np.asarray(windows, dtype=np.float64).mean(axis=0)
    unit: FloatArray = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
    return unit


def d_vector(graph: RunnableGraph, speech_16k: npt.ArrayLike) -> FloatArray:
    """The d-vector of a recording, float32 [256] of unit length; see :func:`embed_windows`."""
    return mean_d_vector(embed_windows(graph, speech_16k))


def open_encoder(bundle: Bundle) -> Graph:
    """The speaker encoder of a bundle.

    Raises:
        BundleUnsignedError: nobody vouches for the bundle: an encoder can be made that gives
            another person's d-vector for everybody.
        BundleError: it has none, or it can't be run.
    """
    bundle.require_trust()
    form = choose_form(bundle.graph("speaker_encoder").alternatives, what="speaker_encoder")
    return open_form(bundle.root, form, limit_s=work_limit_s(bundle.trusted_by))
