"""Batches of whole utterances with the targets of the acoustic model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from voicelet.audio.features import FloatArray, frame_energy_db, mel_centres_hz
from voicelet.speaker.vector import SpeakerStatistics, build_speaker_vector
from voicelet.text.phones import MODEL_LANGUAGES
from voicelet_export.corpus.cache import COPY_MARK
from voicelet_export.errors import CorpusError
from voicelet_export.models.fastspeech2 import PITCH_SCALE
from voicelet_export.train.data import Item, continuous_log_f0

ENERGY_MEAN_DB = 15.0
ENERGY_STD_DB = 14.0
_NEIGHBOURS = 160


@dataclass(frozen=True)
class UtteranceBatch:
    """Padded utterances; B rows, N phones, T frames.

    `bands` [B, 1, n_mels] is one where the recording holds the band, `language` [B] a place in
    `phones.MODEL_LANGUAGES`.  `reference` [B, R, n_mels] holds other speech of the same person,
    normalized, in its first `n_reference` frames; both are `None` unless asked for.
    """

    phones: Tensor
    durations: Tensor
    pitch: Tensor
    energy: Tensor
    n_phones: Tensor
    n_frames: Tensor
    mel: Tensor
    log_f0: Tensor
    voicing: Tensor
    bands: Tensor
    speaker: Tensor
    log_f0_mean: Tensor
    d_vector: Tensor
    language: Tensor
    reference: Tensor | None = None
    n_reference: Tensor | None = None

    def to(self, device: torch.device) -> UtteranceBatch:
        """The same batch on a device."""
        moved = {k: None if v is None else v.to(device) for k, v in self.__dict__.items()}
        return UtteranceBatch(**moved)

    def rows(self, places: npt.NDArray[np.int64]) -> UtteranceBatch:
        """Some of the utterances, without what pads the longest of the others."""
        some: dict[str, Any] = {
            k: None if v is None else v[places] for k, v in self.__dict__.items()
        }
        n_phones, n_frames = self.n_phones[places], self.n_frames[places]
        phones, frames = int(n_phones.max()), int(n_frames.max())
        for name in ("phones", "durations", "pitch", "energy"):
            some[name] = some[name][:, :phones]
        for name in ("mel", "log_f0", "voicing"):
            some[name] = some[name][:, :frames]
        return UtteranceBatch(**some)


def token_means(
    values: FloatArray, weights: FloatArray, durations: npt.NDArray[np.int64]
) -> FloatArray:
    """Weighted mean of frame values over each token; tokens of no weight are interpolated."""
    edges = np.concatenate([[0], np.cumsum(durations)])
    total = np.concatenate([[0.0], np.cumsum(values * weights, dtype=np.float64)])
    mass = np.concatenate([[0.0], np.cumsum(weights, dtype=np.float64)])
    amount = mass[edges[1:]] - mass[edges[:-1]]
    good = amount > 0
    if not good.any():
        return np.zeros(len(durations), np.float32)
    means = (total[edges[1:]] - total[edges[:-1]])[good] / amount[good]
    centres = (edges[1:] + edges[:-1]) / 2.0
    return np.interp(centres, centres[good], means).astype(np.float32)


class UtteranceSampler:
    """Draws batches of about `max_frames` frames of similar length, and a speaker vector for each.

    The vector is the mean over a few utterances of the same speaker (rarely the utterance alone),
    with noise, so that the model learns voices and not recordings.

    Args:
        items: to draw from.
        mel_mean, mel_std: [n_mels].
        max_frames: of a batch, about.
        weights: cache folder name → how much more often its utterances are drawn.  Those of weight
            0 are never drawn and only serve as references.
        reference_frames: most frames of other speech of the same person in a batch's row; 0 for
            none.
    """

    def __init__(
        self,
        items: Sequence[Item],
        mel_mean: FloatArray,
        mel_std: FloatArray,
        max_frames: int,
        weights: dict[str, float] | None = None,
        reference_frames: int = 0,
    ) -> None:
        scale = weights or {}
        self.reference_frames = reference_frames
        self._others: dict[str, list[Item]] = defaultdict(list)
        for item in sorted(items, key=lambda i: (i.entry.id, i.cache.folder.name)):
            self._others[item.entry.speaker].append(item)
        drawn = [i for i in items if scale.get(i.cache.folder.name, 1.0) > 0.0]
        if items and not drawn:
            raise CorpusError("every cache has the weight 0; give one that may be drawn from")
        self.items = sorted(drawn, key=lambda i: (i.entry.n_frames, i.entry.id))
        self.mean, self.std, self.max_frames = mel_mean, mel_std, max_frames
        lengths = np.array([i.entry.n_frames for i in self.items], dtype=np.float64)
        boost = np.array([scale.get(i.cache.folder.name, 1.0) for i in self.items])
        self._weights = lengths * boost / (lengths * boost).sum()
        self._boost = boost
        self.by_speaker: dict[str, list[Item]] = defaultdict(list)
        for item in self.items:
            self.by_speaker[item.entry.speaker].append(item)
        self._people: list[str] = []

    def draw(self, rng: np.random.Generator) -> UtteranceBatch:
        """One training batch."""
        return self.collate(self.choose(rng), rng)

    def choose(self, rng: np.random.Generator) -> list[Item]:
        """The utterances of one training batch."""
        centre = int(rng.choice(len(self.items), p=self._weights))
        low = max(0, centre - _NEIGHBOURS)
        near = np.arange(low, min(len(self.items), centre + _NEIGHBOURS))
        count = int(max(2, min(len(near), self.max_frames // self.items[near[-1]].entry.n_frames)))
        p = self._boost[near] / self._boost[near].sum()
        chosen = rng.choice(near, size=count, replace=False, p=p)
        return [self.items[int(i)] for i in chosen]

    def speaker_vector(
        self, item: Item, rng: np.random.Generator | None
    ) -> tuple[FloatArray, float, FloatArray]:
        """(vector [328], mean log f0, clean d-vector [256]); no `rng`: all utterances, no noise."""
        pool = self.by_speaker[item.entry.speaker]
        entries = [i.entry for i in pool]
        if rng is not None:
            others = [e for e in entries if e.id != item.entry.id]
            count = min(len(others), int(rng.integers(1, 6)))
            picked = [others[int(i)] for i in rng.permutation(len(others))[:count]]
            entries = picked + ([item.entry] if not picked or rng.random() < 0.5 else [])
        d = np.mean([e.d_vector for e in entries], axis=0)
        f0_mean = float(np.mean([e.log_f0_mean for e in entries]))
        f0_std = float(np.mean([e.log_f0_std for e in entries]))
        ltas = np.mean([e.ltas for e in entries], axis=0)
        clean = (d / np.linalg.norm(d)).astype(np.float32)
        if rng is not None:
            d = clean + rng.normal(0.0, 0.012, d.shape)
            f0_mean += float(rng.normal(0.0, 0.02))
            ltas = ltas + rng.normal(0.0, 0.08, ltas.shape) + rng.normal(0.0, 0.05)
        stats = SpeakerStatistics(f0_mean, f0_std, ltas.astype(np.float32))
        return build_speaker_vector(d, stats, self.mean, self.std), f0_mean, clean

    def stranger(self, rng: np.random.Generator) -> tuple[FloatArray, float, FloatArray]:
        """A speaker between two people, or one of them: as :meth:`speaker_vector`."""
        if not self._people:
            self._people += sorted(self.by_speaker)
        share = float(rng.choice((0.0, rng.random())))
        entries, d_vectors = [], []
        for place in rng.integers(0, len(self._people), 2):
            pool = self.by_speaker[self._people[int(place)]]
            entry = pool[int(rng.integers(0, len(pool)))].entry
            entries.append(entry)
            d_vectors.append(np.mean([i.entry.d_vector for i in pool], axis=0))
        one, other = entries

        def mixed(a: npt.ArrayLike, b: npt.ArrayLike) -> FloatArray:
            return ((1.0 - share) * np.asarray(a) + share * np.asarray(b)).astype(np.float32)

        d = mixed(*(v / np.linalg.norm(v) for v in d_vectors))
        clean = d / np.linalg.norm(d)
        f0_mean = float(mixed(one.log_f0_mean, other.log_f0_mean))
        f0_std = float(mixed(one.log_f0_std, other.log_f0_std))
        stats = SpeakerStatistics(f0_mean, f0_std, mixed(one.ltas, other.ltas))
        return build_speaker_vector(clean, stats, self.mean, self.std), f0_mean, clean

    def reference(self, item: Item, rng: np.random.Generator | None) -> FloatArray:
        """Stretches of up to three other utterances of the same person, normalized [R, n_mels].

        Without an `rng` they are the first ones.  Other pieces of the same recording serve where
        there is no other recording, and where there is nothing else, there are no frames: a model
        must not learn that a voice is what stands in one clip.
        """
        others = [i for i in self._others[item.entry.speaker] if i.entry.id != item.entry.id]
        recording = item.entry.id.split(COPY_MARK)[0]
        elsewhere = [i for i in others if i.entry.id.split(COPY_MARK)[0] != recording]
        others = elsewhere or [i for i in others if i.entry.id != recording]
        frames = self.reference_frames
        if rng is not None and others:
            frames = int(rng.integers(frames // 3, frames + 1))
            others = [others[int(i)] for i in rng.permutation(len(others))[:3]]
        parts = [np.zeros((0, len(self.mean)), np.float32)]
        for other in others[:3]:
            count = min(frames // min(3, len(others)), other.entry.n_frames)
            spare = other.entry.n_frames - count
            first = spare // 2 if rng is None else int(rng.integers(0, spare + 1))
            mel = other.cache.mel(other.entry)[first : first + count]
            parts.append(((mel - self.mean) / self.std).astype(np.float32))
        return np.concatenate(parts)

    def collate(self, items: Sequence[Item], rng: np.random.Generator | None) -> UtteranceBatch:
        """Pad utterances into a batch."""
        rows: dict[str, list[npt.NDArray[np.float32] | npt.NDArray[np.int64]]] = defaultdict(list)
        means, n_mels = [], len(self.mean)
        for item in items:
            entry, cache = item.entry, item.cache
            mel = cache.mel(entry)
            durations = cache.durations(entry)
            log_f0, voicing = continuous_log_f0(cache.f0_hz(entry), entry.log_f0_mean)
            vector, f0_mean, d_vector = self.speaker_vector(item, rng)
            energy = (frame_energy_db(mel) - ENERGY_MEAN_DB) / ENERGY_STD_DB
            rows["phones"].append(cache.phones(entry))
            rows["durations"].append(durations)
            relative = ((log_f0 - f0_mean) / PITCH_SCALE).astype(np.float32)
            rows["pitch"].append(token_means(relative, voicing, durations))
            rows["energy"].append(token_means(energy, np.ones_like(energy), durations))
            rows["mel"].append(((mel - self.mean) / self.std).astype(np.float32))
            rows["log_f0"].append(log_f0)
            rows["voicing"].append(voicing)
            bands = mel_centres_hz(cache.features) < 0.95 * entry.bandwidth_hz
            rows["bands"].append(bands.astype(np.float32).reshape(1, n_mels))
            rows["speaker"].append(vector)
            rows["d_vector"].append(d_vector)
            means.append([f0_mean])
            if self.reference_frames:
                rows["reference"].append(self.reference(item, rng))
        counts = [len(mel) for mel in rows["reference"]] if self.reference_frames else None
        stacked = {k: _pad(v, 2 if k == "reference" else 1) for k, v in rows.items()}
        n_phones = torch.tensor([len(p) for p in rows["phones"]])
        n_frames = torch.tensor([len(m) for m in rows["mel"]])
        return UtteranceBatch(
            **stacked,
            n_phones=n_phones,
            n_frames=n_frames,
            log_f0_mean=torch.tensor(means),
            language=torch.tensor([MODEL_LANGUAGES.index(i.entry.language) for i in items]),
            n_reference=None if counts is None else torch.tensor(counts),
        )


def _pad(arrays: list[npt.NDArray[np.float32] | npt.NDArray[np.int64]], least: int = 1) -> Tensor:
    longest = max(least, *(len(a) for a in arrays))
    out = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype=arrays[0].dtype)
    for row, array in zip(out, arrays):
        row[: len(array)] = array
    return torch.from_numpy(out)
