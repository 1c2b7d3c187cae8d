"""How close a copy is to its original: for vocoders, given the original's features.

PESQ wide-band (ITU-T P.862.2) and STOI (Taal et al., 2011) by their packages; the distance of mel
spectrograms in dB; pitch and voicing by WORLD's DIO and StoneMask (Morise et al., 2016).
"""

from __future__ import annotations

import contextlib
import math

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FeatureConfig, FloatArray, frame_energy_db, log_mel
from voicelet_export.corpus.reader import resample
from voicelet_export.metrics.base import need

VERSION = "fidelity-1"
F0_FLOOR_HZ, F0_CEILING_HZ = 60.0, 500.0
ACTIVE_DB = 50.0
_DB = 20.0 / math.log(10.0)


def mel_rmse_db(original: FloatArray, copy: FloatArray, rate_hz: int) -> float:
    """RMSE of mel magnitudes in dB over frames at most 50 dB below the loudest of the original."""
    config = FeatureConfig(
        sample_rate_hz=rate_hz, f_max_hz=min(12000.0, rate_hz / 2), hop_length=rate_hz // 80
    )
    one, two = log_mel(original, config), log_mel(copy, config)
    loud = frame_energy_db(one)
    active = loud > loud.max() - ACTIVE_DB
    difference = (one[active] - two[active]).astype(np.float64) * _DB
    return float(np.sqrt(np.mean(difference**2)))


def pitch_errors(
    original_hz: npt.NDArray[np.float64], copy_hz: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Errors between two f0 tracks (0 where unvoiced) of the same length.

    Returns:
        `f0_rmse_hz` and `f0_rmse_cents` over frames that are voiced in both (absent where there
        are none), `vuv_error`, the share of frames voiced in one only.
    """
    voiced, copied = original_hz > 0.0, copy_hz > 0.0
    both = voiced & copied
    out = {"vuv_error": float(np.mean(voiced != copied))}
    if both.any():
        one, two = original_hz[both], copy_hz[both]
        out["f0_rmse_hz"] = float(np.sqrt(np.mean((one - two) ** 2)))
        out["f0_rmse_cents"] = float(1200.0 * np.sqrt(np.mean(np.log2(one / two) ** 2)))
    return out


def f0_track(samples: FloatArray, rate_hz: int) -> npt.NDArray[np.float64]:
    """f0 in Hz, 200 values a second, 0 where unvoiced."""
    world = need("pyworld")
    wave = samples.astype(np.float64)
    rough, times = world.dio(
        wave, rate_hz, f0_floor=F0_FLOOR_HZ, f0_ceil=F0_CEILING_HZ, frame_period=5.0
    )
    return np.asarray(world.stonemask(wave, rough, times, rate_hz), dtype=np.float64)


def compare(
    original: FloatArray, original_hz: int, copy: FloatArray, copy_hz: int
) -> dict[str, float]:
    """All measures of a copy; both begin at the same instant and are cut to the shorter.

    `pesq_wb` is absent where PESQ finds no speech.
    """
    rate = min(original_hz, copy_hz, 24000)
    one, two = resample(original, original_hz, rate), resample(copy, copy_hz, rate)
    length = min(len(one), len(two))
    one, two = one[:length], two[:length]
    narrow, narrow_copy = resample(one, rate, 16000), resample(two, rate, 16000)
    out = {"mel_rmse_db": mel_rmse_db(one, two, rate)}
    out.update(pitch_errors(f0_track(one, rate), f0_track(two, rate)))
    out["stoi"] = float(need("pystoi").stoi(narrow, narrow_copy, 16000))
    pesq = need("pesq")
    with contextlib.suppress(pesq.NoUtterancesError):
        out["pesq_wb"] = float(pesq.pesq(16000, narrow, narrow_copy, "wb"))
    return out
