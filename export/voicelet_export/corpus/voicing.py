"""Which frames of a cache are voiced, and their f0, with the methods of WORLD.

A model that learns creak as unvoiced hoarsens every last word (`voicelet.audio.voicing`, which new
caches are made with).  Where a corpus is prepared for a release, or was cached by an older version,
voicing is decided once more by LoveTrain (Morise 2016, D4C, in `pyworld`), and the f0 of frames
that the cache has unvoiced comes from the corpus, where it tells (`f0` of its rows), else from DIO
with StoneMask (Morise et al. 2009), else from their voiced neighbours.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.features import FloatArray
from voicelet.audio.voicing import LOVE_TRAIN, QUIET_DB, REACH_FRAMES, SLACK_SEMITONES
from voicelet.errors import ConfigError
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.corpus.reader import read_rows

log = logging.getLogger(__name__)

LOWEST_HZ, HIGHEST_HZ = 45.0, 600.0


def voiced_f0(
    samples: FloatArray,
    sample_rate_hz: int,
    hop_length: int,
    own_f0_hz: FloatArray,
    given_f0_hz: FloatArray | None = None,
) -> FloatArray:
    """f0 with more of the voiced frames.

    Args:
        samples: mono [frames * hop_length].
        sample_rate_hz: of `samples`.
        hop_length: samples in a frame.
        own_f0_hz: the estimator's, [frames], 0 where it found none; these frames stay as they are.
        given_f0_hz: a better f0 [frames], where it is above 45 Hz.

    Returns:
        float32 [frames].

    Raises:
        ConfigError: `pyworld` isn't installed.
    """
    voiced = np.flatnonzero(own_f0_hz > 0.0)
    if not len(voiced):
        return own_f0_hz.astype(np.float32)
    world = _world()
    n, period_ms = len(own_f0_hz), 1000.0 * hop_length / sample_rate_hz
    wave = samples.astype(np.float64)
    places = np.arange(n)
    held = np.exp(np.interp(places, voiced, np.log(own_f0_hz[voiced])))
    f0 = np.where(own_f0_hz > 0.0, own_f0_hz, held).astype(np.float64)
    better = _rough_f0(world, wave, sample_rate_hz, period_ms, n)
    if given_f0_hz is not None:
        better = np.where(given_f0_hz > LOWEST_HZ, given_f0_hz, better)
    near = np.abs(12.0 * np.log2(np.maximum(better, 1.0) / held)) < SLACK_SEMITONES
    f0 = np.where((own_f0_hz <= 0.0) & near, better, f0)
    times = places * (period_ms / 1000.0)
    aperiodicity = world.d4c(wave, f0, times, sample_rate_hz, threshold=LOVE_TRAIN)
    rows = wave[: n * hop_length].reshape(n, hop_length)
    level_db = 10.0 * np.log10(np.mean(rows**2, axis=1) + 1e-10)
    distance = np.abs(places[:, None] - voiced[None, :]).min(axis=1)
    found = (
        (aperiodicity[:, 0] < 0.99)
        & (level_db > level_db.max() - QUIET_DB)
        & (distance <= REACH_FRAMES)
    )
    return np.where(found | (own_f0_hz > 0.0), f0, 0.0).astype(np.float32)


def revoice_cache(
    folder: Path, corpus: Path | None = None, on_item: Callable[[int, int], None] | None = None
) -> tuple[float, float]:
    """Replace the f0 of a cache; the statistics of its speakers stay as a device measures them.

    Args:
        folder: the cache; nothing else in it changes.
        corpus: its corpus, if its rows tell an f0.
        on_item: told (utterances done, utterances).

    Returns:
        Share of voiced frames before and after.

    Raises:
        ConfigError: `pyworld` isn't installed.
    """
    cache = FeatureCache(folder)
    config = cache.features
    told: Mapping[str, Any] = {}
    if corpus is not None:
        told = {row["id"]: row["f0"] for row in read_rows(corpus) if "f0" in row}
    out = np.zeros(cache.stored_frames, np.float32)
    before = 0
    for number, entry in enumerate(cache.entries):
        own = cache.f0_hz(entry)
        given = _fitted(told.get(entry.id), entry.n_frames)
        f0 = voiced_f0(cache.audio(entry), config.sample_rate_hz, config.hop_length, own, given)
        out[entry.first_frame : entry.first_frame + entry.n_frames] = f0
        before += int((own > 0.0).sum())
        if on_item is not None:
            on_item(number + 1, len(cache.entries))
    part = folder / "f0.f32.part"
    part.write_bytes(out.tobytes())
    os.replace(part, folder / "f0.f32")
    total = max(1, sum(e.n_frames for e in cache.entries))
    shares = before / total, float((out > 0.0).sum()) / total
    log.info("%s: %.1f %% voiced, %.1f %% before", folder, 100 * shares[1], 100 * shares[0])
    return shares


def _world() -> Any:
    try:
        return importlib.import_module("pyworld")
    except ImportError as error:
        raise ConfigError(
            f'no vocoder analysis ({error}); install it: pip install "voicelet-export[corpus]"'
        ) from None


def _rough_f0(
    world: Any, wave: npt.NDArray[np.float64], rate: int, period_ms: float, n: int
) -> npt.NDArray[np.float64]:
    coarse, times = world.dio(
        wave, rate, LOWEST_HZ, HIGHEST_HZ, frame_period=period_ms, allowed_range=0.3
    )
    return _fitted(world.stonemask(wave, coarse, times, rate), n)


def _fitted(f0: Any, n: int) -> Any:
    """Cut or fill up with zeros to n frames; None stays None."""
    if f0 is None:
        return None
    values = np.asarray(f0, np.float64)[:n]
    return np.pad(values, (0, n - len(values)))
