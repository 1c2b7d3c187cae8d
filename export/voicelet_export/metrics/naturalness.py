"""DNSMOS: predicted opinion scores, P.808 (one score) and P.835 (signal, background, overall).

The networks and the polynomials of Reddy et al., "DNSMOS P.835" (ICASSP 2022), as the `speechmos`
package carries them; the mel spectrogram in front of the P.808 network is computed here, so that
librosa isn't needed.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray, hann_window, mel_filterbank
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import MetricError, need

VERSION = "dnsmos-1"
RATE_HZ = 16000
WINDOW_S = 9.01
_MEL = FeatureConfig(
    sample_rate_hz=RATE_HZ, n_fft=321, win_length=321, hop_length=160, n_mels=120, f_max_hz=8000.0
)
_POLYNOMIALS = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}


def p808_features(samples: FloatArray) -> FloatArray:
    """Input of the P.808 network: (dB below the loudest + 40) / 40, shape [frames, 120]."""
    padded = np.pad(samples, _MEL.n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _MEL.n_fft)[:: _MEL.hop_length]
    spectrum = np.fft.rfft(frames * hann_window(_MEL.win_length), axis=1)
    power = (np.abs(spectrum) ** 2).astype(np.float32) @ mel_filterbank(_MEL).T
    decibels = 10.0 * np.log10(np.maximum(power, 1e-10))
    decibels -= decibels.max()
    out: FloatArray = ((np.maximum(decibels, -80.0) + 40.0) / 40.0).astype(np.float32)
    return out


def windows(samples: FloatArray) -> list[FloatArray]:
    """The 9.01 s windows that are scored, a second apart; short audio is repeated."""
    length = int(WINDOW_S * RATE_HZ)
    while len(samples) < length:
        samples = np.concatenate([samples, samples])
    count = int(len(samples) // RATE_HZ - WINDOW_S) + 1
    starts = [i * RATE_HZ for i in range(max(1, count)) if i * RATE_HZ + length <= len(samples)]
    return [samples[s : s + length] for s in starts]


class Dnsmos:
    """The two networks, loaded when first asked."""

    @cached_property
    def _sessions(self) -> tuple[Any, Any]:
        ort = need("onnxruntime")
        spec = need("importlib.util").find_spec("speechmos")
        if spec is None or not spec.submodule_search_locations:
            raise MetricError("speechmos is missing; run benchmarks/setup.sh and use its Python")
        folder = Path(spec.submodule_search_locations[0]) / "dnsmos_models"
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return tuple(
            ort.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
            for name in ("model_v8.onnx", "sig_bak_ovr.onnx")
        )

    def score(self, samples: FloatArray, rate_hz: int) -> dict[str, float]:
        """`p808`, `sig`, `bak` and `ovrl`, each on the scale 1 to 5."""
        wave = np.clip(resample(samples, rate_hz, RATE_HZ), -1.0, 1.0)
        p808_net, p835_net = self._sessions
        rows: list[list[float]] = []
        for window in windows(wave):
            features = p808_features(window[:-160])[None]
            p808 = float(p808_net.run(None, {"input_1": features})[0][0][0])
            raw: npt.NDArray[Any] = p835_net.run(None, {"input_1": window[None]})[0][0]
            fitted = [float(np.polyval(c, r)) for c, r in zip(_POLYNOMIALS.values(), raw)]
            rows.append([p808, *fitted])
        means = np.mean(np.asarray(rows), axis=0)
        return dict(zip(("p808", *_POLYNOMIALS), (float(m) for m in means)))
