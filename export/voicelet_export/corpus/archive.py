"""Feature caches in one small file, to be carried to a machine with an accelerator.

Without audio: mels as 8-bit steps of 0.14 nats (1.2 dB, a third of that in standard deviation),
differences from frame to frame, Huffman-coded; f0 in steps of 0.02 Hz; d-vectors in 8 bits.  An
hour of speech takes some 12 MB.  Only aligned utterances are taken.
"""

from __future__ import annotations

import json
import logging
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.errors import ConfigError
from voicelet.files import atomic_file
from voicelet_export.corpus.cache import CACHE_FILES, CacheEntry, FeatureCache
from voicelet_export.errors import CorpusError

log = logging.getLogger(__name__)

_STEP, _LOWEST = 0.14, -12.0  # nats
_F0_STEP_HZ = 0.02
_D_VECTOR_STEP = 1.0 / 254.0  # components of unit vectors seldom leave 0.5
_FORMAT = 1


@dataclass(frozen=True)
class ArchiveConfig:
    """What goes into an archive.

    Attributes:
        megabytes: largest size; where all is more, an even share of every cache is drawn.
        seed: of that draw.
    """

    megabytes: float = 60.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.megabytes <= 0.0:
            raise ConfigError(f"megabytes must be above 0, not {self.megabytes}")


def write_archive(
    caches: Sequence[Path], out: Path, config: ArchiveConfig = ArchiveConfig()
) -> float:
    """Write caches into one file; equal input gives equal bytes.

    Returns:
        Hours of speech in it.

    Raises:
        CorpusError: no cache has an aligned utterance, two have the same name, or not even a
            hundredth of them fits.
    """
    opened = [FeatureCache(folder) for folder in caches]
    names = [cache.folder.name for cache in opened]
    if len(set(names)) != len(names):
        raise CorpusError(f"two caches have the same name among {', '.join(names)}; rename one")
    share = 1.0
    while share > 0.01:
        chosen = [_draw(cache, share, config.seed) for cache in opened]
        if not any(chosen):
            raise CorpusError("no utterance has phones; run `corpus align` first")
        members = {
            f"{cache.folder.name}/{name}": data
            for cache, entries in zip(opened, chosen)
            for name, data in _members(cache, entries).items()
        }
        size = sum(map(len, members.values())) / 1e6
        if size <= config.megabytes:
            break
        share *= 0.97 * config.megabytes / size
    else:
        raise CorpusError(f"the caches don't fit into {config.megabytes} MB; give more")
    with atomic_file(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:
        for name, data in members.items():
            packed.writestr(zipfile.ZipInfo(name), data)
    frames = sum(entry.n_frames for entries in chosen for entry in entries)
    hours = frames / opened[0].features.frames_per_second / 3600.0
    log.info("%s: %.2f h, %.0f %% of the caches, %.1f MB", out, hours, 100 * share, size)
    return hours


def read_archive(file: Path, out: Path) -> list[Path]:
    """Unpack an archive into cache folders below `out`; returns them.

    Raises:
        CorpusError: the file isn't such an archive.
    """
    folders = []
    try:
        with zipfile.ZipFile(file) as packed:
            names = sorted({name.split("/")[0] for name in packed.namelist()})
            for name in names:
                parts = {
                    kind: zlib.decompress(packed.read(f"{name}/{kind}"), -15) for kind in _KINDS
                }
                folders.append(_restore(out / name, parts))
    except (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError) as error:
        raise CorpusError(
            f"{file} is no whole archive of caches ({error}); copy it again"
        ) from error
    return folders


def _draw(cache: FeatureCache, share: float, seed: int) -> list[CacheEntry]:
    aligned = [e for e in cache.entries if e.n_phones]
    count = round(share * len(aligned))
    places = np.random.default_rng(seed).permutation(len(aligned))[:count]
    return [aligned[place] for place in sorted(places.tolist())]


_KINDS = ("index.json", "mel.u8", "f0.u16", "phones.u8", "durations.u16", "voices.i8", "ltas.f16")


def _members(cache: FeatureCache, entries: Sequence[CacheEntry]) -> dict[str, bytes]:
    if not entries:
        return {}
    mel = np.concatenate([_steps(cache.mel(e)) for e in entries])
    f0 = np.concatenate([cache.f0_hz(e) for e in entries])
    voices = np.array([e.d_vector for e in entries])
    voices = voices / np.linalg.norm(voices, axis=1, keepdims=True).clip(1e-9)
    blocks: dict[str, npt.NDArray[Any]] = {
        "mel.u8": mel.T,  # a band at a time: values near each other are alike
        "f0.u16": np.rint(f0 / _F0_STEP_HZ).clip(0, 65535).astype(np.uint16),
        "phones.u8": np.concatenate([cache.phones(e) for e in entries]).astype(np.uint8),
        "durations.u16": np.concatenate([cache.durations(e) for e in entries]).astype(np.uint16),
        "voices.i8": np.rint(voices / _D_VECTOR_STEP).clip(-127, 127).astype(np.int8),
        "ltas.f16": np.array([e.ltas for e in entries], np.float16),
    }
    arrays = ("d_vector", "ltas", "first_frame", "first_phone")
    rows = [{k: v for k, v in asdict(e).items() if k not in arrays} for e in entries]
    index = {"format": _FORMAT, "features": asdict(cache.features), "entries": rows}
    found = {"index.json": _deflate(json.dumps(index).encode("utf-8"), zlib.Z_DEFAULT_STRATEGY)}
    for name, block in blocks.items():
        strategy = zlib.Z_HUFFMAN_ONLY if name == "mel.u8" else zlib.Z_DEFAULT_STRATEGY
        found[name] = _deflate(np.ascontiguousarray(block).tobytes(), strategy)
    return found


def _steps(mel: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Quantized mels [frames, n_mels] as differences (modulo 256) from the frame before."""
    steps = np.rint((mel - _LOWEST) / _STEP).clip(0, 255).astype(np.uint8)
    return np.diff(steps, axis=0, prepend=np.zeros_like(steps[:1]))


def _deflate(data: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
    return packer.compress(data) + packer.flush()


def _restore(folder: Path, parts: dict[str, bytes]) -> Path:
    index = json.loads(parts["index.json"])
    if index["format"] != _FORMAT:
        raise ValueError(f"format {index['format']}, this version reads {_FORMAT}")
    n_mels = int(index["features"]["n_mels"])
    rows = index["entries"]
    differences = np.frombuffer(parts["mel.u8"], np.uint8).reshape(n_mels, -1).T
    voices = np.frombuffer(parts["voices.i8"], np.int8).reshape(len(rows), -1) * _D_VECTOR_STEP
    ltas = np.frombuffer(parts["ltas.f16"], np.float16).reshape(len(rows), -1)
    mels, entries = [], []
    frame = phone = 0
    for row, voice, spectrum in zip(rows, voices, ltas.astype(np.float64)):
        cut = differences[frame : frame + row["n_frames"]]
        steps = np.cumsum(cut, axis=0, dtype=np.uint8)
        mels.append((steps * np.float32(_STEP) + np.float32(_LOWEST)).astype(np.float16))
        d_vector = (voice / max(float(np.linalg.norm(voice)), 1e-9)).round(5).tolist()
        told = {"d_vector": d_vector, "ltas": spectrum.round(4).tolist()}
        entry = CacheEntry(**row, **told, first_frame=frame, first_phone=phone)
        entries.append(asdict(entry))
        frame, phone = frame + entry.n_frames, phone + entry.n_phones
    f0 = np.frombuffer(parts["f0.u16"], np.uint16).astype(np.float32) * np.float32(_F0_STEP_HZ)
    arrays = {
        "mel.f16": np.concatenate(mels).tobytes(),
        "f0.f32": f0.tobytes(),
        "audio.i16": b"",
        "phones.u8": parts["phones.u8"],
        "durations.u16": parts["durations.u16"],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").unlink(missing_ok=True)
    for name in CACHE_FILES:
        with atomic_file(folder / name) as file:
            file.write(arrays[name])
    with atomic_file(folder / "index.json") as file:
        text = json.dumps({"features": index["features"], "entries": entries})
        file.write(text.encode("utf-8"))
    return folder
