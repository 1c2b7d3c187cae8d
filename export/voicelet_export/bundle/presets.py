"""Voices that ship with a bundle: the teacher's own, averaged over their utterances."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from voicelet.audio.features import FloatArray
from voicelet.bundle import Bundle, Preset
from voicelet.config import did_you_mean
from voicelet.errors import BundleError, ConfigError
from voicelet.files import NPZ_ERRORS, parse_npy
from voicelet_export.corpus.cache import FeatureCache
from voicelet_export.train.data import load_items
from voicelet_export.train.utterances import UtteranceSampler

_DAMAGED: tuple[type[Exception], ...] = (*NPZ_ERRORS, IndexError)

TEACHER_VOICES = {
    "af_heart": "woman, American, warm",
    "am_michael": "man, American, calm",
    "af_bella": "woman, American, lively",
    "am_fenrir": "man, American, firm",
    "bf_emma": "woman, British",
    "bm_george": "man, British",
}
"""Kokoro-82M's voices (Apache-2.0) that become presets, the default first; none is a real person.
"""


def measure_presets(
    caches: Sequence[Path],
    mel_mean: FloatArray,
    mel_std: FloatArray,
    voices: Mapping[str, str] = TEACHER_VOICES,
) -> tuple[tuple[Preset, ...], bytes]:
    """Speaker vectors of the teacher's voices.

    Args:
        caches: feature caches; the first that holds a speaker gives its vector.
        voices: speaker → description.

    Returns:
        the manifest's presets, and the contents of their npy file (float32 [n, size]).

    Raises:
        ConfigError: no cache holds one of the voices.
    """
    samplers = [
        UtteranceSampler(load_items([FeatureCache(c)], set(), True)[0], mel_mean, mel_std, 1)
        for c in caches
    ]
    presets, rows = [], []
    for index, (name, description) in enumerate(voices.items()):
        found = [s for s in samplers if name in s.by_speaker]
        if not found:
            known = {n for s in samplers for n in s.by_speaker}
            raise ConfigError(
                f"no cache holds the preset voice {name!r}{did_you_mean(name, known)}; add the "
                "teacher's cache"
            )
        rows.append(found[0].speaker_vector(found[0].by_speaker[name][0], None)[0])
        presets.append(Preset(name, index, description))
    file = io.BytesIO()
    np.save(file, np.stack(rows).astype(np.float32), allow_pickle=False)
    return tuple(presets), file.getvalue()


def presets_of(bundle: Bundle, speaker_size: int) -> tuple[tuple[Preset, ...], bytes]:
    """The presets of a bundle, as :func:`measure_presets` gives those of caches.

    Raises:
        BundleError: it has none, or its speaker vectors have another size than `speaker_size`.
    """
    if "presets" not in bundle.manifest.data or not bundle.manifest.presets:
        raise BundleError(f"{bundle.root}: has no presets to take over; measure them with --cache")
    table = bundle.data_path("presets").read_bytes()
    try:
        size = parse_npy(table).shape[1]
    except _DAMAGED as error:
        raise BundleError(
            f"{bundle.root}: its presets can't be read ({error}); measure them with --cache"
        ) from None
    if size != speaker_size:
        raise BundleError(
            f"{bundle.root}: its presets are vectors of {size} numbers, the acoustic model takes "
            f"{speaker_size}; measure them with --cache"
        )
    return bundle.manifest.presets, table
