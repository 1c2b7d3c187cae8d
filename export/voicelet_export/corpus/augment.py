"""Augmented copies of a feature cache: labels change with the sound."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import LOG_FLOOR, FloatArray
from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.corpus.augment_config import (
    AugmentConfig,
    Sounding,
    SpecAugment,
    sound_otherwise,
    spec_augment,
)
from voicelet_export.corpus.cache import (
    COPY_MARK,
    CacheEntry,
    CacheWriter,
    DVectorExtractor,
    FeatureCache,
)
from voicelet_export.corpus.effects import speed_ratio
from voicelet_export.corpus.merge import merge_caches
from voicelet_export.corpus.pack import OnItem
from voicelet_export.errors import CorpusError

__all__ = ["AugmentConfig", "SpecAugment", "augment_cache"]


def augment_cache(
    cache: Path,
    out: Path,
    config: AugmentConfig,
    encoder: Path | None = None,
    leave_out: Sequence[str] = (),
    on_item: OnItem | None = None,
) -> int:
    """Write changed copies of a cache's utterances to the cache `out`; returns their count.

    A copy of `p225_001` by `p225` is `p225_001~1`; it is of the speaker `p225~1` where the speed
    makes another voice of it, whose d-vector is then measured anew.  Where either name before the
    mark is held out, so is the copy.  Copies are written one number at a time, and a run that is
    cut off goes on behind the last one.

    Args:
        encoder: speaker encoder (ONNX); needed for `speed` only.
        leave_out: speakers and ids of which no copies are made.

    Raises:
        ConfigError: nothing is to be changed, or `speed` is without an encoder.
        CorpusError: the cache can't be read, or nothing in it can be copied.
    """
    if config == AugmentConfig(copies=config.copies, seed=config.seed):
        raise ConfigError("nothing is to be changed; give speed, tempo, volume_db, noise_db, …")
    if config.speed is not None and encoder is None:
        raise ConfigError("a changed speed makes new voices; give the speaker encoder")
    try:
        source = FeatureCache(cache)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{cache} is no whole feature cache ({error})") from error
    entries = [e for e in source.entries if not {e.id, e.speaker} & set(leave_out)]
    plan = {"config": asdict(config), "cache": _state(cache), "entries": len(entries)}
    work = out / ".parts"
    if (out / "index.json").is_file() and _same(out / "augment.json", plan):
        return len(FeatureCache(out).entries)
    if not _same(work / "augment.json", plan):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _write(work / "augment.json", plan)
    extract = DVectorExtractor(encoder) if config.speed is not None and encoder else None
    parts = []
    for copy in range(1, config.copies + 1):
        part = work / f"copy-{copy}"
        parts.append(part)
        if not (part / "index.json").is_file():
            _copy(source, entries, part, copy, config, extract, on_item)
    if not any(FeatureCache(part).entries for part in parts):
        raise CorpusError(f"{cache} holds nothing that can be copied")
    (out / "augment.json").unlink(missing_ok=True)
    count = merge_caches(parts, out)
    _write(out / "augment.json", plan)
    shutil.rmtree(work)
    return count


def _copy(
    source: FeatureCache,
    entries: Sequence[CacheEntry],
    part: Path,
    copy: int,
    config: AugmentConfig,
    extract: DVectorExtractor | None,
    on_item: OnItem | None,
) -> None:
    writer = CacheWriter(part, source.features)
    rate = source.features.sample_rate_hz
    for number, entry in enumerate(entries, 1):
        rng = _generator(config.seed, copy, entry.id)
        speed, speaker = 1.0, entry.speaker
        if config.speed is not None:
            speed = float(_generator(config.seed, copy, entry.speaker).uniform(*config.speed))
            speed = float(speed_ratio(speed))
            speaker = f"{entry.speaker}{COPY_MARK}{copy}"
        durations = source.durations(entry) if entry.n_phones else None
        sounding = Sounding(source.audio(entry), source.f0_hz(entry), durations)
        changed = sound_otherwise(sounding, rng, config, source.features, speed)
        d_vector = np.asarray(entry.d_vector, np.float32)
        if extract is not None and speed != 1.0:
            d_vector = extract(changed.samples, rate)
        writer.append(
            id=f"{entry.id}{COPY_MARK}{copy}",
            speaker=speaker,
            samples=changed.samples,
            f0_hz=changed.f0_hz,
            # The label may know of more voiced frames than a device that enrols would find.
            own_f0_hz=estimate_f0(changed.samples, rate, source.features.hop_length),
            d_vector=d_vector,
            phones=source.phones(entry) if entry.n_phones else None,
            durations_frames=changed.durations_frames,
            bandwidth_hz=min(entry.bandwidth_hz * speed, rate / 2.0),
            change_mel=_hiding(config.spec, rng),
            language=entry.language,
        )
        if on_item is not None:
            on_item((copy - 1) * len(entries) + number, config.copies * len(entries))
    writer.close()


def _hiding(
    spec: SpecAugment | None, rng: np.random.Generator
) -> Callable[[FloatArray], FloatArray] | None:
    if spec is None:
        return None
    return partial(spec_augment, rng=rng, config=spec, fill=float(np.log(LOG_FLOOR)))


def _generator(seed: int, copy: int, name: str) -> np.random.Generator:
    """A generator of its own for every utterance, whatever else is in the cache."""
    return np.random.default_rng([seed, copy, *name.encode("utf-8")])


def _state(cache: Path) -> dict[str, int]:
    """Sizes of a cache's files: enough to see that it was built anew."""
    return {f.name: f.stat().st_size for f in sorted(cache.glob("*.*")) if f.suffix != ".json"} | {
        "index": (cache / "index.json").stat().st_size
    }


def _same(path: Path, plan: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(plan)))
    except (OSError, ValueError):
        return False


def _write(path: Path, value: dict[str, Any]) -> None:
    with atomic_file(path) as file:
        file.write(json.dumps(value, indent=1).encode("utf-8"))
