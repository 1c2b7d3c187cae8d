"""Augmented copies of a feature cache: labels change with the sound.

Speed perturbation after Ko et al. 2015, SpecAugment after Park et al. 2019.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.atomic import atomic_file
from voicelet.audio.features import LOG_FLOOR, FeatureConfig, FloatArray
from voicelet.errors import ConfigError, CorpusError
from voicelet_export.corpus.cache import (
    COPY_MARK,
    CacheWriter,
    DVectorExtractor,
    Entry,
    FeatureCache,
)
from voicelet_export.corpus.effects import (
    add_noise,
    change_speed,
    change_tempo,
    change_volume,
    coloured_noise,
    put_in_room,
    room_response,
    speed_ratio,
)
from voicelet_export.corpus.merge import merge_caches
from voicelet_export.corpus.pack import OnItem

Range = tuple[float, float]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SpecAugment:
    """Stretches of a mel that are hidden.

    Attributes:
        bands, frames: widest stretch of each.
        band_masks, frame_masks: how many.
    """

    bands: int = 10
    frames: int = 20
    band_masks: int = 1
    frame_masks: int = 1

    def __post_init__(self) -> None:
        if min(self.bands, self.frames, self.band_masks, self.frame_masks) < 0:
            raise ConfigError("the widths and counts of SpecAugment can't be negative")


@dataclass(frozen=True)
class AugmentConfig:
    """What is changed, each drawn evenly from its range; `None` leaves it alone.

    Attributes:
        speed: factor, pitch and formants with it: a new voice, drawn once a speaker and copy.
        tempo: factor, pitch kept.
        volume_db: gain over the level that features have.
        noise_db: ratio of speech to noise.
        noise_slope: colour of the noise: 0 white, 1 pink, 2 brown.
        room_s: time in which a room's sound falls by 60 dB.
        direct_db: energy of the direct sound over the room's.
        spec: hides parts of the mels; for what only listens (aligner, encoder), never for what
            learns to speak.
        copies: of each utterance.
        seed: of everything drawn.
    """

    speed: Range | None = None
    tempo: Range | None = None
    volume_db: Range | None = None
    noise_db: Range | None = None
    noise_slope: Range = (0.0, 2.0)
    room_s: Range | None = None
    direct_db: Range = (3.0, 15.0)
    spec: SpecAugment | None = None
    copies: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        limits = {
            "speed": (0.5, 2.0),
            "tempo": (0.5, 2.0),
            "volume_db": (-60.0, 30.0),
            "noise_db": (-20.0, 80.0),
            "noise_slope": (-2.0, 3.0),
            "room_s": (0.02, 5.0),
            "direct_db": (-20.0, 60.0),
        }
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if value is not None and not least <= value[0] <= value[1] <= most:
                raise ConfigError(
                    f"{name} must be two rising numbers between {least:g} and {most:g}, not "
                    f"{list(value)}"
                )
        if not 1 <= self.copies <= 100:
            raise ConfigError(f"copies must lie between 1 and 100, not {self.copies}")


@dataclass(frozen=True)
class Sounding:
    """A stretch of speech with its labels.

    Attributes:
        samples: float32 [frames * hop].
        f0_hz: float32 [frames], 0 where unvoiced.
        durations_frames: int64 [tokens] that sum to the frames, or `None`.
    """

    samples: FloatArray
    f0_hz: FloatArray
    durations_frames: IntArray | None


def spec_augment(
    mel: FloatArray, rng: np.random.Generator, config: SpecAugment, fill: float | None = None
) -> FloatArray:
    """Hide stretches of bands and of frames.

    Args:
        mel: [frames, bands].
        fill: what stands there instead; the mean by default.

    Returns:
        A copy.
    """
    out = mel.copy()
    value = float(mel.mean()) if fill is None else fill
    for axis, widest, count in (
        (1, config.bands, config.band_masks),
        (0, config.frames, config.frame_masks),
    ):
        for _ in range(count):
            width = int(rng.integers(0, min(widest, mel.shape[axis]) + 1))
            first = int(rng.integers(0, mel.shape[axis] - width + 1))
            cut = [slice(None), slice(None)]
            cut[axis] = slice(first, first + width)
            out[tuple(cut)] = value
    return out


def retimed(sounding: Sounding, samples: FloatArray, factor: float, hop: int) -> Sounding:
    """Labels of speech that is `factor` times as fast as it was; f0 in Hz stays.

    Args:
        samples: the faster speech; what lies past its last whole frame is dropped.
    """
    frames = len(samples) // hop
    was = len(sounding.f0_hz)
    places = np.clip(((np.arange(frames) + 0.5) * factor).astype(np.int64), 0, max(0, was - 1))
    durations = sounding.durations_frames
    if durations is not None:
        edges = np.rint(np.cumsum(durations) / factor).astype(np.int64)
        edges[-1] = frames
        least = np.minimum(durations, 1)
        # Every token that had a frame keeps one, where there are frames enough.
        for i in range(len(edges)):
            edges[i] = max(edges[i], (edges[i - 1] if i else 0) + least[i])
        edges[-1] = frames
        for i in range(len(edges) - 2, -1, -1):
            edges[i] = min(edges[i], edges[i + 1] - least[i + 1])
        durations = np.diff(edges, prepend=0)
        if durations.min() < 0:
            raise CorpusError("too many tokens for so fast a speech; choose a lower speed")
    f0 = sounding.f0_hz[places] if was else sounding.f0_hz
    return Sounding(samples[: frames * hop], f0.astype(np.float32), durations)


def sound_otherwise(
    sounding: Sounding,
    rng: np.random.Generator,
    config: AugmentConfig,
    features: FeatureConfig,
    speed: float = 1.0,
) -> Sounding:
    """Change the sound of an utterance, and its labels with it.

    Args:
        speed: of the voice, which the caller draws (once a speaker).
    """
    hop, rate = features.hop_length, features.sample_rate_hz
    if speed != 1.0:
        exact = float(speed_ratio(speed))
        sounding = retimed(sounding, change_speed(sounding.samples, speed), exact, hop)
        higher = (sounding.f0_hz * np.float32(exact)).astype(np.float32)
        sounding = Sounding(sounding.samples, higher, sounding.durations_frames)
    if config.tempo is not None:
        factor = float(rng.uniform(*config.tempo))
        faster = change_tempo(sounding.samples, factor, rate)
        sounding = retimed(sounding, faster, factor, hop)
    wave = sounding.samples
    if config.room_s is not None:
        response = room_response(
            rng, rate, float(rng.uniform(*config.room_s)), float(rng.uniform(*config.direct_db))
        )
        wave = put_in_room(wave, response)
    if config.noise_db is not None:
        noise = coloured_noise(len(wave), rng, float(rng.uniform(*config.noise_slope)))
        wave = add_noise(wave, noise, float(rng.uniform(*config.noise_db)), rate)
    if config.volume_db is not None:
        wave = change_volume(wave, float(rng.uniform(*config.volume_db)))
    return Sounding(wave, sounding.f0_hz, sounding.durations_frames)


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
    entries: Sequence[Entry],
    part: Path,
    copy: int,
    config: AugmentConfig,
    extract: DVectorExtractor | None,
    on_item: OnItem | None,
) -> None:
    writer = CacheWriter(part, source.features)
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
            d_vector = extract(changed.samples, source.features.sample_rate_hz)
        writer.append(
            id=f"{entry.id}{COPY_MARK}{copy}",
            speaker=speaker,
            samples=changed.samples,
            f0_hz=changed.f0_hz,
            d_vector=d_vector,
            phones=source.phones(entry) if entry.n_phones else None,
            durations_frames=changed.durations_frames,
            bandwidth_hz=min(entry.bandwidth_hz * speed, source.features.sample_rate_hz / 2.0),
            change_mel=_hiding(config.spec, rng),
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
