"""Which phone each frame of a recording is: the aligner's frame classifier, on the device.

The graph ships in this folder (`phone_posteriors.onnx`, weights in int8, 0.4 MB): five dilated
convolutions over log mel bands, trained on the default voice's synthetic teacher corpus only, so
that every person who speaks to it is unknown to it.  `voicelet-export aligner` makes it.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray, frame_energy_db, log_mel
from voicelet.engine import Graph, get_engine
from voicelet.errors import EngineError

GRAPH_FILE = "phone_posteriors.onnx"
SAMPLE_RATE_HZ = 24000
N_BANDS = 70
ACTIVE_DB = 30.0
"""Frames within this of the loud ones count as speech when an utterance is normalized."""

_LOCK = threading.Lock()


def normalize_bands(log_mel: FloatArray, n_bands: int) -> FloatArray:
    """Bring an utterance's lower mel bands to mean 0 and deviation 1 over its active frames.

    Only active frames count, so that the length of the pauses in a recording changes nothing.

    Args:
        log_mel: natural log mel [frames, >= n_bands].

    Returns:
        float32 [frames, n_bands], clipped to [-6, 6].
    """
    bands = log_mel[:, :n_bands]
    energy = frame_energy_db(bands)
    active = bands[energy > np.percentile(energy, 95) - ACTIVE_DB]
    centred = bands - active.mean(axis=0)
    scale = max(float(active.std(axis=0).mean()), 1e-3)
    normalized: FloatArray = np.clip(centred / scale, -6.0, 6.0).astype(np.float32)
    return normalized


@lru_cache(maxsize=1)
def _graph() -> Graph:
    source = resources.files(__package__).joinpath(GRAPH_FILE)
    try:
        with resources.as_file(source) as path:
            return get_engine("onnx").open(path)
    except OSError as error:
        raise EngineError(
            f"the phone classifier is missing from this installation ({error});"
            " install voicelet again"
        ) from error


def phone_posteriors(samples_24k: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Log posterior of every phone symbol on every frame of 12.5 ms.

    Args:
        samples_24k: mono float [n] at 24 kHz, pauses left in, any level.

    Returns:
        (log posterior float32 [frames, symbols], log prior float32 [symbols]), in the order of
        `text.phones.ENGLISH_SYMBOLS`.

    Raises:
        EngineError: the graph is missing or can't be run.
    """
    return mel_posteriors(log_mel(samples_24k, FeatureConfig()))


def mel_posteriors(log_mel: FloatArray) -> tuple[FloatArray, FloatArray]:
    """As :func:`phone_posteriors`, of a natural log mel [frames, >= 70] of the default features."""
    bands = normalize_bands(log_mel, N_BANDS)
    with _LOCK:  # only so that two threads don't load it twice
        graph = _graph()
    outputs = graph.run({"bands": bands[None]})
    return outputs["log_posterior"][0].astype(np.float32), outputs["log_prior"].astype(np.float32)
