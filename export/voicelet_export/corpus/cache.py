"""Features of a corpus, computed once and memory-mapped by the trainers.

A cache folder holds flat arrays (`mel.f16`, `f0.f32`, `audio.i16`, …) and `index.json` with one
entry an utterance.  Everything is measured by the code that the device runs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voicelet.audio.f0 import estimate_f0
from voicelet.audio.features import FeatureConfig, FloatArray, log_mel
from voicelet.audio.level import normalize_level
from voicelet.audio.voicing import voiced_f0
from voicelet.engine import get_engine
from voicelet.speaker.encoder import mean_d_vector
from voicelet.speaker.ge2e_mel import ge2e_mel, ge2e_windows
from voicelet.speaker.vector import speaker_statistics
from voicelet.text.phones import MODEL_LANGUAGES, MULTILINGUAL_SYMBOLS, PhoneInventory
from voicelet_export.corpus.reader import Utterance, iterate_corpus, resample

CACHE_FILES = {
    "mel.f16": np.float16,
    "f0.f32": np.float32,
    "audio.i16": np.int16,
    "phones.u8": np.uint8,
    "durations.u16": np.uint16,
}

COPY_MARK = "~"
"""Stands between a speaker's (or an utterance's) name and the number of an augmented copy."""


@dataclass(frozen=True)
class CacheEntry:
    """Where an utterance lies in the cache.

    `n_phones` is 0 for speech without an alignment (usable by the vocoder only).
    `bandwidth_hz` is the highest frequency that the recording can hold.
    `language` is one of `voicelet.text.phones.MODEL_LANGUAGES`.
    """

    id: str
    speaker: str
    first_frame: int
    n_frames: int
    first_phone: int
    n_phones: int
    bandwidth_hz: float
    d_vector: list[float]
    log_f0_mean: float
    log_f0_std: float
    ltas: list[float]
    language: str = MODEL_LANGUAGES[0]


class FeatureCache:
    """A read-only view of a cache folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.features = FeatureConfig(**index["features"])
        self.entries = [CacheEntry(**e) for e in index["entries"]]
        maps: dict[str, npt.NDArray[Any]] = {
            name: np.memmap(folder / name, dtype=kind, mode="r")
            if (folder / name).stat().st_size
            else np.zeros(0, dtype=kind)  # a cache without alignments; nothing can be mapped
            for name, kind in CACHE_FILES.items()
        }
        self._mel = maps["mel.f16"].reshape(-1, self.features.n_mels)
        self._f0, self._audio = maps["f0.f32"], maps["audio.i16"]
        self._phones, self._durations = maps["phones.u8"], maps["durations.u16"]

    @property
    def stored_frames(self) -> int:
        """Frames in the arrays, those that no entry names included."""
        return len(self._f0)

    @property
    def stored_phones(self) -> int:
        """Phones in the arrays."""
        return len(self._phones)

    def mel(self, entry: CacheEntry) -> FloatArray:
        """Log mel [frames, n_mels], not normalized."""
        first = entry.first_frame
        return np.asarray(self._mel[first : first + entry.n_frames], dtype=np.float32)

    def f0_hz(self, entry: CacheEntry) -> FloatArray:
        """f0 [frames] in Hz, 0 where unvoiced."""
        first = entry.first_frame
        return np.asarray(self._f0[first : first + entry.n_frames])

    def audio(self, entry: CacheEntry, first: int = 0, n_frames: int | None = None) -> FloatArray:
        """Waveform of `n_frames` frames from frame `first`, float32 in [-1, 1]."""
        hop = self.features.hop_length
        start = (entry.first_frame + first) * hop
        count = (entry.n_frames - first if n_frames is None else n_frames) * hop
        return np.asarray(self._audio[start : start + count], dtype=np.float32) / 32768.0

    def phones(self, entry: CacheEntry) -> npt.NDArray[np.int64]:
        """Phone indices [n_phones], pads included."""
        first = entry.first_phone
        return np.asarray(self._phones[first : first + entry.n_phones], dtype=np.int64)

    def durations(self, entry: CacheEntry) -> npt.NDArray[np.int64]:
        """Frames of each phone [n_phones]; they sum to `n_frames`, or to 0 where unknown."""
        first = entry.first_phone
        return np.asarray(self._durations[first : first + entry.n_phones], dtype=np.int64)


class CacheWriter:
    """Appends utterances to a cache folder; `close` writes the index."""

    def __init__(self, folder: Path, features: FeatureConfig = FeatureConfig()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.features = folder, features
        self.entries: list[CacheEntry] = []
        # Held open for the length of a build; `close` closes them.
        self._files = {name: open(folder / name, "wb") for name in CACHE_FILES}  # noqa: SIM115
        self._frames = self._phones = 0

    def add(
        self,
        utterance: Utterance,
        d_vector: FloatArray,
        phones: npt.NDArray[np.int64] | None = None,
        durations_frames: npt.NDArray[np.int64] | None = None,
        f0_hz: FloatArray | None = None,
        bandwidth_hz: float | None = None,
    ) -> None:
        """Measure one utterance and append it.

        Args:
            utterance: audio at any rate; frames past the last whole hop are dropped.
            d_vector: its d-vector [256].
            phones, durations_frames: alignment, when known.  Phones without durations are kept with
                zeros, for models that learn to align.
            f0_hz: a better f0 than `voiced_f0` tells, when known; that still says what is voiced.
            bandwidth_hz: what the audio held before it was resampled; half its rate by default.
        """
        config = self.features
        wave = resample(utterance.samples, utterance.sample_rate_hz, config.sample_rate_hz)
        n_frames = len(wave) // config.hop_length
        if durations_frames is not None:
            n_frames = min(n_frames, int(durations_frames.sum()))
            short = int(durations_frames.sum()) - n_frames
            durations_frames = durations_frames.copy()
            durations_frames[-1] -= short
            if durations_frames[-1] < 0:
                raise ValueError(f"{utterance.id}: durations are longer than the audio")
        wave = normalize_level(wave[: n_frames * config.hop_length], config.sample_rate_hz)
        mel = log_mel(wave, config)
        own_f0 = estimate_f0(wave, config.sample_rate_hz, config.hop_length)
        f0 = voiced_f0(wave, config.sample_rate_hz, config.hop_length, own_f0)
        if f0_hz is not None:
            given = np.zeros(n_frames, dtype=np.float32)
            given[: min(n_frames, len(f0_hz))] = f0_hz[:n_frames]
            f0 = np.where((f0 > 0) & (given > 60.0), given, 0.0).astype(np.float32)
        self.append(
            id=utterance.id,
            speaker=utterance.speaker,
            samples=wave,
            f0_hz=f0,
            d_vector=d_vector,
            phones=phones,
            durations_frames=durations_frames,
            bandwidth_hz=bandwidth_hz or utterance.sample_rate_hz / 2.0,
            mel=mel,
            own_f0_hz=own_f0,
            language=str(utterance.row.get("language", MODEL_LANGUAGES[0])),
        )

    def append(
        self,
        *,
        id: str,
        speaker: str,
        samples: FloatArray,
        f0_hz: FloatArray,
        d_vector: FloatArray,
        phones: npt.NDArray[np.int64] | None,
        durations_frames: npt.NDArray[np.int64] | None,
        bandwidth_hz: float,
        mel: FloatArray | None = None,
        own_f0_hz: FloatArray | None = None,
        change_mel: Callable[[FloatArray], FloatArray] | None = None,
        language: str = MODEL_LANGUAGES[0],
    ) -> None:
        """Append an utterance that is as it is to be: at the features' rate, and its own level.

        Args:
            samples: [frames * hop].
            f0_hz: [frames], 0 where unvoiced.
            mel: of `samples`, if it is known.
            own_f0_hz: f0 for the speaker's statistics; `f0_hz` by default.
            change_mel: applied to the mel that is stored, not to the one that is measured.
        """
        config = self.features
        measured = log_mel(samples, config) if mel is None else mel
        stats = speaker_statistics(measured, f0_hz if own_f0_hz is None else own_f0_hz, config)
        n_frames = len(samples) // config.hop_length
        n_phones = 0 if phones is None else len(phones)
        blocks: dict[str, npt.NDArray[Any]] = {
            "mel.f16": measured if change_mel is None else change_mel(measured),
            "f0.f32": f0_hz,
            "audio.i16": np.clip(np.round(samples * 32767.0), -32768, 32767),
        }
        if phones is not None:
            unknown = np.zeros(n_phones, np.int64)
            known = unknown if durations_frames is None else durations_frames
            blocks |= {"phones.u8": phones, "durations.u16": known}
        for name, block in blocks.items():
            self._files[name].write(np.ascontiguousarray(block, dtype=CACHE_FILES[name]).tobytes())
        self.entries.append(
            CacheEntry(
                id=id,
                speaker=speaker,
                first_frame=self._frames,
                n_frames=n_frames,
                first_phone=self._phones,
                n_phones=n_phones,
                bandwidth_hz=bandwidth_hz,
                d_vector=[round(float(v), 5) for v in d_vector],
                log_f0_mean=stats.log_f0_mean,
                log_f0_std=stats.log_f0_std,
                ltas=[round(float(v), 4) for v in stats.ltas],
                language=language,
            )
        )
        self._frames += n_frames
        self._phones += n_phones

    def close(self) -> None:
        """Flush the arrays and write the index last, so that a cut-off build is never opened."""
        for handle in self._files.values():
            handle.close()
        index = {"features": asdict(self.features), "entries": [asdict(e) for e in self.entries]}
        part = self.folder / "index.json.part"
        part.write_text(json.dumps(index), encoding="utf-8")
        os.replace(part, self.folder / "index.json")


class DVectorExtractor:
    """d-vectors of whole utterances through the exported speaker encoder."""

    def __init__(self, graph: Path) -> None:
        self._graph = get_engine("onnx").open(graph)

    def __call__(self, samples: FloatArray, sample_rate_hz: int) -> FloatArray:
        """Embed speech at any rate; returns the unit mean over windows, [256]."""
        wave = resample(samples, sample_rate_hz, 16000)
        mel = ge2e_mel(_without_silence(wave))
        return mean_d_vector(self._graph.run({"mel": ge2e_windows(mel)})["embedding"])


def _without_silence(wave: FloatArray, hop: int = 480) -> FloatArray:
    """Drop 30 ms frames more than 35 dB below the loud ones; a pause says nothing of a voice."""
    frames = wave[: len(wave) // hop * hop].reshape(-1, hop)
    if len(frames) < 4:
        return wave
    energy = 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1e-10)
    keep = energy > np.percentile(energy, 95) - 35.0
    keep = np.convolve(keep, np.ones(7), "same") > 0  # 90 ms either side stay
    return np.ascontiguousarray(frames[keep].reshape(-1))


def build_aligned_cache(corpus: Path, folder: Path, encoder: Path, unit_samples: int = 600) -> int:
    """Cache a corpus whose rows carry `phonemes`, `frames` and `f0`; returns the utterance count.

    Args:
        unit_samples: samples at 24 kHz in one unit of the rows' `frames`.
    """
    config = FeatureConfig()
    inventory = PhoneInventory(MULTILINGUAL_SYMBOLS)
    extract = DVectorExtractor(encoder)
    writer = CacheWriter(folder, config)
    for utterance in iterate_corpus(corpus):
        durations = np.asarray(utterance.row["frames"], np.int64) * (
            unit_samples // config.hop_length
        )
        writer.add(
            utterance,
            extract(utterance.samples, utterance.sample_rate_hz),
            inventory.encode(utterance.row["phonemes"]),
            durations,
            np.asarray(utterance.row["f0"], np.float32),
        )
    writer.close()
    return len(writer.entries)
