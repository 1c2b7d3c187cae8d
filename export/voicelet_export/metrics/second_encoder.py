"""A second speaker encoder: x-vectors (Snyder et al. 2018), trained for these metrics only.

The GE2E encoder is in the device's enrolment and in a loss of the acoustic model, so a high cosine
by it alone could mean that voices have learnt to please it.  This one has another architecture,
other features and another loss (`voicelet-export train xvector`), is in no loss of any voice and
has heard none of the held-out people.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray, log_mel
from voicelet.audio.level import normalize_level
from voicelet.speaker.phone_posteriors import normalize_bands
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import MetricError
from voicelet_export.metrics.cache import file_digest

VERSION = "xvector-1"
MODEL = Path(__file__).parents[2] / "artifacts/xvector/xvector.npz"
FEATURES = FeatureConfig()


class XVectorEncoder:
    """The encoder, loaded when first asked.

    Raises:
        MetricError: its weights are missing.
    """

    def __init__(self, model: Path | None = None) -> None:
        self.model = model or Path(os.environ.get("VOICELET_BENCH_SECOND_ENCODER") or MODEL)
        if not self.model.is_file():
            raise MetricError(
                f"no second speaker encoder at {self.model}; train one with `voicelet-export train "
                "xvector` or set VOICELET_BENCH_SECOND_ENCODER"
            )

    @cached_property
    def version(self) -> str:
        """Names the encoder and its weights in the cache."""
        return f"{VERSION}:{file_digest(self.model)}"

    @cached_property
    def _weights(self) -> dict[str, npt.NDArray[Any]]:
        with np.load(self.model) as file:
            return {
                name: value.astype(np.float32) if value.dtype == np.float16 else value
                for name, value in file.items()
            }

    def embed(self, samples: FloatArray, rate_hz: int) -> FloatArray:
        """x-vector [128] of length one of a recording."""
        wave = resample(samples, rate_hz, FEATURES.sample_rate_hz)
        mel = log_mel(np.asarray(normalize_level(wave, FEATURES.sample_rate_hz)), FEATURES)
        w = self._weights
        return self.vector(normalize_bands(mel, w["0.weight"].shape[1]))

    def vector(self, bands: FloatArray) -> FloatArray:
        """x-vector [128] of normalized bands [T, n_bands]; short ones are repeated."""
        w = self._weights
        dilations = [int(d) for d in w["dilations"]]
        kernels = [w[f"{i}.weight"].shape[2] for i in range(len(dilations))]
        least = 1 + sum((k - 1) * d for k, d in zip(kernels, dilations))
        x = np.tile(bands, (-(-least // len(bands)), 1)).astype(np.float32)
        for i, (kernel, dilation) in enumerate(zip(kernels, dilations)):
            weight = w[f"{i}.weight"]
            frames = len(x) - (kernel - 1) * dilation
            taps = (
                x[k * dilation : k * dilation + frames] @ weight[:, :, k].T for k in range(kernel)
            )
            x = np.maximum(sum(taps) + w[f"{i}.bias"], 0.0) * w[f"{i}.scale"] + w[f"{i}.shift"]
        pooled = np.concatenate([x.mean(axis=0), np.sqrt(x.var(axis=0) + 1e-5)])
        vector = w["out.weight"] @ pooled + w["out.bias"]
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
