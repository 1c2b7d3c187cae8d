"""Batches drawn from feature caches; every draw depends on (seed, step) alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from voicelet.audio.features import FloatArray
from voicelet_export.corpus.cache import COPY_MARK, CacheEntry, FeatureCache
from voicelet_export.errors import CorpusError


@dataclass(frozen=True)
class Item:
    """An entry and the cache it lies in."""

    cache: FeatureCache
    entry: CacheEntry


def load_items(
    caches: Sequence[FeatureCache], held_out: set[str], aligned: bool
) -> tuple[list[Item], list[Item]]:
    """Split entries by speaker.

    Args:
        held_out: speakers and ids of utterances never trained on, nor augmented copies of them;
            they make the validation split, copies apart.
        aligned: keep only entries whose phones are known.

    Returns:
        (training items, validation items).
    """
    train: list[Item] = []
    valid: list[Item] = []
    for cache in caches:
        for entry in cache.entries:
            if aligned and entry.n_phones == 0:
                continue
            names = {entry.id, entry.speaker}
            if names & held_out:
                valid.append(Item(cache, entry))
            elif not {name.split(COPY_MARK)[0] for name in names} & held_out:
                train.append(Item(cache, entry))
    return train, valid


def by_speaker(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Utterances of everybody who has two or more."""
    people: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        people[item.entry.speaker].append(item)
    return {name: found for name, found in people.items() if len(found) > 1}


def read_held_out(path: Path) -> set[str]:
    """Every speaker named in a held-out file: a JSON list, or an object of lists."""
    data = json.loads(path.read_text(encoding="utf-8"))
    names: set[str] = set()

    def walk(value: object) -> None:
        if isinstance(value, str):
            names.add(value)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, dict):
            for key, inner in value.items():
                names.add(str(key))
                walk(inner)

    walk(data)
    return names


def mel_statistics(items: Sequence[Item], limit: int = 600) -> tuple[FloatArray, FloatArray]:
    """Per-band mean and standard deviation of the log mel, both float32 [n_mels]."""
    step = max(1, len(items) // limit)
    mels = np.concatenate([i.cache.mel(i.entry) for i in items[::step]]).astype(np.float64)
    return mels.mean(axis=0).astype(np.float32), mels.std(axis=0).astype(np.float32)


def continuous_log_f0(f0_hz: FloatArray, fallback: float = 5.0) -> tuple[FloatArray, FloatArray]:
    """Interpolate log f0 over unvoiced frames; returns (log_f0 [T], voicing [T] of 0 and 1)."""
    voiced = np.flatnonzero(f0_hz > 0.0)
    voicing = (f0_hz > 0.0).astype(np.float32)
    if len(voiced) == 0:
        return np.full(len(f0_hz), fallback, np.float32), voicing
    log_f0 = np.interp(np.arange(len(f0_hz)), voiced, np.log(f0_hz[voiced]))
    return log_f0.astype(np.float32), voicing


@dataclass(frozen=True)
class SegmentBatch:
    """Random stretches of speech for the vocoder."""

    mel: Tensor
    log_f0: Tensor
    voicing: Tensor
    audio: Tensor


class SegmentSampler:
    """Draws stretches of `frames` frames, in proportion to the length of each utterance."""

    def __init__(
        self, items: Sequence[Item], mel_mean: FloatArray, mel_std: FloatArray, frames: int
    ) -> None:
        self.items = [i for i in items if i.entry.n_frames >= frames + 2]
        if not self.items:
            raise CorpusError(f"no utterance is {frames + 2} frames long; use shorter stretches")
        self.mean, self.std, self.frames = mel_mean, mel_std, frames
        self._ends = np.cumsum([i.entry.n_frames - frames for i in self.items])

    def draw(self, rng: np.random.Generator, count: int) -> SegmentBatch:
        """A batch of `count` stretches."""
        return self.collate(self.choose(rng, count))

    def choose(self, rng: np.random.Generator, count: int) -> list[tuple[Item, int]]:
        """The utterances and first frames of `count` stretches."""
        chosen = []
        for place in rng.integers(0, self._ends[-1], size=count):
            index = int(np.searchsorted(self._ends, place, side="right"))
            item = self.items[index]
            chosen.append((item, int(place - (self._ends[index - 1] if index else 0))))
        return chosen

    def collate(self, places: Sequence[tuple[Item, int]]) -> SegmentBatch:
        """The batch of chosen stretches."""
        mels, f0s, voicings, audios = [], [], [], []
        for item, first in places:
            log_f0, voicing = continuous_log_f0(item.cache.f0_hz(item.entry))
            cut = slice(first, first + self.frames)
            mels.append((item.cache.mel(item.entry)[cut] - self.mean) / self.std)
            f0s.append(log_f0[cut])
            voicings.append(voicing[cut])
            audios.append(item.cache.audio(item.entry, first, self.frames))
        stack = lambda arrays: torch.from_numpy(np.stack(arrays).astype(np.float32))  # noqa: E731
        return SegmentBatch(stack(mels), stack(f0s), stack(voicings), stack(audios))
